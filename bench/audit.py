"""Measure an audit of a log of a million entries: its hashes and index alone, and the whole replay.

The log is in memory. Its events are plain: versions, tags, comments, moves of unguarded aliases, statuses.
MUNIMENT_BENCH_ENTRIES sets the number of entries.
"""

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from measure import Row
from muniment.client.audit.auditing import audit
from muniment.client.audit.hashing import LogHasher, read_leaves
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.core import canonical, events, forms
from muniment.core.bytes.revisions import File, Revision
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.events import Event
from muniment.core.names import Alias, Kind, ModelName
from muniment.ports.unit import Unit
from muniment.signing.keys import Identity
from muniment.testing import MemoryBlobs, open_over
from muniment.testing.memory import MemoryUnit

_ENTRIES = int(os.environ.get("MUNIMENT_BENCH_ENTRIES", "1000000"))
_MODELS = 1_000
_BATCH = 10_000
_STAGING = Alias("staging")

T = TypeVar("T")
V = TypeVar("V")


class PlainUnits:
    """Units over one state in memory, which a failed write would spoil."""

    def __init__(self) -> None:
        """Start empty."""
        self.blobs = MemoryBlobs()
        self._state = MemoryUnit(self.blobs)

    def write(self, work: Callable[[Unit], T]) -> T:
        """Do the work."""
        return work(self._state)

    def write_all(
        self, works: Sequence[Callable[[Unit], T]], last: Callable[[Unit, Sequence[T]], V]
    ) -> tuple[list[T | BaseException], V | None]:
        """Do works in turn."""
        results = [work(self._state) for work in works]
        return [*results], last(self._state, results)

    def read(self, work: Callable[[Unit], T]) -> T:
        """Do the work."""
        return work(self._state)

    def close(self) -> None:
        """Do nothing."""


def run(directory: Path) -> list[Row]:
    """Fill a log, and verify it."""
    # As the command does; to look for cycles among so many objects would slow down the filling, too.
    gc.disable()
    units = PlainUnits()
    backend = open_over(units, units.blobs)(Identity.generate())
    # As in a directory: who may read it reads every blob.
    backend._caller = replace(backend._caller, direct=True)  # noqa: SLF001 - a backend of ours
    for first in range(0, _ENTRIES, _BATCH):
        units.blobs.add_documents([_make_revision(number).manifest() for number in _list_published(first)])
        units.write(lambda unit, first=first: _fill(backend.begin(unit).record, first))  # type: ignore[misc] # bound
    trusted = TrustedBackend(backend, DirectoryMemory(directory, "bench"), "bench")
    hashed_s, keys = _hash(trusted)
    started = time.perf_counter()
    result = audit(trusted)
    whole_s = time.perf_counter() - started
    gc.enable()
    assert result.fault is None, result.fault
    log = f"a log of {result.size:,} entries, with {keys:,} keys in its index"
    return [
        Row(f"audit: hashes and index of {log}", f"{hashed_s:.0f} s", "<= 30 s", hashed_s <= 30),
        Row(f"audit: whole replay of {log}", f"{whole_s:.0f} s", "<= 120 s", whole_s <= 120),
    ]


def _hash(trusted: TrustedBackend) -> tuple[float, int]:
    """Hash a log and make its index anew; return the seconds, and the number of keys."""
    started = time.perf_counter()
    hasher, head = LogHasher(), trusted.meet()
    for page in read_leaves(trusted, head):
        for leaf in page:
            document = canonical.decode(leaf)
            hasher.add(leaf, cast("list[str]", document["about"]))
            if document["type"] == events.IndexSealed.type:
                hasher.add_seal(hasher.size - 1, forms.read(events.IndexSealed, document["data"]))
    hasher.check_root(trusted, head)
    hasher.check_index(head, "bench")
    return time.perf_counter() - started, hasher.keys


def _list_published(first: int) -> range:
    """List the numbers of the events of a batch that publish a version."""
    return range(first, first + _BATCH, 5)


def _make_revision(number: int) -> Revision:
    """Make the revision of a version: an audit reads the manifest of each."""
    return Revision.of([File(path="w.bin", digest=Digest.of(str(number).encode()), size_bytes=1)])


def _fill(record: Callable[[Event], int], first: int) -> None:
    for number in range(first, first + _BATCH):
        record(_make_event(number))


def _make_event(number: int) -> Event:
    """Make the events of a version in turn: published, tagged, commented on, moved to, deprecated."""
    nth, step = divmod(number, 5)
    version, model = divmod(nth, _MODELS)
    name, version = ModelName("bench", f"model-{model}"), version + 1
    text = Digest.of(str(number).encode())
    if step == 0:
        return events.VersionPublished(
            name=name,
            number=version,
            kind=Kind.MODEL,
            revision=Digest.of(_make_revision(number).manifest()),
            size_bytes=1,
            attestations=(),
            message=text,
            starter=None,
        )
    if step == 1:
        return events.TagSet(name=name, number=version, tag="stage", value=text)
    if step == 2:
        return events.CommentPosted(name=name, number=version, about=None, text=text, mentions=())
    if step == 3:
        return events.AliasMoved(
            name=name,
            alias=_STAGING,
            number=version,
            previous=version - 1 or None,
            reason=text,
            verdicts=(),
            emergency=False,
            due=None,
        )
    return events.StatusSet(name=name, number=version, status=Status.DEPRECATED, reason=text)
