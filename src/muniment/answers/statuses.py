"""Statuses of versions; no alias moves to a version that is out of service."""

from collections.abc import Iterator

from muniment.answers.view import View
from muniment.core.catalog.statuses import WITHDRAWN, Status
from muniment.core.errors import VersionWithdrawn
from muniment.core.records import StatusRecord, VersionRecord, Where


def find_status(view: View, version: VersionRecord) -> StatusRecord | None:
    """Find the newest status of a version; None if none was set."""
    records = view.projections.select(
        StatusRecord,
        Where("name", "=", version.name),
        Where("number", "=", version.number),
        descending=True,
        limit=1,
    )
    return records[0] if records else None


def status_of(view: View, version: VersionRecord) -> Status:
    """Return the present status of a version."""
    record = find_status(view, version)
    return Status.PUBLISHED if record is None else Status(record.status)


def list_revoked(view: View) -> Iterator[VersionRecord]:
    """List the versions that are revoked now."""
    records = view.projections.select(StatusRecord, Where("status", "=", str(Status.REVOKED)))
    for name, number in dict.fromkeys((record.name, record.number) for record in records):
        version = view.projections.find(VersionRecord, (name, number))
        if version is not None and status_of(view, version) is Status.REVOKED:
            yield version


def check_in_service(view: View, version: VersionRecord) -> None:
    """Check that the status of a version lets an alias move to it.

    Raises:
        VersionWithdrawn: it is retired, revoked or purged.
    """
    record = find_status(view, version)
    if record is not None and Status(record.status) in WITHDRAWN:
        reason = None if record.reason is None else view.payloads.find(record.reason)
        reference = f"{version.name}@{version.number}"
        raise VersionWithdrawn(reference=reference, status=record.status, reason=reason or "erased")
