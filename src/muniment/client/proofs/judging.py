"""Judge a gate on the client: a registry that says that a rule is met has to be right."""

from muniment.answers.gates import preview_gate
from muniment.answers.policies import load_policy
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import GateMisjudged
from muniment.core.gates.policy import Gate, Verdict
from muniment.core.gates.rules.history import Clean
from muniment.core.verbs.gates import JudgeGate


def judge(backend: TrustedBackend, query: JudgeGate) -> Gate:
    """Judge a version by the policies of an alias, and compare with what the registry says; return that.

    The client judges from proven policies, claims, roles and statuses. The registry knows more that denies:
    who published the same bytes under another name, and the lineage. So it may be stricter, but
    not more lenient.

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
    ours = preview_gate(state, query)
    theirs = backend.ask(query)
    reference = str(query.reference)
    about = theirs.version, theirs.alias, [verdict.policy for verdict in theirs.verdicts]
    if about != (ours.version, ours.alias, [verdict.policy for verdict in ours.verdicts]):
        raise GateMisjudged(reference=reference, alias=ours.alias, rule="other policies")
    for own, stated in zip(ours.verdicts, theirs.verdicts, strict=True):
        found = set()
        if own.policy:
            rules = load_policy(state.view, own.policy).rules
            found = {named.id for named in rules if isinstance(named.rule, Clean)}
        _compare(reference, own, stated, found)
    return theirs


def _compare(reference: str, ours: Verdict, theirs: Verdict, found: set[str]) -> None:
    """Compare two verdicts of a policy, except for the rules that look at what is found."""
    met = {finding.id for finding in theirs.findings if finding.holds}
    wrong = [finding.rule for finding in ours.findings if not finding.holds and finding.id in met - found]
    same = (ours.mode, ours.in_service) == (theirs.mode, theirs.in_service)
    complete = {one.id for one in ours.findings} == {one.id for one in theirs.findings}
    if wrong or not same or not complete:
        raise GateMisjudged(reference=reference, alias=ours.alias, rule=", ".join(wrong) or "other rules")
