"""Signing decisions and waivers: what holds of each in the state in which it was recorded."""

from datetime import timedelta

from muniment.answers.cases import Bar, Moment, find_since
from muniment.answers.claims import authors_of, read_claims, read_revision
from muniment.answers.people import roles_of
from muniment.answers.policies import get_in_force, load_policy
from muniment.answers.statuses import check_in_service
from muniment.answers.view import View
from muniment.answers.vouching import is_workload
from muniment.core.claims.approvals import Approval, SigningDecision, evidence_of, last_approvals
from muniment.core.claims.attestations import WAIVER, Attestation
from muniment.core.claims.waivers import Waiver
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyApproved,
    NotAPerson,
    NothingToWithdraw,
    NotPermitted,
    OwnVersion,
    StaleApproval,
    WaiverNotAllowed,
    WrongSubject,
)
from muniment.core.gates.policy import WaiverTerms
from muniment.core.names import Alias, ModelName
from muniment.core.people.roles import Act, may
from muniment.core.records import PrincipalRecord, VersionRecord
from muniment.core.times import read_time


def check_approval(  # noqa: PLR0913, PLR0917 - what is decided, by whom, when and why
    view: View, version: VersionRecord, approval: Approval, actor: str, moment: Moment, reason: Digest | None
) -> None:
    """Check a signing decision by an actor, in the state before it is recorded.

    (0) it is for this version in this registry, has not expired, and approves nothing that is out of service
    (1) its signer is a person, who made neither the version nor the waiver, and holds the role
    (2) it names the reason that came with it, and its signer's own printed name
    (3) it is over the policies and the evidence that stand now
    (4) it changes something

    Raises:
        WrongSubject, StaleApproval: it is for something else, or over something else than what stands now.
        VersionWithdrawn: the version is retired, revoked or purged.
        OwnVersion, NotAPerson, NotPermitted: its signer is not the one to decide.
        NothingToWithdraw, AlreadyApproved: it changes nothing.
    """
    name = ModelName.parse(version.name)
    reference = f"{version.name}@{version.number}"
    _check_subject(view, version, approval, moment)
    claims = read_claims(view, version, read_revision(view, Digest.parse(version.revision)))
    _check_others(view, version, approval, actor, claims)
    held = roles_of(view, actor, name.namespace)
    if approval.role not in held or not may([approval.role], Act.APPROVE):
        raise NotPermitted(principal=actor, act=f"decide as {approval.role}", namespace=name.namespace)
    if approval.reason != (None if reason is None else str(reason)):
        raise StaleApproval(reference=reference, what="reason")
    principal = view.projections.find(PrincipalRecord, (actor,))
    if approval.name not in {None, None if principal is None else principal.profile}:
        raise StaleApproval(reference=reference, what="name")
    bars = [
        Bar(Alias(approval.alias), one.policy, str(one.record.digest))
        for one in get_in_force(view, name, Alias(approval.alias))
        if one.policy is not None
    ]
    if approval.policies != {bar.digest for bar in bars}:
        raise StaleApproval(reference=reference, what="policy")
    if approval.evidence != evidence_of(claims):
        raise StaleApproval(reference=reference, what="evidence")
    last = last_approvals(claims, reference, approval.alias, approval.waiver).get(actor)
    before = None if last is None else last.approval
    if approval.decision is SigningDecision.WITHDRAW and (
        before is None or before.decision is SigningDecision.WITHDRAW
    ):
        raise NothingToWithdraw(reference=reference, alias=approval.alias)
    since = max((find_since(view, name, bar) for bar in bars), default=0)
    is_past = last is not None and last.claim.index < since
    if before is not None and not is_past and _says_the_same(before, approval, moment.time):
        raise AlreadyApproved(reference=reference, principal=actor, alias=approval.alias)


def check_waiver(
    view: View, version: VersionRecord, waiver: Waiver, moment: Moment, reason: Digest | None
) -> None:
    """Check a waiver that somebody requests, in the state before it is recorded; it counts once approved.

    Raises:
        WrongSubject: it is for another version or registry.
        VersionWithdrawn: the version is retired, revoked or purged.
        StaleApproval: it is to another policy than one in force, or gives another reason.
        WaiverNotAllowed: the policy does not let these rules be waived, or not for so long.
    """
    reference = f"{version.name}@{version.number}"
    if (waiver.version, waiver.registry) != (reference, moment.registry):
        raise WrongSubject(reference=reference, subject=f"{waiver.version} of {waiver.registry:.40}")
    check_in_service(view, version)
    if reason is None or waiver.reason != str(reason):
        raise StaleApproval(reference=reference, what="reason")
    in_force = get_in_force(view, ModelName.parse(version.name), Alias(waiver.alias))
    if waiver.policy not in {one.record.digest for one in in_force}:
        raise StaleApproval(reference=reference, what="policy")
    policy = load_policy(view, waiver.policy)
    unknown = waiver.rules - {named.id for named in policy.rules}
    if unknown:
        raise WaiverNotAllowed(reference=reference, reason=f"the policy has no rule {min(unknown)!r}")
    _check_terms(policy.waivers, waiver, reference, moment.time)


def _check_terms(terms: WaiverTerms | None, waiver: Waiver, reference: str, now: str) -> None:
    if terms is None:
        raise WaiverNotAllowed(reference=reference, reason="the policy allows none")
    fixed = waiver.rules - terms.rules if terms.rules else frozenset()
    if fixed:
        raise WaiverNotAllowed(reference=reference, reason=f"the rule {min(fixed)!r} cannot be waived")
    length = read_time(waiver.until) - read_time(now)
    if not timedelta(0) < length <= terms.maximum:
        days = terms.maximum / timedelta(days=1)
        raise WaiverNotAllowed(reference=reference, reason=f"it has to end within {days:g} days")


def _check_subject(view: View, version: VersionRecord, approval: Approval, moment: Moment) -> None:
    """Check what a signing decision is about, and when. Raises as `check_approval`."""
    reference = f"{version.name}@{version.number}"
    if (approval.version, approval.registry) != (reference, moment.registry):
        raise WrongSubject(reference=reference, subject=f"{approval.version} of {approval.registry:.40}")
    if approval.expires is not None and read_time(approval.expires) <= read_time(moment.time):
        raise StaleApproval(reference=reference, what="time")
    if approval.decision is SigningDecision.APPROVE:
        check_in_service(view, version)


def _check_others(
    view: View, version: VersionRecord, approval: Approval, actor: str, claims: tuple[Attestation, ...]
) -> None:
    """Check that the actor is a person who decides about somebody else's work. Raises as `check_approval`."""
    reference = f"{version.name}@{version.number}"
    if is_workload(view, actor):
        raise NotAPerson(principal=actor)
    if actor in authors_of(view, version):
        raise OwnVersion(reference=reference, principal=actor)
    if approval.waiver is None:
        return
    asked = [claim for claim in claims if str(claim.digest) == approval.waiver]
    if not asked or asked[0].predicate_type != WAIVER or asked[0].predicate["alias"] != approval.alias:
        raise WrongSubject(reference=reference, subject=approval.waiver)
    if asked[0].signer == actor:
        raise OwnVersion(reference=f"the waiver of {reference}", principal=actor)


def _says_the_same(before: Approval, now: Approval, time: str) -> bool:
    same = (before.policies, before.evidence, before.decision) == (now.policies, now.evidence, now.decision)
    ended = before.expires is not None and read_time(before.expires) <= read_time(time)
    # A rejection may be repeated with another reason; one person's yes counts once, in one role.
    return same and not ended and now.decision is SigningDecision.APPROVE
