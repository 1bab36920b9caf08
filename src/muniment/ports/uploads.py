"""Uploads that are under way: how far each has come, so that any replica can go on with it."""

from dataclasses import dataclass
from typing import Protocol

from muniment.core.digests import Digest
from muniment.ports.staging import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload.

    Attributes:
        principal: whose it is.
        size_bytes: how many bytes were announced; None if the last request says where the end is.
        digest: which digest was announced; None if it is found out on the way.
        offset: how many bytes are here, durably.
        state: the sha256 over those, as `rehashes` writes it; empty at the beginning.
        stretches: who wrote what is here, and who goes on with it now.
        rests: whether that one has ended in order, so that the next may go on in its stretch.
        session: what the object store calls its parts, if it goes there in parts; else empty.
        touched: when it last went on.
        result: the digest of the whole, once it is there; another than was announced if that was wrong.
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
        """Who goes on with it; empty if nobody has begun."""
        return self.stretches[-1].writer if self.stretches else ""


class Uploads(Protocol):
    """The uploads, inside one unit of work."""

    def put(self, upload: Upload) -> None:
        """Keep an upload, in place of what was known of it."""

    def find(self, upload: str) -> Upload | None:
        """Find an upload."""

    def list_idle(self, before: str, limit: int) -> list[Upload]:
        """List uploads that have not gone on since a time."""

    def measure(self, principal: str, ahead_bytes: int) -> int:
        """Sum up what a principal has announced and not finished, in bytes.

        One without a size counts for what is here, and for as much as may come before that is kept.
        """

    def list_ids(self) -> list[str]:
        """List all, by their ids."""

    def drop(self, upload: str) -> None:
        """Forget an upload."""
