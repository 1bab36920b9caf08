"""Proposals: changes to protected policies, which take effect once people have approved them."""

from dataclasses import dataclass
from typing import Annotated, Final

from muniment.core.claims.proposals import ChangeKind, ProposalDecision, ProposedChange
from muniment.core.digests import Digest
from muniment.core.errors import ModelNotFound, NamespaceNotFound
from muniment.core.events import Entry, ProposalDecided, ProposalOpened, ProposalWithdrawn
from muniment.core.names import Alias, ModelName, Models
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act, Role
from muniment.core.records import ProposalDecisionRecord, ProposalRecord
from muniment.core.verbs.verb import (
    At,
    Bounds,
    Change,
    Command,
    ListQuery,
    May,
    Name,
    PageQuery,
    Question,
    Verb,
    Within,
    digest_of,
    says,
)

# What a change and the command that proposes it both have.
_PARTS: Final = ("kind", "models", "alias", "policy", "attestation", "tier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision about a proposal, and its reason (None if it was erased)."""

    record: ProposalDecisionRecord
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a protected policy asks for: so many people in a role.

    Attributes:
        approved: the ids of the people whose approvals count.
        able: the ids of the people who can approve and have not.
    """

    models: str
    alias: str
    role: Role
    n: int
    approved: tuple[str, ...]
    able: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        """Whether enough people approved."""
        return len(self.approved) >= self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal, what was decided about it, and what it waits for.

    Attributes:
        reason: its reason; None if it was erased.
        needs: what each policy that it touches asks for; empty once it is closed.
        stale: why it can no longer take effect; empty if it can.
        breakers: the ids of the people who can let it take effect in an emergency.
        reviewers: the ids of the people who can look at it, if it took effect in an emergency.
    """

    record: ProposalRecord
    reason: str | None
    decisions: tuple[Decided, ...]
    needs: tuple[Need, ...] = ()
    stale: str = ""
    breakers: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()

    @property
    def change(self) -> ProposedChange:
        """The change that is proposed."""
        record = self.record
        return ProposedChange(
            kind=ChangeKind(record.kind),
            models=Models.parse(record.models),
            alias=None if record.alias is None else Alias(record.alias),
            policy=None if record.policy is None else Digest.parse(record.policy),
            attestation=None if record.attestation is None else Digest.parse(record.attestation),
            tier=record.tier,
        )

    @property
    def rejecters(self) -> tuple[str, ...]:
        """The ids of the people whose last decision is a rejection."""
        last = {one.record.person: one.record.decision for one in self.decisions}
        return tuple(person for person, decision in last.items() if decision == ProposalDecision.REJECT)

    @property
    def state(self) -> str:
        """What has become of it, in a word: open, stale, rejected, approved, emergency or withdrawn."""
        if self.record.outcome is not None:
            return self.record.outcome
        if self.stale:
            return "stale"
        return "rejected" if self.rejecters else "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeChange(Command):
    """Propose a change that touches a protected policy; it takes effect once people have approved it.

    `attestation` is a stored bundle, as for `set_policy`.
    """

    declared = Change("POST", "/models/{namespace}/{model}/proposals", May(Act.SET_POLICY, "models"))
    models: Models
    kind: ChangeKind
    alias: Alias | None = None
    policy: Digest | None = None
    attestation: Digest | None = None
    tier: Annotated[str | None, Bounds(most=64)] = None
    reason: Payload | None = None

    @property
    def change(self) -> ProposedChange:
        """The change.

        Raises:
            InvalidBody: it lacks what its kind needs, or has more.
        """
        return ProposedChange(
            kind=self.kind,
            models=self.models,
            alias=self.alias,
            policy=self.policy,
            attestation=self.attestation,
            tier=self.tier,
        )

    def is_done_by(self, entry: Entry) -> bool:
        """The change was proposed, and not made."""
        event = entry.event
        if not isinstance(event, ProposalOpened) or event.reason != digest_of(self.reason):
            return False
        return all(getattr(event.change, part) == getattr(self, part) for part in _PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideProposal(Command):
    """Approve or reject a proposal, by its entry, take that back, or let it take effect in an emergency.

    `attestation` is a stored bundle: the caller's signed statement of the decision and its reason. With the
    last approval that the protected policies ask for, the change takes effect, with another entry.
    """

    declared = Change(
        "POST",
        "/proposals/{proposal}/decisions",
        "those with a role that a protected policy asks for, for whom the proposal is to decide",
    )
    proposal: int
    decision: ProposalDecision
    attestation: Digest
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """This decision was made about this proposal."""
        said = {"decision": self.decision, "attestation": self.attestation, "reason": digest_of(self.reason)}
        return says(entry, ProposalDecided, proposal=self.proposal, **said)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawProposal(Command):
    """Withdraw your own proposal, by its entry."""

    declared = Change("POST", "/proposals/{proposal}/withdrawals", "the proposer")
    proposal: int
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """This proposal was withdrawn."""
        return says(entry, ProposalWithdrawn, proposal=self.proposal, reason=digest_of(self.reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProposals(PageQuery[Proposal]):
    """List the proposals in a namespace that wait for somebody, oldest first; with `closed`, all of them.

    Those wait that are open, and those that took effect in an emergency until somebody else has looked at
    them.
    """

    declared = Question(
        "/namespaces/{namespace}/proposals", Within("namespace", NamespaceNotFound), proven=True
    )
    namespace: Name
    closed: bool = False
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEmergencies(ListQuery[ProposalRecord]):
    """List the proposals by which protected policies of a model were changed in an emergency, oldest first.

    With `alias`, those that touched a policy of it.
    """

    declared = Question("/models/{namespace}/{model}/emergencies", Within("name", ModelNotFound), proven=True)
    name: ModelName
    alias: Alias | None = None
    at: At = None


VERBS: Final[tuple[type[Verb], ...]] = (
    ProposeChange,
    ListProposals,
    DecideProposal,
    WithdrawProposal,
    ListEmergencies,
)
