"""What nobody should overlook about a version: its status, waivers and emergencies."""

from collections.abc import Sequence
from typing import NamedTuple

from muniment.core.catalog.statuses import Status
from muniment.core.claims.approvals import SignedApproval, SigningDecision, last_approvals
from muniment.core.claims.attestations import WAIVER, Attestation
from muniment.core.claims.waivers import Waiver
from muniment.core.times import read_time
from muniment.core.verbs.versions import VersionDetail


class Asked(NamedTuple):
    """A requested waiver, the signing decisions about it, and whether it has expired."""

    waiver: Waiver
    digest: str
    entry: int
    approvals: tuple[SignedApproval, ...]
    ended: bool

    @property
    def approved(self) -> bool:
        """Return whether somebody approved it and nobody rejected it; only the gate says if that suffices."""
        decisions = {one.approval.decision for one in self.approvals}
        return SigningDecision.APPROVE in decisions and not self.rejected

    @property
    def rejected(self) -> bool:
        """Return whether somebody rejected it, which makes it count for nothing."""
        return any(one.approval.decision is SigningDecision.REJECT for one in self.approvals)


def list_waivers(claims: Sequence[Attestation], reference: str, now: str) -> list[Asked]:
    """List the requested waivers of a version at a time (RFC 3339)."""
    waivers = []
    for claim in claims:
        if claim.predicate_type == WAIVER:
            waiver, digest = Waiver.read(claim.predicate), str(claim.digest)
            approvals = tuple(last_approvals(claims, reference, waiver.alias, digest).values())
            ended = read_time(waiver.until) <= read_time(now)
            waivers.append(Asked(waiver, digest, claim.index, approvals, ended))
    return waivers


def name_standing(detail: VersionDetail, claims: Sequence[Attestation], reference: str, now: str) -> str:
    """Name the standing of a version in a word or two; empty if there is nothing to overlook."""
    status = detail.status
    words = [] if status is None or status.status == Status.PUBLISHED else [status.status.upper()]
    if any(asked.approved and not asked.ended for asked in list_waivers(claims, reference, now)):
        words.append("WAIVER")
    if detail.emergencies:
        words.append("EMERGENCY")
    return ", ".join(words)
