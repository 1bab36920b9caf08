"""Blobs: bytes under their digest, written once."""

from collections.abc import Sequence
from typing import BinaryIO, Protocol

from muniment.core.backend import Stored
from muniment.core.digests import Digest


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

    def find_size(self, digest: Digest) -> int | None:
        """Give a blob's size in bytes; None if there is none."""
