"""A backend that checks another one.

It checks every receipt and proof at once: the log's key signed the checkpoint, the entry is in its tree, and
the log still contains what it had when it was last seen. A receipt counts only if its entry also says what
the command asked.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import BinaryIO, Final, NamedTuple, TypeVar, cast

from muniment.answers.pages import past_of
from muniment.answers.table import ANSWERS, BASES
from muniment.answers.view import State
from muniment.capture.clock import now
from muniment.client.proofs.deriving import ProvenView
from muniment.client.proofs.lists import ProvenLists
from muniment.client.proofs.memory import Memory, Remembered
from muniment.client.proofs.receipts import check_receipt, check_standing, check_subjects
from muniment.core.backend import Backend, Stored
from muniment.core.basis import Basis, Known
from muniment.core.digests import Digest
from muniment.core.errors import (
    AnswerStale,
    IndexForked,
    InvalidBody,
    InvalidDocument,
    LogForked,
    LogReplaced,
    LogRolledBack,
    NotFound,
    NotIdentified,
    ProofInvalid,
    RecordUnproven,
    UnknownSigner,
)
from muniment.core.events import IndexSealed
from muniment.core.people.roles import EVERYWHERE
from muniment.core.receipts import Proof, Receipt
from muniment.core.records import KeyRecord, Record, TokenRecord
from muniment.core.times import Clock, write_seconds, write_time
from muniment.core.verbs.catalog import GetNamespace
from muniment.core.verbs.log import GetGrowth, GetLogIdentity, GetProof
from muniment.core.verbs.people import FindPerson, GetKey, GetPerson, GetSelf, ListTokens, Person
from muniment.core.verbs.verb import Command, Query
from muniment.log.proofs import verify_consistency, verify_inclusion
from muniment.log.tree import hash_leaf
from muniment.signing.heads import Head, open_head
from muniment.signing.notes import NoteVerifier

A = TypeVar("A")
C = TypeVar("C", bound=Command)

# The clocks of replicas differ, and answers overtake one another.
_DRIFT_S: Final = 60


class _Documents(NamedTuple):
    """The blobs of a backend, as views open them; who reads one checks its digest."""

    backend: Backend

    def open(self, digest: Digest) -> BinaryIO:
        return self.backend.open_blob(digest)


class Credential(NamedTuple):
    """What identifies us to a registry, by its id: a token or, in a directory, a key."""

    kind: type[TokenRecord] | type[KeyRecord]
    id: str


class TrustedBackend:
    """A Backend in front of another, which checks that one's statements about its log."""

    def __init__(  # noqa: PLR0913, PLR0917 - what its trust stands on
        self,
        backend: Backend,
        memory: Memory,
        location: str,
        clock: Clock = now,
        max_age_s: float | None = None,
        credential: Credential | None = None,
    ) -> None:
        """Open the log at a location, and check it against the memory.

        With `max_age_s`, an answer that was signed longer ago is refused.

        Raises:
            LogReplaced, LogRolledBack, LogForked: it does not extend the remembered log.
        """
        self._backend = backend
        self._memory = memory
        self._location = location
        self._max_age_s = max_age_s
        self._credential = credential
        self.clock = clock
        self._seeing = Lock()
        self._salts: dict[str, bytes] = {}
        self._lists = ProvenLists()
        said = backend.ask(GetLogIdentity())
        known = memory.recall()
        if known is not None and known.verifier != said.verifier:
            remembered = known.verifier.partition("+")[0]
            raise LogReplaced(location=location, origin=said.origin, remembered=remembered)
        self._verifier = NoteVerifier.read(said.verifier)
        self._seen = known or Remembered.nothing(said.verifier)
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

    @cached_property
    def principal(self) -> str:
        """Our principal: whom the log names as the owner of our token or, in a directory, of our key.

        The entry that issued the token, or enrolled the key, is proven. Without a credential at hand, the
        registry says who we are, and it is proven only that there is such a principal.

        Raises:
            NotIdentified: we have no credential that the registry knows.
            RecordUnproven, ProofInvalid: the registry's answer does not follow from its log.
        """
        if self._credential is None:
            person = self.ask(GetSelf()).record
            self.check_record(person)
            return person.id
        record = self._find_credential(self._credential)
        self.check_record(record)
        return record.principal

    def find_person(self, text: str) -> Person:
        """Return a principal, by id or by name.

        Its name, its keys, and its roles in the namespaces that the registry names are proven.

        Raises:
            PrincipalNotFound: there is none.
            RecordUnproven: the answer is another principal.
        """
        found = self._backend.ask(FindPerson(principal=text))
        namespaces = {grant.namespace for grant in found.grants} - {EVERYWHERE}
        person = self.ask(GetPerson(principal=found.record.id, namespaces=tuple(sorted(namespaces))))
        if text not in {person.record.id, person.name}:
            raise RecordUnproven(record=f"principals[{text}]", index=person.record.index)
        return person

    def execute(self, command: Command) -> Receipt:
        """Execute a command, and check its receipt.

        (0) the command names versions and principals as entries do
        (1) the receipt proves its entry
        (2) the entry says what the command asked and, if it is new, that we did it
        (3) the index has it under each of its subjects, where a later question looks for it
        (4) if it is not new, no later one says otherwise
        (5) the next entry says the rest, if the command makes two

        Raises:
            InvalidBody: it names a version by an alias, which may move meanwhile: resolve it first.
            ProofInvalid: the receipt proves nothing. The command may have taken effect.
            ReceiptMismatch: it proves something else. The command may not have taken effect.
        """
        exact = self._name_exactly(command)
        for realm in exact.realms:
            # Afterwards, we may not be allowed to ask.
            with suppress(NotFound):
                self._salt_of(realm)
        me, sent = self.principal, self._seen
        receipt = self._backend.execute(exact)
        head = self._check(receipt, sent)
        check_receipt(receipt, exact, me, sent.size)
        check_subjects(receipt, head.index, self._salt_of)
        check_standing(receipt, exact, self.ask)
        rest = exact.rest(receipt.entry)
        if rest is not None:
            check_receipt(self._prove_next(receipt), rest, me, receipt.index + 1)
        return receipt

    def ask(self, query: Query[A]) -> A:
        """Answer a query: compute a proven answer from its basis, and check a proof.

        Raises:
            Untrusted: a part is not proven, or is missing.
            NotFound: there is no answer, which is proven as well.
        """
        sent = self._seen
        if type(query) in ANSWERS:
            return self.derive(query)
        answer = self._backend.ask(query)
        if isinstance(query, GetProof) and isinstance(answer, Proof):
            head = self._check(answer, sent)
            if answer.index != query.index:
                raise ProofInvalid(what=f"entry {query.index}")
            if query.subjects:
                check_subjects(answer, head.index, self._salt_of)
        return answer

    def ask_unproven(self, query: Query[A]) -> A:
        """Answer a query as the registry says, at less cost. The caller MUST NOT rely on the answer."""
        return self._backend.ask(query)

    def derive(self, query: Query[A]) -> A:
        """Compute an answer from what is proven alone. Raises as `ask`."""
        # The table pairs each query with a function that returns the answer of the query's type.
        return cast("A", BASES[type(query)](self.read_state(query), query))

    def prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:
        """Return what an answer follows from, unchecked, for somebody else to check."""
        return self._backend.prove(query, known)

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

    def _find_credential(self, credential: Credential) -> TokenRecord | KeyRecord:
        records: list[TokenRecord | KeyRecord] = []
        if credential.kind is TokenRecord:
            records = [token.record for token in self.ask(ListTokens())]
        else:
            with suppress(UnknownSigner):
                records = [self.ask(GetKey(key_id=credential.id))]
        for record in records:
            if record.id == credential.id:
                return record
        raise NotIdentified

    def _name_exactly(self, command: C) -> C:
        """Name the principal of a command by id. Raises like `execute` and `find_person`."""
        if not command.is_exact:
            raise InvalidBody(reason="reference: expected an exact version")
        name = getattr(command, "principal", None)
        if name is None or name == self.principal:
            return command
        return replace(command, principal=self.find_person(name).record.id)  # type: ignore[call-arg] # this one has it

    def _prove_next(self, receipt: Receipt) -> Receipt:
        """Prove the entry after that of a receipt; a seal of the index may come between."""
        proof = self.ask(GetProof(index=receipt.index + 1, subjects=True))
        if isinstance(proof.event, IndexSealed):
            proof = self.ask(GetProof(index=receipt.index + 2, subjects=True))
        return Receipt(index=proof.index, leaf=proof.leaf, path=proof.path, checkpoint=proof.checkpoint)

    def read_state(self, query: Query[A]) -> State:
        """Check the basis of an answer; return the state that the answer follows from."""
        sent, past = self._seen, past_of(query)
        known = self._lists.find(query)
        basis = self._backend.prove(query, [Known(*subject, told.last) for subject, told in known.items()])
        head = open_head(basis.head, self._verifier)
        self._accept(head, sent)
        try:
            view = ProvenView(basis, head, _Documents(self._backend), past, known)
        except (ValueError, InvalidDocument) as error:
            raise ProofInvalid(what="an entry of the answer") from error
        self._salts |= view.salts
        self._lists.keep(query, view.proven)
        time = max(write_seconds(head.time), view.newest)
        return State(view=view, registry=self._seen.verifier, time=time)

    def _salt_of(self, realm: str) -> bytes:
        """Return the salt of a realm, which never changes."""
        if realm not in self._salts:
            self._salts[realm] = bytes.fromhex(self.ask(GetNamespace(namespace=realm)).salt)
        return self._salts[realm]

    def _check(self, proof: Proof, sent: Remembered) -> Head:
        """Check an entry's inclusion, and its head against the one last seen when the question was sent.

        (0) the remembered key signed the head, which names the log
        (1) the path leads from the entry to the root
        (2) the head is acceptable after the other one
        """
        head = open_head(proof.checkpoint, self._verifier)
        if not verify_inclusion(proof.index, head.size, hash_leaf(proof.leaf), proof.path, head.root):
            raise ProofInvalid(what=f"entry {proof.index}")
        self._accept(head, sent)
        return head

    def _accept(self, head: Head, sent: Remembered) -> None:
        """Check the head of an answer, and remember it if it is newer.

        (0) it is neither smaller nor noticeably older than the one seen before the question was sent
        (1) it extends the newest one, or is extended by it
        """
        self._check_age(head, sent)
        seen = self._seen
        if head.size == seen.size:
            self._see(seen, head, ())
            return
        tree = Remembered.of(seen.verifier, head)
        past, now = sorted((seen, tree), key=lambda one: one.size)
        growth = self._backend.ask(GetGrowth(size=past.size, until=now.size))
        self._see(past, now, growth.path)

    def _check_age(self, head: Head, sent: Remembered) -> None:
        if head.size < sent.size:
            raise LogRolledBack(location=self._location, size=head.size, remembered=sent.size)
        now = self.clock().timestamp()
        oldest = max(sent.time - _DRIFT_S, 0 if self._max_age_s is None else now - self._max_age_s)
        if head.time < oldest:
            raise AnswerStale(location=self._location, time=write_seconds(head.time))

    def _meet(self, known: Remembered) -> Remembered:
        growth = self._backend.ask(GetGrowth(size=known.size))
        head = open_head(growth.checkpoint or b"", self._verifier)
        self._check_age(head, known)
        return self._see(known, Remembered.of(known.verifier, head), growth.path)

    def _see(self, past: Remembered, now: "Remembered | Head", path: Sequence[bytes]) -> Remembered:
        """Check that a head follows from another one, and remember it if it is the newest."""
        if not verify_consistency(past.size, now.size, past.root, now.root, path):
            raise LogForked(location=self._location, size=now.size, remembered=past.size)
        if now.size == past.size and now.index_root != past.index_root:
            raise IndexForked(location=self._location, size=now.size)
        newest = Remembered.of(past.verifier, now)
        with self._seeing:
            if (newest.size, newest.time) > (self._seen.size, self._seen.time):
                self._seen = newest
                self._memory.keep(newest)
        return newest
