"""Blobs, and what is known about them, in memory."""

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO, Final

from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound
from muniment.ports.blobs import Kept
from muniment.ports.holdings import GARBAGE
from muniment.ports.uploads import Upload

_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryBlobs:
    """A BlobStore in a dictionary."""

    def __init__(self) -> None:
        """Start empty."""
        self.blobs: dict[Digest, bytes] = {}
        self.modified: dict[Digest, datetime] = {}
        self.aside: dict[Digest, bytes] = {}

    def add(self, source: BinaryIO) -> Stored:
        """Store a stream."""
        data = source.read()
        return Stored(digest=self.add_documents([data])[0], size_bytes=len(data))

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store blobs."""
        digests = [Digest.of(document) for document in documents]
        self.blobs.update(zip(digests, documents, strict=True))
        return digests

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob."""
        if digest not in self.blobs:
            raise BlobNotFound(digest=str(digest))
        return io.BytesIO(self.blobs[digest])

    def find(self, digest: Digest) -> Kept | None:
        """Find the size and time of a blob."""
        if digest not in self.blobs:
            return None
        return Kept(digest, len(self.blobs[digest]), self.modified.get(digest, _BEGINNING))

    def list(self) -> Iterator[Kept]:
        """List all blobs."""
        for digest, data in list(self.blobs.items()):
            yield Kept(digest, len(data), self.modified.get(digest, _BEGINNING))

    def remove(self, digest: Digest) -> None:
        """Remove a blob."""
        self.blobs.pop(digest, None)

    def set_aside(self, digest: Digest) -> str:
        """Quarantine a blob."""
        self.aside[digest] = self.blobs.pop(digest)
        return f"aside/{digest.hex}"


@dataclass
class MemoryHoldings:
    """Holdings in a dictionary."""

    held: dict[tuple[Digest, str], tuple[int, str]] = field(default_factory=dict)

    def add(self, holder: str, blobs: Sequence[Stored], time: str, *, fresh: bool = False) -> int:
        """Add blobs to a holder."""
        assert not (fresh and any((blob.digest, holder) in self.held for blob in blobs)), "it looked"
        new = {blob.digest: blob.size_bytes for blob in blobs if (blob.digest, holder) not in self.held}
        self.held |= {(blob.digest, holder): (blob.size_bytes, time) for blob in blobs}
        return sum(new.values())

    def move(self, source: str, target: str, blobs: Sequence[Stored], time: str) -> None:
        """Move blobs from one holder to another."""
        for blob in blobs:
            assert (blob.digest, target) not in self.held, "it looked"
            size, _ = self.held.pop((blob.digest, source))
            self.held[blob.digest, target] = (size, time)

    def find_sizes(self, holders: Collection[str] | None, digests: Sequence[Digest]) -> dict[Digest, int]:
        """Return sizes by digest."""
        if holders is None:
            return {digest: size for (digest, _), (size, _) in self.held.items() if digest in set(digests)}
        wanted = {(digest, holder) for digest in digests for holder in holders}
        return {
            digest: size for (digest, holder), (size, _) in self.held.items() if (digest, holder) in wanted
        }

    def find_held(self, holders: Collection[str], digests: Sequence[Digest]) -> dict[str, dict[Digest, int]]:
        """Return sizes by holder and digest."""
        return {holder: self.find_sizes([holder], digests) for holder in holders}

    def measure(self, holder: str) -> int:
        """Sum up the bytes of a holder."""
        return sum(size for (_, held_by), (size, _) in self.held.items() if held_by == holder)

    def find_idle(self, before: str, limit: int) -> list[Digest]:
        """List blobs that people have held for long."""
        idle = (digest for (digest, holder), (_, time) in self.held.items() if _is_idle(holder, time, before))
        return list(dict.fromkeys(idle))[:limit]

    def drop_idle(self, before: str, digests: Sequence[Digest]) -> None:
        """Drop people who have held blobs for long."""
        self.held = {
            key: (size, time)
            for key, (size, time) in self.held.items()
            if key[0] not in digests or not _is_idle(key[1], time, before)
        }

    def list_held(self, after: str, limit: int) -> list[Digest]:
        """List the blobs that namespaces hold."""
        held = {digest for digest, holder in self.held if holder[0] != "~" and holder != GARBAGE}
        return sorted(digest for digest in held if str(digest) > after)[:limit]

    def drop(self, digests: Sequence[Digest], holder: str | None = None) -> None:
        """Drop the holders of blobs."""
        gone = set(digests)
        self.held = {
            key: value
            for key, value in self.held.items()
            if key[0] not in gone or holder not in {None, key[1]}
        }

    def list_of(self, holder: str) -> list[Digest]:
        """List the blobs of a holder."""
        return [digest for digest, held_by in self.held if held_by == holder]

    def clear(self) -> None:
        """Drop all namespaces."""
        self.held = {key: value for key, value in self.held.items() if key[1][0] == "~" or key[1] == GARBAGE}


@dataclass
class MemoryContents:
    """Contents in a dictionary."""

    known: dict[int, tuple[str, frozenset[Digest]]] = field(default_factory=dict)

    def add(self, version: int, namespace: str, digests: Collection[Digest]) -> None:
        """Record the blobs of a version."""
        assert version not in self.known, "it is new"
        self.known[version] = namespace, frozenset(digests)

    def find(self, digest: Digest, namespace: str, after: int, limit: int) -> list[int]:
        """List the versions that contain a blob."""
        within = {entry: parts for entry, (where, parts) in self.known.items() if where == namespace}
        return sorted(entry for entry, parts in within.items() if digest in parts and entry > after)[:limit]

    def clear(self) -> None:
        """Delete everything."""
        self.known.clear()


@dataclass
class MemoryUploads:
    """Uploads in a dictionary."""

    known: dict[str, Upload] = field(default_factory=dict)

    def put(self, upload: Upload) -> None:
        """Save an upload."""
        self.known[upload.id] = upload

    def find(self, upload: str) -> Upload | None:
        """Find an upload."""
        return self.known.get(upload)

    def list_idle(self, before: str, limit: int) -> list[Upload]:
        """List idle uploads."""
        return [upload for upload in self.known.values() if upload.touched < before][:limit]

    def measure(self, principal: str, ahead_bytes: int) -> int:
        """Sum up the open uploads of a principal."""
        open_ = [u for u in self.known.values() if u.principal == principal and not u.result]
        return sum(u.offset + ahead_bytes if u.size_bytes is None else u.size_bytes for u in open_)

    def list_ids(self) -> list[str]:
        """List the ids of all uploads."""
        return list(self.known)

    def drop(self, upload: str) -> None:
        """Drop an upload."""
        self.known.pop(upload, None)


def _is_idle(holder: str, time: str, before: str) -> bool:
    return holder[0] == "~" and time < before
