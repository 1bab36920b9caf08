"""Blobs: bytes under their digest, written once."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import BinaryIO, NamedTuple, Protocol

from muniment.core.backend import Stored
from muniment.core.digests import Digest


class Kept(NamedTuple):
    """A blob as the store lists it."""

    digest: Digest
    size_bytes: int
    modified: datetime


class BlobStore(Protocol):
    """Where bytes are kept."""

    def add(self, source: BinaryIO) -> Stored:
        """Store a stream to its end, hashing on the way; durable when it returns.

        Raises:
            StorageFull: there is no room; nothing is kept.
            StorageReadOnly: the store cannot be written.
        """

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs together; all are durable when it returns. Raises as `add`."""

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob for reading.

        Raises:
            BlobNotFound: there is none.
        """

    def find(self, digest: Digest) -> Kept | None:
        """Give a blob's size and when it was last stored; None if there is none."""

    def list(self) -> Iterator[Kept]:
        """List all blobs, in any order."""

    def remove(self, digest: Digest) -> None:
        """Remove a blob; one that is not there is passed over."""

    def set_aside(self, digest: Digest) -> str:
        """Move a blob out of the way, so that it is read no more; give the place where it is kept."""
