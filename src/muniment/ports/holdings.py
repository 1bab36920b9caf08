"""Holdings: which namespace, or which person who is still uploading, holds a blob.

What is about to be removed is held by `GARBAGE`: whoever stores it anew just then is told to wait.

A blob is readable by digest to those who may read where it is held, and to nobody else: knowing a
digest opens nothing.
"""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from muniment.core.backend import Stored
from muniment.core.digests import Digest

# No namespace and no person is called so.
GARBAGE: Final = "!garbage"
# Holds what is in quarantine in some namespace, beside those that it belongs to; which it is says
# `quarantine_of`.
QUARANTINE: Final = "!quarantine"


def quarantine_of(namespace: str) -> str:
    """Name what holds the files of the revoked versions of a namespace."""
    return f"{QUARANTINE}/{namespace}"


class Holdings(Protocol):
    """The holdings, inside one unit of work. A holder is a namespace, or `~` and a principal's id."""

    def add(self, holder: str, blobs: Sequence[Stored], time: str, *, fresh: bool = False) -> int:
        """Let a holder hold blobs, since a time; give how many bytes that adds to what it holds.

        What it holds already, it holds since that time from now on. `fresh` spares looking: the caller MUST
        know that the holder holds none of them.
        """

    def move(self, source: str, target: str, blobs: Sequence[Stored], time: str) -> None:
        """Let a holder hold, since a time, what another held until then.

        The caller MUST know that the one holds all of them, and the other none.
        """

    def find_sizes(self, holders: Collection[str] | None, digests: Sequence[Digest]) -> dict[Digest, int]:
        """Give the sizes of those blobs that one of the holders holds; with None, anybody."""

    def find_held(self, holders: Collection[str], digests: Sequence[Digest]) -> dict[str, dict[Digest, int]]:
        """Give the sizes of the blobs that each of some holders holds."""

    def measure(self, holder: str) -> int:
        """Sum up what a holder holds, in bytes."""

    def find_idle(self, before: str, limit: int) -> list[Digest]:
        """List blobs that people hold since before a time."""

    def drop_idle(self, before: str, digests: Sequence[Digest]) -> None:
        """Forget that people hold blobs since before a time."""

    def list_held(self, after: str, limit: int) -> list[Digest]:
        """List blobs that namespaces hold, in the order of their digests as text, after one."""

    def drop(self, digests: Sequence[Digest], holder: str | None = None) -> None:
        """Forget that a holder holds blobs; with None, that anybody does."""

    def list_of(self, holder: str) -> list[Digest]:
        """List what a holder holds."""

    def clear(self) -> None:
        """Forget what namespaces hold."""
