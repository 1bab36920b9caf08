"""A backend that checks another one.

It checks every receipt and proof at once: the log's key signed the checkpoint, the entry is in its tree, and
the log still contains what it had when it was last seen (DESIGN rule 8).
"""

from collections.abc import Sequence
from threading import Lock
from typing import BinaryIO, TypeVar

from muniment.capture.clock import now
from muniment.client.proofs.memory import Memory, Remembered
from muniment.core.backend import Backend, Stored
from muniment.core.digests import Digest
from muniment.core.errors import LogForked, LogReplaced, LogRolledBack, ProofInvalid, RecordUnproven
from muniment.core.receipts import Proof, Receipt
from muniment.core.records import Record
from muniment.core.times import Clock, write_time
from muniment.core.verbs.log import GetGrowth, GetLogIdentity, GetProof, Growth
from muniment.core.verbs.verb import Command, Query
from muniment.core.verbs.wire import check as check_fields
from muniment.log.checkpoint import Checkpoint
from muniment.log.proofs import verify_consistency, verify_inclusion
from muniment.log.tree import EMPTY_ROOT, hash_leaf
from muniment.signing.notes import NoteVerifier, open_note

A = TypeVar("A")


class TrustedBackend:
    """A Backend in front of another, which checks that one's statements about its log."""

    def __init__(self, backend: Backend, memory: Memory, location: str, clock: Clock = now) -> None:
        """Open the log at a location, and check it against the memory.

        Raises:
            LogReplaced, LogRolledBack, LogForked: it does not extend the remembered log.
        """
        self._backend = backend
        self._memory = memory
        self._location = location
        self.clock = clock
        self._seeing = Lock()
        said = backend.ask(GetLogIdentity())
        known = memory.recall()
        if known is not None and known.verifier != said.verifier:
            remembered = known.verifier.partition("+")[0]
            raise LogReplaced(location=location, origin=said.origin, remembered=remembered)
        self._verifier = NoteVerifier.read(said.verifier)
        self._seen = known or Remembered(verifier=said.verifier, size=0, root=EMPTY_ROOT)
        self._seen = self._meet(self._seen)

    @property
    def location(self) -> str:
        """The location of the registry."""
        return self._location

    def time(self) -> str:
        """Return the current time in the form of claims (RFC 3339)."""
        return write_time(self.clock())

    @property
    def seen(self) -> Remembered:
        """The newest state of the log that passed the checks."""
        return self._seen

    def execute(self, command: Command) -> Receipt:
        """Execute a command, and check its receipt.

        Raises:
            ProofInvalid: the receipt proves nothing. The command may have taken effect.
        """
        check_fields(command)
        receipt = self._backend.execute(command)
        self._check(receipt)
        return receipt

    def ask(self, query: Query[A]) -> A:
        """Answer a query; an answer with a proof is checked."""
        check_fields(query)
        answer = self._backend.ask(query)
        if isinstance(answer, Proof):
            self._check(answer)
        return answer

    def check_record(self, record: Record) -> None:
        """Check that a record follows from the log.

        Raises:
            RecordUnproven: the record does not follow from its entry.
            ProofInvalid: the entry is not in the log.
        """
        proof = self.ask(GetProof(index=record.index))
        if proof.index != record.index or not proof.entry.makes(record):
            key = ", ".join(str(part) for part in record.identity())
            raise RecordUnproven(record=f"{record.table}[{key}]", index=record.index)

    def add_blob(self, source: BinaryIO) -> Stored:
        """Store a stream."""
        return self._backend.add_blob(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs.

        Raises:
            ProofInvalid: the other backend answers with other digests.
        """
        digests = self._backend.add_documents(documents)
        if digests != [Digest.of(document) for document in documents]:
            raise ProofInvalid(what="the stored documents")
        return digests

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob; the caller MUST check its bytes."""
        return self._backend.open_blob(digest)

    def close(self) -> None:
        """Close the backend."""
        self._backend.close()

    def _check(self, proof: Proof) -> None:
        """Check an entry's inclusion, and its log against the one last seen.

        (0) the remembered key signed the checkpoint, which names the log
        (1) the path leads from the entry to the root
        (2) the larger of its tree and the one seen before extends the smaller
        """
        checkpoint = self._open(proof.checkpoint)
        leaf = hash_leaf(proof.leaf)
        if not verify_inclusion(proof.index, checkpoint.size, leaf, proof.path, checkpoint.root):
            raise ProofInvalid(what=f"entry {proof.index}")
        seen = self._seen
        if (checkpoint.size, checkpoint.root) == (seen.size, seen.root):
            return
        tree = Remembered(verifier=seen.verifier, size=checkpoint.size, root=checkpoint.root)
        past, now = sorted((seen, tree), key=lambda one: one.size)
        growth = self._backend.ask(GetGrowth(size=past.size, until=now.size))
        self._see(past, now, growth)

    def _meet(self, known: Remembered) -> Remembered:
        growth = self._backend.ask(GetGrowth(size=known.size))
        now = self._open(growth.checkpoint or b"")
        return self._see(known, Remembered(verifier=known.verifier, size=now.size, root=now.root), growth)

    def _see(self, past: Remembered, now: Remembered, growth: Growth) -> Remembered:
        if now.size < past.size:
            raise LogRolledBack(location=self._location, size=now.size, remembered=past.size)
        if not verify_consistency(past.size, now.size, past.root, now.root, growth.path):
            raise LogForked(location=self._location, size=now.size, remembered=past.size)
        with self._seeing:
            if now.size > self._seen.size:
                self._seen = now
                self._memory.keep(now)
        return now

    def _open(self, note: bytes) -> Checkpoint:
        try:
            checkpoint = Checkpoint.decode(open_note(note, self._verifier))
        except ValueError as error:
            raise ProofInvalid(what="the signed checkpoint") from error
        if checkpoint.origin != self._verifier.name:
            raise ProofInvalid(what="the signed checkpoint")
        return checkpoint
