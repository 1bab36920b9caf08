"""Withdrawals: a claim that its signer takes back stays on record, marked, and no longer counts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.proofs.checking import find_evidence
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.reports.evaluations import write_report
from muniment.client.sdk.registry import Registry
from muniment.client.versions.exporting import verify_export
from muniment.client.versions.version import Version
from muniment.core.backend import Backend
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import (
    APPROVAL,
    CARD,
    CHANGE_PLAN,
    CONTENT,
    DEPLOYMENT,
    EMERGENCY,
    EVALUATION,
    POLICY,
    PROVENANCE,
    SCAN,
    TOMBSTONE,
    VERDICT,
    WITHDRAWAL,
)
from muniment.core.claims.lineage import Direction
from muniment.core.claims.withdrawals import LASTING
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyWithdrawn,
    CardNotFound,
    ClaimNotFound,
    GateFailed,
    InvalidAttestation,
    MunimentError,
    NothingToWithdraw,
    NotPermitted,
    NotWithdrawable,
    NotYourClaim,
    OwnVersion,
    ReasonNeeded,
    RecordUnproven,
    WrongSubject,
)
from muniment.core.events import AttestationRecorded, ClaimWithdrawn
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Receipt
from muniment.core.times import write_time
from muniment.core.verbs.catalog import GetLineage, SearchVersions
from muniment.core.verbs.claims import RecordAttestation
from muniment.core.verbs.gates import JudgeGate, MoveAlias, OpenRequest
from muniment.core.verbs.inbox import GetInbox
from muniment.core.verbs.log import GetLeaves, GetLogIdentity
from muniment.core.verbs.people import EnrolKey, GrantRole, RevokeKey, RevokeRole
from muniment.core.verbs.versions import DescribeVersion, GetVersion
from muniment.services.backend import LocalBackend
from muniment.services.upkeep.rebuild import compare, rebuild
from muniment.signing.keys import Identity
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
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

OpenAs = Callable[[Identity], Backend]

FIRST = Reference(NAME, 1)
DATA, OTHER = Digest.of(b"training data"), Digest.of(b"other data")
GOOD: JsonObject = {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8}


@pytest.fixture
def published(backend: Backend, owner: Identity) -> Backend:
    """Give a registry in memory with one version."""
    publish(backend, owner, b"model")
    return backend


@pytest.fixture
def version(registry: Registry, model: Path) -> Version:
    """Give a version in a registry in a directory."""
    return registry.push(model, "acme/x")


def claim_of(receipt: Receipt) -> Digest:
    return receipt.read(AttestationRecorded).attestation


def passes(backend: Backend) -> bool:
    return backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION)).passed


def trained_on(*digests: Digest) -> JsonObject:
    inputs: list[Json] = [
        {"name": "data", "digest": {"sha256": digest.hex}, "annotations": {"kind": "dataset"}}
        for digest in digests
    ]
    least = provenance()
    definition = least["buildDefinition"]
    assert isinstance(definition, dict)
    return {**least, "buildDefinition": {**definition, "resolvedDependencies": inputs}}


def made_from(backend: Backend, data: Digest) -> list[str]:
    graph = backend.ask(GetLineage(node=data.hex, direction=Direction.DOWN))
    return [name for node in graph.nodes for name in node.versions]


# ---- who relies on a withdrawn claim


def test_a_withdrawn_evaluation_is_no_evidence(registry: Registry, version: Version) -> None:
    """Evidence, leaderboard, report and search use the evaluation before a withdrawn one, if any."""
    old = version.attest(EVALUATION, evaluation(0.75))
    new = version.attest(EVALUATION, evaluation(0.5))
    for auc in (0.5, 0.75):
        board = registry.leaderboard("acme/x", "roc_auc", str(Digest.of(b"holdout")))
        assert [row.metric and row.metric.value for row in board.rows] == [auc]
        assert [one.number for one in registry.search(f"metric.roc_auc = {auc}")] == [1]
        report = b"".join(content for _, content in write_report(version, "markdown")).decode()
        assert f"{auc:.4f}" in report
        assert version.evidence()[-1].predicate == evaluation(auc)
        version.withdraw_claim(str(claim_of(new if auc == 0.5 else old)), "the labels were wrong")
    board = registry.leaderboard("acme/x", "roc_auc", str(Digest.of(b"holdout")))
    assert [row.why for row in board.rows] == ["it was never evaluated"]
    assert list(registry.search("metric.roc_auc > 0")) == []
    assert version.evidence() == []


def test_a_withdrawn_card_is_no_card(version: Version) -> None:
    """The card before a withdrawn one is shown again, if there is any."""
    version.set_card(muniment.Card(title="First"))
    version.set_card(muniment.Card(title="Second"))
    for title in ("Second", "First"):
        assert version.card().title == title
        newest = version.claims(CARD)[-1]
        version.withdraw_claim(str(newest.digest), "it says too much")
    with pytest.raises(CardNotFound):
        version.card()


def test_withdrawn_parameters_are_not_found(published: Backend, owner: Identity) -> None:
    """A search finds a version by the newest provenance that is not withdrawn."""
    for depth in (4, 6):
        said = trained_on()
        external: JsonObject = {"parameters": {"depth": depth}}
        definition: dict[str, Json] = {**said["buildDefinition"], "externalParameters": external}  # type: ignore[dict-item] # an object
        made = record(published, owner, 1, PROVENANCE, {**said, "buildDefinition": definition})
    for depth, count in ((6, 1), (4, 0)):
        assert len(published.ask(SearchVersions(text=f"param.depth = {depth}")).items) == count
    withdraw(published, owner, 1, claim_of(made))
    for depth, count in ((6, 0), (4, 1)):
        assert len(published.ask(SearchVersions(text=f"param.depth = {depth}")).items) == count


def test_a_gate_counts_no_withdrawn_evaluation(published: Backend, owner: Identity) -> None:
    """A gate that a withdrawn evaluation met is closed again, and the alias does not move."""
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    set_policy(published, owner, GOOD)
    assert passes(published)
    withdraw(published, owner, 1, claim_of(made))
    refuses(lambda: published.execute(MoveAlias(reference=FIRST, alias=PRODUCTION)), GateFailed)


def test_a_statement_is_one_claim_however_its_bundle_is_written(published: Backend, owner: Identity) -> None:
    """A withdrawn claim cannot be made again by somebody who writes its signed bundle differently."""
    set_policy(published, owner, GOOD)
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    withdraw(published, owner, 1, claim_of(made))
    bundle = json.loads(published.open_blob(claim_of(made)).read())
    for indent in (1, 2):
        (digest,) = published.add_documents([json.dumps(bundle, indent=indent).encode()])
        command = RecordAttestation(reference=FIRST, bundle=digest)
        refuses(lambda command=command: published.execute(command), AlreadyWithdrawn)  # type: ignore[misc] # bound at once
    assert not passes(published)


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_withdrawal_has_a_reason(version: Version, text: str) -> None:
    """A blank reason is none."""
    made = version.attest(EVALUATION, evaluation(0.9))
    refuses(lambda: version.withdraw_claim(str(claim_of(made)), text), ReasonNeeded)


def test_a_verdict_from_before_is_judged_again_as_it_was(version: Version, registry: Registry) -> None:
    """A verdict still follows from a claim that was withdrawn later, and `verify` marks the claim."""
    made = version.attest(EVALUATION, evaluation(0.9))
    registry.policies.set(
        "acme/x", "production", {"rules": [GOOD, {"rule": "format", "allow": ["other"]}]}, reason="agreed"
    )
    registry.promote(version, "production")
    version.withdraw_claim(str(claim_of(made)), "the labels were wrong")
    checks = version.verify()
    assert [check.what for check in checks if not check.passed] == []
    assert any("evaluation" in check.what and "withdrawn" in check.what for check in checks)


def test_an_export_holds_the_claim_and_its_withdrawal(
    registry: Registry, version: Version, tmp_path: Path
) -> None:
    """An export holds a withdrawn claim and its withdrawal, and verifies both."""
    made = version.attest(EVALUATION, evaluation(0.9))
    version.withdraw_claim(str(claim_of(made)), "the labels were wrong")
    registry.export("acme/x@1", tmp_path / "x.tar")
    _, checks = verify_export(tmp_path / "x.tar")
    assert [check.what for check in checks if not check.passed] == []
    kinds = {check.what.partition(" ")[0] for check in checks}
    assert {"evaluation", "withdrawal"} <= kinds


def test_an_approval_is_stale_once_its_evidence_is_withdrawn(
    published: Backend, open_as: OpenAs, owner: Identity
) -> None:
    """An approval is stale once evidence that its approver saw is withdrawn."""
    made = [record(published, owner, 1, EVALUATION, evaluation(auc)) for auc in (0.9, 0.95)]
    set_policy(published, owner, GOOD, {"rule": "approvals", "validator": 1})
    vera = add_person(published, "Vera", Role.VALIDATOR)
    theirs = open_as(vera)
    record(theirs, vera, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    assert passes(published)
    withdraw(published, owner, 1, claim_of(made[0]))
    judged = published.ask(JudgeGate(reference=FIRST, alias=PRODUCTION))
    assert "covers another evidence" in str(judged.failures)


def test_lineage_follows_no_withdrawn_provenance(published: Backend, owner: Identity) -> None:
    """An edge stays in the lineage until the last claim behind it is withdrawn."""
    both = [
        record(published, owner, 1, PROVENANCE, trained_on(DATA, Digest.of(other))) for other in (b"a", b"b")
    ]
    publish(published, owner, b"model", name=ModelName("acme", "twin"))
    twin = record(published, owner, 1, PROVENANCE, trained_on(DATA), name=ModelName("acme", "twin"))
    for made in both:
        assert made_from(published, DATA) == [str(FIRST), "acme/twin@1"]
        withdraw(published, owner, 1, claim_of(made))
    assert made_from(published, DATA) == [str(FIRST), "acme/twin@1"], "the twin has the same bytes"
    withdraw(published, owner, 1, claim_of(twin), name=ModelName("acme", "twin"))
    assert made_from(published, DATA) == []


def test_an_author_stays_an_author(published: Backend, open_as: OpenAs, owner: Identity) -> None:
    """A signer of a withdrawn provenance still cannot approve the version."""
    vera = add_person(published, "Vera", Role.VALIDATOR)
    theirs = open_as(vera)
    made = record(theirs, vera, 1, PROVENANCE, provenance())
    withdraw(theirs, vera, 1, claim_of(made))
    set_policy(published, owner, {"rule": "approvals", "validator": 1})
    refuses(lambda: record(theirs, vera, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR)), OwnVersion)


# ---- what can be withdrawn, and by whom


SAID: dict[str, JsonObject] = {
    EVALUATION: evaluation(0.9),
    PROVENANCE: provenance(),
    CARD: {"title": "x"},
    CHANGE_PLAN: {"description": "retrain", "impact": "none"},
    SCAN: {"tool": {"name": "other", "version": "1"}, "time": "2026-01-01T00:00:00Z", "findings": []},
    "https://example.com/audit/v1": {"passed": True},
}


@pytest.mark.parametrize("kind", SAID)
def test_what_somebody_states_can_be_withdrawn(published: Backend, owner: Identity, kind: str) -> None:
    """Claims of most kinds, unknown ones included, can be withdrawn and are then marked."""
    made = record(published, owner, 1, kind, SAID[kind])
    receipt = withdraw(published, owner, 1, claim_of(made))
    marks = {
        one.digest: one.withdrawn
        for one in published.ask(DescribeVersion(reference=FIRST)).attestations
        if one.withdrawn is not None
    }
    assert marks == {str(claim_of(made)): receipt.index}


def lasting(backend: Backend, kind: str) -> JsonObject:
    """Write a claim of a kind that cannot be withdrawn."""
    registry, reason = backend.ask(GetLogIdentity()).verifier, str(Digest.of(b"reason"))
    common: JsonObject = {"version": str(FIRST), "time": "2026-01-01T00:00:00Z"}
    said: dict[str, JsonObject] = {
        DEPLOYMENT: {**common, "target": "prod/api", "state": "serving", "loaded": None},
        POLICY: {
            "models": str(NAME),
            "alias": "production",
            "registry": registry,
            "time": "2026-01-01T00:00:00Z",
        },
        EMERGENCY: {
            **common,
            "alias": "production",
            "registry": registry,
            "reason": reason,
            "nonce": "n" * 16,
        },
        TOMBSTONE: {**common, "files": [], "actor": "p", "reason": reason},
    }
    return said[kind]


@pytest.mark.parametrize("kind", [DEPLOYMENT, POLICY, EMERGENCY, TOMBSTONE])
def test_what_stands_for_good_is_not_withdrawn(published: Backend, owner: Identity, kind: str) -> None:
    """Withdrawing a claim of a lasting kind is refused with what to do instead."""
    made = record(published, owner, 1, kind, lasting(published, kind))
    refusal = refuses(lambda: withdraw(published, owner, 1, claim_of(made)), NotWithdrawable)
    assert refusal.hint == LASTING[kind]


def test_a_content_signature_and_a_withdrawal_are_not_withdrawn(published: Backend, owner: Identity) -> None:
    """Neither a content signature nor a withdrawal can be withdrawn."""
    claims = published.ask(DescribeVersion(reference=FIRST)).attestations
    (signature,) = [one.digest for one in claims if one.predicate_type == CONTENT]
    refuses(lambda: withdraw(published, owner, 1, Digest.parse(signature)), NotWithdrawable)
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    done = withdraw(published, owner, 1, claim_of(made)).read(ClaimWithdrawn).attestation
    refuses(lambda: withdraw(published, owner, 1, done), NotWithdrawable)


def test_nobody_withdraws_a_verdict(published: Backend, owner: Identity) -> None:
    """A verdict cannot be withdrawn, because the registry signed it."""
    set_policy(published, owner, {"rule": "format", "allow": ["other"]})
    published.execute(MoveAlias(reference=FIRST, alias=PRODUCTION))
    claims = published.ask(DescribeVersion(reference=FIRST)).attestations
    (verdict,) = [one.digest for one in claims if one.predicate_type == VERDICT]
    refuses(lambda: withdraw(published, owner, 1, Digest.parse(verdict)), NotYourClaim)
    assert VERDICT in LASTING


def test_only_the_signer_withdraws(published: Backend, open_as: OpenAs, owner: Identity) -> None:
    """Only the principal who signed a claim can withdraw it, with any of their keys."""
    carl = add_person(published, "Carl", Role.CONTRIBUTOR)
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    refuses(lambda: withdraw(open_as(carl), carl, 1, claim_of(made)), NotYourClaim)
    other = Identity.generate()
    published.execute(EnrolKey(principal="founder", public_key=other.public.pem))
    assert withdraw(open_as(other), other, 1, claim_of(made)).created


def test_who_may_no_longer_make_such_claims_withdraws_none(published: Backend, open_as: OpenAs) -> None:
    """A signer who can no longer make such claims cannot withdraw them."""
    carl = add_person(published, "Carl", Role.CONTRIBUTOR, Role.READER)
    theirs = open_as(carl)
    made = record(theirs, carl, 1, EVALUATION, evaluation(0.9))
    published.execute(RevokeRole(principal="Carl", role=Role.CONTRIBUTOR, namespace="acme"))
    refuses(lambda: withdraw(theirs, carl, 1, claim_of(made)), NotPermitted)
    published.execute(GrantRole(principal="Carl", role=Role.VALIDATOR, namespace="acme"))
    assert withdraw(theirs, carl, 1, claim_of(made)).created


REFUSED: list[tuple[dict[str, str], type[MunimentError]]] = [
    ({"version": f"{NAME}@2"}, WrongSubject),
    ({"registry": "elsewhere+key"}, WrongSubject),
    ({"claim": str(Digest.of(b"nothing"))}, ClaimNotFound),
    ({"reason": str(Digest.of(b"another"))}, InvalidAttestation),
    ({"claim": "sha256:0"}, InvalidAttestation),
]


@pytest.mark.parametrize(("change", "refusal"), REFUSED)
def test_a_withdrawal_of_something_else_is_refused(
    published: Backend, owner: Identity, change: dict[str, str], refusal: type[MunimentError]
) -> None:
    """A withdrawal with a wrong version, registry, claim or reason is refused and not recorded."""
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    before = len(published.ask(GetLeaves(start=0)))
    with pytest.raises(refusal):
        withdraw(published, owner, 1, claim_of(made), **change)  # type: ignore[arg-type] # members, none a name
    assert len(published.ask(GetLeaves(start=0))) == before


def test_a_claim_about_another_version_is_not_found(published: Backend, owner: Identity) -> None:
    """A withdrawal about one version cannot name a claim about another."""
    publish(published, owner, b"other")
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    refuses(lambda: withdraw(published, owner, 2, claim_of(made)), ClaimNotFound)


def test_a_withdrawal_needs_a_reason(published: Backend, owner: Identity) -> None:
    """A withdrawal without the text of its reason is refused."""
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    reason = Payload.of("a mistake")
    said: JsonObject = {
        "version": str(FIRST),
        "registry": published.ask(GetLogIdentity()).verifier,
        "claim": str(claim_of(made)),
        "reason": str(reason.digest),
        "nonce": reason.salt,
        "time": "2026-01-01T00:00:00Z",
    }
    refuses(lambda: record(published, owner, 1, WITHDRAWAL, said), ReasonNeeded)


def test_a_claim_is_withdrawn_once(published: Backend, owner: Identity) -> None:
    """A second withdrawal of a claim is refused with the entry of the first."""
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    first = withdraw(published, owner, 1, claim_of(made))
    refusal = refuses(lambda: withdraw(published, owner, 1, claim_of(made)), AlreadyWithdrawn)
    assert refusal.data()["entry"] == first.index


def test_a_stolen_key_withdraws_nothing(published: Backend, open_as: OpenAs, owner: Identity) -> None:
    """A claim withdrawn by a stolen key counts again once the key is revoked."""
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    set_policy(published, owner, GOOD)
    stolen = Identity.generate()
    published.execute(EnrolKey(principal="founder", public_key=stolen.public.pem))
    done = withdraw(open_as(stolen), stolen, 1, claim_of(made))
    assert not passes(published)
    published.execute(RevokeKey(key_id=stolen.public.id, effective=done.index))
    assert passes(published)
    withdraw(published, owner, 1, claim_of(made))
    assert not passes(published)


def test_a_revoked_key_has_described_nothing(backend: LocalBackend, owner: Identity) -> None:
    """What a stolen key withdrew is found again, and what it stated no longer; a rebuild finds the same."""
    publish(backend, owner, b"model")
    ours = [
        record(backend, owner, 1, EVALUATION, evaluation(0.7)),
        record(backend, owner, 1, PROVENANCE, trained_on(DATA)),
    ]
    stolen = Identity.generate()
    backend.execute(EnrolKey(principal="founder", public_key=stolen.public.pem))
    for made in ours:
        withdraw(backend, stolen, 1, claim_of(made))
    record(backend, stolen, 1, EVALUATION, evaluation(0.9))
    record(backend, stolen, 1, PROVENANCE, trained_on(OTHER))

    def look() -> tuple[object, ...]:
        counts = [
            len(backend.ask(SearchVersions(text=f"metric.roc_auc = {auc}")).items) for auc in (0.7, 0.9)
        ]
        return counts, [bool(made_from(backend, data)) for data in (DATA, OTHER)]

    assert look() == ([0, 1], [False, True])
    backend.execute(RevokeKey(key_id=stolen.public.id, effective=ours[0].index))
    assert look() == ([1, 0], [True, False])
    backend._units.write(rebuild)
    assert look() == ([1, 0], [True, False])


# ---- signing decisions


@pytest.fixture
def vera(published: Backend, owner: Identity) -> Identity:
    """Give a validator of a version that one approval takes into production."""
    set_policy(published, owner, {"rule": "approvals", "validator": 1})
    return add_person(published, "Vera", Role.VALIDATOR)


def decide(backend: Backend, identity: Identity, decision: str) -> Digest:
    said = approval(backend, 1, Role.VALIDATOR, decision=decision)
    return claim_of(record(backend, identity, 1, APPROVAL, said))


def failures(backend: Backend) -> str:
    return str(backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION)).failures)


def test_a_withdrawn_rejection_blocks_no_longer(published: Backend, open_as: OpenAs, vera: Identity) -> None:
    """A withdrawn rejection no longer blocks, and its signer can decide again."""
    theirs = open_as(vera)
    rejected = decide(theirs, vera, "reject")
    assert "rejected it" in failures(published)
    withdraw(theirs, vera, 1, rejected)
    assert "1 validator missing" in failures(published)
    decide(theirs, vera, "approve")
    assert passes(published)


def test_a_replaced_approval_does_not_come_back(published: Backend, open_as: OpenAs, vera: Identity) -> None:
    """Withdrawing a rejection does not restore the approval that it replaced."""
    theirs = open_as(vera)
    decide(theirs, vera, "approve")
    rejected = decide(theirs, vera, "reject")
    withdraw(theirs, vera, 1, rejected)
    assert "1 validator missing" in failures(published)


def test_an_approver_withdraws_without_the_right_to_state(
    published: Backend, open_as: OpenAs, owner: Identity
) -> None:
    """An approver can withdraw an approval without the right to make other claims."""
    set_policy(published, owner, {"rule": "approvals", "approver": 1})
    anna = add_person(published, "Anna", Role.APPROVER)
    theirs = open_as(anna)
    made = record(theirs, anna, 1, APPROVAL, approval(theirs, 1, Role.APPROVER))
    assert withdraw(theirs, anna, 1, claim_of(made)).created


def test_the_old_form_is_still_read(published: Backend, open_as: OpenAs, vera: Identity) -> None:
    """An approval with the decision `withdraw` takes back the one before it."""
    theirs = open_as(vera)
    decide(theirs, vera, "approve")
    assert passes(published)
    decide(theirs, vera, "withdraw")
    assert "1 validator missing" in failures(published)
    refuses(lambda: decide(theirs, vera, "withdraw"), NothingToWithdraw)


def test_a_withdrawn_decision_waits_in_the_inbox_again(
    published: Backend, open_as: OpenAs, vera: Identity
) -> None:
    """A request is back in the inbox once the decision about it is withdrawn."""
    theirs = open_as(vera)
    published.execute(OpenRequest(reference=FIRST, alias=PRODUCTION))

    def waiting() -> list[str]:
        return [item.kind for item in theirs.ask(GetInbox())]

    approved = decide(theirs, vera, "approve")
    assert waiting() == []
    withdraw(theirs, vera, 1, approved)
    assert waiting() == ["request"]


def test_a_withdrawn_waiver_and_its_approvals_waive_nothing(
    registry: Registry, version: Version, settings: Settings
) -> None:
    """A waiver no longer counts once it, or the approval of it, is taken back by its signer."""
    rule: dict[str, Json] = {**GOOD, "id": "measured"}
    terms: dict[str, Json] = {"approvals": {"validator": 1}, "maximum": "30d"}
    rules: list[Json] = [rule, {"rule": "format", "allow": ["other"]}]
    registry.policies.set(
        "acme/x", "production", {"vouching": "any", "rules": rules, "waivers": terms}, reason="agreed"
    )
    key = Identity.generate()
    registry.people.add("Vera", key.public)
    registry.people.grant("Vera", "validator", "acme")
    until = write_time(datetime.now(UTC) + timedelta(days=3))
    waiver = str(claim_of(version.waive("production", ["measured"], until, "no data yet")))
    with muniment.open(settings=settings, identity=key) as opened:
        theirs = opened.version("acme/x@1")
        theirs.approve("production", "validator", "fine", waiver=waiver)
        assert version.check("production").passed
        theirs.withdraw("production", "not fine", waiver=waiver)
        assert not version.check("production").passed
        with pytest.raises(NothingToWithdraw):
            theirs.withdraw("production", "again", waiver=waiver)
        theirs.approve("production", "validator", "fine after all", waiver=waiver)
        assert version.check("production").passed
    version.withdraw_claim(waiver, "there is data now")
    assert not version.check("production").passed


# ---- the record


def test_time_travel_sees_a_claim_before_it_was_withdrawn(published: Backend, owner: Identity) -> None:
    """At a time before its withdrawal, a claim is unmarked and the search finds its version."""
    made = record(published, owner, 1, EVALUATION, evaluation(0.9))
    then = made.entry.time
    withdraw(published, owner, 1, claim_of(made))
    detail = published.ask(DescribeVersion(reference=FIRST, at=then))
    assert [one.withdrawn for one in detail.attestations if one.predicate_type == EVALUATION] == [None]
    assert len(published.ask(SearchVersions(text="metric.roc_auc = 0.9", at=then)).items) == 1
    assert published.ask(SearchVersions(text="metric.roc_auc = 0.9")).items == ()


def test_a_rebuild_makes_the_same(backend: LocalBackend, owner: Identity) -> None:
    """A rebuild restores records, catalog, lineage and custody after withdrawals."""
    publish(backend, owner, b"model")
    claims = [record(backend, owner, 1, EVALUATION, evaluation(auc)) for auc in (0.7, 0.8, 0.9)]
    claims.append(record(backend, owner, 1, PROVENANCE, trained_on(DATA)))
    for made in claims[1:]:
        withdraw(backend, owner, 1, claim_of(made))
    units = backend._units
    assert units.read(compare) == []

    def look() -> tuple[object, ...]:
        counts = [
            len(backend.ask(SearchVersions(text=f"metric.roc_auc = {auc}")).items) for auc in (0.7, 0.9)
        ]
        return counts, made_from(backend, DATA), units.read(lambda unit: unit.holdings.list_held("", 100))

    before = look()
    assert before[:2] == ([1, 0], [])
    units.write(rebuild)
    assert look() == before
    with backend.open_blob(claim_of(claims[-1])) as file:
        assert Digest.of(file.read()) == claim_of(claims[-1])


# ---- a registry that lies


@pytest.mark.parametrize("what", ["a withdrawal for another version", "a kind that lasts"])
def test_a_registry_that_admits_anything_is_refused(
    backend: LocalBackend, owner: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A client applies the rules of withdrawals itself, though the registry recorded one against them."""
    publish(backend, owner, b"model")
    record(backend, owner, 1, EVALUATION, evaluation(0.9))
    lasting = what == "a kind that lasts"
    kind, about = (CONTENT, f"{NAME}@1") if lasting else (EVALUATION, f"{NAME}@2")
    claims = backend.ask(DescribeVersion(reference=FIRST)).attestations
    (claim,) = [one for one in claims if one.predicate_type == kind]
    monkeypatch.setattr("muniment.services.claims.withdrawals.get_withdrawable", lambda *_: claim)
    withdraw(backend, owner, 1, Digest.parse(claim.digest), version=about)
    trusted = TrustedBackend(backend, DirectoryMemory(tmp_path / "state", "lax"), "lax")
    with pytest.raises(RecordUnproven):
        find_evidence(trusted, trusted.ask(GetVersion(reference=FIRST)))


# ---- what a user types and sees


def test_what_a_user_types_and_sees(
    registry: Registry, version: Version, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`withdraw-claim` takes a short digest, and `show` prints who withdrew the claim, when and why."""
    made = version.attest(EVALUATION, evaluation(0.9))
    short = f"{claim_of(made)!s:.19}"
    registry.close()
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    claims = json.loads(run("show", "acme/x@1", "--json"))["claims"]["list"]
    assert ("evaluation", "Ada", str(claim_of(made))) in [
        (one["kind"], one["signer"]["name"], one["digest"]) for one in claims
    ]
    unknown = ("withdraw-claim", "acme/x@1", short[:10], "--reason", "x")
    assert "claim_not_found" in run(*unknown, code=4)
    done = run("withdraw-claim", "acme/x@1", short, "--reason", "the labels were wrong")
    assert f"withdrew {claim_of(made)} about acme/x@1" in done
    shown = run("show", "acme/x@1")
    assert "Ada withdrew their evaluation of entry" in shown
    assert "the labels were wrong" in shown
    document = json.loads(run("show", "acme/x@1", "--json"))
    assert [one["kind"] for one in document["claims"]["list"] if one["standing"]] == ["evaluation"]
    assert [said["text"] for said in document["said"]["story"]] == ["the labels were wrong"]
