"""Holdings: which namespace, or which person who is still uploading, holds a blob.

`GARBAGE` holds the blobs that are about to be removed: storing one at that moment is refused as busy.

Only those who may read in a holding namespace may read a blob by its digest: knowing a digest is not enough.
"""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from muniment.core.backend import Stored
from muniment.core.digests import Digest

# Not a valid name of a namespace or person.
GARBAGE: Final = "!garbage"
# Holds every blob that is in quarantine in some namespace, beside its `quarantine_of` that namespace.
QUARANTINE: Final = "!quarantine"


def quarantine_of(namespace: str) -> str:
    """Name the holder of the files of revoked versions of a namespace."""
    return f"{QUARANTINE}/{namespace}"


class Holdings(Protocol):
    """The holdings, inside one unit of work. A holder is a namespace, or `~` and a principal's id."""

    def add(self, holder: str, blobs: Sequence[Stored], time: str, *, fresh: bool = False) -> int:
        """Add blobs to a holder, as of a time; return how many bytes that adds.

        Blobs that it already holds get the new time. `fresh` skips the lookup: the caller MUST know that the
        holder holds none of the blobs.
        """

    def move(self, source: str, target: str, blobs: Sequence[Stored], time: str) -> None:
        """Move blobs from one holder to another, as of a time.

        The caller MUST know that `source` holds all of the blobs, and `target` none.
        """

    def find_sizes(self, holders: Collection[str] | None, digests: Sequence[Digest]) -> dict[Digest, int]:
        """Find the sizes of the blobs that any of the holders holds; None means any holder."""

    def find_held(self, holders: Collection[str], digests: Sequence[Digest]) -> dict[str, dict[Digest, int]]:
        """Find the sizes of the blobs that each holder holds."""

    def measure(self, holder: str) -> int:
        """Sum up the bytes that a holder holds."""

    def find_idle(self, before: str, limit: int) -> list[Digest]:
        """List blobs that people have held since before a time."""

    def drop_idle(self, before: str, digests: Sequence[Digest]) -> None:
        """Drop the blobs that people have held since before a time."""

    def list_held(self, after: str, limit: int) -> list[Digest]:
        """List blobs that namespaces hold, ordered by digest as text, after `after`."""

    def drop(self, digests: Sequence[Digest], holder: str | None = None) -> None:
        """Drop blobs from a holder; None means from all holders."""

    def list_of(self, holder: str) -> list[Digest]:
        """List the blobs that a holder holds."""

    def clear(self) -> None:
        """Drop everything that namespaces hold."""
