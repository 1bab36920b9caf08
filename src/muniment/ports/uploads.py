"""Unfinished uploads: how far each has come, so that any replica can resume it."""

from dataclasses import dataclass
from typing import Protocol

from muniment.core.digests import Digest
from muniment.ports.staging import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload.

    Attributes:
        principal: its owner.
        size_bytes: the announced size; None if the last request marks the end.
        digest: the announced digest; None if it was not announced.
        offset: the number of durable bytes.
        state: the sha256 state over those bytes, as `rehashes` writes it; empty at the beginning.
        stretches: which writer wrote which bytes; the last one is the current writer.
        rests: whether that writer ended cleanly, so that the next one may continue its stretch.
        session: the object store's id of a multipart upload; empty if there is none.
        touched: when it last changed.
        result: the digest of all bytes, once they are there; it can differ from the announced one.
    """

    id: str
    principal: str
    size_bytes: int | None
    digest: Digest | None
    offset: int
    state: bytes
    stretches: tuple[Stretch, ...] = ()
    rests: bool = False
    session: str = ""
    touched: str
    result: Digest | None = None

    @property
    def writer(self) -> str:
        """The current writer; empty if nobody has started."""
        return self.stretches[-1].writer if self.stretches else ""


class Uploads(Protocol):
    """The uploads, inside one unit of work."""

    def put(self, upload: Upload) -> None:
        """Save an upload, replacing what was known about it."""

    def find(self, upload: str) -> Upload | None:
        """Find an upload."""

    def list_idle(self, before: str, limit: int) -> list[Upload]:
        """List uploads that have not changed since a time."""

    def measure(self, principal: str, ahead_bytes: int) -> int:
        """Sum up the bytes that a principal has announced and not finished.

        An upload without a size counts its durable bytes plus `ahead_bytes`.
        """

    def list_ids(self) -> list[str]:
        """List the ids of all uploads."""

    def drop(self, upload: str) -> None:
        """Delete an upload."""
