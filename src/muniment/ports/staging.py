"""Staging: the bytes of unfinished uploads, before they have a digest."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from muniment.core.digests import Digest


class Stretch(NamedTuple):
    """The part of an upload that one writer wrote: from `start` up to the next stretch."""

    start: int
    writer: str


class Staging(Protocol):
    """A place where uploads are collected.

    An upload is written sequentially, by one writer at a time. A request that resumes it is a new writer, or
    continues as the last one if that one ended cleanly. Late writes of an earlier writer MUST NOT change the
    bytes that count.
    """

    @property
    def step_bytes(self) -> int:
        """The number of bytes for one `append`; the last one may have fewer."""

    @property
    def checkpoint_bytes(self) -> int:
        """The number of bytes after which a `sync` is worthwhile."""

    def take_over(self, upload: str, stretches: Sequence[Stretch], offset: int) -> bool:
        """Make the writer of the last stretch the only one; return whether the earlier bytes are there."""

    def append(self, upload: str, writer: str, offset: int, parts: Sequence[bytes]) -> None:
        """Write bytes at an offset, over what an interrupted request may have left there.

        They come in parts, which need not be joined first.

        Raises:
            OffsetMismatch: another writer has taken over.
            StorageFull, StorageReadOnly, StorageFailed: they cannot be stored.
        """

    def sync(self, upload: str, writer: str) -> None:
        """Make the appended bytes durable. Raises like `append`."""

    def finish(self, upload: str, stretches: Sequence[Stretch], digest: Digest, size_bytes: int) -> None:
        """Store the bytes under their digest, durably. The caller MUST have hashed them as they came.

        `abort` removes the rest of the upload. Raises like `append`.
        """

    def abort(self, upload: str, stretches: Sequence[Stretch]) -> None:
        """Drop an upload, if it exists."""

    def sweep(self, before: datetime, known: Collection[str]) -> int:
        """Remove leftovers that are older than a time and belong to no known upload; return their number."""
