"""Staging: bytes of uploads that are under way, before they have a digest."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from muniment.core.digests import Digest


class Stretch(NamedTuple):
    """From `start` on, the bytes of an upload are those of one writer, as far as the next stretch."""

    start: int
    writer: str


class Staging(Protocol):
    """Where uploads are collected.

    An upload is written from one end to the other, by one writer at a time. A request that goes on with it
    is a writer of its own, or goes on as the last one, where that has ended in order. What an earlier one
    still writes MUST NOT change what counts.
    """

    @property
    def step_bytes(self) -> int:
        """How many bytes an `append` should have; the last one may have fewer."""

    @property
    def checkpoint_bytes(self) -> int:
        """After how many bytes it is worth to `sync`."""

    def take_over(self, upload: str, stretches: Sequence[Stretch], offset: int) -> bool:
        """Make the writer of the last stretch the only one; say whether all before an offset is there."""

    def append(self, upload: str, writer: str, offset: int, parts: Sequence[bytes]) -> None:
        """Write bytes at an offset, over what may be there from a request that broke off.

        They come in parts, so that nobody has to put them together first.

        Raises:
            OffsetMismatch: another writer has taken over.
            StorageFull, StorageReadOnly, StorageFailed: they cannot be kept.
        """

    def sync(self, upload: str, writer: str) -> None:
        """Make durable what was appended. Raises as `append`."""

    def finish(self, upload: str, stretches: Sequence[Stretch], digest: Digest, size_bytes: int) -> None:
        """Put the bytes under their digest, durably. The caller MUST have hashed them as they came.

        What is left of the upload is for `abort` to remove. Raises as `append`.
        """

    def abort(self, upload: str, stretches: Sequence[Stretch]) -> None:
        """Drop an upload; one that is not there is passed over."""

    def sweep(self, before: datetime, known: Collection[str]) -> int:
        """Remove what has not been touched since a time and belongs to no upload that is known; count it."""
