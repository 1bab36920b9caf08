"""Policies: what is in force for an alias, what was, and what would fail."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple

from muniment.core.canonical import JsonObject
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.gates.policy import Gate, Policy
from muniment.core.gates.rules.case import write_age
from muniment.core.naming import put_arguments, put_names
from muniment.core.records import PolicyRecord
from muniment.core.verbs.gates import PolicyChange, TierChange
from muniment.views.listing import view_list
from muniment.views.values import Document, Time, Value, name_people, read_text
from muniment.views.view import Column, Fact, Facts, Mark, Row, Seal, Section, Table, Tone, View, Vouched


class ReadPolicy(NamedTuple):
    """A policy in force: its proven record, what it says, and its document; None if there is none yet."""

    record: PolicyRecord
    policy: Policy | None
    document: JsonObject | None


class ComparedPolicy(NamedTuple):
    """A policy that was set or ended, and its differences to the one before."""

    change: PolicyChange
    differences: tuple[str, ...]


class Outcome(StrEnum):
    """What becomes of the policy of an alias when a directory of policies is applied."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNGUARDED = "unguarded"


class PlannedPolicy(NamedTuple):
    """What becomes of the policy of an alias: its differences, and the document; None if the policy ends.

    If the policy in force is protected, `protected` says who has to approve that, and `proposal` is the
    entry by which it is proposed already.
    """

    models: str
    alias: str
    outcome: Outcome
    differences: tuple[str, ...]
    document: JsonObject | None
    protected: str = ""
    proposal: int | None = None

    @property
    def acts(self) -> bool:
        """Whether there is something to do, or to propose."""
        return self.outcome is not Outcome.UNCHANGED and self.proposal is None


def view_plan(title: str, planned: Sequence[PlannedPolicy], now: str) -> View:
    """Show what applying a directory of policies does."""
    columns = (
        Column("outcome", ""),
        Column("for", "for"),
        Column("models", "models", is_drawn=False),
        Column("alias", "alias", is_drawn=False),
        Column("differences", "what changes", below=True),
        Column("protected", "protected by", is_drawn=False),
        Column("proposal", "proposed by entry", is_drawn=False),
    )
    tones = {Outcome.UNCHANGED: Tone.PLAIN, Outcome.UNGUARDED: Tone.BAD}
    rows = [
        Row(
            cells=(
                str(one.outcome),
                f"{one.models}@{one.alias}",
                one.models,
                one.alias,
                (*one.differences, *_say_protected(one)) or None,
                one.protected or None,
                one.proposal,
            ),
            vouched=Vouched(Mark.CHECKED),
            tone=tones.get(one.outcome, Tone.WARN),
        )
        for one in planned
    ]
    changes = sum(one.acts for one in planned)
    lead = f"{count(changes, 'policy')} of {len(planned)} would change"
    return view_list(
        "policy_plan", title, columns, rows, now, heading="Policies", lead=lead, empty="there is no policy"
    )


def _say_protected(planned: PlannedPolicy) -> list[str]:
    """Say what becomes of a change to a protected policy."""
    if planned.proposal is not None:
        return [f"proposed already: muniment proposal show {planned.proposal}"]
    return (
        [f"protected: it is proposed, and {planned.protected} must approve it"] if planned.protected else []
    )


def view_policies(
    title: str, policies: Sequence[ReadPolicy], names: Mapping[str, str], seal: Seal, now: str
) -> View:
    """Show the policies in force for an alias of a model. A version must meet all."""
    return View(
        kind="policies",
        title=title,
        lead="a version must meet all of them" if len(policies) > 1 else "",
        now=now,
        seal=seal,
        sections=(*(_view_policy(one, names) for one in policies), _view_documents(policies)),
    )


def view_policy_history(
    namespace: str,
    changes: Sequence[ComparedPolicy],
    tiers: Sequence[TierChange],
    names: Mapping[str, str],
    now: str,
) -> View:
    """Show every policy and risk tier ever set in a namespace, oldest first, and what each changed."""
    columns = (
        Column("set", "age"),
        Column("for", "for"),
        Column("digest", "policy"),
        Column("author", "by"),
        Column("models", "models", is_drawn=False),
        Column("alias", "alias", is_drawn=False),
        Column("attestation", "claim", is_drawn=False),
        Column("ended", "ended", is_drawn=False),
        Column("tier", "tier", is_drawn=bool(tiers)),
        Column("differences", "what changed", below=True),
        Column("text", "why", below=True),
    )
    made = [
        *((one.change.record.index, _view_change(one, names)) for one in changes),
        *zip((one.record.index for one in tiers), _view_tiers(tiers, names), strict=True),
    ]
    command = f"muniment policy set '{namespace}/*@ALIAS' FILE --reason TEXT"
    empty = f"no policy was ever set in {namespace}: {command} sets one"
    return view_list(
        "policy_history",
        namespace,
        columns,
        [row for _, row in sorted(made, key=itemgetter(0))],
        now,
        heading="Policies",
        empty=empty,
    )


def _view_change(compared: ComparedPolicy, names: Mapping[str, str]) -> Row:
    record = compared.change.record
    none = "ended" if record.ended else "none yet"
    return Row(
        cells=(
            Time(record.set),
            f"{record.models}@{record.alias}",
            none if record.digest is None else Digest.parse(record.digest),
            name_people(names, record.author),
            record.models,
            record.alias,
            None if record.attestation is None else Digest.parse(record.attestation),
            bool(record.ended),
            None,
            compared.differences,
            read_text(record.reason, compared.change.reason),
        ),
        vouched=Vouched(Mark.RECORDED, record.index),
        tone=Tone.WARN if record.ended else Tone.PLAIN,
    )


def _view_tiers(tiers: Sequence[TierChange], names: Mapping[str, str]) -> Iterator[Row]:
    """Show tiers among policies, since the tier of a model decides which of them apply to it."""
    before: dict[str, str] = {}
    for record, reason in ((one.record, one.reason) for one in tiers):
        yield Row(
            cells=(
                Time(record.set),
                record.name,
                None,
                name_people(names, record.author),
                record.name,
                None,
                None,
                False,
                record.tier,
                (f"tier: {record.tier} (was {before.get(record.name, 'not set')})",),
                read_text(record.reason, reason),
            ),
            vouched=Vouched(Mark.RECORDED, record.index),
        )
        before[record.name] = record.tier


def view_simulation(title: str, gates: Sequence[Gate], names: Mapping[str, str], now: str) -> View:
    """Show which versions would fail a policy that is not in force, and why."""
    failing = [gate for gate in gates if not all(verdict.passed for verdict in gate.verdicts)]
    columns = (
        Column("met", ""),
        Column("version", "version"),
        Column("rule", "rule"),
        Column("because", "because"),
        Column("remedy", "what to type", is_drawn=False),
    )
    return view_list(
        "simulation",
        title,
        columns,
        [row for gate in gates for row in _view_simulated(gate, names)],
        now,
        heading="Versions",
        lead=f"{len(failing)} of {count(len(gates), 'version')} would fail",
        empty="there is no version",
    )


def _view_policy(one: ReadPolicy, names: Mapping[str, str]) -> Section:
    record, policy = one.record, one.policy
    where = f"{record.models}@{record.alias}"
    recorded, checked = Vouched(Mark.RECORDED, record.index), Vouched(Mark.CHECKED)
    facts = [
        Fact(
            key="set",
            label="set",
            value=(Time(record.set), name_people(names, record.author)),
            vouched=recorded,
        )
    ]
    if record.digest is None or policy is None:
        value = f"none yet, so no version can move: muniment policy set '{where}' FILE --reason TEXT"
        facts.append(Fact(key="policy", label="policy", value=value, vouched=recorded, tone=Tone.WARN))
        return Section(key=record.models, title=where, blocks=(Facts(tuple(facts)),))
    facts.append(Fact(key="policy", label="policy", value=Digest.parse(record.digest), vouched=checked))
    facts += [
        Fact(key=key, label=label, value=value, vouched=checked) for key, label, value in _describe(policy)
    ]
    rows = tuple(Row(cells=(named.id, named.rule.label), vouched=checked) for named in policy.rules)
    columns = (Column("id", "rule"), Column("asks", "asks for"))
    return Section(
        key=record.models,
        title=where,
        blocks=(Facts(tuple(facts)), Table(key="rules", columns=columns, rows=rows)),
    )


def _view_documents(policies: Sequence[ReadPolicy]) -> Section:
    documents = tuple(
        Fact(
            key=one.record.models,
            label=one.record.models,
            value=Document(one.document),
            vouched=Vouched(Mark.CHECKED),
        )
        for one in policies
        if one.document is not None
    )
    return Section(key="documents", title="As they were signed", in_full=True, blocks=(Facts(documents),))


def _describe(policy: Policy) -> Iterator[tuple[str, str, Value]]:
    """Describe the terms of a policy beside its rules."""
    if policy.description:
        yield "description", "description", policy.description
    yield "mode", "mode", str(policy.mode)
    if policy.models:
        yield "models", "models", policy.models
    if policy.tiers:
        yield "tiers", "risk tiers", tuple(sorted(policy.tiers))
    if policy.continuous:
        yield "continuous", "continuous", "it must be met whenever the model is loaded"
    if policy.waivers is not None:
        rules = ", ".join(sorted(policy.waivers.rules)) or "any rule"
        longest = write_age(policy.waivers.maximum)
        yield "waivers", "waivers", f"of {rules}, for {longest} at most, {policy.waivers.approvals.label}"
    if policy.break_glass is not None:
        roles, soon = ", ".join(sorted(policy.break_glass.roles)), write_age(policy.break_glass.close_within)
        yield "break_glass", "break-glass", f"by {roles}, to be closed within {soon}"
    if policy.protected is not None:
        yield "protected", "protected", f"{policy.protected} must approve a change to it"


def _view_simulated(gate: Gate, names: Mapping[str, str]) -> list[Row]:
    unmet = [
        Row(
            cells=(
                False,
                gate.version,
                one.rule,
                put_names(one.message, names),
                put_arguments(one.remedy, names) or None,
            ),
            vouched=Vouched(Mark.STATED if one.id in verdict.unproven else Mark.CHECKED),
            tone=Tone.BAD,
        )
        for verdict in gate.verdicts
        for one in verdict.findings
        if not one.holds
    ]
    # For some rules, the registry's word counts.
    is_judged = not any(verdict.unproven for verdict in gate.verdicts)
    met = Row(
        cells=(True, gate.version, None, None, None),
        vouched=Vouched(Mark.CHECKED if is_judged else Mark.STATED),
        tone=Tone.GOOD,
    )
    return unmet or [met]
