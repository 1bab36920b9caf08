"""Protection is no matter of trust: a registry that changes a protected policy by itself is found out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from firm import ALIAS, BREAK_GLASS, RULES, Firm, open_embedded
from muniment.core.claims.attestations import PROPOSAL_DECISION
from muniment.core.claims.proposals import ChangeKind, ProposalDecision, ProposedChange
from muniment.core.digests import Digest
from muniment.core.errors import AuditFailed, NotYourSignature, StatementReused, WrongSubject
from muniment.core.events import (
    AliasRemoved,
    Event,
    PolicyEnded,
    PolicySet,
    ProposalDecided,
    ProposalOpened,
    ProposalReviewed,
    ProposalWithdrawn,
    Proposed,
    TierSet,
)
from muniment.core.names import Alias, Models
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.people.roles import Role
from muniment.core.verbs.log import GetLogIdentity
from muniment.core.verbs.proposals import DecideProposal
from muniment.ports.unit import Unit
from muniment.services.backend import LocalBackend
from muniment.services.upkeep.rebuild import compare, find_false, rebuild
from muniment.services.upkeep.required import list_held, list_named
from muniment.signing.statements import attest
from muniment.testing.audits import check_audit
from muniment.testing.backends import NAME, decide, refuses

MODELS, PRODUCTION = Models(NAME.namespace, NAME.model), Alias(ALIAS)
WHY = Digest.of(b"why")


class Scene:
    """A firm whose policy is protected, with a proposal to end it, and a registry that adds what it likes."""

    def __init__(self, firm: Firm) -> None:
        firm.add("Sven", Role.SECURITY)
        firm.protect(break_glass=BREAK_GLASS, scope={"tiers": ["high"]})
        self.firm = firm
        self.proposal = firm.of("Carla").policies.unguard(str(NAME), ALIAS, reason="unused").index
        record = firm.of("Carla").proposals.get(self.proposal).record
        self.base, self.reason = record.base or 0, Digest.parse(record.reason)

    def proposed(self, due: str | None = None) -> Proposed:
        return Proposed(entry=self.proposal, proposer=self.firm.id_of("Carla"), due=due)

    def end(self, due: str | None = None) -> PolicyEnded:
        return PolicyEnded(models=MODELS, alias=PRODUCTION, reason=self.reason, proposal=self.proposed(due))

    def say(self, name: str, event: Event) -> int:
        """Append an entry by somebody, who never asked for it."""
        backend = self.firm.open_as(self.firm.keys["Fay"])
        assert isinstance(backend, LocalBackend)
        caller = Caller(principal=self.firm.id_of(name), direct=True)

        def work(unit: Unit) -> int:
            return replace(backend.begin(unit), caller=caller).record(event)

        return backend._units.write(work)

    def decided(
        self, attestation: Digest, decision: ProposalDecision = ProposalDecision.APPROVE, reason: Digest = WHY
    ) -> ProposalDecided:
        return ProposalDecided(
            namespace="acme",
            proposal=self.proposal,
            decision=decision,
            attestation=attestation,
            reason=reason,
        )

    def sign(
        self, name: str, decision: ProposalDecision = ProposalDecision.APPROVE, **others: object
    ) -> Digest:
        """Have somebody sign a decision, and Vera store it; record nothing."""
        backend, key = self.firm.open_as(self.firm.keys["Vera"]), self.firm.keys[name]
        made = self.firm.of("Fay").proposals.get(self.proposal)
        said = {
            "proposal": self.proposal,
            "change": str(made.change),
            "decision": str(decision),
            "registry": backend.ask(GetLogIdentity()).verifier,
            "reason": str(WHY),
            "nonce": "n" * 16,
            "time": "2026-01-01T00:00:00Z",
            **others,
        }
        subject = Digest.parse(made.record.digest)
        bundle = attest(subject, "proposal", PROPOSAL_DECISION, said, key)  # type: ignore[arg-type] # JSON
        return backend.add_documents([bundle.encode()])[0]

    def find_false(self) -> tuple[int, str]:
        """Audit the log; return the first false entry and the rule that it breaks."""
        fault = self.find_fault()
        return fault.index, fault.rule

    def find_fault(self) -> AuditFailed:
        fault = self.firm.of("Vera").audit().fault
        assert isinstance(fault, AuditFailed)
        return fault


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Give a scene, whose log is true so far."""
    with open_embedded(tmp_path) as firm:
        made = Scene(firm)
        check_audit(firm.of("Fay"))
        yield made


PLAIN: dict[str, Callable[[Scene], Event]] = {
    "another policy": lambda _: PolicySet(
        models=MODELS, alias=PRODUCTION, policy=None, attestation=None, reason=WHY
    ),
    "its end": lambda _: PolicyEnded(models=MODELS, alias=PRODUCTION, reason=WHY),
    "a tier": lambda _: TierSet(name=NAME, tier="low", reason=WHY),
    "its alias": lambda _: AliasRemoved(name=NAME, alias=PRODUCTION, previous=1, reason=WHY),
}


@pytest.mark.parametrize("event", PLAIN)
def test_a_change_without_approval_is_named(scene: Scene, event: str) -> None:
    """An admin's entry that touches a protected policy, and names no proposal, is false."""
    index = scene.say("Carla", PLAIN[event](scene))
    assert scene.find_false() == (index, "authority")


def test_a_change_that_nobody_approved_is_named(scene: Scene) -> None:
    """Naming a proposal is not enough: it needs the approvals that the policy in force asks for."""
    index = scene.say("Vera", scene.end())
    assert scene.find_false() == (index, "facts")


def test_a_change_after_a_rejection_is_named(scene: Scene) -> None:
    """An approved proposal that somebody rejects does not take effect."""
    scene.firm.of("Otto").proposals.reject(scene.proposal, "no")
    scene.firm.of("Vera").proposals.approve(scene.proposal, "yes")
    index = scene.say("Vera", scene.end())
    assert scene.find_false() == (index, "facts")


def test_an_approval_by_who_cannot_approve_is_named(scene: Scene) -> None:
    """A decision that its signer made, and that was not theirs to make, is false where it is recorded."""
    scene.firm.grant("Ada", Role.APPROVER)
    scene.firm.publish("Ada", b"two")
    index = scene.say("Ada", scene.decided(scene.sign("Ada")))
    assert scene.find_false() == (index, "claim")


FALSE: dict[str, Callable[[Scene], ProposalDecided]] = {
    "of somebody else": lambda scene: scene.decided(scene.sign("Otto")),
    "about another entry": lambda scene: scene.decided(scene.sign("Vera", proposal=3)),
    "about another change": lambda scene: scene.decided(scene.sign("Vera", change="end everything")),
    "for another reason": lambda scene: scene.decided(scene.sign("Vera"), reason=Digest.of(b"else")),
    "another decision": lambda scene: scene.decided(scene.sign("Vera", ProposalDecision.REJECT)),
    "in another registry": lambda scene: scene.decided(scene.sign("Vera", registry="elsewhere")),
}


@pytest.mark.parametrize("decision", FALSE)
def test_an_approval_that_nobody_signed_is_named(scene: Scene, decision: str) -> None:
    """An approval has to be signed by its person, about this proposal, for this reason, here."""
    index = scene.say("Vera", FALSE[decision](scene))
    assert scene.find_false() == (index, "claim")


def test_a_withdrawn_approval_does_not_come_back(scene: Scene) -> None:
    """What somebody signed counts once: neither a registry nor who stole it can record it again."""
    scene.firm.of("Otto").proposals.reject(scene.proposal, "not yet")
    vera = scene.firm.of("Vera").proposals
    old = vera.approve(scene.proposal, "yes").read(ProposalDecided)
    vera.withdraw(scene.proposal, "no")
    theirs = scene.firm.open_as(scene.firm.keys["Vera"])
    again = DecideProposal(
        proposal=scene.proposal, decision=old.decision, attestation=old.attestation, reason=Payload.of("yes")
    )
    refuses(lambda: theirs.execute(again), WrongSubject)
    index = scene.say("Vera", old)
    assert scene.find_false() == (index, "claim")
    assert StatementReused.code in scene.find_fault().reason


def test_a_decision_is_refused_if_somebody_else_signed_it(scene: Scene) -> None:
    """An honest registry takes a decision from its signer alone, and about what they signed."""
    vera = scene.firm.open_as(scene.firm.keys["Vera"])
    stolen = DecideProposal(
        proposal=scene.proposal,
        decision=ProposalDecision.APPROVE,
        attestation=scene.sign("Otto"),
        reason=Payload.of("yes"),
    )
    refuses(lambda: vera.execute(stolen), NotYourSignature)
    refuses(lambda: decide(vera, scene.firm.keys["Vera"], scene.proposal, change="nothing"), WrongSubject)


def test_another_change_than_the_proposed_one_is_named(scene: Scene) -> None:
    """What takes effect is what was approved, word for word."""
    guard = PolicySet(
        models=MODELS,
        alias=PRODUCTION,
        policy=None,
        attestation=None,
        reason=scene.reason,
        proposal=scene.proposed(),
    )
    index = scene.say("Vera", guard)
    assert scene.find_false() == (index, "claim")
    assert "is not what entry" in str(scene.firm.of("Vera").audit().fault)


def test_an_emergency_that_nobody_declared_is_named(scene: Scene) -> None:
    """A change past its protection rests on the signature of somebody whom the policy lets do that."""
    index = scene.say("Sven", scene.end(due="2026-01-05T00:00:00.000000Z"))
    assert scene.find_false() == (index, "facts")


def test_an_emergency_with_another_deadline_is_named(scene: Scene) -> None:
    """The policy says how soon somebody else must close it."""
    scene.say(
        "Sven", scene.decided(scene.sign("Sven", ProposalDecision.BREAK_GLASS), ProposalDecision.BREAK_GLASS)
    )
    index = scene.say("Sven", scene.end(due="2036-01-05T00:00:00.000000Z"))
    assert scene.find_false() == (index, "facts")


def test_an_emergency_that_its_author_closes_is_named(scene: Scene) -> None:
    """Whoever let it take effect does not close it, nor does anybody close what is none."""
    index = scene.say("Vera", ProposalReviewed(namespace="acme", proposal=scene.proposal, reason=WHY))
    assert scene.find_false() == (index, "authority")


def test_the_breaker_does_not_close_the_emergency(scene: Scene) -> None:
    """The same, once there is an emergency."""
    scene.firm.of("Sven").proposals.break_glass(scene.proposal, "on fire")
    index = scene.say("Sven", ProposalReviewed(namespace="acme", proposal=scene.proposal, reason=WHY))
    assert scene.find_false() == (index, "authority")


def test_a_proposal_over_something_else_is_named(scene: Scene) -> None:
    """A proposal names the policies in force that it touches, and what it replaces."""
    change = ProposedChange(kind=ChangeKind.END_POLICY, models=MODELS, alias=PRODUCTION)
    opened = ProposalOpened(change=change, base=scene.base, protections=(), reason=WHY)
    index = scene.say("Carla", opened)
    assert scene.find_false() == (index, "facts")


def test_a_proposal_with_another_base_is_named(scene: Scene) -> None:
    """As above, for what it replaces: otherwise it would never be stale."""
    change = ProposedChange(kind=ChangeKind.END_POLICY, models=MODELS, alias=PRODUCTION)
    opened = ProposalOpened(change=change, base=None, protections=(scene.base,), reason=WHY)
    index = scene.say("Carla", opened)
    assert scene.find_false() == (index, "facts")


def test_somebody_elses_withdrawal_is_named(scene: Scene) -> None:
    """Only its proposer withdraws a proposal."""
    index = scene.say("Vera", ProposalWithdrawn(namespace="acme", proposal=scene.proposal, reason=WHY))
    assert scene.find_false() == (index, "authority")


def test_a_policy_of_the_proposer_takes_effect_by_an_approver(scene: Scene) -> None:
    """The proposer signed the policy, and is its author; the entry is by whoever approved it last."""
    firm = scene.firm
    proposed = firm.of("Carla").policies.set(
        str(NAME), ALIAS, {"rules": RULES, "mode": "warn"}, reason="trial"
    )
    firm.of("Vera").proposals.approve(proposed.index, "fine")
    (policy,) = firm.of("Vera").policies.in_force(str(NAME), ALIAS)
    assert policy.record.author == firm.id_of("Carla")
    check_audit(firm.of("Fay"))
    check_audit(firm.of("Fay"), "acme")


def test_what_was_proposed_and_signed_is_kept(scene: Scene) -> None:
    """A rebuild, a backup and a search for lost bytes know of the policies and decisions of proposals."""
    firm = scene.firm
    proposed = firm.of("Carla").policies.set(
        str(NAME), ALIAS, {"rules": RULES, "mode": "warn"}, reason="trial"
    )
    decided = firm.of("Vera").proposals.reject(proposed.index, "no").read(ProposalDecided)
    change = proposed.read(ProposalOpened).change
    needed = {change.policy, change.attestation, decided.attestation}
    backend = firm.open_as(firm.keys["Fay"])
    assert isinstance(backend, LocalBackend)
    units = backend._units
    assert units.read(compare) == []
    held = [*list_held(units)]
    assert needed <= {*held}
    assert needed <= {*list_named(units)}
    units.write(rebuild)
    assert [*list_held(units)] == held
    assert units.read(find_false) is None
