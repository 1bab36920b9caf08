"""A backend that checks another one.

It checks every receipt and proof at once: the log's key signed the checkpoint, the entry is in its tree, and
the log still contains what it had when it was last seen. A receipt counts only if its entry also says what
the command asked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, TypeVar, cast

from muniment.answers.folding import History, Past
from muniment.answers.pages import past_of
from muniment.answers.table import ANSWERS
from muniment.answers.view import Newest, State
from muniment.capture.clock import now
from muniment.client.proofs.absence import unproven_absence
from muniment.client.proofs.deriving import ProvenView
from muniment.client.proofs.finding import list_records
from muniment.client.proofs.following import DRIFT_S, Follower
from muniment.client.proofs.lists import ProvenLists
from muniment.client.proofs.memory import Memory, Remembered
from muniment.client.proofs.receipts import check_outcome, check_receipt, check_subjects
from muniment.client.proofs.restoring import Restore, check_restores
from muniment.core.backend import Backend, Stored
from muniment.core.basis import Basis, Known
from muniment.core.digests import Digest
from muniment.core.errors import (
    AnswerStale,
    BlobNotFound,
    EventNotFound,
    InvalidBody,
    InvalidDocument,
    MunimentError,
    NotFound,
    NotIdentified,
    NotShown,
    OpenedReadOnly,
    PastNotCome,
    PrincipalNotFound,
    ProofInvalid,
    RecordUnproven,
    Refused,
    UnknownSigner,
)
from muniment.core.events import Entry, IndexSealed, Subject
from muniment.core.events.subjects import of_namespace
from muniment.core.people.roles import EVERYWHERE
from muniment.core.receipts import Proof, Receipt
from muniment.core.records import KeyRecord, Record, TokenRecord
from muniment.core.times import Clock, resolve_time, write_seconds, write_time
from muniment.core.verbs.catalog import GetNamespace
from muniment.core.verbs.log import GetProof, GetRestores, ListClockJumps, ListEntries, Restores
from muniment.core.verbs.people import FindPerson, GetKey, GetPerson, GetSelf, ListTokens, Person
from muniment.core.verbs.verb import Command, Query
from muniment.log.proofs import verify_inclusion
from muniment.log.tree import hash_leaf
from muniment.signing.heads import Head, open_head

A = TypeVar("A")
C = TypeVar("C", bound=Command)


class Documents(NamedTuple):
    """The blobs of a backend, as views open them; who reads one checks its digest."""

    backend: Backend

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob."""
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
        *,
        read_only: bool = False,
    ) -> None:
        """Open the log at a location, and check it against the memory.

        With `max_age_s`, an answer that was signed longer ago is refused. With `read_only`, the log may be an
        older copy of the remembered one, every command is refused, and nothing is remembered.

        Raises:
            LogReplaced, LogRolledBack, LogRestored, LogForked: it does not extend the remembered log.
        """
        self._backend = backend
        self._location = location
        self._credential = credential
        self._read_only = read_only
        self.clock = clock
        self._salts: dict[str, bytes] = {}
        self._lists = ProvenLists()
        self._follower = Follower(backend, memory, location, clock, max_age_s, read_only=read_only)

    @property
    def location(self) -> str:
        """The location of the registry."""
        return self._location

    def time(self) -> str:
        """Return the current time in the form of claims (RFC 3339)."""
        return write_time(self.clock())

    def past(self, at: str | None) -> str | None:
        """Resolve as of when somebody asks: a date, or a duration before now; others are left as they are."""
        return None if at is None else resolve_time(at, self.clock(), ago=True)

    def until(self, end: str | None) -> str | None:
        """Resolve when something ends: a date, or a duration from now on; others are left as they are."""
        return None if end is None else resolve_time(end, self.clock())

    @property
    def seen(self) -> Remembered:
        """The newest state of the log that passed the checks."""
        return self._follower.seen

    @property
    def read_only(self) -> bool:
        """Whether commands are refused."""
        return self._read_only

    @property
    def behind(self) -> Remembered | None:
        """The newest state of the log that is remembered, if this is an older copy."""
        return self._follower.behind

    @cached_property
    def as_of(self) -> str | None:
        """The time of the newest entry (RFC 3339); None if we may not read that entry."""
        with suppress(NotFound, Refused):
            return self.ask(GetProof(index=self.seen.size - 1)).entry.when
        return None

    def restores(self) -> list[Restore]:
        """List the restores to an older state that the registry declares, oldest first, proven.

        Raises:
            ProofInvalid: one of them is not proven, or is left out.
        """
        sent = self._follower.catch_up()
        return self._check_restores(self.ask_unproven(GetRestores()), sent)

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
            return self.ask(GetSelf()).record.id
        record = self._find_credential(self._credential)
        self.check_record(record)
        return record.principal

    def find_person(self, text: str, at: str | None = None) -> Person:
        """Return a principal, by id or by name, now or at a time.

        Its name, its keys, and its roles in the namespaces that the registry names are proven.

        Raises:
            NotShown: there is none, as the registry says.
            RecordUnproven: the answer is another principal, or none.
        """
        person = self.prove_person(self.ask_unproven(FindPerson(principal=text, at=at)), at)
        if text not in {person.record.id, person.name}:
            raise RecordUnproven(record=f"principals[{text}]", index=person.record.index)
        return person

    def _find_names(self, principals: Iterable[str]) -> Iterator[tuple[str, str]]:
        for principal in principals:
            with suppress(MunimentError):
                yield principal, self.find_person(principal).name or principal

    def find_self(self) -> Person:
        """Return our principal: its name, its keys, and its roles in the namespaces that are named, proven.

        Raises:
            NotIdentified: the registry does not know us.
            RecordUnproven: the registry says that we are somebody else.
        """
        person = self.ask_unproven(GetSelf())
        if person.record.id != self.principal:
            raise RecordUnproven(record=f"principals[{person.record.id}]", index=person.record.index)
        return self.prove_person(person)

    def meet(self) -> Remembered:
        """Get the present head of the log, and check it against what was seen. Raises as `__init__`."""
        return self._follower.meet()

    def prove_person(self, found: Person, at: str | None = None) -> Person:
        """Return a principal as it is proven, with its roles in the namespaces that `found` names.

        Raises:
            RecordUnproven: there is no such principal.
        """
        record, namespaces = found.record, {grant.namespace for grant in found.grants} - {EVERYWHERE}
        try:
            return self.ask(GetPerson(principal=record.id, namespaces=tuple(sorted(namespaces)), at=at))
        except (PrincipalNotFound, InvalidBody) as error:
            raise RecordUnproven(record=f"{record.table}[{record.id}]", index=record.index) from error

    def execute(self, command: Command) -> Receipt:
        """Execute a command, and check its receipt.

        (0) the command names versions and principals as entries do
        (1) the receipt proves its entry
        (2) the entry says what the command asked and, if it is new, that we did it
        (3) the index has it under each of its subjects, where a later question looks for it
        (4) what it leaves out was done, too; if it is not new, no later one says otherwise
        (5) the next entry says the rest, if the command makes two

        Raises:
            OpenedReadOnly: this registry is only read.
            InvalidBody: it names a version by an alias, which may move meanwhile: resolve it first.
            ProofInvalid: the receipt proves nothing. The command may have taken effect.
            ReceiptMismatch: it proves something else. The command may not have taken effect.
        """
        self._check_writable()
        # A copy that was left behind is refused before it is written, and not after.
        self._follower.catch_up()
        exact = self._name_exactly(command)
        for realm in exact.realms:
            # Afterwards, we may not be allowed to ask.
            with suppress(NotFound, NotShown):
                self.salt_of(realm)
        me, sent = self.principal, self.seen
        try:
            receipt = self._backend.execute(exact)
        except Refused as error:
            error.name_people(dict(self._find_names(error.list_people())))
            raise
        head = self._check(receipt, sent)
        check_receipt(receipt, exact, me, sent.size)
        check_subjects(receipt, head.index, self.salt_of)
        check_outcome(receipt, exact, self.ask)
        rest = exact.rest(receipt.entry)
        if rest is not None:
            check_receipt(self._prove_next(receipt), rest, me, receipt.index + 1)
        if receipt.created:
            self._follower.note(receipt)
        return receipt

    def ask(self, query: Query[A]) -> A:
        """Answer a query: compute a proven answer from its basis, and check a proof.

        Of an answer that is found, each record is proven to be on record, as of then; there may be more.

        Raises:
            Untrusted: a part is not proven, or is missing.
            NotFound: there is no answer, which is proven as well.
            NotShown: the registry says so, without a proof.
        """
        self._check_come(past_of(query))
        if type(query) in ANSWERS:
            return self.derive(query)
        sent = self._follower.catch_up()
        with unproven_absence():
            answer = self._backend.ask(query)
        if isinstance(answer, Basis):
            self._open(answer, sent)
        if isinstance(query, GetProof) and isinstance(answer, Proof):
            head = self._check(answer, sent)
            if answer.index != query.index:
                raise ProofInvalid(what=f"entry {query.index}")
            if query.subjects:
                check_subjects(answer, head.index, self.salt_of)
        if isinstance(answer, Restores):
            self._check_restores(answer, sent)
        if not query.declared.proven:
            for record in list_records(answer):
                self.check_record(record, query)
        return answer

    def ask_unproven(self, query: Query[A]) -> A:
        """Answer a query as the registry says, at less cost. The caller MUST NOT rely on the answer.

        Raises:
            NotShown: the registry says that there is none.
        """
        with unproven_absence():
            return self._backend.ask(query)

    def derive(self, query: Query[A]) -> A:
        """Compute an answer from what is proven alone. Raises as `ask`."""
        # The table pairs each query with a function that returns the answer of the query's type.
        return cast("A", ANSWERS[type(query)](self.read_state(query), query))

    def prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:
        """Return what an answer follows from, unchecked, for somebody else to check."""
        return self._backend.prove(query, known)

    def check_record(self, record: Record, query: Query[object] | None = None) -> None:
        """Check that a record follows from the log, as of the time that a query asks for.

        Raises:
            RecordUnproven: the record does not follow from its entry, or the entry came later.
            ProofInvalid: the entry is not in the log.
        """
        past = None if query is None else past_of(query)
        entry = self._find_entry(record.index)
        if entry is None or not entry.makes(record) or (past is not None and not past.has(entry)):
            key = ", ".join(str(part) for part in record.identity())
            raise RecordUnproven(record=f"{record.table}[{key}]", index=record.index)

    def add_blob(self, source: BinaryIO) -> Stored:
        """Store a stream. Raises `OpenedReadOnly` as `execute`."""
        self._check_writable()
        return self._backend.add_blob(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs.

        Raises:
            OpenedReadOnly: this registry is only read.
            ProofInvalid: the other backend answers with other digests.
        """
        self._check_writable()
        digests = self._backend.add_documents(documents)
        if digests != [Digest.of(document) for document in documents]:
            raise ProofInvalid(what="the stored documents")
        return digests

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob; the caller MUST check its bytes.

        Raises:
            BlobNotFound: it is not stored, as the registry says.
        """
        try:
            return self._backend.open_blob(digest)
        except BlobNotFound:
            raise
        except NotFound as error:
            raise NotShown(what=str(error)) from error

    def close(self) -> None:
        """Close the backend."""
        self._backend.close()

    def _find_entry(self, index: int) -> Entry | None:
        """Prove an entry; None if there is none that we may read."""
        try:
            return self.ask(GetProof(index=index)).entry
        except (NotShown, InvalidBody):
            return None

    def _find_credential(self, credential: Credential) -> TokenRecord | KeyRecord:
        records: list[TokenRecord | KeyRecord] = []
        if credential.kind is TokenRecord:
            records = [token.record for token in self.ask_unproven(ListTokens())]
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
        try:
            proof = self.ask(GetProof(index=receipt.index + 1, subjects=True))
            if isinstance(proof.event, IndexSealed):
                proof = self.ask(GetProof(index=receipt.index + 2, subjects=True))
        except NotShown as error:
            raise ProofInvalid(what=f"the entry after {receipt.index}, which tells the rest") from error
        return Receipt(index=proof.index, leaf=proof.leaf, path=proof.path, checkpoint=proof.checkpoint)

    def read_state(self, query: Query[A]) -> State:
        """Check the basis of an answer; return the state that the answer follows from."""
        sent, past = self._follower.catch_up(), past_of(query)
        known = self._lists.find(query)
        basis = self._prove(query, [Known(*subject, history.last) for subject, history in known.items()])
        head, view = self._open(basis, sent, past, known)
        self._check_past(past, head)
        self._lists.keep(query, view.proven)
        newest = Newest(head.size, head.newest)
        return State(view=view, registry=self.seen.verifier, time=head.now, newest=newest)

    def read_entries(self, query: ListEntries) -> tuple[Head, ProvenView]:
        """Read a page of the entries of a namespace, and check it. Raises as `ask`."""
        sent = self._follower.catch_up()
        with unproven_absence():
            basis = self._backend.ask(query)
        return self._open(basis, sent, paged=of_namespace(query.namespace))

    def read_proven(self, query: GetPerson | ListClockJumps) -> ProvenView:
        """Read what is proven of a principal, or of the clock. Raises as `ask`."""
        sent = self._follower.catch_up()
        return self._open(self._prove(query), sent)[1]

    def _prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:
        with unproven_absence():
            return self._backend.prove(query, known)

    def _check_come(self, past: Past | None) -> None:
        """Check that a time that is asked for has come, by our clock.

        Raises:
            PastNotCome: it has not.
        """
        if past is not None and past.time > write_seconds(int(self.clock().timestamp()) + DRIFT_S):
            raise PastNotCome(time=past.time)

    def _check_past(self, past: Past | None, head: Head) -> None:
        """Check that the past that was asked for is not later than the head.

        Raises:
            EventNotFound: the log has no such entry.
            AnswerStale: the answer is older than the time that was asked for.
        """
        if past is None:
            return
        if past.entry is not None and past.entry >= head.size:
            raise EventNotFound(index=past.entry)
        if past.time > write_seconds(head.time + DRIFT_S):
            raise AnswerStale(location=self._location, time=write_seconds(head.time))

    def _open(
        self,
        basis: Basis,
        sent: Remembered,
        past: Past | None = None,
        known: Mapping[Subject, History] = MappingProxyType({}),
        paged: Subject | None = None,
    ) -> tuple[Head, ProvenView]:
        """Check a basis, and that its head is acceptable."""
        head = open_head(basis.head, self._follower.verifier)
        self._follower.accept(head, sent)
        try:
            view = ProvenView(basis, head, Documents(self._backend), past, known, paged)
        except (ValueError, InvalidDocument) as error:
            raise ProofInvalid(what="an entry of the answer") from error
        self._salts |= view.salts
        return head, view

    def salt_of(self, realm: str) -> bytes:
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
        head = open_head(proof.checkpoint, self._follower.verifier)
        if not verify_inclusion(proof.index, head.size, hash_leaf(proof.leaf), proof.path, head.root):
            raise ProofInvalid(what=f"entry {proof.index}")
        self._follower.accept(head, sent)
        return head

    def _check_restores(self, answer: Restores, sent: Remembered) -> list[Restore]:
        """Check an answer about restores, and its head against the one last seen when it was asked."""
        head, restores = check_restores(answer, self._backend, self._follower.verifier)
        self._follower.accept(head, sent)
        return restores

    def _check_writable(self) -> None:
        if self._read_only:
            raise OpenedReadOnly(location=self._location)
