"""What approvals stand over: rejections stop every policy, and nothing that changed is approved unseen."""

import pytest

from muniment.core.canonical import Json
from muniment.core.claims.approvals import evidence_of
from muniment.core.claims.attestations import (
    APPROVAL,
    CARD,
    EVALUATION,
    PROVENANCE,
    SCAN,
    WAIVER,
    Attestation,
)
from muniment.core.digests import Digest
from muniment.core.errors import GateFailed
from muniment.core.gates.policy import Gate
from muniment.core.names import Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.gates import GetPolicies, JudgeGate, MoveAlias, SetTier
from muniment.core.verbs.log import GetLogIdentity
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    approval,
    evaluation,
    publish,
    record,
    set_document,
)

APPROVED: dict[str, Json] = {"rule": "approvals", "validator": 1}
SIGNED: dict[str, Json] = {"rule": "signature"}


class Desk:
    """A registry in memory with a version that Vera may decide about."""

    def __init__(self, backend: LocalBackend, open_as: OpenAs, owner: Identity) -> None:
        self.backend, self.owner = backend, owner
        publish(backend, owner, b"weights")
        self.vera = add_person(backend, "Vera", Role.VALIDATOR)
        self.theirs = open_as(self.vera)

    def set(self, *rules: dict[str, Json], **members: Json) -> None:
        set_document(self.backend, self.owner, {"vouching": "any", "rules": list(rules), **members})

    def decide(self, decision: str = "approve") -> None:
        reason = Payload.of("seen")
        said = {**approval(self.theirs, 1, Role.VALIDATOR, reason=str(reason.digest)), "decision": decision}
        record(self.theirs, self.vera, 1, APPROVAL, said, reason=reason)

    def judge(self) -> Gate:
        return self.backend.ask(JudgeGate(reference=Reference(NAME, 1), alias=PRODUCTION))

    def say(self, kind: str, predicate: dict[str, Json]) -> None:
        record(self.backend, self.owner, 1, kind, predicate)


@pytest.fixture
def desk(backend: LocalBackend, open_as: OpenAs, owner: Identity) -> Desk:
    """Give a desk."""
    return Desk(backend, open_as, owner)


@pytest.mark.parametrize("mode", ["enforce", "warn", "shadow"])
def test_a_rejection_stands_under_every_policy(desk: Desk, mode: str) -> None:
    """Another policy, that asks nobody or only warns, lets no version pass that somebody rejected."""
    desk.set(APPROVED)
    desk.decide("reject")
    desk.set({"rule": "format", "allow": ["other"]}, mode=mode)
    gate = desk.judge()
    assert not gate.passed
    assert [one.id for verdict in gate.verdicts for one in verdict.findings if not one.holds] == ["rejected"]
    with pytest.raises(GateFailed) as refusal:
        desk.backend.execute(MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION))
    assert "rejected it as validator" in str(refusal.value.failures)
    desk.decide("withdraw")
    assert desk.judge().passed


def test_a_rejection_is_said_once(desk: Desk) -> None:
    """Where a rule about approvals says it, there is no second finding."""
    desk.set(APPROVED)
    desk.decide("reject")
    (verdict,) = desk.judge().verdicts
    assert [one.id for one in verdict.findings if not one.holds].count("approvals") == 1
    assert "rejected" not in {one.id for one in verdict.findings}


def test_a_policy_that_comes_back_revives_nothing(desk: Desk) -> None:
    """Swapping a policy away and back ends the approvals under it, as it does waivers."""
    desk.set(APPROVED)
    desk.decide()
    assert desk.judge().passed
    desk.set(SIGNED)
    desk.set(APPROVED)
    (failure,) = desk.judge().failures
    assert "covers another policy" in failure
    desk.decide()
    assert desk.judge().passed


def test_a_tier_that_comes_back_revives_nothing(desk: Desk) -> None:
    """Moving the model out of the scope of its policy and back ends the approvals under it."""
    desk.backend.execute(SetTier(name=NAME, tier="high", reason=Payload.of("agreed")))
    desk.set(APPROVED, scope={"tiers": ["high"]})
    desk.decide()
    assert desk.judge().passed
    for tier in ("low", "high"):
        desk.backend.execute(SetTier(name=NAME, tier=tier, reason=Payload.of("agreed")))
    assert not desk.judge().passed


def test_a_waiver_of_a_policy_that_comes_back_waives_nothing(desk: Desk) -> None:
    """A waiver ends with the policy that it was to, also if the same one is set again."""
    rule: dict[str, Json] = {"rule": "require", "id": "measured", "type": "evaluation"}
    terms: dict[str, Json] = {"approvals": {"validator": 1}, "maximum": "30d"}
    desk.set(rule, waivers=terms)
    reason = Payload.of("no data yet")
    (policy,) = desk.backend.ask(GetPolicies(name=NAME, alias=PRODUCTION))
    said: dict[str, Json] = {
        "version": f"{NAME}@1",
        "alias": "production",
        "registry": desk.backend.ask(GetLogIdentity()).verifier,
        "policy": policy.digest,
        "rules": ["measured"],
        "until": "2026-01-05T00:00:00Z",
        "reason": str(reason.digest),
        "nonce": reason.salt,
        "time": "2026-01-01T00:00:00Z",
    }
    waived = record(desk.backend, desk.owner, 1, WAIVER, said, reason=reason)
    waiver = str(waived.event.attestation)  # type: ignore[attr-defined] # a claim was recorded
    why = Payload.of("fine")
    about = {**approval(desk.theirs, 1, Role.VALIDATOR, reason=str(why.digest)), "waiver": waiver}
    record(desk.theirs, desk.vera, 1, APPROVAL, about, reason=why)
    unmet = [one.id for one in desk.judge().verdicts[0].findings if not one.holds]
    assert "measured" not in unmet
    desk.set(SIGNED)
    desk.set(rule, waivers=terms)
    unmet = [one.id for one in desk.judge().verdicts[0].findings if not one.holds]
    assert "measured" in unmet


@pytest.mark.parametrize("kind", [CARD, EVALUATION])
def test_what_comes_later_makes_an_approval_stale(desk: Desk, kind: str) -> None:
    """A card, an evaluation or a provenance that nobody saw when they approved ends the approval."""
    desk.set(APPROVED)
    desk.decide()
    said: dict[str, Json] = (
        evaluation(0.9) if kind == EVALUATION else {"fields": {"licence": "MIT"}, "body": ""}
    )
    desk.say(kind, said)
    (failure,) = desk.judge().failures
    assert "covers another evidence" in failure


def scan(index: int, *severities: str, tool: str = "picklescan", version: str = "1") -> Attestation:
    findings: list[Json] = [
        {"severity": severity, "rule": "r", "message": "m", "path": f"{severity}.bin"}
        for severity in severities
    ]
    predicate: dict[str, Json] = {
        "tool": {"name": tool, "version": version, "database": ""},
        "time": f"2026-01-0{index}T00:00:00Z",
        "findings": findings,
    }
    return Attestation(
        digest=Digest.of(f"{predicate}".encode()),
        predicate_type=SCAN,
        predicate=predicate,
        signer="registry",
        key_id="k" * 64,
        index=index,
        recorded=f"2026-01-0{index}T00:00:00Z",
    )


def test_a_scan_counts_by_what_it_found() -> None:
    """A scan that repeats a result is no new evidence; one that finds something else is."""
    first, again = scan(1, "low"), scan(2, "low", version="2")
    assert evidence_of([first]) == evidence_of([first, again]) != frozenset()
    assert evidence_of([first, again, scan(3, "high")]) != evidence_of([first])
    assert evidence_of([scan(1)]) == evidence_of([scan(1), scan(2)]) == frozenset()
    assert evidence_of([first, scan(2)]) != evidence_of([first])
    other = scan(4, "low", tool="modelaudit")
    assert evidence_of([first, other]) > evidence_of([first])
    assert evidence_of([first, replaced_provenance()]) > evidence_of([first])


def replaced_provenance() -> Attestation:
    claim = scan(5)
    return Attestation(
        digest=Digest.of(b"provenance"),
        predicate_type=PROVENANCE,
        predicate={},
        signer=claim.signer,
        key_id=claim.key_id,
        index=5,
        recorded=claim.recorded,
    )
