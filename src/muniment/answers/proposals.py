"""Proposals: what becomes of a change that touches protected policies.

The registry, a client, and who replays the log find out by the same functions whether it may take effect.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from muniment.answers.cases import Moment
from muniment.answers.emergencies import due_of
from muniment.answers.pages import select_page
from muniment.answers.people import roles_of
from muniment.answers.protection import (
    Concerned,
    Guard,
    find_base,
    find_concerned,
    find_emergency_fault,
    find_fault,
    find_reviewer_fault,
    holds_a_role,
    list_emergencies,
    list_guards_of,
    list_holders,
    list_protections,
    read_change,
)
from muniment.answers.signed import check_set_by, is_disowned
from muniment.answers.view import State, View
from muniment.answers.vouching import is_workload, trace
from muniment.core.claims.proposals import ChangeKind, ProposalDecision, ProposedChange
from muniment.core.errors import (
    ChangeNeedsApproval,
    LogInconsistent,
    MunimentError,
    NobodyCanApprove,
    NotYoursToDecide,
    ProposalStale,
)
from muniment.core.events import AliasRemoved, Entry, PolicyEnded, PolicySet, TierSet
from muniment.core.names import Models
from muniment.core.people.roles import EVERYWHERE, Act, Role, may
from muniment.core.records import ProposalDecisionRecord, ProposalRecord, Where
from muniment.core.verbs.proposals import Decided, ListEmergencies, ListProposals, Need, Proposal
from muniment.core.verbs.verb import MAX_ENTRY

# The events that can touch a protected policy.
Changing = PolicySet | PolicyEnded | TierSet | AliasRemoved


class Effect(NamedTuple):
    """That a proposal takes effect; in an emergency, by when somebody else must look at it."""

    due: str | None


def list_proposals(state: State, query: ListProposals) -> tuple[Proposal, ...]:
    """List the proposals in a namespace."""
    of_namespace = Where("namespace", "=", query.namespace)
    if query.closed:
        records = select_page(state.view, query, ProposalRecord, of_namespace)
    else:
        known = state.view.projections.select(ProposalRecord, of_namespace, Where("index", ">", query.after))
        waiting = [one for one in known if one.closed is None or one.is_unreviewed]
        records = waiting[: query.limit]
    return tuple(describe_proposal(state, record) for record in records)


def list_proposal_emergencies(state: State, query: ListEmergencies) -> tuple[ProposalRecord, ...]:
    """List the changes to protected policies of a model that were made in an emergency."""
    return tuple(list_emergencies(state.view, query.name, query.alias))


def describe_proposal(state: State, record: ProposalRecord) -> Proposal:
    """Say what was decided about a proposal, and what it waits for."""
    view = state.view
    decisions = tuple(
        Decided(record=one, reason=state.find_text(one.reason)) for one in list_decisions(view, record)
    )
    reason = state.find_text(record.reason)
    if record.closed is not None:
        reviewers = tuple(list_reviewers(view, record)) if record.is_unreviewed else ()
        return Proposal(record=record, reason=reason, decisions=decisions, reviewers=reviewers)
    guards = list_guards_of(view, record)
    concerned = find_concerned(view, guards, record.proposer)
    approvers = _list_approvers(one.record for one in decisions if not is_disowned(view, one.record))
    return Proposal(
        record=record,
        reason=reason,
        decisions=decisions,
        needs=tuple(_describe_need(view, guard, concerned, approvers) for guard in guards),
        stale=find_staleness(view, record, Moment(state.registry, state.time)),
        breakers=tuple(list_breakers(view, guards, concerned)),
    )


def _describe_need(view: View, guard: Guard, concerned: Concerned, approvers: Sequence[str]) -> Need:
    holders = list_holders(view, Models.parse(guard.record.models).namespace, {guard.terms.role})
    able = [one for one in holders if not find_fault(view, guard, concerned, one)]
    return Need(
        models=guard.record.models,
        alias=guard.record.alias,
        role=guard.terms.role,
        n=guard.terms.n,
        approved=tuple(one for one in approvers if one in able),
        able=tuple(one for one in able if one not in approvers),
    )


def list_breakers(view: View, guards: Sequence[Guard], concerned: Concerned) -> list[str]:
    """List who can let a change take effect in an emergency."""
    roles: set[Role] = set()
    for guard in guards:
        if guard.policy.break_glass is None:
            return []
        roles |= guard.policy.break_glass.roles
    holders = list_holders(view, Models.parse(guards[0].record.models).namespace, roles) if guards else []
    return [one for one in holders if not find_emergency_fault(view, guards, concerned, one)]


def list_reviewers(view: View, record: ProposalRecord) -> list[str]:
    """List who can look at a change that took effect in an emergency."""
    roles = [role for role in Role if may([role], Act.APPROVE)]
    holders = list_holders(view, record.namespace, roles)
    return [one for one in holders if not _find_review_fault(view, record, one)]


def check_reviewer(view: View, record: ProposalRecord, person: str) -> None:
    """Check that a change that took effect in an emergency is for a person to look at.

    Raises:
        NotYoursToDecide: it is not.
    """
    fault = _find_review_fault(view, record, person)
    if fault:
        raise NotYoursToDecide(entry=record.index, reason=fault)


def _find_review_fault(view: View, record: ProposalRecord, person: str) -> str:
    guards = list_guards_of(view, record)
    concerned = find_concerned(view, guards, record.proposer, record.closed)
    decisions = list_decisions(view, record)
    broken = [one.person for one in decisions if one.decision == ProposalDecision.BREAK_GLASS]
    if not may(roles_of(view, person, record.namespace), Act.APPROVE):
        return f"{person} may not {Act.APPROVE} in {record.namespace}"
    return find_reviewer_fault(view, guards, concerned, broken[-1] if broken else "", person)


def find_proposal(view: View, namespace: str, entry: int) -> ProposalRecord | None:
    """Find a proposal in a namespace by its entry."""
    about = Where("namespace", "=", namespace), Where("index", "=", entry)
    return next(iter(view.projections.select(ProposalRecord, *about)), None)


def list_decisions(view: View, record: ProposalRecord) -> list[ProposalDecisionRecord]:
    """List what was decided about a proposal, oldest first."""
    about = Where("namespace", "=", record.namespace), Where("proposal", "=", record.index)
    return view.projections.select(ProposalDecisionRecord, *about)


def _list_approvers(decisions: Iterable[ProposalDecisionRecord]) -> list[str]:
    last = {one.person: one.decision for one in decisions}
    return [person for person, decision in last.items() if decision == ProposalDecision.APPROVE]


def check_unprotected(view: View, change: ProposedChange) -> None:
    """Check that nobody has to approve a change.

    Raises:
        ChangeNeedsApproval: it touches a protected policy.
    """
    guards = list_protections(view, change)
    if guards:
        raise ChangeNeedsApproval(
            change=str(change), policies=tuple(guard.where for guard in guards), asked=_say_asked(guards)
        )


def check_approvable(view: View, change: ProposedChange, guards: Sequence[Guard], proposer: str) -> None:
    """Check that somebody can approve a change, or let it take effect in an emergency.

    Raises:
        NobodyCanApprove: nobody can; the refusal says who could make somebody qualify.
    """
    concerned = find_concerned(view, guards, proposer)
    lacking = [guard for guard in guards if not _list_able(view, guard, concerned)]
    if lacking and not list_breakers(view, guards, concerned):
        guard = lacking[0]
        unconfirmed, admins, behind = _find_helpers(view, guard, concerned)
        raise NobodyCanApprove(
            change=str(change),
            asked=_say_asked(lacking),
            role=str(guard.terms.role),
            namespace=change.models.namespace,
            unconfirmed=unconfirmed,
            admins=admins,
            behind=behind,
        )


def _list_able(view: View, guard: Guard, concerned: Concerned) -> list[str]:
    holders = list_holders(view, Models.parse(guard.record.models).namespace, {guard.terms.role})
    return [one for one in holders if not find_fault(view, guard, concerned, one)]


def _say_asked(guards: Sequence[Guard]) -> str:
    return " and ".join(dict.fromkeys(str(guard.terms) for guard in guards))


def _find_helpers(
    view: View, guard: Guard, concerned: Concerned
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Find who could make somebody qualify: whom to confirm, which admins can do that, and who is behind all.

    With nobody to confirm, the admins are those who can give somebody the role whose word would count.
    """
    namespace, role = Models.parse(guard.record.models).namespace, guard.terms.role
    holders = list_holders(view, namespace, {role})
    unconfirmed = [one for one in holders if one not in concerned.all and not is_workload(view, one)]
    admins = list_holders(view, namespace, {Role.ADMIN})
    behind = {one: trace(view, one, MAX_ENTRY) & concerned.all for one in admins}
    trusted = [one for one in admins if not guard.independent or not behind[one]]
    for lacking in unconfirmed:
        confirming = tuple(one for one in trusted if one != lacking and _may_confirm(view, one))
        if confirming:
            return lacking, confirming, ()
    return "", tuple(trusted), tuple(sorted(frozenset[str]().union(*behind.values())))


def _may_confirm(view: View, admin: str) -> bool:
    return may(roles_of(view, admin, EVERYWHERE), Act.ENROL)


def find_staleness(view: View, record: ProposalRecord, moment: Moment) -> str:
    """Say why a proposal no longer fits what is in force; empty if it does.

    Raises:
        InvalidPolicy, BlobNotFound, ContentCorrupt: a policy in force cannot be read.
    """
    change = read_change(record)
    present = " ".join(str(guard.record.index) for guard in list_protections(view, change))
    if present != record.protections:
        return "other policies protect it now"
    if find_base(view, change) != record.base:
        return "what it replaces has changed since"
    if not may(roles_of(view, record.proposer, record.namespace), Act.SET_POLICY):
        return f"{record.proposer} may no longer {Act.SET_POLICY} in {record.namespace}"
    if change.kind is ChangeKind.SET_POLICY and change.policy and change.attestation and change.alias:
        try:
            check_set_by(
                view, change.models, change.alias, change.policy, change.attestation, record.proposer, moment
            )
        except MunimentError as error:
            return error.sentence
    return ""


def check_decision(
    view: View, record: ProposalRecord, decision: ProposalDecision, person: str, moment: Moment
) -> None:
    """Check that a decision about an open proposal is for a person to make, in the state before it.

    Raises:
        NotYoursToDecide: it is not.
        ProposalStale: the proposal no longer fits what is in force, so nothing can make it take effect.
    """
    guards = list_guards_of(view, record)
    if decision in {ProposalDecision.APPROVE, ProposalDecision.BREAK_GLASS}:
        stale = find_staleness(view, record, moment)
        if stale:
            raise ProposalStale(entry=record.index, reason=stale)
    concerned = find_concerned(view, guards, record.proposer)
    match decision:
        case ProposalDecision.APPROVE:
            faults = [find_fault(view, guard, concerned, person) for guard in guards]
            fault = "" if "" in faults else faults[0]
        case ProposalDecision.BREAK_GLASS:
            fault = find_emergency_fault(view, guards, concerned, person)
        case ProposalDecision.REJECT:
            fault = _find_rejecting_fault(view, guards, record, person)
        case ProposalDecision.WITHDRAW:
            last = [one.decision for one in list_decisions(view, record) if one.person == person]
            decided = {ProposalDecision.APPROVE, ProposalDecision.REJECT}
            fault = "" if last and last[-1] in decided else f"{person} has decided nothing about it"
    if fault:
        raise NotYoursToDecide(entry=record.index, reason=fault)


def _find_rejecting_fault(view: View, guards: Sequence[Guard], record: ProposalRecord, person: str) -> str:
    """Say why a person cannot reject a proposal. Who cannot approve it, since it concerns them, still can."""
    if person == record.proposer:
        return f"{person} proposed it"
    if is_workload(view, person):
        return f"{person} is a workload"
    return "" if holds_a_role(view, guards, person) else f"{person} has no role that it asks for"


def find_effect(view: View, record: ProposalRecord, moment: Moment) -> Effect | None:
    """Find out whether an open proposal takes effect after the last decision about it; None if it does not.

    (0) it still fits what is in force
    (1) the last decision was to let it take effect in an emergency, by somebody who can; or
    (2) nobody rejects it, and enough people approved it for each policy that it touches, who can do so now
    """
    decisions = [one for one in list_decisions(view, record) if not is_disowned(view, one)]
    if not decisions or find_staleness(view, record, moment):
        return None
    guards = list_guards_of(view, record)
    concerned = find_concerned(view, guards, record.proposer)
    newest = decisions[-1]
    if newest.decision == ProposalDecision.BREAK_GLASS:
        if find_emergency_fault(view, guards, concerned, newest.person):
            return None
        terms = [guard.policy.break_glass for guard in guards if guard.policy.break_glass is not None]
        return Effect(due_of(terms, moment.time))
    last = {one.person: one.decision for one in decisions}
    if ProposalDecision.REJECT in last.values():
        return None
    approvers = _list_approvers(decisions)
    for guard in guards:
        counting = [one for one in approvers if not find_fault(view, guard, concerned, one)]
        if len(counting) < guard.terms.n:
            return None
    return Effect(None)


def check_change(view: View, entry: Entry, registry: str) -> bool:
    """Check that a change touches no protected policy, or is what a proposal says that may take effect now.

    Return whether a proposal takes effect, so that its entry takes no right of its actor.

    Raises:
        ChangeNeedsApproval: nobody had to be asked, and it touches a protected policy.
        LogInconsistent: it is not what the proposal says, or the proposal may not take effect.
    """
    event = entry.event
    if not isinstance(event, Changing):
        raise TypeError(event)
    change = change_of(event)
    if event.proposal is None:
        check_unprotected(view, change)
        return False
    number = event.proposal.entry
    record = view.projections.find(ProposalRecord, (number,))
    if record is None or record.closed is not None:
        raise LogInconsistent(reason=f"entry {number} is no open proposal")
    said = (read_change(record), record.reason, record.proposer)
    if said != (change, str(event.reason), event.proposal.proposer):
        raise LogInconsistent(reason=f"it is not what entry {number} proposes")
    decisions = list_decisions(view, record)
    if not decisions or decisions[-1].person != entry.actor:
        raise LogInconsistent(reason=f"its actor made no decision about the proposal {number} just before")
    effect = find_effect(view, record, Moment(registry, entry.when))
    if effect is None:
        raise LogInconsistent(reason=f"too few people approved the proposal {number}")
    if effect.due != event.proposal.due:
        raise LogInconsistent(reason=f"it is due by {event.proposal.due}, and the policies say {effect.due}")
    return True


def change_of(event: Changing) -> ProposedChange:
    """Return the change that an event makes."""
    match event:
        case PolicySet():
            return ProposedChange(
                kind=ChangeKind.SET_POLICY,
                models=event.models,
                alias=event.alias,
                policy=event.policy,
                attestation=event.attestation,
            )
        case PolicyEnded():
            return ProposedChange(kind=ChangeKind.END_POLICY, models=event.models, alias=event.alias)
        case TierSet():
            models = Models(event.name.namespace, event.name.model)
            return ProposedChange(kind=ChangeKind.SET_TIER, models=models, tier=event.tier)
        case AliasRemoved():
            models = Models(event.name.namespace, event.name.model)
            return ProposedChange(kind=ChangeKind.REMOVE_ALIAS, models=models, alias=event.alias)
