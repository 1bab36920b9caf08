"""Scrub: hash every blob again, name what has rotted or is gone, and heal it from another store."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Final

from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, MunimentError
from muniment.core.records import AttestationRecord, PolicyRecord, VersionRecord
from muniment.core.revisions import MAX_MANIFEST_BYTES, parse_with_config
from muniment.core.statuses import Status
from muniment.ports.blobs import BlobStore
from muniment.ports.unit import Unit, Units
from muniment.services.documents import read_document
from muniment.services.statuses import status_of

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rot:
    """A blob that is not what it was: its digest, what is wrong, where it was moved, whether it is back."""

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


def scrub(units: Units, blobs: BlobStore, other: BlobStore | None = None) -> Scrubbed:
    """Hash all blobs; rotten ones are set aside, and with another store both they and lost ones come back."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        checked = list(pool.map(lambda kept: (kept, _hash(blobs, kept.digest)), list(blobs.list())))
    rotten = [kept.digest for kept, actual in checked if actual != kept.digest]
    present = {kept.digest for kept, _ in checked}
    rot = [
        Rot(digest=digest, fault="altered", place=blobs.set_aside(digest), healed=_heal(blobs, other, digest))
        for digest in rotten
    ]
    rot += [
        Rot(digest=digest, fault="missing", place="", healed=_heal(blobs, other, digest))
        for digest in _find_lost(units, present)
    ]
    return Scrubbed(
        blobs=len(checked), size_bytes=sum(kept.size_bytes for kept, _ in checked), rot=tuple(rot)
    )


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


def _hash(blobs: BlobStore, digest: Digest) -> Digest | None:
    try:
        with blobs.open(digest) as source:
            return _hash_stream(source)
    except BlobNotFound:
        # Removed since it was listed: it was garbage.
        return digest
    except MunimentError:
        return None


def _hash_stream(source: BinaryIO) -> Digest:
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    while count := source.readinto(buffer):  # type: ignore[attr-defined] # every binary stream has it
        hasher.update(buffer[:count])
    return Digest(hasher.hexdigest())


def _heal(blobs: BlobStore, other: BlobStore | None, digest: Digest) -> bool:
    """Fetch a blob from another store, if what that one has is right."""
    if other is None:
        return False
    try:
        with other.open(digest) as source:
            if _hash_stream(source) != digest:
                return False
        with other.open(digest) as source:
            return blobs.add(source).digest == digest
    except MunimentError:
        return False
