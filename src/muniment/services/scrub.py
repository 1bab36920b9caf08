"""Scrub: hash every blob again, name what has rotted or is gone, and heal it from another store."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from secrets import SystemRandom
from typing import BinaryIO, Final

from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, MunimentError, StorageBusy
from muniment.core.records import AttestationRecord, PolicyRecord, VersionRecord
from muniment.core.revisions import MAX_MANIFEST_BYTES, parse_with_config
from muniment.core.statuses import Status
from muniment.ports.blobs import BlobStore
from muniment.ports.unit import Unit, Units
from muniment.services.documents import read_document
from muniment.services.statuses import status_of

_CHUNK_BYTES: Final = 1 << 20
_AT_ONCE: Final = 256
_ALTERED: Final = "altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rot:
    """A blob that is not as it was: its digest, what is wrong, where it was moved, whether it is back."""

    digest: Digest
    fault: str
    place: str
    healed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """How much was hashed, and what was found."""

    blobs: int
    size_bytes: int
    rot: tuple[Rot, ...]


def scrub(
    units: Units,
    blobs: BlobStore,
    other: BlobStore | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Scrubbed:
    """Hash all blobs; rotten ones are set aside, and with another store both they and lost ones come back.

    One that cannot be read stays where it is, unless the other store has it: what ails may be the way to it.

    Raises:
        StorageBusy: `stopped` says so. What was found until then is set aside and healed.
    """
    kept = list(blobs.list())
    # Drawn by lot: a scrub that is broken off again and again comes to each of them in time.
    SystemRandom().shuffle(kept)
    rot = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, len(kept), _AT_ONCE):
            some = [one.digest for one in kept[start : start + _AT_ONCE]]
            for digest, fault in zip(some, pool.map(partial(_find_fault, blobs, stopped), some), strict=True):
                if fault:
                    rot.append(_set_aside(blobs, other, digest, fault))
    for digest in _find_lost(units, (one.digest for one in kept)):
        healed = other is not None and _heal(blobs, other, digest)
        rot.append(Rot(digest=digest, fault="missing", place="", healed=healed))
    return Scrubbed(blobs=len(kept), size_bytes=sum(one.size_bytes for one in kept), rot=tuple(rot))


def list_content(unit: Unit) -> Iterator[Digest]:
    """List the digests of all that the log names, and of what those manifests name in turn."""
    for version in unit.projections.select(VersionRecord):
        manifest = Digest.parse(version.revision)
        yield manifest
        try:
            revision, config = parse_with_config(read_document(unit, manifest, MAX_MANIFEST_BYTES))
        except MunimentError:
            # What it names cannot be known before it is healed; it is named itself.
            continue
        yield config
        if status_of(unit, version) is not Status.PURGED:
            yield from (file.digest for file in revision.files)
    for claim in unit.projections.select(AttestationRecord):
        yield Digest.parse(claim.digest)
    for policy in unit.projections.select(PolicyRecord):
        yield from (Digest.parse(text) for text in (policy.digest, policy.attestation) if text is not None)


def _find_lost(units: Units, present: Iterable[Digest]) -> list[Digest]:
    known = set(present)
    return sorted(units.read(lambda unit: {digest for digest in list_content(unit) if digest not in known}))


def _find_fault(blobs: BlobStore, stopped: Callable[[], bool], digest: Digest) -> str:
    """Say what is wrong with a blob; nothing, if it is as it was."""
    try:
        with blobs.open(digest) as source:
            return "" if _hash(source, stopped) == digest else _ALTERED
    except BlobNotFound:
        # Removed since it was listed: it was garbage.
        return ""
    except StorageBusy:
        raise
    except (MunimentError, OSError) as error:
        return f"unreadable: {error}"


def _hash(source: BinaryIO, stopped: Callable[[], bool] = lambda: False) -> Digest:
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    while count := source.readinto(buffer):  # type: ignore[attr-defined] # every binary stream has it
        hasher.update(buffer[:count])
        if stopped():
            raise StorageBusy(path="the registry, which is closing")
    return Digest(hasher.hexdigest())


def _set_aside(blobs: BlobStore, other: BlobStore | None, digest: Digest, fault: str) -> Rot:
    """Set a blob aside if it has rotted or can be replaced, and replace it if it can be."""
    good = other is not None and _has(other, digest)
    place = blobs.set_aside(digest) if good or fault == _ALTERED else ""
    healed = other is not None and good and _heal(blobs, other, digest)
    return Rot(digest=digest, fault=fault, place=place, healed=healed)


def _heal(blobs: BlobStore, other: BlobStore, digest: Digest) -> bool:
    """Fetch a blob from another store, if what that one has is right."""
    if not _has(other, digest):
        return False
    try:
        with other.open(digest) as source:
            return blobs.add(source).digest == digest
    except (MunimentError, OSError):
        return False


def _has(other: BlobStore, digest: Digest) -> bool:
    try:
        with other.open(digest) as source:
            return _hash(source) == digest
    except (MunimentError, OSError):
        return False
