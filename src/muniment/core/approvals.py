"""Approvals: a person's yes or no to one version for one alias, over exactly what they saw.

The predicate `https://muniment.dev/approval/v1` names the version, the alias, the role, the digests
of the evidence and of the policy. New evidence or a new policy makes it stale. The reason is an
erasable payload; the claim holds its digest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from muniment.core.attestations import APPROVAL, EVALUATION, Attestation
from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidAttestation
from muniment.core.roles import Role


class Decision(StrEnum):
    """What the approver decided."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What an approval says."""

    version: str
    alias: str
    role: Role
    decision: Decision
    policy: str
    evidence: frozenset[str]
    reason: str | None
    time: str

    def predicate(self) -> JsonObject:
        """Write the predicate."""
        return {
            "version": self.version,
            "alias": self.alias,
            "role": str(self.role),
            "decision": str(self.decision),
            "policy": self.policy,
            "evidence": sorted(self.evidence),
            "reason": self.reason,
            "time": self.time,
        }

    @classmethod
    def read(cls, predicate: Mapping[str, object]) -> "Approval":
        """Read a predicate.

        Raises:
            InvalidAttestation: a member is missing or of another kind.
        """
        evidence, reason = predicate.get("evidence"), predicate.get("reason")
        try:
            return cls(
                version=str(predicate["version"]),
                alias=str(predicate["alias"]),
                role=Role(str(predicate["role"])),
                decision=Decision(str(predicate["decision"])),
                policy=str(predicate["policy"]),
                evidence=frozenset(str(digest) for digest in _list(evidence)),
                reason=None if reason is None else str(reason),
                time=str(predicate["time"]),
            )
        except (KeyError, ValueError) as error:
            raise InvalidAttestation(reason=f"not an approval: {error}") from error

    def find_staleness(self, policy: str, evidence: frozenset[str]) -> str:
        """Say over what else it was made than what stands now: policy, evidence, or nothing."""
        if self.policy != policy:
            return "policy"
        return "" if self.evidence == evidence else "evidence"


def evidence_of(attestations: Iterable[Attestation]) -> frozenset[str]:
    """Collect the digests of the evidence that an approver has to have seen."""
    return frozenset(str(found.digest) for found in attestations if found.predicate_type == EVALUATION)


def last_acts(
    attestations: Iterable[Attestation], version: str, alias: str
) -> dict[str, tuple[Attestation, Approval]]:
    """Give each principal's last word on a version and alias: the last act of a person counts."""
    acts: dict[str, tuple[Attestation, Approval]] = {}
    for attestation in sorted(attestations, key=lambda found: found.index):
        if attestation.predicate_type == APPROVAL:
            approval = Approval.read(attestation.predicate)
            if approval.alias == alias and approval.version == version:
                acts[attestation.signer] = (attestation, approval)
    return acts


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("evidence")  # noqa: EM101, TRY004 - named in the caller's refusal
    return value
