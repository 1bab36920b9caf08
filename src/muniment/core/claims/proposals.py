"""Proposals: changes to protected policies, and the signed decisions of the people who must agree first.

The predicate is `https://muniment.dev/proposal-decision/v1`; its subject is the proposal, by the digest of
what the log holds of it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from muniment.core.claims.attestations import PROPOSAL_DECISION
from muniment.core.claims.predicates import Predicate
from muniment.core.digests import Digest
from muniment.core.errors import InvalidBody
from muniment.core.names import EVERY, Alias, ModelName, Models


class ChangeKind(StrEnum):
    """The changes that can touch a protected policy."""

    SET_POLICY = "set-policy"
    END_POLICY = "end-policy"
    SET_TIER = "set-tier"
    REMOVE_ALIAS = "remove-alias"


class ProposalDecision(StrEnum):
    """What somebody decided about a proposal; `break-glass` lets it take effect at once, in an emergency."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    BREAK_GLASS = "break-glass"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedChange:
    """A change that touches a protected policy.

    Attributes:
        models: the models of the policy or, for a tier or an alias, the one model.
        alias: the alias; None for a tier, which the policies of every alias look at.
        policy: the digest of the document; None if the alias is to be guarded without one.
        attestation: the digest of the signed statement that sets the policy.
        tier: the risk tier that the model is put into.
    """

    kind: ChangeKind
    models: Models
    alias: Alias | None = None
    policy: Digest | None = None
    attestation: Digest | None = None
    tier: str | None = None

    def __post_init__(self) -> None:
        """Check that it has what its kind needs, and nothing else.

        Raises:
            InvalidBody: it does not.
        """
        has = {
            "alias": self.alias is not None,
            "policy": self.policy is not None,
            "attestation": self.attestation is not None,
            "tier": self.tier is not None,
        }
        needed = {"tier"} if self.kind is ChangeKind.SET_TIER else {"alias"}
        if self.kind is ChangeKind.SET_POLICY and self.policy is not None:
            needed |= {"policy", "attestation"}
        wrong = [name for name, present in has.items() if present is not (name in needed)]
        if wrong:
            raise InvalidBody(
                reason=f"{wrong[0]}: {self.kind} {'needs' if wrong[0] in needed else 'has no'} {wrong[0]}"
            )
        if self.kind in {ChangeKind.SET_TIER, ChangeKind.REMOVE_ALIAS} and self.models.model == EVERY:
            raise InvalidBody(reason=f"models: {self.kind} is about one model")

    def __str__(self) -> str:
        """Say what is to be done, after "to"."""
        where = str(self.models) if self.alias is None else f"{self.models}@{self.alias}"
        match self.kind:
            case ChangeKind.SET_POLICY if self.policy is None:
                return f"guard {where} without a policy"
            case ChangeKind.SET_POLICY:
                return f"set the policy of {where}"
            case ChangeKind.END_POLICY:
                return f"end the policy of {where}"
            case ChangeKind.SET_TIER:
                return f"put {where} into the risk tier {self.tier}"
            case ChangeKind.REMOVE_ALIAS:
                return f"remove {where}"

    @property
    def name(self) -> ModelName:
        """The one model that it is about."""
        return ModelName(self.models.namespace, self.models.model)

    def does_as(self, other: "ProposedChange") -> bool:
        """Return whether it does the same as another, with any signature."""
        mine = (self.kind, self.models, self.alias, self.policy, self.tier)
        return mine == (other.kind, other.models, other.alias, other.policy, other.tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedProposal(Predicate):
    """The content of a decision about a proposal.

    Attributes:
        proposal: its entry of the log.
        change: the change in words, as its signer read it.
        registry: the verifier key of the registry's log.
        reason: the digest of the payload with the reason.
        nonce: makes the bytes of every decision unique.
        time: the time by the signer's clock (RFC 3339).
    """

    type: ClassVar[str] = PROPOSAL_DECISION
    proposal: int
    change: str
    decision: ProposalDecision
    registry: str
    reason: Digest
    nonce: str
    time: str
