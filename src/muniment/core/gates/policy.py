"""Policies: documents of rules, and their verdicts on versions.

`judge` evaluates every rule on a verified case and lists every failure. Only exactly True passes.

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
from muniment.core.canonical import Json
from muniment.core.catalog.statuses import WITHDRAWN
from muniment.core.claims.approvals import SignedApproval, last_approvals
from muniment.core.claims.attestations import WAIVER, Attestation
from muniment.core.claims.waivers import Waiver
from muniment.core.errors import InvalidPolicy, MunimentError, sentence_of
from muniment.core.gates.rules.case import Case, Finding, Rule
from muniment.core.gates.rules.content import SAFE_FORMATS, Formats
from muniment.core.gates.rules.evidence import NoRegression
from muniment.core.gates.rules.expression import Compile
from muniment.core.gates.rules.people import Approvals, Vouching, describe_rejection
from muniment.core.gates.rules.plan import InsidePlan
from muniment.core.gates.rules.reading import MAX_PEOPLE, Members, read_approvals, read_rule, under
from muniment.core.naming import find_ids, put_arguments, put_names
from muniment.core.people.roles import Role
from muniment.core.times import read_time

MAX_RULES: Final = 200
# What a policy with `vouching: any` lets pass.
ANYBODY: Final = "approvals count even by people whom an author of the version let in (vouching: any)"
_MEMBERS: Final = frozenset(
    {"description", "mode", "scope", "vouching", "continuous", "rules", "waivers", "break_glass", "protected"}
)


class Mode(StrEnum):
    """The effect of a policy that is not met: only record it, warn, or block the move."""

    SHADOW = "shadow"
    WARN = "warn"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRule:
    """A rule and the id by which a waiver names it."""

    id: str
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverTerms:
    """Which rules may be waived (empty: all), for how long at most, and with whose approval."""

    approvals: Approvals
    maximum: timedelta
    rules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassTerms:
    """Who may move the alias past the gate in an emergency, and how soon somebody else must close it."""

    roles: frozenset[Role]
    close_within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How many people have to approve a change that touches the policy, and in which role."""

    role: Role
    n: int

    def __str__(self) -> str:
        """Say who has to approve."""
        return f"1 {self.role}" if self.n == 1 else f"{self.n} people in the role {self.role}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules, their scope and mode. They always include a format rule, which refuses pickles by default.

    `models` are patterns of model names, `tiers` risk tiers; a model without a tier is in all of them.
    `vouching` says on whose word an approver is who they are. A `continuous` policy must be met whenever the
    model is loaded, and not only when the alias moves. A change that touches a `protected` one waits until
    others have approved it.
    """

    rules: tuple[NamedRule, ...]
    description: str = ""
    mode: Mode = Mode.ENFORCE
    models: tuple[str, ...] = ()
    tiers: frozenset[str] = frozenset()
    vouching: Vouching = Vouching.INDEPENDENT
    continuous: bool = False
    waivers: WaiverTerms | None = None
    break_glass: BreakGlassTerms | None = None
    protected: Protection | None = None

    @classmethod
    def read(cls, document: Mapping[str, Json], compiler: Compile | None = None) -> "Policy":
        """Read a policy document; `compiler` compiles the expressions of its `cel` rules.

        Raises:
            InvalidPolicy: it has an unknown member, rule, operator or role, or no rules.
        """
        unknown = set(document) - _MEMBERS
        rules = document.get("rules")
        if unknown:
            raise InvalidPolicy(reason=f"unknown member {min(unknown)!r}", where=(min(unknown),))
        if not isinstance(rules, list) or not 0 < len(rules) <= MAX_RULES:
            raise InvalidPolicy(reason=f"`rules` must be a list of 1 to {MAX_RULES} rules", where=("rules",))
        members = Members({name: document[name] for name in document if name != "rules"})
        scope = members.sub("scope")
        vouching = Vouching(members.one_of("vouching", frozenset(Vouching), Vouching.INDEPENDENT))
        policy = cls(
            rules=_read_rules(rules, vouching, compiler),
            description=members.text("description", ""),
            mode=Mode(members.one_of("mode", frozenset(Mode), Mode.ENFORCE)),
            models=tuple(scope.texts("models", [])),
            tiers=frozenset(scope.texts("tiers", [])),
            vouching=vouching,
            continuous=members.truth("continuous", default=False),
            waivers=_read_waivers(members, vouching),
            break_glass=_read_break_glass(members),
            protected=_read_protection(members),
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
            reason = f"`waivers` names an unknown rule {min(unknown)!r}"
            raise InvalidPolicy(reason=reason, where=("waivers", "rules"))

    def allows(self, kind: Format) -> bool:
        """Return whether every format rule allows a format."""
        return all(kind in named.rule.allow for named in self.rules if isinstance(named.rule, Formats))

    def covers(self, model: str, tier: str | None) -> bool:
        """Return whether it applies to a model, given the second part of its name and its risk tier."""
        named = not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)
        return named and (not self.tiers or tier is None or tier in self.tiers)

    @property
    def asks_people(self) -> bool:
        """Whether it counts approvals, of versions or of waivers."""
        return self.waivers is not None or any(isinstance(named.rule, Approvals) for named in self.rules)

    @property
    def compared(self) -> frozenset[str]:
        """The aliases whose present version a rule compares with; empty text means the judged alias."""
        rules = (named.rule for named in self.rules)
        return frozenset(rule.against for rule in rules if isinstance(rule, NoRegression | InsidePlan))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The findings of all rules of one policy.

    A version that is not `in_service`, or that somebody `rejected`, fails in every mode. `unproven` are the
    ids of the rules for which a client takes the registry's word: what they look at can only be found, or the
    client lacks the package that evaluates them. `vouching` is that of the policy, if it asks for
    approvals, and `protected` says who has to approve a change to it. `emergencies` are the proposals by
    which a protected policy of the alias was changed in an emergency, at which nobody has looked yet.
    """

    version: str
    alias: str
    policy: str
    findings: tuple[Finding, ...]
    mode: Mode = Mode.ENFORCE
    in_service: bool = True
    rejected: bool = False
    unproven: tuple[str, ...] = ()
    vouching: Vouching = Vouching.INDEPENDENT
    protected: str = ""
    emergencies: tuple[int, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether there are findings, and each is exactly True or waived."""
        return bool(self.findings) and all(finding.holds for finding in self.findings)

    @property
    def blocks(self) -> bool:
        """Whether it blocks the move."""
        return not self.in_service or self.rejected or (self.mode is Mode.ENFORCE and not self.passed)

    @property
    def failures(self) -> tuple[str, ...]:
        """The rules that are not met, and why."""
        if not self.findings:
            return ("the alias is guarded but has no policy",)
        return tuple(f"{finding.rule}: {finding.message}" for finding in self.findings if not finding.holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The verdicts of all policies in force for an alias on a version."""

    version: str
    alias: str
    verdicts: tuple[Verdict, ...]

    def __repr__(self) -> str:
        """Say whether the version may move there."""
        state = "passed" if self.passed else "not passed"
        return f"<Gate of {self.alias} for {self.version}: {state}>"

    @property
    def passed(self) -> bool:
        """Whether the alias may move to the version: there are verdicts, and none blocks."""
        return bool(self.verdicts) and not any(verdict.blocks for verdict in self.verdicts)

    @property
    def failures(self) -> tuple[str, ...]:
        """The failures that block the move."""
        return tuple(text for verdict in self.verdicts if verdict.blocks for text in verdict.failures)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The failures that would block the move if the policy were enforced, and what it lets pass."""
        return (
            *(text for verdict in self.verdicts if verdict.mode is Mode.WARN for text in verdict.failures),
            *(ANYBODY for verdict in self.verdicts[:1] if self.takes_anybody),
            *map(say_unreviewed, self.emergencies),
        )

    @property
    def emergencies(self) -> tuple[int, ...]:
        """The proposals by which protected policies of the alias were changed in an emergency (`Verdict`)."""
        return tuple(sorted({entry for verdict in self.verdicts for entry in verdict.emergencies}))

    def list_people(self) -> set[str]:
        """List the ids of the people whom its findings name."""
        findings = [finding for verdict in self.verdicts for finding in verdict.findings]
        return find_ids(text for one in findings for text in (one.message, one.remedy))

    def name_people(self, names: Mapping[str, str]) -> "Gate":
        """Return the same with names of people in place of their ids, for its readers."""
        return replace(self, verdicts=tuple(_name_people(verdict, names) for verdict in self.verdicts))

    @property
    def takes_anybody(self) -> bool:
        """Whether a policy counts approvals by people who are there on the word of an author."""
        return any(verdict.vouching is Vouching.ANY for verdict in self.verdicts)


def say_unreviewed(proposal: int) -> str:
    """Say that a protected policy was changed in an emergency, at which nobody has looked yet."""
    done = f"a protected policy was changed in an emergency (proposal {proposal})"
    return f"{done}, and nobody else has looked at it"


def _name_people(verdict: Verdict, names: Mapping[str, str]) -> Verdict:
    findings = tuple(
        replace(one, message=put_names(one.message, names), remedy=put_arguments(one.remedy, names))
        for one in verdict.findings
    )
    return replace(verdict, findings=findings)


def judge(policy: Policy, case: Case) -> Verdict:
    """Evaluate every rule; an error in a rule denies.

    A version that is retired, revoked or purged meets no policy, nor does one that somebody rejected for the
    alias and has not taken back; and nothing waives that.
    """
    findings = [replace(_judge_rule(named.rule, case), id=named.id) for named in policy.rules]
    in_service = case.status not in WITHDRAWN
    status = Finding(
        rule="in service", passed=False, message=f"the version is {case.status}", id="in-service"
    )
    judged = [_waive(policy, case, finding) for finding in findings]
    rejection = _find_rejection(case)
    is_said = any(
        isinstance(named.rule, Approvals) and not finding.holds
        for named, finding in zip(policy.rules, judged, strict=True)
    )
    return Verdict(
        version=case.version,
        alias=case.alias,
        policy=case.policy,
        findings=(
            *judged,
            *([] if rejection is None or is_said else [rejection]),
            *([] if in_service else [status]),
        ),
        mode=policy.mode,
        in_service=in_service,
        rejected=rejection is not None,
        vouching=policy.vouching if policy.asks_people else Vouching.INDEPENDENT,
        protected="" if policy.protected is None else str(policy.protected),
        emergencies=case.emergencies,
    )


def _find_rejection(case: Case) -> Finding | None:
    """Find out whether somebody rejected the version; a decision that cannot be read may be a rejection."""
    try:
        rejection = next((one for one in case.approvals.values() if one.is_rejection), None)
    except MunimentError as error:
        return Finding(rule="not rejected", passed=False, message=error.sentence, id="rejected")
    if rejection is None:
        return None
    return Finding(
        rule="not rejected",
        passed=False,
        message=describe_rejection(rejection),
        attestations=(str(rejection.claim.digest),),
        remedy=f"muniment withdraw {case.version} --for {case.alias} --reason TEXT",
        id="rejected",
    )


def find_fault(policy: Policy, case: Case, signed: SignedApproval) -> str:
    """Name the reason why an approval counts for nothing that a policy asks for; empty if it counts.

    It is about the version, or about a waiver of the version.
    """
    claim, approval = signed
    rules = [named.rule for named in policy.rules if isinstance(named.rule, Approvals)]
    if approval.waiver is not None:
        rules = [policy.waivers.approvals] if policy.waivers else []
        requests = [one.signer for one in case.of_type(WAIVER) if str(one.digest) == approval.waiver]
        if claim.signer in requests:
            return f"{claim.signer} requested the waiver"
    asking = [rule for rule in rules if approval.role in rule.counted_roles]
    if not asking:
        return f"the policy asks for no approval in the role of {approval.role}"
    faults = [rule.find_fault(signed, case) for rule in asking]
    return "" if "" in faults else faults[0]


def _judge_rule(rule: Rule, case: Case) -> Finding:
    try:
        return rule.judge(case)
    except (MunimentError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        message = f"the rule could not be evaluated: {sentence_of(error)}"
        return Finding(rule=rule.label, passed=False, message=message)


def _waive(policy: Policy, case: Case, finding: Finding) -> Finding:
    """Mark a failed rule as waived, if a valid waiver names it."""
    if finding.passed is True or policy.waivers is None:
        return finding
    for claim in reversed(case.of_type(WAIVER)):
        if _is_valid(policy.waivers, case, claim, finding.id):
            message = f"{finding.message} (waived until {claim.predicate['until']})"
            return replace(finding, waived=str(claim.digest), message=message)
    return finding


def _is_valid(terms: WaiverTerms, case: Case, claim: Attestation, rule: str) -> bool:
    """Return whether a waiver of a rule is valid: for this case, within the terms, and approved by others."""
    try:
        waiver = Waiver.read(claim.predicate)
        until = read_time(waiver.until)
        length = until - read_time(claim.recorded)
    except MunimentError:
        return False
    about = (waiver.version, waiver.alias, waiver.registry, waiver.policy)
    if about != (case.version, case.alias, case.registry, case.policy) or claim.index < case.since:
        return False
    if rule not in waiver.rules or (terms.rules and rule not in terms.rules):
        return False
    if length > terms.maximum or case.time >= until:
        return False
    approvals = last_approvals(case.attestations, case.version, case.alias, str(claim.digest))
    return terms.approvals.count(case.excluding(claim.signer), approvals).passed is True


def _read_rules(rules: list[Json], vouching: Vouching, compiler: Compile | None) -> tuple[NamedRule, ...]:
    read: list[NamedRule] = []
    for index, document in enumerate(rules):
        taken = {named.id for named in read}
        with under("rules", str(index)):
            kind, given, rule = read_rule(document, compiler)
            if given in taken:
                raise InvalidPolicy(reason=f"two rules have the id {given!r}")
        if isinstance(rule, Approvals):
            rule = replace(rule, vouching=vouching)
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


def _read_waivers(members: Members, vouching: Vouching) -> WaiverTerms | None:
    if not members.has("waivers"):
        return None
    terms = members.sub("waivers")
    read = WaiverTerms(
        approvals=replace(read_approvals(terms.sub("approvals")), vouching=vouching),
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


def _read_protection(members: Members) -> Protection | None:
    if not members.has("protected"):
        return None
    terms = members.sub("protected")
    read = Protection(role=terms.role("role"), n=terms.whole("n", 1, MAX_PEOPLE))
    terms.end()
    return read
