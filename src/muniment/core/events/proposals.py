"""Events of proposals: changes to protected policies, which take effect once people have approved them."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core import canonical, forms
from muniment.core.claims.proposals import ProposalDecision, ProposedChange
from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event, text
from muniment.core.events.subjects import Subject, SubjectKind, of_namespace
from muniment.core.records import (
    Amend,
    Change,
    ProposalDecisionRecord,
    ProposalRecord,
    Put,
    Value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """The proposal that takes effect with an event.

    Attributes:
        entry: the entry of the proposal.
        proposer: who made it, and so the change.
        due: in an emergency, the time by which somebody else must look at it; otherwise None.
    """

    entry: int
    proposer: str
    due: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalOpened(Event):
    """Somebody proposed a change that touches protected policies.

    Attributes:
        base: the entry of the policy, tier or move that the change replaces; None if there is none.
        protections: the entries that put the protected policies in force which it touches.
    """

    type: ClassVar[str] = "proposal.opened"
    change: ProposedChange
    base: int | None
    protections: tuple[int, ...]
    reason: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The proposals of the namespace."""
        return _of_proposals(self.change.models.namespace)

    @property
    def digest(self) -> Digest:
        """The digest of what the log holds of it, which decisions are about."""
        return Digest.of(canonical.encode(forms.write(self)))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the proposal."""
        proposal = ProposalRecord(
            index=entry.index,
            namespace=self.change.models.namespace,
            kind=str(self.change.kind),
            models=str(self.change.models),
            alias=text(self.change.alias),
            policy=text(self.change.policy),
            attestation=text(self.change.attestation),
            tier=self.change.tier,
            base=self.base,
            protections=" ".join(map(str, self.protections)),
            digest=str(self.digest),
            proposer=entry.actor,
            opened=entry.when,
            reason=str(self.reason),
        )
        return [Put(proposal)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalDecided(Event):
    """Somebody decided about a proposal, by its entry; their last decision counts.

    Attributes:
        attestation: the digest of their signed statement.
    """

    type: ClassVar[str] = "proposal.decided"
    namespace: str
    proposal: int
    decision: ProposalDecision
    attestation: Digest
    reason: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The proposals of the namespace."""
        return _of_proposals(self.namespace)

    def fold(self, entry: Entry) -> list[Change]:
        """Add the decision."""
        decision = ProposalDecisionRecord(
            index=entry.index,
            namespace=self.namespace,
            proposal=self.proposal,
            person=entry.actor,
            decision=str(self.decision),
            attestation=str(self.attestation),
            decided=entry.when,
            reason=str(self.reason),
        )
        return [Put(decision)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalWithdrawn(Event):
    """The proposer took a proposal back, by its entry."""

    type: ClassVar[str] = "proposal.withdrawn"
    namespace: str
    proposal: int
    reason: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The proposals of the namespace."""
        return _of_proposals(self.namespace)

    def fold(self, entry: Entry) -> list[Change]:
        """Close the proposal."""
        return [Amend(ProposalRecord, (self.proposal,), {"closed": entry.index, "outcome": "withdrawn"})]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalReviewed(Event):
    """Somebody else looked at a proposal that took effect in an emergency, by its entry."""

    type: ClassVar[str] = "proposal.reviewed"
    namespace: str
    proposal: int
    reason: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The proposals of the namespace."""
        return _of_proposals(self.namespace)

    def fold(self, entry: Entry) -> list[Change]:
        """Say that it was looked at."""
        return [Amend(ProposalRecord, (self.proposal,), {"reviewed": entry.index})]


def find_author(entry: Entry, proposed: Proposed | None) -> str:
    """Find who made a change: who proposed it or, if nobody had to approve it, who made its entry."""
    return entry.actor if proposed is None else proposed.proposer


def close_proposal(entry: Entry, proposed: Proposed | None) -> list[Change]:
    """List the changes by which a proposal takes effect with an entry; none if there is no proposal."""
    if proposed is None:
        return []
    values: dict[str, Value] = {
        "closed": entry.index,
        "outcome": "approved" if proposed.due is None else "emergency",
        "due": proposed.due,
    }
    return [Amend(ProposalRecord, (proposed.entry,), values)]


def of_proposal(namespace: str, proposed: Proposed | None) -> tuple[Subject, ...]:
    """List the subjects of an event that it has because a proposal takes effect with it."""
    return () if proposed is None else (Subject(SubjectKind.PROPOSALS, namespace),)


def _of_proposals(namespace: str) -> tuple[Subject, ...]:
    return of_namespace(namespace), Subject(SubjectKind.PROPOSALS, namespace)
