"""Separation of duties: every role against every act, embedded and served, and the ways around it."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import uuid_utils
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from muniment.core.backend import Backend
from muniment.core.canonical import Json, JsonObject
from muniment.core.catalog.statuses import Status
from muniment.core.claims.approvals import Approval, SigningDecision
from muniment.core.claims.attestations import APPROVAL, EVALUATION, PROVENANCE, VERDICT
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyApproved,
    BlobNotFound,
    GateFailed,
    MunimentError,
    NotPermitted,
    NotShown,
    NotYourSignature,
    OwnVersion,
    StaleApproval,
    VersionNotFound,
    VersionWithdrawn,
    WrongSubject,
)
from muniment.core.events import AliasMoved, PolicySet
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import EVERYWHERE, Act, Role, may
from muniment.core.times import write_time
from muniment.core.verbs.catalog import PostComment
from muniment.core.verbs.claims import RecordAttestation
from muniment.core.verbs.gates import GetPolicies, JudgeGate, ListMoves, MoveAlias, RollBackAlias
from muniment.core.verbs.people import ErasePrincipal, GetSelf, GrantRole, RegisterPrincipal, RevokeRole
from muniment.core.verbs.versions import (
    DescribeVersion,
    GetVersion,
    ListVersions,
    PurgeVersion,
    SetRetention,
    SetStatus,
)
from muniment.services.backend import LocalBackend
from muniment.services.upkeep.rebuild import compare
from muniment.signing.bundle import Bundle
from muniment.signing.keys import Identity
from muniment.signing.statements import attest, encode
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import open_memory, open_over
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    approval,
    evaluation,
    provenance,
    publish,
    record,
    refuses,
    set_policy,
    withdraw,
)
from muniment.testing.live import run_server

FIRST = Reference(NAME, 1)
APPROVED: JsonObject = {"rule": "approvals", "n": 1, "roles": ["validator", "approver", "security"]}


# ---- every role, every act


def _acts(role: Role) -> dict[Act, Callable[[Backend, Identity], object]]:
    """Give, for each act, something that takes exactly the right to it."""
    new = f"{role} {uuid_utils.uuid4()}".encode()
    stranger = Identity.generate()
    grant = GrantRole(principal="founder", role=Role.READER, namespace="acme")
    approving = role if may([role], Act.APPROVE) else Role.VALIDATOR
    return {
        Act.READ: lambda b, _: b.ask(GetVersion(reference=FIRST)),
        Act.COMMENT: lambda b, _: b.execute(PostComment(reference=FIRST, text=Payload.of("hm"))),
        Act.PUBLISH: lambda b, me: publish(b, me, new),
        Act.ATTEST: lambda b, me: record(b, me, 1, "https://example.org/x", {"by": str(role)}),
        Act.APPROVE: lambda b, me: record(b, me, 1, APPROVAL, approval(b, 1, approving)),
        Act.MOVE_ALIAS: lambda b, _: b.execute(MoveAlias(reference=FIRST, alias=Alias("free"))),
        Act.RETIRE: lambda b, _: b.execute(_status(2, Status.DEPRECATED)),
        Act.REVOKE: lambda b, _: b.execute(_status(3, Status.REVOKED)),
        Act.INSPECT: lambda b, _: b.open_blob(Digest.of(b"revoked")).read(),
        Act.RETAIN: lambda b, _: b.execute(
            SetRetention(reference=FIRST, until=None, hold=True, reason=Payload.of("law"))
        ),
        Act.PURGE: lambda b, _: b.execute(PurgeVersion(reference=FIRST, reason=Payload.of("old"))),
        Act.SET_POLICY: lambda b, me: set_policy(b, me, APPROVED, alias=Alias("other")),
        Act.GRANT: lambda b, _: b.execute(grant),
        Act.ENROL: lambda b, _: b.execute(
            RegisterPrincipal(name=Payload.of(f"new {new!r}"[:60]), public_key=stranger.public.pem)
        ),
        Act.ERASE: lambda b, _: b.execute(ErasePrincipal(principal="Nobody Special")),
    }


# What is granted everywhere or nowhere.
_GLOBAL = frozenset({Act.ENROL, Act.ERASE})


def _status(number: int, status: Status) -> SetStatus:
    return SetStatus(reference=Reference(NAME, number), status=status, reason=Payload.of("so"))


def _prepare(owner: Backend, key: Identity, open_as: Callable[[Identity], Backend]) -> None:
    for data in (b"first", b"second", b"third", b"revoked"):
        publish(owner, key, data)
    set_policy(owner, key, APPROVED)
    sam = open_as(add_person(owner, "Sam", Role.SECURITY))
    sam.execute(_status(4, Status.REVOKED))


def _check_matrix(owner: Backend, open_as: Callable[[Identity], Backend], namespace: str) -> None:
    add_person(owner, "Nobody Special")
    for role in Role:
        person = add_person(owner, f"{role} of {namespace}", role, namespace=namespace)
        backend = open_as(person)
        for act, attempt in _acts(role).items():
            allowed = may([role], act) and (
                namespace == EVERYWHERE or (namespace == "acme" and act not in _GLOBAL)
            )
            assert _is_allowed(attempt, backend, person) is allowed, f"{role} of {namespace}: {act}"


def _is_allowed(attempt: Callable[[Backend, Identity], object], backend: Backend, person: Identity) -> bool:
    """Say whether an act was not forbidden: that something else stands in its way is another matter."""
    try:
        attempt(backend, person)
    except (BlobNotFound, NotPermitted, NotShown, VersionNotFound, VersionWithdrawn):
        return False
    except MunimentError as error:
        return "revoked" not in str(error)
    return True


@pytest.mark.parametrize("namespace", ["acme", EVERYWHERE])
def test_every_role_and_every_act_embedded(namespace: str) -> None:
    """In an embedded registry each role allows exactly the acts in the table of rights."""
    open_as, key = open_memory(), Identity.generate()
    owner = open_as(key)
    _prepare(owner, key, open_as)
    _check_matrix(owner, open_as, namespace)


@pytest.mark.parametrize("role", [role for role in Role if not may([role], Act.APPROVE)])
def test_nobody_approves_in_a_role_that_may_not(
    backend: Backend, open_as: OpenAs, owner: Identity, role: Role
) -> None:
    """Who holds two roles approves only in the one that allows it."""
    publish(backend, owner, b"first")
    set_policy(backend, owner, APPROVED)
    both = add_person(backend, "Both", role, Role.VALIDATOR)
    theirs = open_as(both)
    refuses(lambda: record(theirs, both, 1, APPROVAL, approval(theirs, 1, role)), NotPermitted)


def test_a_role_elsewhere_allows_nothing_here() -> None:
    """A role in another namespace allows no act except reading."""
    open_as, key = open_memory(), Identity.generate()
    owner = open_as(key)
    _prepare(owner, key, open_as)
    for role in Role:
        person = add_person(owner, f"{role} elsewhere", role, namespace="other")
        backend = open_as(person)
        for act, attempt in _acts(role).items():
            if act is not Act.READ:
                assert not _is_allowed(attempt, backend, person), f"{role} elsewhere: {act}"


@pytest.mark.slow
@pytest.mark.parametrize("namespace", ["acme", "other", EVERYWHERE])
def test_every_role_and_every_act_served(namespace: str, tmp_path: Path) -> None:
    """On a server each role allows exactly the acts in the table of rights."""
    key = Identity.generate()
    with run_server(tmp_path, {}) as server:
        owner = server.open_as(key)
        _prepare(owner, key, server.open_as)
        _check_matrix(owner, server.open_as, namespace)


# ---- ways around


@pytest.fixture
def vera(backend: Backend, owner: Identity) -> Identity:
    """Publish a version, ask for an approval, and register Vera, who may give it."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, APPROVED)
    return add_person(backend, "Vera", Role.VALIDATOR)


def passes(backend: Backend, name: ModelName = NAME) -> bool:
    return backend.ask(JudgeGate(reference=Reference(name, 1), alias=PRODUCTION)).passed


@pytest.mark.usefixtures("vera")
def test_the_author_has_somebody_push_it_again(backend: Backend, open_as: OpenAs, owner: Identity) -> None:
    """An author cannot approve their bytes after another person pushed them under another name."""
    carl = add_person(backend, "Carl", Role.CONTRIBUTOR)
    other = ModelName("acme", "other")
    publish(open_as(carl), carl, b"a", name=other)
    backend.execute(GrantRole(principal="founder", role=Role.VALIDATOR, namespace="acme"))
    set_policy(backend, owner, APPROVED, models=Models("acme", "other"))
    predicate = {**approval(backend, 1, Role.VALIDATOR), "version": f"{other}@1"}
    refuses(lambda: record(backend, owner, 1, APPROVAL, predicate, name=other), OwnVersion)
    assert not passes(backend, other)


def test_an_admin_makes_themselves_an_approver(backend: Backend, owner: Identity, vera: Identity) -> None:
    """An admin who grants themselves an approving role still cannot approve their own version."""
    for role in (Role.VALIDATOR, Role.APPROVER, Role.SECURITY):
        backend.execute(GrantRole(principal="founder", role=role, namespace="acme"))
        refuses(lambda role=role: record(backend, owner, 1, APPROVAL, approval(backend, 1, role)), OwnVersion)  # type: ignore[misc] # bound at once
    assert not passes(backend)
    del vera


def test_nobody_approves_what_is_not_published(backend: Backend, open_as: OpenAs, vera: Identity) -> None:
    """An approval of a version that does not exist yet is refused."""
    theirs = open_as(vera)
    early = {**approval(theirs, 1, Role.VALIDATOR), "version": f"{NAME}@2"}
    version = backend.ask(GetVersion(reference=FIRST))
    bundle = attest(Digest.parse(version.revision), "x", APPROVAL, early, vera)
    digest = theirs.add_documents([bundle.encode()])[0]
    second = RecordAttestation(reference=Reference(NAME, 2), bundle=digest)
    refuses(lambda: theirs.execute(second), VersionNotFound)


def test_an_approval_is_replayed_elsewhere(
    backend: Backend, open_as: OpenAs, owner: Identity, vera: Identity
) -> None:
    """An approval is refused for another version, alias, name, registry or sender, and a second time."""
    theirs = open_as(vera)
    good = approval(theirs, 1, Role.VALIDATOR)
    version = backend.ask(GetVersion(reference=FIRST))
    bundle = attest(Digest.parse(version.revision), "x", APPROVAL, good, vera)
    digest = theirs.add_documents([bundle.encode()])[0]
    backend.add_documents([bundle.encode()])
    refuses(lambda: backend.execute(RecordAttestation(reference=FIRST, bundle=digest)), NotYourSignature)
    assert theirs.execute(RecordAttestation(reference=FIRST, bundle=digest)).created
    assert not theirs.execute(RecordAttestation(reference=FIRST, bundle=digest)).created
    publish(backend, owner, b"b")
    refuses(
        lambda: theirs.execute(RecordAttestation(reference=Reference(NAME, 2), bundle=digest)), WrongSubject
    )
    other = ModelName("acme", "other")
    publish(backend, owner, b"a", name=other)
    set_policy(backend, owner, APPROVED, models=Models("acme", "other"))
    refuses(
        lambda: theirs.execute(RecordAttestation(reference=Reference(other, 1), bundle=digest)),
        WrongSubject,
    )
    set_policy(backend, owner, APPROVED, {"rule": "signature"}, alias=Alias("release"))
    refuses(lambda: record(theirs, vera, 1, APPROVAL, {**good, "alias": "release"}), StaleApproval)
    refuses(lambda: record(theirs, vera, 1, APPROVAL, {**good, "registry": "another"}), WrongSubject)
    ended = {**good, "expires": "2020-01-01T00:00:00Z"}
    refuses(lambda: record(theirs, vera, 1, APPROVAL, ended), StaleApproval)
    refuses(lambda: record(theirs, vera, 1, APPROVAL, {**good, "nonce": "0" * 16}), AlreadyApproved)


def test_the_policy_is_swapped_between_approval_and_promotion(
    backend: Backend, open_as: OpenAs, owner: Identity, vera: Identity
) -> None:
    """An approval under one policy does not count once another policy is set."""
    theirs = open_as(vera)
    record(theirs, vera, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    assert passes(backend)
    set_policy(backend, owner, {**APPROVED, "id": "weaker"})
    refuses(lambda: backend.execute(MoveAlias(reference=FIRST, alias=PRODUCTION)), GateFailed)


def test_an_approval_that_names_another_persons_name(
    backend: Backend, open_as: OpenAs, vera: Identity
) -> None:
    """An approval that names the profile of another person is refused."""
    theirs = open_as(vera)
    profile = backend.ask(GetSelf()).record.profile
    refuses(
        lambda: record(theirs, vera, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR, name=profile)),
        StaleApproval,
    )
    own = theirs.ask(GetSelf()).record.profile
    record(theirs, vera, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR, name=own))


def test_a_signature_that_means_authorship_approves_nothing(
    backend: Backend, open_as: OpenAs, vera: Identity
) -> None:
    """An approval whose meaning is authorship meets no rule about approvals."""
    theirs = open_as(vera)
    record(theirs, vera, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR, meaning="authorship"))
    assert not passes(backend)


def test_the_clock_is_moved_back(owner: Identity) -> None:
    """Setting the clock back neither revives an expired approval nor dates an entry before the last."""
    open_as = open_memory(datetime(2026, 6, 1, tzinfo=UTC))
    backend = open_as(owner)
    publish(backend, owner, b"a")
    set_policy(backend, owner, APPROVED)
    vera = add_person(backend, "Vera", Role.VALIDATOR)
    theirs = open_as(vera)
    ends = write_time(datetime(2026, 6, 2, tzinfo=UTC))
    record(theirs, vera, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR, expires=ends))
    assert passes(backend)
    backend._clock = lambda: datetime(2026, 6, 3, tzinfo=UTC)
    assert not passes(backend)
    backend.execute(MoveAlias(reference=FIRST, alias=Alias("free")))
    backend._clock = lambda: datetime(2026, 6, 1, tzinfo=UTC)
    assert not passes(backend)
    refuses(lambda: backend.execute(MoveAlias(reference=FIRST, alias=PRODUCTION)), GateFailed)
    moved = backend.execute(MoveAlias(reference=FIRST, alias=Alias("other")))
    assert moved.entry.time >= write_time(datetime(2026, 6, 3, tzinfo=UTC))


def test_two_promotions_race(tmp_path: Path, owner: Identity) -> None:
    """Of two racing promotions, each is judged when it is written, so a promoted version met the policy."""
    blobs = LocalBlobs.create(tmp_path)
    units = open_sqlite(tmp_path / "registry.db", blobs)
    open_as = open_over(units, blobs)
    backend = open_as(owner)
    for data in (b"a", b"b", b"c"):
        publish(backend, owner, data)
    set_policy(backend, owner, {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8})
    for number, auc in ((1, 0.9), (2, 0.5), (3, 0.85)):
        record(backend, owner, number, EVALUATION, evaluation(auc))
    outcomes: list[tuple[int, bool]] = []

    def promote(number: int) -> None:
        try:
            backend.execute(MoveAlias(reference=Reference(NAME, number), alias=PRODUCTION))
            outcomes.append((number, True))
        except GateFailed:
            outcomes.append((number, False))

    threads = [threading.Thread(target=promote, args=(number,)) for number in (1, 2, 3) * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number for number, moved in outcomes if moved} == {1, 3}
    moves = backend.ask(ListMoves(name=NAME, alias=PRODUCTION))
    assert {move.record.number for move in moves} <= {1, 3}
    assert all(move.record.verdicts for move in moves)
    for before, after in pairwise(moves):
        assert after.record.previous == before.record.number
    units.close()


def test_the_same_document_twice_is_one_policy(backend: Backend, owner: Identity) -> None:
    """The order of members and the spacing of a document do not make another policy."""
    publish(backend, owner, b"a")
    first = set_policy(backend, owner, APPROVED)
    assert not set_policy(backend, owner, dict(reversed(list(APPROVED.items())))).created
    assert first.read(PolicySet).policy == Digest.of(encode({"vouching": "any", "rules": [APPROVED]}))


# ---- random sequences


class Governance(RuleBasedStateMachine):
    """Several people push, attest, decide, grant and promote in any order; some things never happen."""

    names = ("founder", "Vera", "Carl", "Dora")

    @initialize()
    def begin(self) -> None:
        self.open_as = open_memory()
        self.keys = {"founder": Identity.generate()}
        self.backends: dict[str, LocalBackend] = {"founder": self.open_as(self.keys["founder"])}
        for name in self.names[1:]:
            self.keys[name] = add_person(self.backends["founder"], name, Role.CONTRIBUTOR)
            self.backends[name] = self.open_as(self.keys[name])
        publish(self.backends["founder"], self.keys["founder"], b"0")
        self.versions = 1
        self.moves = 0
        self.policy = 0

    def attempt(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except MunimentError:
            return False
        return True

    who = st.sampled_from(names)
    number = st.integers(1, 4)
    deciding = st.sampled_from([Role.VALIDATOR, Role.APPROVER, Role.SECURITY])

    @rule(who=who, data=st.integers(0, 3))
    def push(self, who: str, data: int) -> None:
        self.attempt(lambda: publish(self.backends[who], self.keys[who], str(data).encode()))

    @rule(who=who, number=number, auc=st.floats(0, 1))
    def attest(self, who: str, number: int, auc: float) -> None:
        self.attempt(lambda: record(self.backends[who], self.keys[who], number, EVALUATION, evaluation(auc)))

    @rule(who=who, number=number)
    def train(self, who: str, number: int) -> None:
        self.attempt(lambda: record(self.backends[who], self.keys[who], number, PROVENANCE, provenance()))

    @rule(who=who, number=number, role=deciding, decision=st.sampled_from(list(SigningDecision)))
    def decide(self, who: str, number: int, role: Role, decision: SigningDecision) -> None:
        backend = self.backends[who]
        self.attempt(
            lambda: record(
                backend,
                self.keys[who],
                number,
                APPROVAL,
                approval(backend, number, role, decision=str(decision)),
            )
        )

    @rule(who=who, number=number, which=st.integers(0, 9))
    def take_back(self, who: str, number: int, which: int) -> None:
        backend = self.backends[who]
        try:
            claims = backend.ask(DescribeVersion(reference=Reference(NAME, number))).attestations
        except MunimentError:
            return
        own = [one for one in claims if one.signer == backend.ask(GetSelf()).record.id] or claims
        claim = Digest.parse(own[which % len(own)].digest)
        self.attempt(lambda: withdraw(backend, self.keys[who], number, claim))

    @rule(who=who, role=st.sampled_from(list(Role)))
    def grant(self, who: str, role: Role) -> None:
        self.backends["founder"].execute(GrantRole(principal=who, role=role, namespace="acme"))

    @rule(who=who, role=st.sampled_from(list(Role)))
    def withdraw(self, who: str, role: Role) -> None:
        command = RevokeRole(principal=who, role=role, namespace="acme")
        self.attempt(lambda: self.backends["founder"].execute(command))

    @rule(bound=st.sampled_from([0.2, 0.5]), count=st.integers(1, 2))
    def set_policy(self, bound: float, count: int) -> None:
        rules: list[JsonObject] = [
            {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": bound},
            {"rule": "approvals", "n": count, "roles": ["validator", "approver", "security"]},
        ]
        set_policy(self.backends["founder"], self.keys["founder"], *rules)

    @rule(who=who, number=number, status=st.sampled_from([Status.REVOKED, Status.RETIRED, Status.PUBLISHED]))
    def set_status(self, who: str, number: int, status: Status) -> None:
        self.attempt(lambda: self.backends[who].execute(_status(number, status)))

    @rule(who=who, number=number)
    def promote(self, who: str, number: int) -> None:
        reference = Reference(NAME, number)
        before = self.judge(reference)
        command = MoveAlias(reference=reference, alias=PRODUCTION)
        receipts = []
        moved = self.attempt(lambda: receipts.append(self.backends[who].execute(command)))
        if moved and receipts[0].created:
            assert before in {None, True}, "it moved though the gate did not pass"
            self.check_oracle(reference, guarded=before is not None)

    @rule(who=who)
    def roll_back(self, who: str) -> None:
        command = RollBackAlias(name=NAME, alias=PRODUCTION)
        receipts = []
        if self.attempt(lambda: receipts.append(self.backends[who].execute(command))):
            number = receipts[0].read(AliasMoved).number
            judged = self.judge(Reference(NAME, number))
            assert judged in {None, True}
            self.check_oracle(Reference(NAME, number), guarded=judged is not None)

    def judge(self, reference: Reference) -> bool | None:
        try:
            return self.backends["founder"].ask(JudgeGate(reference=reference, alias=PRODUCTION)).passed
        except MunimentError:
            return None

    def check_oracle(self, reference: Reference, *, guarded: bool) -> None:
        """Count by hand what the policy asks for, from the claims alone."""
        backend = self.backends["founder"]
        detail = backend.ask(DescribeVersion(reference=reference))
        assert detail.status is None or detail.status.status not in {"revoked", "retired"}
        if not guarded:
            return
        policy = backend.ask(GetPolicies(name=NAME, alias=PRODUCTION))[0].digest
        authors = {detail.record.author} | {
            one.signer for one in detail.attestations if one.predicate_type == PROVENANCE
        }
        standing = [one for one in detail.attestations if one.withdrawn is None]
        seen = {one.digest for one in standing if one.predicate_type == EVALUATION}
        last: dict[str, Approval] = {}
        for one in detail.attestations:
            if one.predicate_type == APPROVAL:
                with backend.open_blob(Digest.parse(one.digest)) as file:
                    said = Bundle.decode(file.read())
                last[one.signer] = Approval.read(_predicate(said))
                if one.withdrawn is not None:
                    del last[one.signer]
        assert not any(act.decision is SigningDecision.REJECT for act in last.values())
        counted = {
            who
            for who, act in last.items()
            if act.decision is SigningDecision.APPROVE and who not in authors and policy in act.policies
            if act.evidence == seen
        }
        assert counted, "nobody else approved it"

    @invariant()
    def no_author_ever_approved(self) -> None:
        if not hasattr(self, "backends"):
            return
        backend = self.backends["founder"]
        for version in backend.ask(ListVersions(name=NAME)):
            detail = backend.ask(DescribeVersion(reference=Reference(NAME, version.number)))
            made: dict[str, int] = {version.author: version.index}
            for one in detail.attestations:
                if one.predicate_type == PROVENANCE:
                    made.setdefault(one.signer, one.index)
                if one.predicate_type == APPROVAL:
                    assert made.get(one.signer, one.index + 1) > one.index

    @precondition(lambda self: hasattr(self, "backends"))
    @invariant()
    def the_log_replays_to_the_same(self) -> None:
        assert self.backends["founder"]._units.read(compare) == []

    @invariant()
    def every_guarded_move_has_a_verdict_that_passed(self) -> None:
        if not hasattr(self, "backends"):
            return
        backend = self.backends["founder"]
        for move in backend.ask(ListMoves(name=NAME)):
            if move.record.alias != str(PRODUCTION):
                continue
            for digest in move.record.verdicts.split():
                with backend.open_blob(Digest.parse(digest)) as file:
                    predicate = _predicate(Bundle.decode(file.read()))
                assert predicate["verificationResult"] == "PASSED"


def _predicate(bundle: Bundle) -> dict[str, Json]:
    statement = json.loads(bundle.payload)
    assert statement["predicateType"] in {APPROVAL, VERDICT}
    predicate: dict[str, Json] = statement["predicate"]
    return predicate


TestGovernance = Governance.TestCase
TestGovernance.settings = hypothesis_settings(max_examples=40, stateful_step_count=30, deadline=None)
