"""Scrub: hash every blob again, report rotten and missing ones, and heal them from another store."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from secrets import token_hex
from typing import BinaryIO, Final

from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, MunimentError, StorageBusy, sentence_of
from muniment.ports.blobs import BlobStore, Kept
from muniment.ports.unit import Units
from muniment.services.upkeep.required import find_lost

_CHUNK_BYTES: Final = 1 << 20
_AT_ONCE: Final = 256
_ALTERED: Final = "altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rot:
    """A damaged or missing blob: its digest, its fault, its new place, and whether it was healed."""

    digest: Digest
    fault: str
    place: str
    healed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """The number of hashed blobs and bytes, and the damaged blobs."""

    blobs: int
    size_bytes: int
    rot: tuple[Rot, ...]


def scrub(
    units: Units,
    blobs: BlobStore,
    other: BlobStore | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Scrubbed:
    """Hash all blobs; set rotten ones aside, and restore rotten and missing ones from another store.

    An unreadable blob stays in place unless the other store has it, because the fault may be temporary.

    Raises:
        StorageBusy: `stopped` returned true. Blobs that were damaged so far are set aside and healed.
    """
    rot, count, size_bytes = list[Rot](), 0, 0
    # A random start, so that a scrub that is interrupted again and again still reaches every blob.
    rest = _list_from(blobs, token_hex(4))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        while some := list(islice(rest, _AT_ONCE)):
            digests = [kept.digest for kept in some]
            faults = pool.map(partial(_find_fault, blobs, stopped), digests)
            rot += [
                _set_aside(blobs, other, digest, fault)
                for digest, fault in zip(digests, faults, strict=True)
                if fault
            ]
            count += len(some)
            size_bytes += sum(kept.size_bytes for kept in some)
    known = {blob.digest for blob in rot}

    def is_stored(digest: Digest) -> bool:
        _check_on(stopped)
        return digest in known or blobs.find(digest) is not None

    for digest in find_lost(units, is_stored):
        healed = other is not None and _has(other, digest) and _fetch(blobs, other, digest)
        rot.append(Rot(digest=digest, fault="missing", place="", healed=healed))
    return Scrubbed(blobs=count, size_bytes=size_bytes, rot=tuple(rot))


def _list_from(blobs: BlobStore, start: str) -> Iterator[Kept]:
    yield from (kept for kept in blobs.list() if kept.digest.hex >= start)
    yield from (kept for kept in blobs.list() if kept.digest.hex < start)


def _find_fault(blobs: BlobStore, stopped: Callable[[], bool], digest: Digest) -> str:
    """Name the fault of a blob; empty if it is intact."""
    try:
        with blobs.open(digest) as source:
            return "" if _hash(source, stopped) == digest else _ALTERED
    except BlobNotFound:
        # It was removed as garbage since it was listed.
        return ""
    except StorageBusy:
        raise
    except (MunimentError, OSError) as error:
        return f"unreadable: {sentence_of(error)}"


def _hash(source: BinaryIO, stopped: Callable[[], bool] = lambda: False) -> Digest:
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    while count := source.readinto(buffer):  # type: ignore[attr-defined] # every binary stream has it
        hasher.update(buffer[:count])
        _check_on(stopped)
    return Digest(hasher.hexdigest())


def _check_on(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise StorageBusy(path="the registry, which is closing")


def _set_aside(blobs: BlobStore, other: BlobStore | None, digest: Digest, fault: str) -> Rot:
    """Set a blob aside if it is rotten or replaceable, and replace it if possible."""
    good = other is not None and _has(other, digest)
    place = blobs.set_aside(digest) if good or fault == _ALTERED else ""
    healed = other is not None and good and _fetch(blobs, other, digest)
    return Rot(digest=digest, fault=fault, place=place, healed=healed)


def _fetch(blobs: BlobStore, other: BlobStore, digest: Digest) -> bool:
    """Fetch a blob from another store."""
    try:
        with other.open(digest) as source:
            return blobs.add(source).digest == digest
    except (MunimentError, OSError):
        return False


def _has(other: BlobStore, digest: Digest) -> bool:
    """Return whether a store has an intact copy of a blob."""
    try:
        with other.open(digest) as source:
            return _hash(source) == digest
    except (MunimentError, OSError):
        return False
