"""A backend that lies, as a server or a proxy in front of one could without the key of its log."""

from collections.abc import Sequence
from typing import BinaryIO, TypeVar

from muniment.core.backend import Backend, Stored
from muniment.core.basis import Basis, Known
from muniment.core.digests import Digest
from muniment.core.receipts import Receipt
from muniment.core.verbs.log import GetProof
from muniment.core.verbs.verb import Command, Query

A = TypeVar("A")


class LyingBackend:
    """A Backend in front of an honest one, which drops writes and answers with receipts of something else."""

    def __init__(self, backend: Backend) -> None:
        """Pass everything on, until told to lie."""
        self._backend = backend
        self._answer: tuple[int, bool] | None = None
        self._writer = backend

    def drop_writes(self, index: int, *, created: bool = True) -> None:
        """Do nothing from now on, and answer with the genuine receipt of an entry."""
        self._answer = (index, created)

    def write_as(self, other: Backend) -> None:
        """Do everything from now on as another principal."""
        self._writer = other

    def execute(self, command: Command) -> Receipt:
        """Do a command, or only say so."""
        if self._answer is None:
            return self._writer.execute(command)
        index, created = self._answer
        proof = self._backend.ask(GetProof(index=index, subjects=True))
        return Receipt(
            index=index,
            leaf=proof.leaf,
            path=proof.path,
            checkpoint=proof.checkpoint,
            subjects=proof.subjects,
            created=created,
        )

    def ask(self, query: Query[A]) -> A:
        """Answer honestly."""
        return self._backend.ask(query)

    def prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:
        """Prove honestly."""
        return self._backend.prove(query, known)

    def add_blob(self, source: BinaryIO) -> Stored:
        """Store a stream."""
        return self._backend.add_blob(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs."""
        return self._backend.add_documents(documents)

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob."""
        return self._backend.open_blob(digest)

    def close(self) -> None:
        """Close the honest backend."""
        self._backend.close()
