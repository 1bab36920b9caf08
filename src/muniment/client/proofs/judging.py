"""Judge a gate on the client: a registry that says that a rule is met has to be right."""

from dataclasses import replace

from muniment.answers.cases import UNKNOWN_ANCESTRY
from muniment.answers.gates import gate_of, judge_all
from muniment.answers.policies import load_policy
from muniment.answers.resolve import resolve
from muniment.answers.view import State
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import GateMisjudged
from muniment.core.gates.policy import Gate, Verdict
from muniment.core.gates.rules.case import Case, Finding, Rule
from muniment.core.gates.rules.expression import Expression
from muniment.core.gates.rules.history import Clean
from muniment.core.verbs.gates import JudgeGate


def judge(backend: TrustedBackend, query: JudgeGate) -> Gate:
    """Judge a version by the policies of an alias, and compare with what the registry says.

    The client judges from proven policies, claims, roles and statuses. The registry may be stricter, since it
    knows more: who published the same bytes in other namespaces, and the whole lineage. It may be more
    lenient only where the client cannot judge; then it is named (`Verdict.unproven`).

    Raises:
        PolicyNotFound: the alias is not guarded, which is proven.
        GateMisjudged: the registry judges by other policies, or says that a rule is met that is not.
    """
    try:
        return _judge(backend, query)
    except GateMisjudged:
        # Something may have changed between the two questions.
        return _judge(backend, query)


def _judge(backend: TrustedBackend, query: JudgeGate) -> Gate:
    state = backend.read_state(query)
    judged = judge_all(state, query)
    ours = gate_of(resolve(state.view, query.reference), query.alias, judged)
    theirs = backend.ask(query)
    reference = str(query.reference)
    about = theirs.version, theirs.alias, [verdict.policy for verdict in theirs.verdicts]
    if about != (ours.version, ours.alias, [verdict.policy for verdict in ours.verdicts]):
        raise GateMisjudged(reference=reference, alias=ours.alias, rule="other policies")
    verdicts = [
        _compare(reference, own, stated, _list_unsure(state, own, case))
        for (own, case), stated in zip(judged, theirs.verdicts, strict=True)
    ]
    return replace(ours, verdicts=tuple(verdicts))


def _list_unsure(state: State, verdict: Verdict, case: Case | None) -> set[str]:
    """List the ids of the rules that can be met though a client cannot tell."""
    if case is None:
        return set()
    rules = load_policy(state.view, verdict.policy).rules
    return {named.id for named in rules if _is_unsure(named.rule, case)}


def _is_unsure(rule: Rule, case: Case) -> bool:
    match rule:
        case Clean():
            # What is wrong with the versions that the provenance names is proven; the rest is not known.
            known = replace(case, revoked=tuple(one for one in case.revoked if one not in UNKNOWN_ANCESTRY))
            return replace(rule, resolved=False, licences=frozenset()).judge(known).passed
        case Expression():
            return not rule.program.available
        case _:
            return False


def _compare(reference: str, ours: Verdict, theirs: Verdict, unsure: set[str]) -> Verdict:
    """Compare two verdicts of a policy; return ours, with what the registry knows more."""
    stated = {finding.id: finding for finding in theirs.findings}
    same = (ours.mode, ours.in_service) == (theirs.mode, theirs.in_service)
    if not same or {finding.id for finding in ours.findings} != stated.keys():
        raise GateMisjudged(reference=reference, alias=ours.alias, rule="other rules")
    lenient = [finding for finding in ours.findings if not finding.holds and stated[finding.id].holds]
    wrong = [finding.rule for finding in lenient if finding.id not in unsure]
    if wrong:
        raise GateMisjudged(reference=reference, alias=ours.alias, rule=", ".join(wrong))
    return replace(
        ours,
        findings=tuple(_pick(finding, stated[finding.id]) for finding in ours.findings),
        unproven=tuple(finding.id for finding in lenient),
    )


def _pick(ours: Finding, theirs: Finding) -> Finding:
    return ours if ours.holds == theirs.holds else theirs
