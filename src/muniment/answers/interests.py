"""Whom a version concerns, and what they decided about it."""

from typing import NamedTuple

from muniment.answers.claims import authors_of, read_standing
from muniment.answers.people import roles_of
from muniment.answers.policies import find_policies, find_tier
from muniment.answers.view import View
from muniment.core.claims.approvals import (
    EVIDENCE,
    Approval,
    SignedApproval,
    SigningDecision,
    evidence_of,
    last_approvals,
)
from muniment.core.claims.attestations import APPROVAL, Attestation
from muniment.core.gates.policy import Policy
from muniment.core.gates.rules.people import Approvals
from muniment.core.names import Alias, ModelName
from muniment.core.people.roles import Act, Role, may
from muniment.core.records import AttestationRecord, MoveRecord, OwnerRecord, VersionRecord, Where


class Cause(NamedTuple):
    """Why an approval became stale: the entry that made it so, who wrote that and when, and the reason."""

    entry: int
    who: str
    time: str
    reason: str


def is_owner(view: View, principal: str, name: str) -> bool:
    """Return whether a principal owns a model."""
    owners = view.projections.select(OwnerRecord, Where("name", "=", name), descending=True, limit=1)
    return bool(owners) and owners[0].owner == principal


def concerns(view: View, principal: str, version: VersionRecord) -> bool:
    """Return whether a principal owns the model of a version, made the version, or approved it.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature: a decision of theirs cannot be relied on.
    """
    if is_owner(view, principal, version.name) or principal in authors_of(view, version):
        return True
    decisions = (Approval.read(claim.predicate) for claim in _read_decisions(view, version, principal))
    return any(one.decision is SigningDecision.APPROVE for one in decisions)


def find_held(view: View, name: str) -> dict[str, int]:
    """Find the numbers of the versions that the aliases of a model hold."""
    newest = {
        move.alias: move.number for move in view.projections.select(MoveRecord, Where("name", "=", name))
    }
    return {alias: number for alias, number in newest.items() if number is not None}


def find_decision(
    view: View, version: VersionRecord, alias: str, principal: str, waiver: str | None = None
) -> SignedApproval | None:
    """Find a principal's last signing decision on a version for an alias, or on a waiver of it.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature: a decision of theirs cannot be relied on.
    """
    reference = f"{version.name}@{version.number}"
    return last_approvals(_read_decisions(view, version, principal), reference, alias, waiver).get(principal)


def is_granted(view: View, version: VersionRecord, alias: str, waiver: str) -> bool:
    """Return whether somebody approved a waiver, and nobody rejected it. Raises as `find_decision`."""
    claims = read_standing(view, version, {APPROVAL})
    last = last_approvals(claims, f"{version.name}@{version.number}", alias, waiver)
    return {one.approval.decision for one in last.values()} - {SigningDecision.WITHDRAW} == {
        SigningDecision.APPROVE
    }


def find_cause(view: View, version: VersionRecord, signed: SignedApproval) -> Cause | None:
    """Find what made a signing decision stale; None if it still is over what stands now.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature, InvalidPolicy: what stands now cannot be read.
    """
    return _find_other_policy(view, version, signed) or _find_other_evidence(view, version, signed)


def find_role(view: View, name: ModelName, alias: Alias, principal: str, *, waiver: bool = False) -> str:
    """Find a role in which a principal may decide, one that a policy asks for if any does; empty if none."""
    held = {role for role in roles_of(view, principal, name.namespace) if may([role], Act.APPROVE)}
    policies = [one.policy for one in find_policies(view, name, alias) if one.policy is not None]
    asked = {role for policy in policies for rule in _list_approvals(policy, waiver=waiver) for role in rule}
    return min((str(role) for role in (held & asked if asked else held)), default="")


def _list_approvals(policy: Policy, *, waiver: bool) -> list[frozenset[Role]]:
    rules = [named.rule for named in policy.rules if isinstance(named.rule, Approvals)]
    if waiver:
        rules = [] if policy.waivers is None else [policy.waivers.approvals]
    return [frozenset({*rule.counts, *rule.roles}) for rule in rules]


def _read_decisions(view: View, version: VersionRecord, principal: str) -> list[Attestation]:
    return read_standing(view, version, {APPROVAL}, Where("signer", "=", principal))


def _find_other_policy(view: View, version: VersionRecord, signed: SignedApproval) -> Cause | None:
    name, alias = ModelName.parse(version.name), Alias(signed.approval.alias)
    records = [one.record for one in find_policies(view, name, alias)]
    other = [
        record
        for record in records
        if record.digest not in signed.approval.policies or record.index > signed.claim.index
    ]
    if not other:
        return None
    newest = max(other, key=lambda record: record.index)
    if newest.index > signed.claim.index:
        return Cause(
            newest.index, newest.author, newest.set, f"the policy of {newest.models}@{alias} changed"
        )
    # An older policy is in force for the model since it is in another tier.
    tier = find_tier(view, name)
    if tier is None:
        return None
    return Cause(tier.index, tier.author, tier.set, f"the risk tier of {name} changed")


def _find_other_evidence(view: View, version: VersionRecord, signed: SignedApproval) -> Cause | None:
    claims = read_standing(view, version, EVIDENCE)
    seen = evidence_of(claims)
    new = [claim for claim in claims if str(claim.digest) in seen - signed.approval.evidence]
    if new:
        newest = new[-1]
        return Cause(newest.index, newest.signer, newest.recorded, f"there is a new {newest.kind}")
    gone = signed.approval.evidence - seen
    if not gone:
        return None
    about = Where("name", "=", version.name), Where("revision", "=", version.revision)
    records = view.projections.select(AttestationRecord, *about)
    ends = {record.withdrawn for record in records if record.digest in gone}
    ended = [record for record in records if record.index in ends] or [
        # Its key was revoked as of before it was recorded.
        record
        for record in records
        if record.digest in gone
    ]
    return Cause(ended[-1].index, ended[-1].signer, ended[-1].recorded, "evidence was withdrawn")
