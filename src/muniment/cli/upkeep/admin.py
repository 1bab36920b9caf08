"""`muniment admin`."""

import os
import sys
from contextlib import AbstractContextManager, closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from muniment.capture.clock import now
from muniment.cli.completing import NAMESPACE
from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import DAYS, NO, Amount, FilePath, Terminal, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.cli.writing import check_writable
from muniment.client.connection.locations import is_remote
from muniment.client.connection.settings import Settings
from muniment.core.claims.scans import NOTHING
from muniment.core.counting import count
from muniment.core.errors import InvalidOption, ReasonNeeded
from muniment.core.events import TimeConfirmed
from muniment.core.extras import load_extra
from muniment.scanning.process import ScanProcess
from muniment.server.doctor import examine
from muniment.server.founding import load_keys, new_id
from muniment.server.moving import Moved, copy_registry
from muniment.server.parts import Parts, open_parts
from muniment.server.restoring import declare_restore
from muniment.services.log.restores import check_lost_after
from muniment.services.upkeep.garbage import collect_garbage
from muniment.services.upkeep.rebuild import compare, find_false
from muniment.services.upkeep.rebuild import rebuild as rebuild_all
from muniment.services.upkeep.scans import Scans
from muniment.services.upkeep.scrub import scrub
from muniment.stores.blobs.local import LocalBlobs

_DIRECTORY = FilePath(exists=True, file_okay=False)
# A shorter time would race with publishers who have stored bytes but not published them yet.
_LEAST_GRACE_H = 1.0


@click.group()
def admin() -> None:
    """Maintain and repair a registry."""


@admin.command()
@click.option(
    "--check", is_flag=True, help="Compare only and change nothing. Exit 0 if all rows agree, 1 if not."
)
@json_option
@click.pass_obj
def rebuild(terminal: Terminal, *, check: bool) -> None:
    """Rebuild all tables from the log.

    With --check, change nothing and print each row that differs from what the log says, and the first entry
    that cannot be true after those before it.
    """
    if not check:
        with _open(terminal) as parts:
            entries = parts.units.write(rebuild_all)
        line = f"rebuilt from {count(entries, 'entry')} of the log"
        terminal.answer({"entries": entries}, [line])
        return
    with _open(terminal, reads=True) as parts:
        differences, fault = parts.units.read(lambda unit: (compare(unit), find_false(unit)))
    found = [
        {"table": d.table, "key": list(d.key), "columns": list(d.columns), "message": str(d)}
        for d in differences
    ]
    if fault is not None:
        found.append({"table": "log", "key": [fault.index], "columns": [], "message": fault.sentence})
    lines = [str(one["message"]) for one in found]
    terminal.answer(found, lines or ["every row agrees with the log"])
    if found:
        sys.exit(NO)


@admin.command()
@click.option(
    "--grace",
    type=Amount(_LEAST_GRACE_H, 24 * DAYS),
    default=48,
    show_default=True,
    help="The least age to remove, in hours.",
)
@click.option("--dry-run", is_flag=True, help="Count and remove nothing.")
@json_option
@click.pass_obj
def gc(terminal: Terminal, *, grace: float, dry_run: bool) -> None:
    """Remove abandoned uploads and unreferenced blobs."""
    before = now() - timedelta(hours=grace)
    with _open(terminal) as parts:
        garbage = collect_garbage(
            parts.units, parts.blobs, parts.staging, parts.landing, before, remove=not dry_run
        )
    verb = "would remove" if dry_run else "removed"
    line = (
        f"{verb} {count(garbage.blobs, 'blob')} ({count(garbage.size_bytes, 'byte')}), "
        f"{count(garbage.uploads, 'upload')}, {count(garbage.leftovers, 'leftover')}"
    )
    terminal.answer(asdict(garbage), [line])


@admin.command("scrub")
@click.option("--heal-from", type=_DIRECTORY, help="A backup to restore damaged blobs from.")
@json_option
@click.pass_obj
def scrub_(terminal: Terminal, *, heal_from: Path | None) -> None:
    """Hash every blob and set damaged ones aside.

    Exit 0 if all are intact, 1 if one is not.
    """
    other = None if heal_from is None else LocalBlobs(heal_from)
    with _open(terminal) as parts:
        report = scrub(parts.units, parts.blobs, other)
    rot = [{**asdict(one), "digest": str(one.digest)} for one in report.rot]
    hashed = f"{count(report.blobs, 'blob')} ({count(report.size_bytes, 'byte')})"
    terminal.answer(
        {"blobs": report.blobs, "size_bytes": report.size_bytes, "rot": rot},
        [
            *(f"{one.digest} {one.fault}{', healed' if one.healed else ''}" for one in report.rot),
            f"{hashed} hashed, {len(report.rot)} damaged",
        ],
    )
    if any(not one.healed for one in report.rot):
        sys.exit(NO)


@admin.command()
@click.option("--again", is_flag=True, help="Scan every version again.")
@json_option
@click.pass_obj
def scan(terminal: Terminal, *, again: bool) -> None:
    """Scan versions for files that run code when they are loaded.

    Scans the versions that were not scanned yet, and signs and records the results. A server scans by itself
    (MUNIMENT_SCAN). Exit 0 if nothing was found, 1 if something was.
    """
    with _open(terminal) as parts, closing(ScanProcess()) as process:
        keys = load_keys(parts.keys, parts.units)
        scans = Scans(
            units=parts.units, blobs=parts.blobs, scanning=process, clock=now, nonces=new_id, keys=keys
        )
        if again:
            scans.begin_again()
        scanned = [one for batch in iter(scans.scan_next, []) for one in batch]
    wrong = [one for one in scanned if one.scan.worst != NOTHING]
    terminal.answer(
        [{"version": one.reference, "worst": one.scan.worst, **one.scan.predicate} for one in scanned],
        [
            *(f"{one.reference} {line}" for one in wrong for line in one.scan.lines),
            f"{count(len(scanned), 'version')} scanned, findings in {len(wrong)}",
        ],
    )
    if wrong:
        sys.exit(NO)


@admin.command()
@click.argument("directory", type=FilePath(file_okay=False))
@json_option
@click.pass_obj
def backup(terminal: Terminal, directory: Path) -> None:
    """Back up a registry, with its keys, to a directory.

    The registry can be served meanwhile. The backup is itself a registry: `muniment --registry DIRECTORY
    verify ...` checks it.
    """
    with _open(terminal, reads=True) as source, open_parts(directory, create=True) as target:
        moved = copy_registry(source, target)
    terminal.answer(asdict(moved), [f"{directory}: {_describe_moved(moved)}"])


@admin.command()
@click.argument("directory", type=_DIRECTORY, required=False)
@click.option(
    "--lost-after", type=click.IntRange(1), metavar="N", help="Declare that the entries from N on are lost."
)
@click.option("--reason", metavar="TEXT", help="Why, for everybody who saw what is lost.")
@json_option
@click.pass_obj
def restore(
    terminal: Terminal, directory: Path | None, *, lost_after: int | None, reason: str | None
) -> None:
    """Restore a backup into empty stores, and declare what is lost.

    With --lost-after, declare in the log that the registry was put back to an older state of N entries.
    Clients that saw more refuse it until then, and afterwards until their users accept it
    (`muniment accept-restore`). Without DIRECTORY, declare it for a registry that was put back already.
    """
    if directory is None and lost_after is None:
        raise InvalidOption(option="DIRECTORY", reason="is missing: name a backup, or use --lost-after")
    if reason is not None and lost_after is None:
        raise InvalidOption(option="--reason", reason="says why entries are lost, and needs --lost-after N")
    if lost_after is not None and not (reason or "").strip():
        raise ReasonNeeded(what="a restore")
    answer: dict[str, int] = {}
    lines: list[str] = []
    if directory is not None:
        with open_parts(directory) as source:
            if lost_after is not None:
                check_lost_after(lost_after, source.units.read(lambda unit: unit.log.size()))
            with _open(terminal, create=True) as target:
                moved = copy_registry(source, target)
        answer |= asdict(moved)
        lines.append(f"restored {_describe_moved(moved)}")
        if lost_after is None:
            lines.append(
                "if it ever had more entries, declare that they are lost: "
                f"muniment admin restore --lost-after {moved.entries} --reason TEXT"
            )
    if lost_after is not None:
        with _open(terminal) as parts:
            answer |= {
                "index": declare_restore(parts, lost_after, reason or "", now),
                "lost_after": lost_after,
            }
        lines.append(f"declared in entry {answer['index']}: the entries from {lost_after} on are lost")
    terminal.answer(answer, lines)


@admin.command()
@click.argument("source")
@click.argument("target")
@json_option
@click.pass_obj
def migrate(terminal: Terminal, source: str, target: str) -> None:
    """Copy a database to another, empty one.

    SOURCE and TARGET are sqlite:///PATH or postgresql://... Blobs and keys stay where they are: serve the new
    database with the same MUNIMENT_BLOBS and keys.
    """
    migrating = load_extra("muniment.server.migrating", "psycopg", extra="server")
    rows = migrating.migrate_database(source, target)
    terminal.answer(rows, [f"copied {count(sum(rows.values()), 'row')} of {count(len(rows), 'table')}"])


@admin.command()
@json_option
@click.pass_obj
def doctor(terminal: Terminal) -> None:
    """Diagnose a registry and say how to repair it.

    Exit 0 if nothing is wrong, 1 if something is.
    """
    with _open(terminal, reads=True) as parts:
        ailments = examine(parts)
    lines = [
        f"{'FAULT' if one.fault else 'ok':7} {one.what}"
        + (f"\n        {one.fault}\n        repair: {one.remedy}" if one.fault else "")
        for one in ailments
    ]
    terminal.answer([asdict(one) for one in ailments], lines)
    if any(one.fault for one in ailments):
        sys.exit(NO)


@admin.command()
@full_option
@output_option
@json_option
@click.pass_obj
def clock(terminal: Terminal, *, full: bool, output: str | None) -> None:
    """Show where the clock of the registry jumped, and who confirmed the time since."""
    with connect(terminal) as registry:
        view = registry.view_clock()
    answer_view(terminal, view, full=full, output=output)


@admin.command("confirm-time")
@click.argument("date")
@click.option("--reason", required=True, metavar="TEXT", help="How you know, and what happened.")
@json_option
@click.pass_obj
def confirm_time(terminal: Terminal, date: str, reason: str) -> None:
    """Confirm that the clock of the registry is right after it jumped.

    DATE is today's, in UTC, as you know it from elsewhere: 2026-11-29. Until an admin has confirmed it who is
    no author of the version, rules that depend on the time refuse: soak, window with its freezes, and
    expressions that use the time.
    """
    with connect(terminal) as registry:
        receipt = registry.confirm_time(date, reason)
    said = receipt.read(TimeConfirmed)
    answer_receipt(
        terminal, receipt, [f"{date} is confirmed, after the jump of the clock at entry {said.jump}"]
    )


@admin.command()
@click.argument("namespace", type=NAMESPACE)
@click.argument("size_bytes", metavar="[BYTES|none]", required=False)
@json_option
@click.pass_obj
def quota(terminal: Terminal, namespace: str, size_bytes: str | None) -> None:
    """Show or set the storage quota of a namespace.

    BYTES is the most that the namespace may hold; `none` removes the quota.
    """
    with connect(terminal) as registry:
        if size_bytes is not None:
            registry.access.set_quota(namespace, _read_quota(size_bytes))
        usage = registry.access.usage(namespace)
    bound = "without bound" if usage.quota_bytes is None else f"of {usage.quota_bytes}"
    terminal.answer(asdict(usage), [f"{namespace} holds {count(usage.size_bytes, 'byte')} {bound}"])


def _describe_moved(moved: Moved) -> str:
    return f"{count(moved.entries, 'entry')}, {count(moved.blobs, 'blob')}"


def _read_quota(text: str) -> int | None:
    if text == "none":
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidOption(option="BYTES", reason=f"expected a whole number or none, got {text!r}")
    return int(text)


def _open(terminal: Terminal, *, create: bool = False, reads: bool = False) -> AbstractContextManager[Parts]:
    """Open the stores of the chosen registry, or of the server's settings; with `reads`, only to read."""
    if terminal.location is None and (
        os.environ.get("MUNIMENT_DATABASE") or os.environ.get("MUNIMENT_BLOBS")
    ):
        if not reads:
            check_writable(terminal, "the registry of MUNIMENT_DATABASE and MUNIMENT_BLOBS")
        settings = load_extra("muniment.server.settings", "pydantic-settings", extra="server")
        wiring = load_extra("muniment.server.wiring", "psycopg", extra="server")
        parts: AbstractContextManager[Parts] = wiring.open_parts(settings.ServerSettings.load())
        return parts
    root = terminal.location
    if root is None:
        root = os.environ.get("MUNIMENT_DATA") or Settings.read().location
    if not reads:
        check_writable(terminal, root)
    if is_remote(root):
        raise InvalidOption(
            option="admin",
            reason=f"needs the directory of a registry, not {root}: muniment --registry DIRECTORY admin ...",
        )
    return open_parts(Path(root), create=create)
