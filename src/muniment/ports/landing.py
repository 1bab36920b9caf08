"""The landing area: what clients put straight into the object store, each upload under a name of its own.

Nothing of it counts before it is accepted. The store has checked the bytes of one request against their
digest; of a blob that was put in parts it has checked each, and somebody has to read the whole.
"""

from collections.abc import Mapping, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from muniment.core.digests import Digest


class Part(NamedTuple):
    """A part that has come: its size, and what the store calls it."""

    size_bytes: int
    tag: str


class LandingArea(Protocol):
    """What the store has of uploads. The numbers of parts begin at 1."""

    def begin_parts(self, upload: str) -> str:
        """Begin to collect the parts of an upload; give the store's name for that."""

    def list_parts(self, upload: str, session: str) -> Mapping[int, Part]:
        """List the parts that have come."""

    def join(self, upload: str, session: str, digests: Sequence[Digest]) -> None:
        """Put the parts together, each with the digest under which it was put. None can come from then on.

        Raises:
            InvalidBody: they were put under other digests, or some are missing.
        """

    def find_size(self, upload: str) -> int | None:
        """Give the size of what came whole, or was put together; None if nothing did."""

    def open(self, upload: str) -> BinaryIO:
        """Open it.

        Raises:
            StorageFailed: it is not there.
        """

    def accept(self, upload: str, digest: Digest, size_bytes: int) -> None:
        """Copy it under its digest, inside the store. The caller MUST know that it has that digest."""

    def drop(self, upload: str, session: str) -> None:
        """Remove what has come; if nothing has, nothing is done."""
