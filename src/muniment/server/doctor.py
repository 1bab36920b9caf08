"""The doctor: what is wrong with a registry, and how to repair it."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from muniment.answers.clock import list_jumps
from muniment.capture.clock import now
from muniment.core.clock import Jump, Timeline, is_jump
from muniment.core.counting import count
from muniment.core.errors import MunimentError
from muniment.core.events import RegistryRestored
from muniment.core.times import write_time
from muniment.server.founding import load_keys
from muniment.server.parts import Parts
from muniment.services.clock import find_ahead, find_newest, read_clock
from muniment.services.log.restores import list_restores
from muniment.services.upkeep.rebuild import compare, find_false
from muniment.services.upkeep.required import find_lost

_ROOM_BYTES: Final = 1 << 30
_SKEW: Final = timedelta(minutes=5)
_STALE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """The result of a check: what was checked, the fault (empty if there is none) and the remedy."""

    what: str
    fault: str = ""
    remedy: str = ""


def examine(parts: Parts) -> list[Ailment]:
    """Check everything that is quick to check; `scrub` checks the bytes."""
    checks: list[tuple[str, Callable[[Parts], Iterator[tuple[str, str]]]]] = [
        ("the log matches its tree, and every row follows from the log", _check_log),
        ("the keys belong to this registry, and nobody else can read them", _check_keys),
        ("all blobs that the log names or a namespace holds are stored", _check_blobs),
        ("no entry is ahead of the clock", _check_clock),
        ("the clock has not jumped, or an admin confirmed the time since", _check_jumps),
        ("there is space to write", _check_room),
        ("no unfinished uploads are left over", _check_leftovers),
        ("no job keeps failing", _check_jobs),
    ]
    found = [ailment for what, check in checks for ailment in _run(what, check, parts)]
    return [*found, *(Ailment(what=text) for text in _describe_restores(parts))]


def _run(what: str, check: Callable[[Parts], Iterator[tuple[str, str]]], parts: Parts) -> list[Ailment]:
    try:
        ailments = [Ailment(what=what, fault=fault, remedy=remedy) for fault, remedy in check(parts)]
    except MunimentError as error:
        return [Ailment(what=what, fault=f"{error.code}: {error.sentence}", remedy=error.hint)]
    return ailments or [Ailment(what=what)]


def _check_log(parts: Parts) -> Iterator[tuple[str, str]]:
    for difference in parts.units.read(compare):
        yield str(difference), "muniment admin rebuild"
    fault = parts.units.read(find_false)
    if fault is not None:
        yield fault.sentence, fault.hint


def _describe_restores(parts: Parts) -> Iterator[str]:
    """Say which entries are lost. That is no fault, since it was declared."""
    for entry in parts.units.read(list_restores):
        if isinstance(entry.event, RegistryRestored):
            lost = f"the entries from {entry.event.lost_after} on were lost"
            yield f"the registry was restored (entry {entry.index}, {entry.time}): {lost}"


def _check_keys(parts: Parts) -> Iterator[tuple[str, str]]:
    load_keys(parts.keys, parts.units)
    for path in [parts.keys, *parts.keys.glob("*.pem")]:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield f"{path} can be read by others", f"chmod go-rwx '{path}'"


def _check_blobs(parts: Parts) -> Iterator[tuple[str, str]]:
    for digest in find_lost(parts.units, lambda digest: parts.blobs.find(digest) is not None):
        yield f"{digest} is missing", "muniment admin scrub --heal-from BACKUP"


def _check_clock(parts: Parts) -> Iterator[tuple[str, str]]:
    ahead = parts.units.read(lambda unit: find_ahead(unit.log, write_time(now() + _SKEW)))
    for span in ahead:
        dated = (
            f"entries {span.first} to {span.last} are" if span.last > span.first else f"entry {span.first} is"
        )
        remedy = "set the clock of this machine, if that is wrong; else nothing: later entries carry its time"
        yield f"{dated} dated ahead of the clock, up to {span.latest}", remedy


def _check_jumps(parts: Parts) -> Iterator[tuple[str, str]]:
    newest = parts.units.read(lambda unit: find_newest(unit.log))
    jumps = parts.units.read(lambda unit: list_jumps(unit, independent=False))
    if newest is None:
        return
    present = read_clock(newest, write_time(now()))
    if is_jump(newest.clock, present):
        jumps = (*jumps, Jump(entry=newest.size, before=newest.clock, after=present))
    timeline = Timeline(jumps, lambda _: True)
    if not timeline.is_credible(present):
        yield timeline.explain(present), "muniment admin confirm-time DATE --reason TEXT"


def _check_room(parts: Parts) -> Iterator[tuple[str, str]]:
    place = next((path for path in (Path(parts.place), parts.keys) if path.exists()), Path.cwd())
    free = shutil.disk_usage(place).free
    if free < _ROOM_BYTES:
        yield f"{free >> 20} MiB are left at {place}", "free some space; muniment admin gc"
    if not os.access(place, os.W_OK):
        yield f"{place} cannot be written", "give it to the user who runs the registry"


def _check_leftovers(parts: Parts) -> Iterator[tuple[str, str]]:
    before = write_time(now() - _STALE)
    idle = parts.units.read(lambda unit: unit.uploads.list_idle(before, 1))
    held = parts.units.read(lambda unit: unit.holdings.find_idle(before, 1))
    if idle or held:
        yield "some uploads have been idle for a week", "muniment admin gc"


def _check_jobs(parts: Parts) -> Iterator[tuple[str, str]]:
    for job in parts.units.read(lambda unit: unit.jobs.list()):
        if job.attempts:
            yield f"{job.id} has failed {count(job.attempts, 'time')}: {job.fault}", "see the server's log"
