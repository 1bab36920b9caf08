"""The landing area: uploads that clients put straight into the object store, each under its own name.

An upload counts only once it is accepted. The store has checked each request against a digest; a blob that
came in parts must also be read and hashed as a whole.
"""

from collections.abc import Mapping, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from muniment.core.digests import Digest


class Part(NamedTuple):
    """A received part: its size, and the store's tag for it."""

    size_bytes: int
    tag: str


class LandingArea(Protocol):
    """The uploads in the object store. Part numbers start at 1."""

    def begin_parts(self, upload: str) -> str:
        """Start a multipart upload; return the store's id for it."""

    def list_parts(self, upload: str, session: str) -> Mapping[int, Part]:
        """List the received parts."""

    def join(self, upload: str, session: str, digests: Sequence[Digest]) -> None:
        """Join the parts, which must have these digests; no part is accepted after that.

        Raises:
            InvalidBody: a part has another digest or is missing.
        """

    def find_size(self, upload: str) -> int | None:
        """Find the size of an upload that came whole or was joined; None if there is none."""

    def open(self, upload: str) -> BinaryIO:
        """Open an upload.

        Raises:
            StorageFailed: it is missing.
        """

    def accept(self, upload: str, digest: Digest, size_bytes: int) -> None:
        """Copy an upload to its digest, inside the store. The caller MUST know that it has that digest."""

    def drop(self, upload: str, session: str) -> None:
        """Remove what was received, if anything was."""
