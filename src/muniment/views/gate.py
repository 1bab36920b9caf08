"""An alias and its gate: every rule, whether a version meets it, and what to type if it does not."""

from collections.abc import Mapping, Sequence

from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.gates.policy import Gate, Mode, Verdict
from muniment.core.gates.rules.case import Finding
from muniment.core.records import PolicyRecord
from muniment.views.people import put_names
from muniment.views.values import Time, name_people
from muniment.views.view import (
    Chip,
    Column,
    Fact,
    Facts,
    Mark,
    Row,
    Seal,
    Section,
    Table,
    Tone,
    View,
    Vouched,
)

_COLUMNS = (
    Column("met", ""),
    Column("rule", "rule"),
    Column("because", "because"),
)


def view_gate(
    gate: Gate,
    policies: Sequence[PolicyRecord],
    names: Mapping[str, str],
    seal: Seal,
    now: str,
) -> View:
    """Show a version at the gate of an alias."""
    met = "meets" if gate.passed else "does not meet"
    title = f"{gate.version} {met} the policy of {gate.alias}"
    unmet = [finding for verdict in gate.verdicts for finding in verdict.findings if not finding.holds]
    name = gate.version.partition("@")[0]
    more = ("muniment promote", gate.version, gate.alias) if gate.passed else ()
    return View(
        kind="gate",
        title=title,
        now=now,
        chips=(Chip("may move" if gate.passed else "stays closed", Tone.GOOD if gate.passed else Tone.BAD),),
        seal=seal,
        sections=(
            Section(
                key="rules",
                title=f"What {gate.alias} asks for",
                note="" if not unmet else f"{count(len(unmet), 'rule')} not met",
                blocks=tuple(view_rules(verdict, names) for verdict in gate.verdicts),
            ),
            Section(
                key="policies",
                title="Policies in force",
                blocks=(Facts(tuple(view_policy(policy, names) for policy in policies)),),
                empty=f"muniment policy set {name}@{gate.alias} FILE puts one in force",
            ),
        ),
        next=(" ".join(more),) if more else (),
    )


def view_policy(policy: PolicyRecord, names: Mapping[str, str]) -> Fact:
    """Show which policy is in force, since when, and by whom."""
    digest = "none yet" if policy.digest is None else Digest.parse(policy.digest)
    return Fact(
        key=policy.models,
        label=policy.models,
        value=(digest, Time(policy.set), name_people(names, policy.author)),
        vouched=Vouched(Mark.RECORDED, policy.index),
    )


def view_rules(verdict: Verdict, names: Mapping[str, str], *, only_unmet: bool = False) -> Table:
    """Show every rule of a policy, those that are not met first; with `only_unmet`, draw only these."""
    findings = sorted(verdict.findings, key=lambda finding: finding.holds)
    unmet = sum(not finding.holds for finding in findings)
    title = "" if verdict.mode is Mode.ENFORCE else f"{verdict.mode} only: nothing is blocked"
    if not findings:
        row = Row(cells=(False, "policy", verdict.failures[0]), tone=Tone.BAD)
        return Table(key=verdict.policy or "none", title=title, columns=_COLUMNS, rows=(row,))
    return Table(
        key=verdict.policy,
        title=title,
        columns=_COLUMNS,
        rows=tuple(_view_finding(finding, verdict, names) for finding in findings),
        most=unmet if only_unmet else None,
        more="met",
    )


def _view_finding(finding: Finding, verdict: Verdict, names: Mapping[str, str]) -> Row:
    proven = finding.id not in verdict.unproven
    notes = [
        *([f"waived by {finding.waived}"] if finding.waived else []),
        *([] if proven else ["as the registry says: it cannot be proven here"]),
        *([finding.remedy] if finding.remedy and not finding.holds else []),
    ]
    return Row(
        cells=(finding.holds, finding.rule, put_names(finding.message, names)),
        vouched=Vouched(Mark.CHECKED if proven else Mark.STATED),
        tone=Tone.GOOD if finding.passed is True else Tone.WARN if finding.waived else Tone.BAD,
        note="; ".join(notes),
    )
