"""Handover: a client on this machine moves files into the store, and reads blobs from its directory."""

from typing import BinaryIO, Protocol

from muniment.core.digests import Digest


class Handover(Protocol):
    """A place where a local client leaves a file, under a name reserved for one upload."""

    def place_of(self, upload: str) -> str:
        """Return the path at which to leave the bytes of an upload."""

    def take(self, upload: str) -> BinaryIO | None:
        """Take the file away from that path and open it; None if nothing was left there."""

    def keep(self, upload: str, digest: Digest) -> None:
        """Move the taken file under its digest, durably. The caller MUST have read and hashed it."""

    def drop(self, upload: str) -> None:
        """Remove the file that was left or taken, if there is one."""

    def locate(self, digest: Digest) -> str:
        """Return the URL of the file that holds a blob, or would hold it."""
