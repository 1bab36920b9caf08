"""Verbs: each command and query is declared once, and everything else follows from it."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import muniment
from muniment.answers.table import ANSWERS
from muniment.client.remote import open_remote
from muniment.core.backend import Backend, Stored
from muniment.core.basis import Basis, Known
from muniment.core.digests import Digest
from muniment.core.errors import InvalidBody, MunimentError, NotPermitted
from muniment.core.names import ModelName
from muniment.core.people.roles import EVERYWHERE
from muniment.core.receipts import Proof, Receipt
from muniment.core.verbs import gates, people
from muniment.core.verbs.log import Growth, LogIdentity, Restores
from muniment.core.verbs.table import VERBS, WINGS
from muniment.core.verbs.verb import Command, May, Place, Query, Verb, Who, Within, name_of
from muniment.core.verbs.wire import Request, answer_of, parts_of, read, write
from muniment.services.backend import _COMMANDS, _QUERIES, LocalBackend
from muniment.signing.keys import Identity
from muniment.testing import check_backend, open_memory
from muniment.testing.backends import add_person, publish
from strategies import verbs

ROOT = Path(muniment.__file__).parents[2]
COMMANDS = [kind for kind in VERBS if issubclass(kind, Command)]
QUERIES = [kind for kind in VERBS if issubclass(kind, Query)]

A = TypeVar("A")


def receive(kind: type[Verb], request: Request) -> dict[str, object]:
    """Take a request apart, as a server does."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", kind.declared.path)
    match = re.fullmatch(pattern, request.path)
    assert match is not None
    came: dict[str, object] = {name: unquote(text) for name, text in match.groupdict().items()}
    came = {**came, **request.params, **(request.body or {})}
    tag = "-1" if "if-none-match" in request.headers else request.headers.get("if-match", "").strip('"')
    for part in parts_of(kind):
        if part.place is Place.PRECONDITION:
            came[part.name] = int(tag) if tag else None
        elif part.place is Place.PATH and part.form is int:
            came[part.name] = int(str(came[part.name]))
    return came


@pytest.mark.parametrize("kind", VERBS, ids=name_of)
@given(data=st.data())
@settings(max_examples=20)
def test_what_is_sent_is_what_arrives(kind: type[Verb], data: st.DataObject) -> None:
    """A verb written as a request, or as JSON, is read back unchanged."""
    verb = data.draw(verbs(kind))
    request = write(verb)
    assert (request.method, request.body is None) == (
        kind.declared.method,
        not any(part.place is Place.BODY for part in parts_of(kind)),
    )
    assert read(kind, receive(kind, request)) == verb
    json.dumps(request.body)


def test_each_verb_is_done() -> None:
    """The services have one function for each declared verb and no others."""
    assert set(COMMANDS) == set(_COMMANDS)
    assert set(QUERIES) == set(_QUERIES)


def test_no_two_verbs_are_one() -> None:
    """No two verbs share an operation name, or a method with a path."""
    names = Counter(map(name_of, VERBS))
    routes = Counter((kind.declared.method, re.sub(r"\{\w+\}", "*", kind.declared.path)) for kind in VERBS)
    assert set(names.values()) == set(routes.values()) == {1}


@pytest.mark.parametrize("kind", VERBS, ids=name_of)
def test_a_declaration_names_what_there_is(kind: type[Verb]) -> None:
    """The braces in a path, and the place where a right is checked, name parts of the verb."""
    placed = {part.name for part in parts_of(kind) if part.place is Place.PATH}
    assert placed == set(re.findall(r"\{(\w+)\}", kind.declared.path))
    who = kind.declared.who
    if isinstance(who, May | Within) and who.on != EVERYWHERE:
        assert who.on in {field.name for field in fields(kind)}


@pytest.mark.parametrize("kind", QUERIES, ids=name_of)
def test_what_is_proven_can_be_computed_or_is_a_proof(kind: type[Query[object]]) -> None:
    """An answer is declared as proven if clients compute it from its basis, or check it against the log."""
    form, _ = answer_of(kind)
    proofs = {Basis, Proof, Growth, LogIdentity, Restores, bytes}
    assert kind.declared.proven is (kind in ANSWERS or form in proofs)


@pytest.fixture(scope="module")
def stranger() -> Backend:
    """Found a registry with a version; open it as somebody who has no role in it."""
    owner, open_as = Identity.generate(), open_memory()
    backend = open_as(owner)
    publish(backend, owner, b"weights")
    return open_as(add_person(backend, "Stella"))


def send(backend: Backend, verb: Verb) -> None:
    if isinstance(verb, Command):
        backend.execute(verb)
    elif isinstance(verb, Query):
        backend.ask(verb)


# The others are for everybody, or answer each caller about themselves.
RESTRICTED = [kind for kind in VERBS if kind.declared.who not in {Who.ANYBODY, Who.CALLER}]


@pytest.mark.parametrize("kind", RESTRICTED, ids=name_of)
@given(data=st.data())
@settings(max_examples=5)
def test_a_stranger_is_refused_as_declared(kind: type[Verb], data: st.DataObject, stranger: Backend) -> None:
    """A caller without a role is refused as the verb declares, and cannot tell what exists."""
    verb, who = data.draw(verbs(kind)), kind.declared.who
    refusal = MunimentError if isinstance(who, str) and not isinstance(who, Who) else NotPermitted
    if isinstance(who, Within):
        refusal = who.absent
    with pytest.raises(refusal):
        send(stranger, verb)


class Repeating:
    """A backend that does all that is declared idempotent twice."""

    def __init__(self, backend: LocalBackend) -> None:
        self.backend = backend

    def execute(self, command: Command) -> Receipt:
        receipt = self.backend.execute(command)
        if command.declared.idempotent:
            again = self.backend.execute(command)
            assert (again.index, again.created) == (receipt.index, False), command
        return receipt

    def ask(self, query: Query[A]) -> A:
        return self.backend.ask(query)

    def prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:
        return self.backend.prove(query, known)

    def add_blob(self, source: BinaryIO) -> Stored:
        return self.backend.add_blob(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        return self.backend.add_documents(documents)

    def open_blob(self, digest: Digest) -> BinaryIO:
        return self.backend.open_blob(digest)

    def close(self) -> None:
        self.backend.close()


def test_what_is_idempotent_changes_nothing_the_second_time() -> None:
    """An idempotent command that is repeated is answered with its first entry."""
    open_as = open_memory()
    check_backend(lambda identity: Repeating(open_as(identity)))


def test_the_reference_says_what_the_declarations_say() -> None:
    """The page of the REST API and the pinned OpenAPI document are up to date (`make reference`)."""
    if not (ROOT / "docs").exists():
        pytest.skip("the pages are in the repository")
    command = [sys.executable, str(ROOT / "docs/make_reference.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_operations_have_names_of_their_own() -> None:
    """Each operation in the OpenAPI document has a unique id, named after its verb, and a group."""
    document = json.loads((ROOT / "tests/golden/openapi.json").read_text())
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    ids = Counter(one["operationId"] for one in operations)
    assert set(ids.values()) == {1}
    assert set(map(name_of, VERBS)) <= set(ids)
    assert {tag for one in operations for tag in one["tags"]} == set(WINGS)


@pytest.mark.parametrize(
    "query",
    [
        people.FindPerson(principal="\udcff"),
        people.FindPerson(principal="A\0B"),
        people.FindPerson(principal="x" * 1001),
        people.FindPerson(principal="é\ud800"),
        gates.ListMoves(name=ModelName("acme", "x"), after=10**30),
        gates.ListMoves(name=ModelName("acme", "x"), limit=0),
    ],
    ids=repr,
)
def test_the_bounds_of_a_field_hold_for_every_backend(
    query: Query[object], stranger: Backend, tmp_path: Path
) -> None:
    """A text that is no text, a number that no database holds: refused by name, and nothing is asked."""
    unreachable = open_remote("http://127.0.0.1:1", None, tmp_path)
    for backend in (stranger, unreachable):
        with pytest.raises(InvalidBody):
            backend.ask(query)
    unreachable.close()
