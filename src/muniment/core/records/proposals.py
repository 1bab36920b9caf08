"""Records of proposals, and of decisions about them."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRecord(Record):
    """A change that somebody proposed, since it touches protected policies.

    `kind` to `tier` are the change, `base` the entry of what it replaces, and `protections` the entries of
    the policies that it touches, with a space between. `digest` is what decisions are about. `closed` is
    the entry by which it took effect or was withdrawn, as `outcome` says: approved, emergency or withdrawn.
    An emergency has to be looked at until `due`; `reviewed` is the entry that did.
    """

    table: ClassVar[str] = "proposals"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"closed", "outcome", "due", "reviewed"})
    namespace: str
    kind: str
    models: str
    alias: str | None
    policy: str | None
    attestation: str | None
    tier: str | None
    base: int | None
    protections: str
    digest: str
    proposer: str
    opened: str
    reason: str
    closed: int | None = None
    outcome: str | None = None
    due: str | None = None
    reviewed: int | None = None

    @property
    def is_unreviewed(self) -> bool:
        """Whether it took effect in an emergency, and nobody has looked at that yet."""
        return self.outcome == "emergency" and self.reviewed is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalDecisionRecord(Record):
    """What somebody decided about a proposal, by its entry; the last one of a person counts."""

    table: ClassVar[str] = "proposal_decisions"
    key: ClassVar[tuple[str, ...]] = ("index",)
    namespace: str
    proposal: int
    person: str
    decision: str
    attestation: str
    decided: str
    reason: str
