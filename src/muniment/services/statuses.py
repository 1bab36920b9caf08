"""Statuses: what became of a version, and what that keeps from happening."""

from typing import Final

from muniment.core.canonical import JsonObject
from muniment.core.commands import SetStatus
from muniment.core.errors import ReasonNeeded, VersionPurged, VersionWithdrawn
from muniment.core.events import EventType
from muniment.core.records import StatusRecord, VersionRecord
from muniment.core.roles import Act
from muniment.core.statuses import WITHDRAWN, Status
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.resolve import resolve
from muniment.services.transaction import Outcome, Transaction

# What takes the same right to say as to take back.
_RIGHTS: Final = {Status.REVOKED: Act.REVOKE}


def set_status(tx: Transaction, command: SetStatus) -> Outcome:
    """Say what became of a version. What it is already changes nothing.

    Raises:
        ReasonNeeded: nobody said why.
        VersionPurged: its bytes are gone; that cannot be taken back, and is not said this way.
    """
    name = command.reference.name
    version = resolve(tx.unit, command.reference)
    present = find_status(tx.unit, version)
    before = Status.PUBLISHED if present is None else Status(present.status)
    for status in (before, command.status):
        tx.require(_RIGHTS.get(status, Act.RETIRE), name.namespace)
    if Status.PURGED in {before, command.status}:
        raise VersionPurged(reference=f"{version.name}@{version.number}")
    if present is not None and before is command.status:
        return Outcome(present.index, created=False)
    if command.reason is None:
        raise ReasonNeeded(what=f"making {version.name}@{version.number} {command.status}")
    data: JsonObject = {
        "name": version.name,
        "number": version.number,
        "status": str(command.status),
        "reason": tx.keep(command.reason),
    }
    return Outcome(tx.record(EventType.STATUS_SET, data))


def find_status(unit: Unit, version: VersionRecord, until: tuple[Where, ...] = ()) -> StatusRecord | None:
    """Find what was said last of a version; None if it is as it was published."""
    found = unit.projections.select(
        StatusRecord,
        Where("name", "=", version.name),
        Where("number", "=", version.number),
        *until,
        descending=True,
        limit=1,
    )
    return found[0] if found else None


def status_of(unit: Unit, version: VersionRecord) -> Status:
    """Say what a version is now."""
    found = find_status(unit, version)
    return Status.PUBLISHED if found is None else Status(found.status)


def check_in_service(unit: Unit, version: VersionRecord) -> None:
    """Check that an alias may move to a version, as far as its status goes.

    Raises:
        VersionWithdrawn: it is retired, revoked or purged.
    """
    found = find_status(unit, version)
    if found is not None and Status(found.status) in WITHDRAWN:
        reason = None if found.reason is None else unit.payloads.find(found.reason)
        reference = f"{version.name}@{version.number}"
        raise VersionWithdrawn(reference=reference, status=found.status, reason=reason or "erased")
