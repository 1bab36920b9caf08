"""The end of a version: deprecate, retire, revoke, retain or purge it. Its record stays."""

from muniment.answers.authority import act_of_status
from muniment.answers.claims import read_revision
from muniment.answers.resolve import resolve
from muniment.answers.statuses import find_status, status_of
from muniment.answers.versions import check_may_go, find_retention
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import TOMBSTONE
from muniment.core.claims.tombstones import GoneFile, Tombstone
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidOption,
    MunimentError,
    VersionPurged,
    VersionRetained,
)
from muniment.core.events import DraftEnded, Entry, RetentionSet, StatusSet, VersionPublished
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import Payload, need_reason
from muniment.core.people.roles import Act
from muniment.core.records import (
    VersionRecord,
)
from muniment.core.times import read_time, write_time
from muniment.core.verbs.versions import PurgeVersion, SetRetention, SetStatus
from muniment.ports.unit import Unit
from muniment.services.claims.own import record_own
from muniment.services.transaction import Outcome, Transaction
from muniment.services.versions.drafts import replay_discard
from muniment.services.versions.keeping import find_needed
from muniment.services.versions.quarantine import forget, isolate, readmit, release


def set_status(tx: Transaction, command: SetStatus) -> Outcome:
    """Set the status of a version; the present status changes nothing.

    Raises:
        ReasonNeeded: there is no reason.
        VersionPurged: its bytes are deleted, which cannot be reversed; or `purged` was requested.
    """
    # Before anything is looked up: a stranger must not learn what exists.
    tx.require(Act.READ, command.reference.name.namespace)
    version = resolve(tx.unit, command.reference)
    reference = f"{version.name}@{version.number}"
    newest = find_status(tx.unit, version)
    before = Status.PUBLISHED if newest is None else Status(newest.status)
    if (
        newest is not None
        and (newest.actor, before) == (tx.actor, command.status)
        and before is not Status.PURGED
    ):
        # The actor who set this status may repeat it.
        return Outcome(newest.index, created=False)
    # That nothing is purged in this way is refused next.
    tx.require(act_of_status(before, command.status), command.reference.name.namespace)
    if Status.PURGED in {before, command.status}:
        raise VersionPurged(reference=reference)
    if before is command.status:
        return Outcome(version.index if newest is None else newest.index, created=False)
    reason = need_reason(command.reason, f"making {reference} {command.status}")
    index = _record_status(tx, version, command.status, reason)
    if command.status is Status.REVOKED:
        isolate(tx.unit, version, tx.time)
    elif before is Status.REVOKED:
        release(tx.unit, version)
    return Outcome(index)


def set_retention(tx: Transaction, command: SetRetention) -> Outcome:
    """Keep a version for longer, put it on legal hold, or end a hold. The retention is never shortened.

    Raises:
        VersionRetained: it is already kept for longer.
        ReasonNeeded: there is no reason.
    """
    version = resolve(tx.unit, command.reference)
    present = find_retention(tx.unit, version)
    known = None if present is None else present.until
    until = known if command.until is None else write_time(read_time(command.until))
    if until is None and not command.hold and present is None:
        raise InvalidOption(option="until", reason="is required unless you set a hold")
    if known is not None and until is not None and until < known:
        raise VersionRetained(reference=f"{version.name}@{version.number}", why=f"it is kept until {known}")
    if present is not None and (until, int(command.hold)) == (present.until, present.hold):
        return Outcome(present.index, created=False)
    event = RetentionSet(
        name=command.reference.name,
        number=version.number,
        until=until,
        hold=command.hold,
        reason=tx.keep(need_reason(command.reason, "retention")),
    )
    return Outcome(tx.record(event))


def purge_version(tx: Transaction, command: PurgeVersion) -> Outcome:
    """Purge the bytes of a version: its namespace drops them, and the next collection removes them.

    Files that another version of the namespace shares stay, and so do the manifest and the claims.

    Raises:
        VersionRetained: it must be kept.
        VersionInUse: an alias points at it, or it serves somewhere.
        VersionPurged: it is already purged.
    """
    version = resolve(tx.unit, command.reference)
    reference = f"{version.name}@{version.number}"
    if status_of(tx.unit, version) is Status.PURGED:
        raise VersionPurged(reference=reference)
    check_may_go(tx.unit, version, tx.reliable_time)
    reason = need_reason(command.reason, "purging")
    files = read_revision(tx.unit, Digest.parse(version.revision)).files
    tombstone = Tombstone(
        version=reference,
        files=tuple(GoneFile(path=file.path, digest=file.digest, size=file.size_bytes) for file in files),
        actor=tx.actor,
        reason=reason.digest,
        time=tx.time,
    )
    record_own(tx, version, TOMBSTONE, tombstone.predicate())
    index = _record_status(tx, version, Status.PURGED, reason)
    _drop_files(tx.unit, version)
    return Outcome(index)


def replay_lifecycle(unit: Unit, entry: Entry) -> None:
    """Repeat the effect of an entry of the log on holdings, during a rebuild."""
    match entry.event:
        case VersionPublished() as event:
            version = _find_version(unit, event)
            try:
                manifest = Digest.parse(version.revision)
                readmit(unit, ModelName.parse(version.name), manifest, read_revision(unit, manifest))
            except MunimentError:
                # It was admitted then; `scrub` reports a damaged manifest.
                return
        case StatusSet() as event:
            version = _find_version(unit, event)
            if event.status is Status.REVOKED:
                isolate(unit, version, entry.time)
            elif event.status is Status.PURGED:
                _drop_files(unit, version)
            else:
                release(unit, version)
        case DraftEnded() as event:
            replay_discard(unit, event)
        case _:
            return


def _drop_files(unit: Unit, version: VersionRecord) -> None:
    """Drop the files of a version from its namespace, except those that its other versions share."""
    namespace = ModelName.parse(version.name).namespace
    files = _digests(unit, version)
    needed = find_needed(unit, namespace, files, version)
    gone = [digest for digest in files if digest not in needed]
    unit.holdings.drop(gone, namespace)
    forget(unit, version, gone)


def _digests(unit: Unit, version: VersionRecord) -> list[Digest]:
    try:
        return [file.digest for file in read_revision(unit, Digest.parse(version.revision)).files]
    except MunimentError:
        return []


def _find_version(unit: Unit, event: VersionPublished | StatusSet) -> VersionRecord:
    return resolve(unit, Reference(event.name, event.number))


def _record_status(tx: Transaction, version: VersionRecord, status: Status, reason: Payload) -> int:
    name = ModelName.parse(version.name)
    return tx.record(StatusSet(name=name, number=version.number, status=status, reason=tx.keep(reason)))
