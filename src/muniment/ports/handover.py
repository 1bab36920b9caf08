"""Handing over: a client on this machine leaves bytes where the store can take them, and reads them there."""

from typing import BinaryIO, Protocol

from muniment.core.digests import Digest


class Handover(Protocol):
    """Where a client that may write there leaves a file, under a name that is given to one upload."""

    def place_of(self, upload: str) -> str:
        """Give the path at which the bytes of an upload are to be left."""

    def take(self, upload: str) -> BinaryIO | None:
        """Take what was left, so that it is found under that path no more; None if nothing was."""

    def keep(self, upload: str, digest: Digest) -> None:
        """Put what was taken under its digest, durably. The caller MUST have read and hashed it."""

    def drop(self, upload: str) -> None:
        """Remove what was left or taken; if nothing was, nothing is done."""

    def locate(self, digest: Digest) -> str:
        """Give the URL of the file in which a blob is kept, or would be."""
