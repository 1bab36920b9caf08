"""Statuses: what became of a version, and that no alias moves to one that is out of service."""

from collections.abc import Iterator

from muniment.core.catalog.statuses import WITHDRAWN, Status
from muniment.core.errors import VersionWithdrawn
from muniment.core.records import StatusRecord, VersionRecord
from muniment.ports.projections import Where
from muniment.ports.unit import Unit


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


def list_revoked(unit: Unit) -> Iterator[VersionRecord]:
    """List the versions that are revoked now."""
    said = unit.projections.select(StatusRecord, Where("status", "=", str(Status.REVOKED)))
    for name, number in dict.fromkeys((record.name, record.number) for record in said):
        version = unit.projections.find(VersionRecord, (name, number))
        if version is not None and status_of(unit, version) is Status.REVOKED:
            yield version


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
