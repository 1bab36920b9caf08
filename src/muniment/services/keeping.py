"""What a namespace still needs of the bytes that it holds."""

from muniment.core.digests import Digest
from muniment.core.records import DraftRecord, VersionRecord
from muniment.core.statuses import Status
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.custody import content_of
from muniment.services.statuses import status_of


def find_needed(unit: Unit, namespace: str, without: VersionRecord | DraftRecord) -> set[Digest]:
    """Find what the versions and drafts of a namespace are made of, but for one that is to go."""
    low, high = Where("name", ">=", f"{namespace}/"), Where("name", "<", f"{namespace}0")
    versions = unit.projections.select(VersionRecord, low, high)
    drafts = unit.projections.select(DraftRecord, low, high, Where("ended", "=", None))
    kept: list[VersionRecord | DraftRecord] = [
        one for one in versions if status_of(unit, one) is not Status.PURGED
    ]
    return {
        digest
        for one in (*kept, *drafts)
        if one != without
        for digest in content_of(unit, Digest.parse(one.revision))
    }
