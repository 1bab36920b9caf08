"""The one way to reach a registry.

`muniment.services` implements it in the process. The SDK and the command line stand on this protocol
alone, so that a registry somewhere else can be reached the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

from muniment.core.digests import Digest
from muniment.core.receipts import Receipt
from muniment.core.verbs.verb import Command, Query

A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was stored, and under which digest."""

    digest: Digest
    size_bytes: int


class Backend(Protocol):
    """A registry as one principal sees it."""

    def execute(self, command: Command) -> Receipt:
        """Change something, durably, or raise a MunimentError and change nothing."""

    def ask(self, query: Query[A]) -> A:
        """Answer a question from one consistent state."""

    def add_blob(self, source: BinaryIO) -> Stored:
        """Store a stream to its end, reading it once; durable when it returns."""

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs together; all are durable when it returns."""

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob for reading. The caller checks the bytes against the digest."""

    def close(self) -> None:
        """Release what is held."""
