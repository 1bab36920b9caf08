"""Gates: judge a version by the policies of an alias."""

from muniment.answers.cases import Bar, Moment, gather
from muniment.answers.inputs import FindOwners, find_nowhere_else
from muniment.answers.policies import find_policies, load_policy
from muniment.answers.resolve import resolve
from muniment.answers.view import State, View
from muniment.core.errors import PolicyNotFound
from muniment.core.gates.policy import Gate, Verdict, judge
from muniment.core.gates.rules.case import Case
from muniment.core.names import Alias, ModelName
from muniment.core.records import VersionRecord
from muniment.core.verbs.gates import JudgeGate

Judged = tuple[Verdict, Case | None]


def preview_gate(state: State, query: JudgeGate) -> Gate:
    """Judge a version without recording anything. Raises as `judge_all`."""
    return gate_of(resolve(state.view, query.reference), query.alias, judge_all(state, query))


def judge_all(state: State, query: JudgeGate, find: FindOwners = find_nowhere_else) -> list[Judged]:
    """Judge a version by the policies of an alias, or by another policy; return the cases as well.

    `find` finds inputs that the state does not show (`gather`).

    Raises:
        PolicyNotFound: the alias is not guarded.
        BlobNotFound: the other policy is not stored.
    """
    version, bars = _find_asked(state, query)
    moment = Moment.of(state)
    return _judge_bars(state.view, version, query.alias, bars, moment, find)


def gather_all(state: State, query: JudgeGate) -> list[Case]:
    """Gather what `judge_all` looks at. Raises as it."""
    version, bars = _find_asked(state, query)
    moment = Moment.of(state)
    return [gather(state.view, version, bar, moment) for bar in bars]


def judge_gate(view: View, version: VersionRecord, alias: Alias, moment: Moment) -> list[Judged] | None:
    """Evaluate every policy in force for an alias; None if it is not guarded.

    An alias that is guarded without a policy gets a verdict without findings, which fails.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature: a claim on record cannot be relied on.
    """
    bars = _find_bars(view, version, alias)
    return None if bars is None else _judge_bars(view, version, alias, bars, moment)


def _find_asked(state: State, query: JudgeGate) -> tuple[VersionRecord, list[Bar]]:
    """Find the version of a query, and what it has to clear."""
    version = resolve(state.view, query.reference)
    if query.policy is not None:
        return version, [Bar(query.alias, load_policy(state.view, str(query.policy)), str(query.policy))]
    bars = _find_bars(state.view, version, query.alias)
    if bars is None:
        raise PolicyNotFound(name=version.name, alias=str(query.alias))
    return version, bars


def _find_bars(view: View, version: VersionRecord, alias: Alias) -> list[Bar] | None:
    """Find what a version has to clear for an alias; None if the alias is not guarded."""
    policies = find_policies(view, ModelName.parse(version.name), alias)
    if not policies:
        return None
    return [Bar(alias, entry.policy, str(entry.record.digest)) for entry in policies if entry.policy]


def _judge_bars(  # noqa: PLR0913, PLR0917 - what a gate is judged by
    view: View,
    version: VersionRecord,
    alias: Alias,
    bars: list[Bar],
    moment: Moment,
    find: FindOwners = find_nowhere_else,
) -> list[Judged]:
    if not bars:
        reference = f"{version.name}@{version.number}"
        return [(Verdict(version=reference, alias=str(alias), policy="", findings=()), None)]
    cases = [gather(view, version, bar, moment, find) for bar in bars]
    return [(judge(bar.policy, case), case) for bar, case in zip(bars, cases, strict=True)]


def gate_of(version: VersionRecord, alias: Alias, judged: list[Judged]) -> Gate:
    """Combine the verdicts into a gate."""
    reference = f"{version.name}@{version.number}"
    return Gate(version=reference, alias=str(alias), verdicts=tuple(verdict for verdict, _ in judged))
