"""A lying server: every query and command, and each way to lie. Clients answer truly, or refuse by name."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple, cast, get_type_hints

import pytest

from muniment.client.proofs.judging import judge
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import Credential, TrustedBackend
from muniment.client.sdk.registry import Registry
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import DEPLOYMENT, PROVENANCE
from muniment.core.claims.lineage import Graph
from muniment.core.claims.proposals import ChangeKind, ProposalDecision
from muniment.core.digests import Digest
from muniment.core.errors import AnswerAhead, AnswerStale, NotFound, NotShown, Untrusted
from muniment.core.names import Alias, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.people.roles import Act, Role
from muniment.core.people.tokens import id_of, make_token
from muniment.core.receipts import Proof, Receipt
from muniment.core.records import KeyRecord, Record
from muniment.core.times import write_time
from muniment.core.verbs import bytes as bytes_
from muniment.core.verbs import catalog, gates, inbox, log, people, proposals, upkeep
from muniment.core.verbs.table import VERBS
from muniment.core.verbs.verb import Command, Query, name_of
from muniment.core.verbs.versions import GetVersion
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.testing import LIES, LyingBackend, copy_memory
from muniment.testing.backends import (
    MODELS,
    NAME,
    PRODUCTION,
    add_person,
    decide,
    provenance,
    publish,
    record,
    set_policy,
)
from muniment.testing.lying import HONEST, Lie, change_rows
from story import LATER, Done, tell

QUERIES = [kind for kind in VERBS if issubclass(kind, Query)]
COMMANDS = [kind for kind in VERBS if issubclass(kind, Command)]
FIRST = Reference(NAME, 1)
# As of when is asked: much has happened, and much came later.
AN_ENTRY = 68

# Whose answers are the registry's word, of which nothing is proven; the documentation says so.
ON_ITS_WORD = {bytes_.GetUsage}


class World(NamedTuple):
    """A registry with something to tell for each query, and the same as it was earlier."""

    identity: Identity
    backend: LocalBackend
    earlier: LocalBackend
    examples: Mapping[str, Any]


@cache
def make_world() -> World:
    """Take the registry of the story, and add what has ended there."""
    told = tell()
    backend = copy_memory(told.backend)
    me = backend.ask(people.GetSelf()).record.id
    backend.execute(
        people.IssueToken(principal=me, token=id_of(make_token()), name=Payload.of("mine"), expires=LATER)
    )
    backend.execute(
        people.TrustIssuer(issuer="https://ci.example.com", claims=(("sub", "y"),), principal="ci")
    )
    target = '{"url": "https://hooks.example.com", "secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'
    backend.execute(upkeep.SetWebhook(namespace="acme", target=Payload.of(target)))
    backend.execute(catalog.PostComment(reference=FIRST, text=Payload.of("@founder: look at this")))
    backend.execute(catalog.SetTag(reference=FIRST, key="stage", value=Payload.of("ready")))
    backend.execute(gates.OpenRequest(reference=FIRST, alias=PRODUCTION, reason=Payload.of("it is good")))
    set_policy(backend, told.identity, {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 1.0})
    served: dict[str, Json] = {"version": str(FIRST), "target": "prod/api", "state": "serving"}
    record(backend, told.identity, 1, DEPLOYMENT, {**served, "loaded": None, "time": "2026-01-01T00:00:00Z"})
    first, second = (backend.ask(GetVersion(reference=Reference(NAME, number))) for number in (1, 2))
    made_from: Json = {
        "name": "an older one",
        "digest": {"sha256": Digest.parse(second.revision).hex},
        "annotations": {"kind": "model"},
    }
    said = provenance()
    definition = {**cast("JsonObject", said["buildDefinition"]), "resolvedDependencies": [made_from]}
    record(backend, told.identity, 1, PROVENANCE, {**said, "buildDefinition": definition})
    propose(backend, told.identity)
    examples = {
        "reference": FIRST,
        "name": NAME,
        "alias": PRODUCTION,
        "namespace": "acme",
        "principal": me,
        "key_id": told.identity.public.id,
        "act": Act.READ,
        "node": Digest.parse(first.revision).hex,
        "since": "2000-01-01T00:00:00Z",
        "index": 7,
        "size": 7,
    }
    return World(told.identity, backend, told.earlier, examples)


def propose(backend: LocalBackend, founder: Identity) -> None:
    """Propose to end two protected policies: one waits, and one ends in an emergency."""
    key = add_person(backend, "Bea", Role.ADMIN, namespace="*")
    bea = copy.copy(backend)
    bea._caller = Caller(principal=backend.ask(people.FindPerson(principal="Bea")).record.id, direct=True)
    terms: JsonObject = {"roles": ["admin"], "close_within": "24h"}
    for alias in (Alias("kept"), Alias("ended")):
        rule: JsonObject = {"rule": "signature"}
        set_policy(backend, founder, rule, alias=alias, protected={"role": "validator"}, break_glass=terms)
        command = proposals.ProposeChange(
            models=MODELS, kind=ChangeKind.END_POLICY, alias=alias, reason=Payload.of("unused")
        )
        opened = backend.execute(command)
    decide(bea, key, opened.index, ProposalDecision.BREAK_GLASS)


def make_queries(kind: type[Query[Any]]) -> Iterator[Query[Any]]:
    """Ask about the examples, now and at a time; a field that has no example has to get one."""
    if kind is inbox.GetInboxItem:
        items = make_world().backend.ask(inbox.GetInbox())
        yield from (inbox.GetInboxItem.again(item, make_world().examples["principal"]) for item in items)
        return
    needed = [field.name for field in fields(kind) if field.default is MISSING]
    missing = [name for name in needed if name not in make_world().examples]
    assert not missing, f"say in `make_world` what {name_of(kind)} is asked about: {missing}"
    query = kind(**{name: make_world().examples[name] for name in needed})
    yield query
    if "at" in get_type_hints(kind):
        yield replace(query, at=str(AN_ENTRY))  # type: ignore[call-arg] # it has one


def open_lying(lie: Lie) -> tuple[Registry, LyingBackend]:
    """Open the registry as its founder, who has seen it before it lies."""
    world = make_world()
    lying = LyingBackend(world.backend, world.earlier)
    credential = Credential(KeyRecord, world.identity.public.id)
    state = DirectoryMemory(Path(mkdtemp()), "liar")
    backend = TrustedBackend(lying, state, "liar", credential=credential)
    assert backend.principal
    lying.tell(lie)
    return Registry(backend, world.identity), lying


def open_again(registry: Registry) -> str:
    """Open the registry again, with what was seen of it in mind."""
    backend = registry._session.backend
    return TrustedBackend(backend._backend, backend._follower._memory, "liar").seen.verifier


def replay(registry: Registry, namespace: str | None = None) -> tuple[int, int]:
    """Replay the log, or a namespace; raise the fault that is found."""
    audit = registry.audit(namespace)
    for check in audit.checks:
        if check.error is not None:
            raise check.error
    return audit.size, audit.entries


# How the SDK reads what it does not ask for as it is.
READS: Mapping[type[Query[Any]], Callable[[Registry, Any], object]] = {
    inbox.GetInbox: lambda registry, _: tuple(registry.inbox()),
    gates.JudgeGate: lambda registry, query: judge(registry._session.backend, query),
    catalog.SearchVersions: lambda registry, query: tuple(registry.search(query.text, at=query.at)),
    catalog.GetLineage: lambda registry, query: registry.lineage(f"sha256:{query.node}", query.direction),
    people.ListPeople: lambda registry, query: tuple(registry.people.list(at=query.at)),
    people.FindPerson: lambda registry, query: registry.people.get(query.principal, at=query.at),
    people.ListTokens: lambda registry, query: tuple(registry.access.tokens(query.principal, at=query.at)),
    upkeep.ListWebhooks: lambda registry, query: tuple(registry.webhooks.list(query.namespace)),
    log.GetLeaves: lambda registry, _: replay(registry),
    log.ListEntries: lambda registry, query: replay(registry, query.namespace),
    log.GetLogIdentity: lambda registry, _: open_again(registry),
    log.GetGrowth: lambda registry, _: open_again(registry),
}


def ask(registry: Registry, query: Query[Any]) -> object:
    """Read as the SDK does."""
    read = READS.get(type(query))
    return registry._session.backend.ask(query) if read is None else read(registry, query)


def answer(registry: Registry, query: Query[Any]) -> object:
    try:
        return ask(registry, query)
    except NotFound as refusal:
        return refusal.code, refusal.data()


@cache
def find_truth(query: Query[Any]) -> object:
    registry, _ = open_lying(HONEST)
    return answer(registry, query)


def agrees(told: object, truth: object) -> bool:
    """Say whether an answer is true, but for texts that are not shown, which look as if they were erased."""
    if isinstance(truth, Proof) and isinstance(told, Proof):
        return (told.index, told.leaf) == (truth.index, truth.leaf)
    if isinstance(truth, log.Restores) and isinstance(told, log.Restores):
        return told.entries == truth.entries
    if isinstance(truth, Mapping) and isinstance(told, Mapping):
        return told.items() <= truth.items()
    if isinstance(truth, tuple) and isinstance(told, tuple) and not isinstance(truth, Record):
        shown = [one for one in truth if not isinstance(one, catalog.Tag) or one in told]
        return len(told) == len(shown) and all(map(agrees, told, shown))
    if is_dataclass(truth) and type(told) is type(truth) and not isinstance(truth, Record):
        pairs = [(getattr(told, field.name), getattr(truth, field.name)) for field in fields(truth)]
        return all(agrees(one, other) or (one is None and isinstance(other, str)) for one, other in pairs)
    return told == truth


def is_part(told: object, truth: object) -> bool:
    """Say whether all that was found is true; there may be more."""
    if isinstance(told, tuple) and isinstance(truth, tuple):
        return all(any(agrees(one, other) or is_part(one, other) for other in truth) for one in told)
    if isinstance(told, Graph) and isinstance(truth, Graph):
        return {*told.nodes} <= {*truth.nodes} and {*told.edges} <= {*truth.edges}
    if isinstance(told, people.Person) and isinstance(truth, people.Person):
        same = agrees(replace(told, grants=()), replace(truth, grants=()))
        return same and {*told.grants} <= {*truth.grants}
    if isinstance(told, bytes_.PendingReads) and isinstance(truth, bytes_.PendingReads):
        return told.namespace == truth.namespace and {*told.days} <= {*truth.days}
    return False


@cache
def count_refusals(kind: type[Query[Any]], lie: str) -> int:
    """Ask all questions of a kind; fail if an answer is neither true nor refused as untrusted."""
    refused = 0
    for query in make_queries(kind):
        registry, _ = open_lying(LIES[lie])
        truth = find_truth(query)
        try:
            told = answer(registry, query)
        except (NotShown, Untrusted):
            refused += 1
            continue
        found = not kind.declared.proven
        assert agrees(told, truth) or (found and is_part(told, truth)), (lie, query, told)
    return refused


PROVABLE = [kind for kind in QUERIES if kind not in ON_ITS_WORD]


@pytest.mark.parametrize("kind", PROVABLE, ids=name_of)
def test_an_answer_is_true_or_refused(kind: type[Query[Any]]) -> None:
    """Whatever is lied about, each query is answered truly, as far as it goes, or refused as untrusted."""
    for lie in LIES:
        count_refusals(kind, lie)  # type: ignore[arg-type] # it is hashable


@pytest.mark.parametrize("kind", PROVABLE, ids=name_of)
def test_there_is_something_to_lie_about(kind: type[Query[Any]]) -> None:
    """The registry of these tests has an answer to each query, and rows in each list."""
    truths = [find_truth(query) for query in make_queries(kind)]
    assert any(truth and not (isinstance(truth, tuple) and isinstance(truth[0], str)) for truth in truths)
    assert all(truth.edges for truth in truths if isinstance(truth, Graph))


@pytest.mark.parametrize("lie", LIES)
def test_each_lie_is_refused(lie: str) -> None:
    """There is no lie that would never be noticed."""
    silent = {"a row withheld"}
    refused = any(count_refusals(kind, lie) for kind in PROVABLE)  # type: ignore[arg-type] # as above
    assert refused is not (lie in silent or lie in RECEIPTS)


# ---- rows of found answers

# Not in the entry that made a record: the registry says on its word that the record has not ended.
AMENDED = {"ended", "revoked", "withdrawn"}


def list_columns(answer: object) -> list[tuple[type, str]]:
    """List the kinds of rows in an answer, and their columns with a text or a number."""
    columns: dict[tuple[type, str], None] = {}

    def look(row: object) -> object:
        for field in fields(row):  # type: ignore[arg-type] # a dataclass
            if isinstance(getattr(row, field.name), str | int) and field.name not in AMENDED:
                columns[type(row), field.name] = None
        return row

    change_rows(answer, look)
    return [*columns]


def alter(row: object, kind: type, column: str) -> object:
    if type(row) is not kind or getattr(row, column) is None:
        return row
    value = getattr(row, column)
    return replace(row, **{column: f"{value}x" if isinstance(value, str) else 1 - int(value)})  # type: ignore[type-var] # a dataclass


def make_lie(kind: type, column: str) -> Lie:
    """Alter one column of one kind of rows."""
    return Lie(says=lambda told: change_rows(told, lambda row: alter(row, kind, column)))


FOUND = [kind for kind in PROVABLE if not kind.declared.proven]


@pytest.mark.parametrize("kind", FOUND, ids=name_of)
def test_no_column_of_a_found_row_can_be_altered(kind: type[Query[Any]]) -> None:
    """A row that differs from the log in any column is refused, or shown as it is."""
    for query in make_queries(kind):
        truth = find_truth(query)
        for row, column in list_columns(make_world().backend.ask(query)):
            registry, _ = open_lying(make_lie(row, column))
            try:
                told = answer(registry, query)
            except Untrusted:
                continue
            assert agrees(told, truth) or is_part(told, truth), (row, column)


# ---- commands

RECEIPTS = {"an older receipt", "an older receipt as nothing new", "no proof of subjects"}


def find_done(kind: type[Command]) -> Done:
    done = next(done for done in tell().done if type(done.command) is kind and done.receipt.created)
    if isinstance(done.command, log.ConfirmTime):
        # The clock of the story goes on with each question.
        return done._replace(command=replace(done.command, date=write_time(done.before._clock())[:10]))
    return done


def execute_lying(done: Done, lie: Lie) -> Receipt:
    """Do what was done, in the registry as it was before, which lies from then on."""
    backend = copy_memory(done.before)
    lying = LyingBackend(backend, tell().backend)
    client = TrustedBackend(lying, DirectoryMemory(Path(mkdtemp()), "liar"), "liar")
    assert client.principal
    size = client.seen.size
    lying.tell(lie)
    receipt = client.execute(done.command)
    lying.tell(HONEST)
    assert TrustedBackend(backend, DirectoryMemory(Path(mkdtemp()), "liar"), "liar").seen.size > size
    return receipt


@pytest.mark.parametrize("kind", COMMANDS, ids=name_of)
def test_a_command_is_done_or_refused(kind: type[Command]) -> None:
    """Whatever is lied about, a command that is said to be done is on record, as it was asked."""
    done, refused = find_done(kind), set()
    for name, lie in LIES.items():
        try:
            receipt = execute_lying(done, lie)
        except (NotShown, Untrusted):
            refused.add(name)
            continue
        assert done.command.is_done_by(receipt.entry), name
    assert refused >= RECEIPTS


@pytest.mark.parametrize("kind", COMMANDS, ids=name_of)
def test_an_honest_command_is_confirmed(kind: type[Command]) -> None:
    """Without a lie, the same command is confirmed."""
    done = find_done(kind)
    assert done.command.is_done_by(execute_lying(done, HONEST).entry)


def test_an_answer_has_a_greatest_age(backend: LocalBackend, owner: Identity, tmp_path: Path) -> None:
    """An answer that was signed longer ago than the client puts up with is refused."""
    publish(backend, owner, b"a")
    later = datetime(2026, 1, 1, 2, tzinfo=UTC)
    memory = DirectoryMemory(tmp_path, "here")
    patient = TrustedBackend(backend, memory, "here", clock=lambda: later, max_age_s=7200)
    assert patient.ask(GetVersion(reference=FIRST)).number == 1
    with pytest.raises(AnswerStale):
        TrustedBackend(backend, memory, "here", clock=lambda: later, max_age_s=60)


def test_an_answer_from_the_future_is_not_remembered(
    backend: LocalBackend, owner: Identity, tmp_path: Path
) -> None:
    """A registry whose clock is ahead is refused, and its answers are believed again once it is right."""
    publish(backend, owner, b"a")
    memory = DirectoryMemory(tmp_path, "here")
    before = datetime(2025, 12, 31, tzinfo=UTC)
    with pytest.raises(AnswerAhead):
        TrustedBackend(backend, memory, "here", clock=lambda: before, max_age_s=3600)
    present = datetime(2026, 1, 1, tzinfo=UTC)
    client = TrustedBackend(backend, memory, "here", clock=lambda: present, max_age_s=3600)
    assert client.ask(GetVersion(reference=FIRST)).number == 1
