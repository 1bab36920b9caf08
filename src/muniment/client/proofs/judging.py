"""Judge a gate on the client: a registry is believed only in what a client cannot know."""

from dataclasses import replace
from functools import partial
from typing import Final

from muniment.answers.cases import UNKNOWN_ANCESTRY
from muniment.answers.gates import gate_of, judge_all
from muniment.answers.policies import load_policy
from muniment.answers.resolve import resolve
from muniment.answers.view import State
from muniment.client.proofs.owners import find_owners
from muniment.client.proofs.times import find_time
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.claims.approvals import Approval, SignedApproval, SigningDecision, last_approvals
from muniment.core.claims.attestations import APPROVAL
from muniment.core.errors import GateMisjudged, NotShown, PolicyNotFound
from muniment.core.gates.policy import Gate, Policy, Verdict, find_fault
from muniment.core.gates.policy import judge as judge_policy
from muniment.core.gates.rules.case import Case, Finding, Rule
from muniment.core.gates.rules.expression import Expression
from muniment.core.verbs.gates import JudgeGate

# What an expression may look at, and a client may not see all of.
_OPEN: Final = frozenset({"authors", "revoked"})


def judge(backend: TrustedBackend, query: JudgeGate) -> Gate:
    """Judge a version by the policies of an alias, now or at a time, and compare with what the registry says.

    The client judges from proven policies, claims, roles and statuses. The registry can know more: who
    published the same bytes in other namespaces, and the whole lineage. Its word counts only where that can
    decide, or where the client cannot evaluate a rule; it is told in our words, and named
    (`Verdict.unproven`).

    Raises:
        PolicyNotFound: the alias is not guarded, which is proven.
        GateMisjudged: the registry judges by other policies, or judges a rule as it cannot come out.
    """
    try:
        return _judge(backend, query)
    except GateMisjudged:
        # Something may have changed between the two questions.
        return _judge(backend, query)


def find_faults(backend: TrustedBackend, query: JudgeGate) -> dict[str, str]:
    """Find out why approvals do not count at a gate, by the digests of their claims.

    Those about waivers are looked at, too. That the others count is for the gate to say: the registry can
    know more. None is named at an alias that no policy guards.
    """
    state = _read_state(backend, query)
    try:
        judged = judge_all(state, query, partial(find_owners, backend))
    except PolicyNotFound:
        return {}
    faults: dict[str, str] = {}
    for verdict, case in judged:
        if case is not None:
            policy = load_policy(state.view, verdict.policy)
            found = ((one, find_fault(policy, case, one)) for one in _list_approvals(case))
            faults |= {str(one.claim.digest): fault for one, fault in found if fault}
    return faults


def _list_approvals(case: Case) -> list[SignedApproval]:
    """List the approvals of a version and of its waivers that nobody took back or replaced."""
    waivers = {Approval.read(claim.predicate).waiver for claim in case.of_type(APPROVAL)}
    last = (last_approvals(case.attestations, case.version, case.alias, waiver) for waiver in waivers)
    return [
        signed
        for by_person in last
        for signed in by_person.values()
        if signed.approval.decision is SigningDecision.APPROVE
    ]


def _read_state(backend: TrustedBackend, query: JudgeGate) -> State:
    state = backend.read_state(query)
    return state if query.at is None else replace(state, time=find_time(backend, query.at), newest=None)


def _judge(backend: TrustedBackend, query: JudgeGate) -> Gate:
    state = _read_state(backend, query)
    judged = judge_all(state, query, partial(find_owners, backend))
    ours = gate_of(resolve(state.view, query.reference), query.alias, judged)
    try:
        theirs = backend.ask(query)
    except NotShown as error:
        raise GateMisjudged(reference=str(query.reference), alias=ours.alias, rule=str(error)) from error
    reference = str(query.reference)
    about = theirs.version, theirs.alias, [verdict.policy for verdict in theirs.verdicts]
    if about != (ours.version, ours.alias, [verdict.policy for verdict in ours.verdicts]):
        raise GateMisjudged(reference=reference, alias=ours.alias, rule="other policies")
    verdicts = [
        _compare(state, reference, (own, case), stated)
        for (own, case), stated in zip(judged, theirs.verdicts, strict=True)
    ]
    return replace(ours, verdicts=tuple(verdicts))


def _compare(state: State, reference: str, judged: tuple[Verdict, Case | None], theirs: Verdict) -> Verdict:
    """Compare two verdicts of a policy; return ours, with what the registry can know more."""
    ours, case = judged
    stated = {finding.id: finding.holds for finding in theirs.findings}
    same = (ours.mode, ours.in_service, ours.rejected) == (theirs.mode, theirs.in_service, theirs.rejected)
    if not same or {finding.id for finding in ours.findings} != stated.keys():
        raise GateMisjudged(reference=reference, alias=ours.alias, rule="other rules")
    different = {finding.id for finding in ours.findings if finding.holds is not stated[finding.id]}
    if case is None or not different:
        return ours
    possible = _list_possible(load_policy(state.view, ours.policy), case)
    wrong = [
        finding.rule
        for finding in ours.findings
        if finding.id in different and (finding.id, not finding.holds) not in possible
    ]
    if wrong:
        raise GateMisjudged(reference=reference, alias=ours.alias, rule=", ".join(wrong))
    return replace(
        ours,
        findings=tuple(_reverse(one) if one.id in different else one for one in ours.findings),
        unproven=tuple(finding.id for finding in ours.findings if finding.id in different),
    )


def _list_possible(policy: Policy, case: Case) -> set[tuple[str, bool]]:
    """List the ids of rules with what they can come to if the registry knows more than is proven here.

    It can know that an ancestor is revoked, or that everything is in order with the inputs that are not seen;
    and that those who signed are authors, under another name. Of the rest, what is wrong is proven.
    """
    in_order = replace(
        case,
        origins=tuple(one for place, one in enumerate(case.origins) if place not in case.unseen),
        revoked=tuple(one for one in case.revoked if one not in UNKNOWN_ANCESTRY),
    )
    cases = (case, in_order, replace(case, revoked=(*case.revoked, "an ancestor")))
    signers = frozenset(case.roles) | {one.principal for jump in case.jumps for one in jump.confirmations}
    others = (frozenset[str](), signers, *(frozenset({one}) for one in signers))
    judged = (
        judge_policy(policy, replace(one, authors=one.authors | who)) for one in cases for who in others
    )
    possible = {(finding.id, finding.holds) for verdict in judged for finding in verdict.findings}
    unknown = {named.id for named in policy.rules if _is_open(named.rule)}
    return possible | {(one, holds) for one in unknown for holds in (True, False)}


def _is_open(rule: Rule) -> bool:
    """Return whether a rule can come to anything, if the registry knows more."""
    return isinstance(rule, Expression) and (not rule.program.available or bool(_OPEN & rule.program.names))


def _reverse(ours: Finding) -> Finding:
    """Say the opposite of a finding, in our words."""
    said = "not met" if ours.holds else "met"
    message = f"the registry says that it is {said}, and may know more than is proven here"
    return replace(ours, passed=not ours.holds, waived="", message=message, remedy="")
