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
    """A store of blobs."""

    def add(self, source: BinaryIO) -> Stored:
        """Store a stream and hash it on the way; durable on return.

        Raises:
            StorageFull: there is no space; nothing is kept.
            StorageReadOnly: the store cannot be written.
        """

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs together; all are durable on return. Raises like `add`."""

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob for reading.

        Raises:
            BlobNotFound: it is not stored.
        """

    def find(self, digest: Digest) -> Kept | None:
        """Find a blob's size and when it was last stored; None if it is not stored."""

    def list(self) -> Iterator[Kept]:
        """List all blobs, in any order."""

    def remove(self, digest: Digest) -> None:
        """Remove a blob, if it is stored."""

    def set_aside(self, digest: Digest) -> str:
        """Move a blob to quarantine, where it is no longer read; return its new place."""
