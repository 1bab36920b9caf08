"""The verifiable index of the log: which entries are about a subject, with proofs.

Subjects are hashes of 32 bytes (`log.index.subject_hash`). A proof leads to the root of the head that the
same unit of work reads.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

from muniment.log.index import IndexHead, Span
from muniment.log.index_proofs import AllProof, NewestProof


class SubjectIndex(Protocol):
    """The index, inside one unit of work."""

    def head(self) -> IndexHead:
        """Return how many entries of the log it covers, and its root."""

    def add(self, entry: int, leaf_hash: bytes, subjects: Collection[bytes]) -> None:
        """Add the next entry of the log under each of its subjects, of which it has at least one.

        Raises:
            LogInconsistent: it is not the next entry.
        """

    def prove_newest(self, subject: bytes) -> NewestProof:
        """Prove which entry about a subject is the newest, or that there is none."""

    def prove_all(self, span: Span) -> AllProof:
        """Prove which entries a span has, or that there are none. The caller bounds it with `narrow`."""

    def narrow(self, span: Span, limit: int) -> Span:
        """Return the widest span from the same start that has at most `limit` entries, 1 or more."""

    def rebuild(self, entries: Iterable[tuple[bytes, Collection[bytes]]]) -> None:
        """Make the index anew from the leaf hash and the subjects of each entry, in the order of the log."""
