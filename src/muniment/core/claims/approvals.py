"""Approvals: a person's yes or no to one version for one alias, over exactly what they saw.

The predicate `https://muniment.dev/approval/v1` names the version, the alias, the registry, the role, the
meaning of the signature (21 CFR 11.50), and the digests of the evidence and the policies. New evidence or a
new policy makes it stale. The reason, and the signer's printed name, are erasable payloads; the claim holds
their digests.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

from muniment.core.claims.attestations import (
    APPROVAL,
    CARD,
    CHANGE_PLAN,
    EVALUATION,
    PROVENANCE,
    REPRODUCTION,
    SCAN,
    Attestation,
)
from muniment.core.claims.predicates import Predicate
from muniment.core.claims.scans import NOTHING, Scan
from muniment.core.people.roles import Role


class SigningDecision(StrEnum):
    """What the person decided.

    `withdraw` takes back what they decided before. It is still read; what is written is a withdrawal.
    """

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


class Meaning(StrEnum):
    """What the signature means (21 CFR 11.50)."""

    AUTHORSHIP = "authorship"
    REVIEW = "review"
    APPROVAL = "approval"
    RESPONSIBILITY = "responsibility"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Predicate):
    """What an approval says.

    Attributes:
        version: `namespace/model@number`.
        registry: the origin of the log that it is for.
        policies: the digests of the policies in force.
        evidence: the digests of the evidence that the version had.
        waiver: the digest of the waiver that it is about; None if it is about the version.
        name: the digest of the payload that holds the signer's printed name.
        reason: the digest of the payload that says why.
        nonce: so that two of them never have the same bytes.
        expires: when it no longer counts (RFC 3339); None if it does not end by itself.
    """

    type: ClassVar[str] = APPROVAL
    version: str
    alias: str
    registry: str
    role: Role
    decision: SigningDecision
    meaning: Meaning
    policies: frozenset[str]
    evidence: frozenset[str]
    waiver: str | None
    name: str | None
    reason: str | None
    nonce: str
    expires: str | None
    time: str


class SignedApproval(NamedTuple):
    """An approval, and the claim that holds it."""

    claim: Attestation
    approval: Approval

    @property
    def is_rejection(self) -> bool:
        """Whether it stands against the version."""
        return self.approval.decision is SigningDecision.REJECT

    def find_staleness(self, policy: str, since: int, evidence: frozenset[str]) -> str:
        """Say over what else it was made than what stands now: policy, evidence, or nothing.

        `since` is the entry that put the policy in force: one that was replaced and comes back revives none.
        """
        if policy not in self.approval.policies or self.claim.index < since:
            return "policy"
        return "" if self.approval.evidence == evidence else "evidence"


# The kinds of what an approver has to have seen: when there is more of it, they have not.
EVIDENCE: Final = frozenset({EVALUATION, SCAN, CARD, PROVENANCE, REPRODUCTION, CHANGE_PLAN})


def evidence_of(attestations: Iterable[Attestation]) -> frozenset[str]:
    """Collect the digests of the evidence that an approver has to have seen.

    A scan that found nothing changes nobody's mind, and one that is repeated with the same result neither
    (docs/decisions/0016-scans.md). They may come at any time.
    """
    seen: set[str] = set()
    scans: dict[str, Attestation] = {}
    for claim in sorted(attestations, key=lambda one: one.index):
        if claim.predicate_type == SCAN:
            tool = Scan(claim.predicate).tool
            before = scans.get(tool)
            if before is None or Scan(before.predicate).result != Scan(claim.predicate).result:
                scans[tool] = claim
        elif claim.predicate_type in EVIDENCE:
            seen.add(str(claim.digest))
    found = (claim for claim in scans.values() if Scan(claim.predicate).worst != NOTHING)
    return frozenset(seen.union(str(claim.digest) for claim in found))


def last_approvals(
    attestations: Iterable[Attestation], version: str, alias: str, waiver: str | None = None
) -> dict[str, SignedApproval]:
    """Give each principal's last word on a version and alias, or on a waiver: the last one counts."""
    last: dict[str, SignedApproval] = {}
    for attestation in sorted(attestations, key=lambda claim: claim.index):
        if attestation.predicate_type == APPROVAL:
            approval = Approval.read(attestation.predicate)
            if (approval.alias, approval.version, approval.waiver) == (alias, version, waiver):
                last[attestation.signer] = SignedApproval(attestation, approval)
    return last
