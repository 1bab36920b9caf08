"""Policies: a document of rules, and what they say of a version.

`judge` evaluates every rule over verified case and lists every failure. Only exactly True passes
(DESIGN rule 5).

>>> policy = Policy.read({"rules": [{"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.9}]})
>>> policy.rules[0].rule.label
'roc_auc >= 0.9'
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from muniment.core.bytes.formats import Format
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.approvals import last_approvals
from muniment.core.claims.attestations import WAIVER, Attestation
from muniment.core.claims.waivers import Waiver
from muniment.core.errors import InvalidPolicy, MunimentError
from muniment.core.gates.rules.case import Case, Finding, Rule
from muniment.core.gates.rules.content import SAFE_FORMATS, Formats
from muniment.core.gates.rules.evidence import NoRegression
from muniment.core.gates.rules.expression import Compile
from muniment.core.gates.rules.people import Approvals
from muniment.core.gates.rules.plan import InsidePlan
from muniment.core.gates.rules.reading import Members, read_approvals, read_rule
from muniment.core.people.roles import Role
from muniment.core.times import read_time

MAX_RULES: Final = 200
_MEMBERS: Final = frozenset({"description", "mode", "scope", "rules", "waivers", "break_glass"})


class Mode(StrEnum):
    """What a policy that is not met does: nothing but be on record, say so, or stand in the way."""

    SHADOW = "shadow"
    WARN = "warn"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRule:
    """A rule, and the id by which a waiver can name it."""

    id: str
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverTerms:
    """Which rules may be waived (none named: any), for how long at most, and with whose approval."""

    approvals: Approvals
    maximum: timedelta
    rules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassTerms:
    """Who may move the alias past the gate in an emergency, and how soon somebody else has to close it."""

    roles: frozenset[Role]
    close_within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules, and where and how they hold. The format rule is always among them, without pickles by default.

    `models` are patterns of model names, `tiers` risk tiers; a model without a tier is in all of them.
    """

    rules: tuple[NamedRule, ...]
    description: str = ""
    mode: Mode = Mode.ENFORCE
    models: tuple[str, ...] = ()
    tiers: frozenset[str] = frozenset()
    waivers: WaiverTerms | None = None
    break_glass: BreakGlassTerms | None = None

    @classmethod
    def read(cls, document: Mapping[str, Json], compiler: Compile | None = None) -> "Policy":
        """Read a policy document; `compiler` makes the expressions of its `cel` rules ready.

        Raises:
            InvalidPolicy: it has an unknown member, rule, operator or role, or no rule at all.
        """
        unknown = set(document) - _MEMBERS
        rules = document.get("rules")
        if unknown:
            raise InvalidPolicy(reason=f"unknown member {min(unknown)!r}")
        if not isinstance(rules, list) or not 0 < len(rules) <= MAX_RULES:
            raise InvalidPolicy(reason=f"`rules` has to be a list of 1 to {MAX_RULES} rules")
        members = Members({name: document[name] for name in document if name != "rules"})
        scope = members.sub("scope")
        policy = cls(
            rules=_read_rules(rules, compiler),
            description=members.text("description", ""),
            mode=Mode(members.one_of("mode", frozenset(Mode), Mode.ENFORCE)),
            models=tuple(scope.texts("models", [])),
            tiers=frozenset(scope.texts("tiers", [])),
            waivers=_read_waivers(members),
            break_glass=_read_break_glass(members),
        )
        scope.end()
        members.end()
        policy.check_terms()
        return policy

    def check_terms(self) -> None:
        """Check that the rules that may be waived exist."""
        terms = self.waivers
        unknown = terms.rules - {named.id for named in self.rules} if terms else frozenset()
        if unknown:
            raise InvalidPolicy(reason=f"there is no rule {min(unknown)!r} to waive")

    def allows(self, found: Format) -> bool:
        """Say whether every format rule allows a format."""
        return all(found in named.rule.allow for named in self.rules if isinstance(named.rule, Formats))

    def covers(self, model: str, tier: str | None) -> bool:
        """Say whether it holds for a model, by the second part of its name and its risk tier."""
        named = not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)
        return named and (not self.tiers or tier is None or tier in self.tiers)

    @property
    def compared(self) -> frozenset[str]:
        """The aliases whose present version a rule compares with; empty text is the alias that is judged."""
        rules = (named.rule for named in self.rules)
        return frozenset(rule.against for rule in rules if isinstance(rule, NoRegression | InsidePlan))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The findings of all rules of one policy."""

    version: str
    alias: str
    policy: str
    findings: tuple[Finding, ...]
    mode: Mode = Mode.ENFORCE

    @property
    def passed(self) -> bool:
        """Say whether there is a rule, and each is met with exactly True or waived."""
        return bool(self.findings) and all(finding.holds for finding in self.findings)

    @property
    def blocks(self) -> bool:
        """Say whether it stands in the way."""
        return self.mode is Mode.ENFORCE and not self.passed

    @property
    def failures(self) -> tuple[str, ...]:
        """What is not met, and why."""
        if not self.findings:
            return ("the alias is guarded, and no policy says by what",)
        return tuple(f"{found.rule}: {found.message}" for found in self.findings if not found.holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What all the policies in force for an alias say of a version."""

    version: str
    alias: str
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Say whether the alias may move to the version: somebody judged, and nobody stands in the way."""
        return bool(self.verdicts) and not any(verdict.blocks for verdict in self.verdicts)

    @property
    def failures(self) -> tuple[str, ...]:
        """What stands in the way."""
        return tuple(text for verdict in self.verdicts if verdict.blocks for text in verdict.failures)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What would stand in the way if the policy were enforced."""
        return tuple(
            text for verdict in self.verdicts if verdict.mode is Mode.WARN for text in verdict.failures
        )


def judge(policy: Policy, case: Case) -> Verdict:
    """Evaluate every rule; a rule that errs denies."""
    findings = [replace(_judge_rule(named.rule, case), id=named.id) for named in policy.rules]
    return Verdict(
        version=case.version,
        alias=case.alias,
        policy=case.policy,
        findings=tuple(_waive(policy, case, finding) for finding in findings),
        mode=policy.mode,
    )


def _judge_rule(rule: Rule, case: Case) -> Finding:
    try:
        return rule.judge(case)
    except (MunimentError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Finding(rule=rule.label, passed=False, message=f"the rule could not be evaluated: {error}")


def _waive(policy: Policy, case: Case, finding: Finding) -> Finding:
    """Waive a rule that is not met, if a waiver of it stands."""
    if finding.passed is True or policy.waivers is None:
        return finding
    for claim in reversed(case.of_type(WAIVER)):
        if _stands(policy.waivers, case, claim, finding.id):
            message = f"{finding.message} (waived until {claim.predicate['until']})"
            return replace(finding, waived=str(claim.digest), message=message)
    return finding


def _stands(terms: WaiverTerms, case: Case, claim: Attestation, rule: str) -> bool:
    """Say whether a waiver of a rule counts: here and now, within the terms, and approved by others."""
    try:
        waiver = Waiver.read(claim.predicate)
        until = read_time(waiver.until)
        length = until - read_time(claim.recorded)
    except MunimentError:
        return False
    about = (waiver.version, waiver.alias, waiver.registry, waiver.policy)
    if about != (case.version, case.alias, case.registry, case.policy):
        return False
    if rule not in waiver.rules or (terms.rules and rule not in terms.rules):
        return False
    if length > terms.maximum or case.time >= until:
        return False
    approvals = last_approvals(case.attestations, case.version, case.alias, str(claim.digest))
    return terms.approvals.count(case.excluding(claim.signer), approvals).passed is True


def _read_rules(rules: list[Json], compiler: Compile | None) -> tuple[NamedRule, ...]:
    read: list[NamedRule] = []
    for document in rules:
        kind, given, rule = read_rule(document, compiler)
        taken = {named.id for named in read}
        if given in taken:
            raise InvalidPolicy(reason=f"two rules are called {given!r}")
        read.append(NamedRule(id=given or _free_id(kind, taken), rule=rule))
    if not any(isinstance(named.rule, Formats) for named in read):
        read.append(NamedRule(id=_free_id("format", {n.id for n in read}), rule=Formats(allow=SAFE_FORMATS)))
    return tuple(read)


def _free_id(kind: str, taken: set[str]) -> str:
    if kind not in taken:
        return kind
    number = 2
    while f"{kind}-{number}" in taken:
        number += 1
    return f"{kind}-{number}"


def _read_waivers(members: Members) -> WaiverTerms | None:
    if not members.has("waivers"):
        return None
    terms = members.sub("waivers")
    read = WaiverTerms(
        approvals=read_approvals(terms.sub("approvals")),
        maximum=terms.age("maximum"),
        rules=frozenset(terms.texts("rules", [])),
    )
    terms.end()
    return read


def _read_break_glass(members: Members) -> BreakGlassTerms | None:
    if not members.has("break_glass"):
        return None
    terms = members.sub("break_glass")
    read = BreakGlassTerms(roles=terms.roles("roles"), close_within=terms.age("close_within"))
    terms.end()
    return read


def describe_gate(gate: Gate) -> JsonObject:
    """Describe a gate as a document."""
    return {
        "version": gate.version,
        "alias": gate.alias,
        "passed": gate.passed,
        "policies": [
            {
                "policy": verdict.policy,
                "mode": str(verdict.mode),
                "passed": verdict.passed,
                "findings": [describe_finding(found) for found in verdict.findings],
            }
            for verdict in gate.verdicts
        ],
    }


def describe_finding(found: Finding) -> JsonObject:
    """Describe a finding as a document."""
    return {
        "id": found.id,
        "rule": found.rule,
        "passed": found.passed,
        "message": found.message,
        "attestations": list(found.attestations),
        "waived": found.waived,
        "mend": found.mend,
    }
