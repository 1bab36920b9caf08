"""Find the blobs that a namespace still needs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from muniment.answers.statuses import status_of
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.records import DraftRecord, VersionRecord, Where
from muniment.ports.unit import Unit
from muniment.services.bytes.custody import content_of

_AT_ONCE: Final = 100


def find_needed(
    unit: Unit, namespace: str, digests: Iterable[Digest], without: VersionRecord | DraftRecord
) -> set[Digest]:
    """Find the blobs that versions and drafts of a namespace need, except the one to be removed."""
    low, high = Where("name", ">=", f"{namespace}/"), Where("name", "<", f"{namespace}0")
    drafts = unit.projections.select(DraftRecord, low, high, Where("ended", "=", None))
    drafted = {
        digest
        for draft in drafts
        if draft != without
        for digest in content_of(unit, Digest.parse(draft.revision))
    }

    def needs(version: VersionRecord) -> bool:
        return version != without and status_of(unit, version) is not Status.PURGED

    return {digest for digest in digests if digest in drafted or is_part_of(unit, namespace, digest, needs)}


def is_part_of(unit: Unit, namespace: str, digest: Digest, counts: Callable[[VersionRecord], bool]) -> bool:
    """Return whether a blob is part of a version of a namespace that counts."""
    return any(counts(version) for version in _list_versions(unit, namespace, digest))


def _list_versions(unit: Unit, namespace: str, digest: Digest) -> Iterator[VersionRecord]:
    last = -1
    while entries := unit.contents.find(digest, namespace, last, _AT_ONCE):
        for entry in entries:
            yield from unit.projections.select(VersionRecord, Where("index", "=", entry), limit=1)
        last = entries[-1]
