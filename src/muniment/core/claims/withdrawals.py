"""Withdrawals: the signer of a claim takes it back. It stays on record, marked, and no longer counts.

The predicate is `https://muniment.dev/withdrawal/v1`. A withdrawal cannot be withdrawn:
to undo one, make the claim again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from muniment.core.claims.approvals import Approval
from muniment.core.claims.attestations import (
    APPROVAL,
    CONTENT,
    DEPLOYMENT,
    EMERGENCY,
    POLICY,
    PROPOSAL_DECISION,
    TOMBSTONE,
    VERDICT,
    WITHDRAWAL,
    Attestation,
)
from muniment.core.claims.predicates import Predicate
from muniment.core.digests import Digest

# The kinds of claims that cannot be withdrawn, and what to do instead.
LASTING: Final[Mapping[str, str]] = {
    CONTENT: "revoke the version: muniment revoke",
    VERDICT: "judge the version again: muniment check",
    DEPLOYMENT: "end the deployment: muniment deploy --stop",
    POLICY: "set another policy: muniment policy set MODELS@ALIAS FILE --reason TEXT",
    EMERGENCY: "close the emergency: muniment close-emergency ENTRY --reason TEXT",
    PROPOSAL_DECISION: "take the decision back: muniment proposal withdraw ENTRY --reason TEXT",
    TOMBSTONE: "publish the files again, as another version",
    WITHDRAWAL: "make the claim again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Predicate):
    """What a withdrawal says.

    Attributes:
        version: `namespace/model@number`.
        registry: the verifier key of the log that it is for.
        claim: the digest of the claim that is withdrawn.
        reason: the digest of the payload that says why.
        nonce: so that two of them never have the same bytes.
        time: when, by the clock of the principal who says so (RFC 3339).
    """

    type: ClassVar[str] = WITHDRAWAL
    version: str
    registry: str
    claim: Digest
    reason: Digest
    nonce: str
    time: str


def drop_withdrawn(claims: Iterable[Attestation], withdrawn: Collection[int]) -> list[Attestation]:
    """Leave out the claims that were withdrawn, by their entries, and what withdrawn decisions had replaced.

    Somebody who approves, then rejects, then withdraws the rejection has decided nothing: the approval does
    not come back. `claims` are in the order of the log.
    """
    replaced = {
        _about(claim): claim.index
        for claim in claims
        if claim.index in withdrawn and claim.predicate_type == APPROVAL
    }
    return [
        claim
        for claim in claims
        if claim.index not in withdrawn
        and not (claim.predicate_type == APPROVAL and claim.index < replaced.get(_about(claim), -1))
    ]


def _about(claim: Attestation) -> tuple[str, str, str, str | None]:
    """Say who decided about what."""
    approval = Approval.read(claim.predicate)
    return claim.signer, approval.version, approval.alias, approval.waiver
