"""Garbage: bytes that no namespace holds and that nobody has stored or continued for a while.

Removal takes three steps: mark unheld blobs under the lock, remove them without it, and drop the marks.
Storing a marked blob is refused as busy, so a held blob is never removed. The next collection finishes one
that died.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from muniment.core.backend import Stored
from muniment.core.times import write_time
from muniment.ports.blobs import BlobStore, Kept
from muniment.ports.holdings import GARBAGE
from muniment.ports.landing import LandingArea
from muniment.ports.staging import Staging
from muniment.ports.unit import Unit, Units

T = TypeVar("T")

_BATCH: Final = 200
_MANY: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was removed, or would be: abandoned uploads, their leftovers, blobs and their bytes."""

    uploads: int
    leftovers: int
    blobs: int
    size_bytes: int


def collect_garbage(  # noqa: PLR0913 - the stores with garbage
    units: Units,
    blobs: BlobStore,
    staging: Staging,
    landing: LandingArea | None,
    before: datetime,
    *,
    remove: bool,
) -> Collected:
    """Remove what has been garbage since a time; without `remove`, only count it."""
    uploads = _end_uploads(units, staging, landing, write_time(before), remove=remove)
    if remove:
        _drop_idle(units, write_time(before))
        _finish(units, blobs)
    old = (kept for kept in blobs.list() if kept.modified < before)
    gone = [
        kept.size_bytes for batch in _batches(old) for kept in _remove(units, blobs, batch, remove=remove)
    ]
    return Collected(
        uploads=uploads,
        leftovers=staging.sweep(before, units.read(lambda unit: unit.uploads.list_ids())) if remove else 0,
        blobs=len(gone),
        size_bytes=sum(gone),
    )


def _finish(units: Units, blobs: BlobStore) -> None:
    """Remove the blobs that a dead collection has marked."""
    for batch in _batches(units.read(lambda unit: unit.holdings.list_of(GARBAGE))):
        for digest in batch:
            blobs.remove(digest)
        units.write(lambda unit, batch=batch: unit.holdings.drop(batch))  # type: ignore[misc] # bound at once


def _end_uploads(
    units: Units, staging: Staging, landing: LandingArea | None, before: str, *, remove: bool
) -> int:
    count = 0
    while idle := units.read(lambda unit: unit.uploads.list_idle(before, _BATCH)):
        count += len(idle)
        if not remove:
            break

        def work(unit: Unit, ids: Sequence[str] = tuple(upload.id for upload in idle)) -> None:
            for upload in ids:
                unit.uploads.drop(upload)

        units.write(work)
        for upload in idle:
            staging.abort(upload.id, upload.stretches)
            if landing is not None and upload.session:
                landing.drop(upload.id, upload.session)
    return count


def _drop_idle(units: Units, before: str) -> None:
    """Drop blobs that people have stored and not published."""
    while idle := units.read(lambda unit: unit.holdings.find_idle(before, _MANY)):
        # A blob that somebody has stored again in the meantime stays.
        units.write(lambda unit, idle=idle: unit.holdings.drop_idle(before, idle))  # type: ignore[misc] # bound at once


def _remove(units: Units, blobs: BlobStore, batch: Sequence[Kept], *, remove: bool) -> list[Kept]:
    def find(unit: Unit) -> list[Kept]:
        held = unit.holdings.find_sizes(None, [kept.digest for kept in batch])
        return [kept for kept in batch if kept.digest not in held]

    def mark(unit: Unit) -> list[Kept]:
        free = find(unit)
        marked = [Stored(digest=kept.digest, size_bytes=kept.size_bytes) for kept in free]
        unit.holdings.add(GARBAGE, marked, "")
        return free

    # Most blobs are held, which can be checked without the lock.
    free_blobs = units.read(find)
    if not remove or not free_blobs:
        return free_blobs
    # A blob that was stored again since it was listed is new.
    gone = [kept for kept in units.write(mark) if blobs.find(kept.digest) == kept]
    for kept in gone:
        blobs.remove(kept.digest)
    units.write(lambda unit: _unmark(unit, batch))
    return gone


def _unmark(unit: Unit, batch: Sequence[Kept]) -> None:
    marked = unit.holdings.find_sizes([GARBAGE], [kept.digest for kept in batch])
    unit.holdings.drop(list(marked))


def _batches(items: Iterable[T]) -> Iterator[Sequence[T]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
