"""An alias and its gate: every rule, whether a version meets it, and what to type if it does not."""

from collections.abc import Mapping, Sequence

from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.gates.differences import say_author
from muniment.core.gates.policy import ANYBODY, Gate, Mode, Verdict, say_unreviewed
from muniment.core.gates.rules.case import Finding
from muniment.core.naming import put_arguments, put_names
from muniment.core.records import PolicyRecord
from muniment.views.values import Time, Value, name_people
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


def view_gate(  # noqa: PLR0913, PLR0917 - what a gate is drawn from
    gate: Gate,
    policies: Sequence[PolicyRecord],
    names: Mapping[str, str],
    seal: Seal,
    now: str,
    changed: Sequence[PolicyRecord] = (),
) -> View:
    """Show a version at the gate of an alias; `changed` are the policies that its authors changed lately."""
    meets = "meets" if gate.passed else "does not meet"
    unmet = [finding for verdict in gate.verdicts for finding in verdict.findings if not finding.holds]
    promote = [f"muniment promote {gate.version} {gate.alias}"] if gate.passed else []
    return View(
        kind="gate",
        title=f"{gate.version} {meets} the policy of {gate.alias}",
        now=now,
        facts=(
            Fact(key="version", label="version", value=gate.version),
            Fact(key="alias", label="alias", value=gate.alias),
            Fact(key="passed", label="may move", value=gate.passed, vouched=Vouched(Mark.CHECKED)),
        ),
        chips=(Chip("may move" if gate.passed else "stays closed", Tone.GOOD if gate.passed else Tone.BAD),),
        seal=seal,
        sections=(
            Section(
                key="rules",
                title=f"What {gate.alias} asks for",
                note=f"{count(len(unmet), 'rule')} not met" if unmet else "",
                blocks=(view_rules(gate, names),),
            ),
            Section(
                key="in_force",
                title="In force",
                blocks=(
                    Facts(
                        (
                            *(view_policy(policy, names) for policy in policies),
                            *_view_protection(gate),
                            *_view_vouching(gate),
                            *_view_emergencies(gate),
                            *(_view_author(policy, names) for policy in changed),
                        )
                    ),
                ),
            ),
        ),
        next=tuple(
            dict.fromkeys([*(put_arguments(one.remedy, names) for one in unmet if one.remedy), *promote])
        ),
    )


def _view_vouching(gate: Gate) -> list[Fact]:
    """Warn of a policy that takes anybody's word for who its approvers are."""
    if not gate.takes_anybody:
        return []
    vouched = Vouched(Mark.CHECKED)
    return [Fact(key="vouching", label="beware", value=ANYBODY, vouched=vouched, tone=Tone.WARN)]


def _view_protection(gate: Gate) -> list[Fact]:
    """Say who has to approve a change to a policy."""
    asked = {verdict.protected for verdict in gate.verdicts if verdict.protected}
    return [
        Fact(
            key="protected",
            label="protected",
            value=f"{one} must approve a change to it",
            vouched=Vouched(Mark.CHECKED),
        )
        for one in sorted(asked)
    ]


def _view_emergencies(gate: Gate) -> list[Fact]:
    """Warn of protected policies that were changed in an emergency, at which nobody has looked yet."""
    return [
        Fact(
            key=f"emergency_{entry}",
            label="EMERGENCY",
            value=say_unreviewed(entry),
            vouched=Vouched(Mark.RECORDED, entry),
            tone=Tone.BAD,
        )
        for entry in gate.emergencies
    ]


def _view_author(policy: PolicyRecord, names: Mapping[str, str]) -> Fact:
    """Warn of a policy that an author of the version changed."""
    return Fact(
        key=f"changed_{policy.index}",
        label="beware",
        value=put_names(say_author(policy), names),
        vouched=Vouched(Mark.RECORDED, policy.index),
        tone=Tone.WARN,
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


def view_rules(gate: Gate, names: Mapping[str, str], *, only_unmet: bool = False) -> Table:
    """Show every rule of every policy, those that are not met first; with `only_unmet`, draw only these."""
    rows = [row for verdict in gate.verdicts for row in _view_verdict(verdict, names)]
    unmet = sum(row.tone is Tone.BAD for row in rows)
    return Table(
        key="findings",
        columns=(
            Column("met", ""),
            Column("rule", "rule"),
            Column("because", "because"),
            Column("policy", "policy", is_drawn=len(gate.verdicts) > 1),
            Column("mode", "mode", is_drawn=any(one.mode is not Mode.ENFORCE for one in gate.verdicts)),
            Column("id", "id", in_full=True),
            Column("waived", "waived by", is_drawn=False),
            Column("remedy", "what to type", is_drawn=False),
            Column("claims", "based on", in_full=True, below=True),
        ),
        rows=tuple(sorted(rows, key=lambda row: row.tone is not Tone.BAD)),
        most=unmet if only_unmet else None,
        more="met",
    )


def _view_verdict(verdict: Verdict, names: Mapping[str, str]) -> list[Row]:
    policy = Digest.parse(verdict.policy) if verdict.policy else None
    if not verdict.findings:
        remedy = f"muniment policy set {verdict.version.partition('@')[0]}@{verdict.alias} FILE --reason TEXT"
        cells = (False, "policy", verdict.failures[0], policy, str(verdict.mode), None, None, remedy, ())
        return [Row(cells=cells, tone=Tone.BAD, vouched=Vouched(Mark.CHECKED), note=remedy)]
    return [_view_finding(finding, verdict, policy, names) for finding in verdict.findings]


def _view_finding(finding: Finding, verdict: Verdict, policy: Value, names: Mapping[str, str]) -> Row:
    proven = finding.id not in verdict.unproven
    notes = [
        *([f"waived by {finding.waived[:19]}"] if finding.waived else []),
        *([] if proven else ["as the registry says: it cannot be proven here"]),
    ]
    return Row(
        cells=(
            finding.holds,
            finding.rule,
            put_names(finding.message, names),
            policy,
            str(verdict.mode),
            finding.id,
            finding.waived or None,
            put_arguments(finding.remedy, names) or None,
            tuple(Digest.parse(one) for one in finding.attestations),
        ),
        vouched=Vouched(Mark.CHECKED if proven else Mark.STATED),
        tone=Tone.GOOD if finding.passed is True else Tone.WARN if finding.waived else Tone.BAD,
        note="; ".join(notes),
    )
