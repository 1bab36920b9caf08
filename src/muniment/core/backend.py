"""The interface of a registry.

`muniment.services` implements it in the process, `muniment.client` over HTTP. The SDK and the command line
use only this protocol, so they reach local and remote registries the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

from muniment.core.basis import Basis, Known
from muniment.core.digests import Digest
from muniment.core.receipts import Receipt
from muniment.core.verbs.verb import Command, Query

A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A stored blob: its digest and size."""

    digest: Digest
    size_bytes: int


class Backend(Protocol):
    """A registry as one principal sees it."""

    def execute(self, command: Command) -> Receipt:
        """Change something, durably, or raise a MunimentError and change nothing."""

    def ask(self, query: Query[A]) -> A:
        """Answer a question from one consistent state."""

    def prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:
        """Give what the answer to a proven question follows from; the caller computes it.

        A list that the caller knows, and that has not grown, is not given again.
        """

    def add_blob(self, source: BinaryIO) -> Stored:
        """Store a stream, reading it once; durable on return."""

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs together; all are durable on return."""

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob for reading. The caller checks the bytes against the digest."""

    def close(self) -> None:
        """Release all resources."""
