"""Rules: what a policy can ask of a version. One rule, one boolean, one message.

A rule looks at verified facts only. Missing, null or stale evidence denies, and the message says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from muniment.core.approvals import Approval, Decision, evidence_of, last_acts
from muniment.core.attestations import CARD, CONTENT, Attestation, kind_of
from muniment.core.callers import Assurance
from muniment.core.cards import Card
from muniment.core.evidence import DRIFT, Evidence, newest_per_dataset
from muniment.core.formats import Format, format_of
from muniment.core.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a gate looks at: one version, one alias, the claims about it, and who holds what.

    `roles` are the roles held now in the model's namespace, by principal; `policy` is the digest
    of the policy that judges.
    """

    version: str
    alias: str
    policy: str
    paths: tuple[str, ...]
    authors: frozenset[str]
    attestations: tuple[Attestation, ...]
    roles: Mapping[str, frozenset[Role]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule found: met or not, why, and the attestations that it looked at."""

    rule: str
    passed: bool
    message: str
    attestations: tuple[str, ...] = ()


class Rule(Protocol):
    """One boolean, one message."""

    @property
    def label(self) -> str:
        """What it asks, in a few words."""

    def judge(self, facts: Facts) -> Finding:
        """Look at the facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Require:
    """An attestation of a kind is there."""

    predicate_type: str

    @property
    def label(self) -> str:
        """What it asks."""
        kind = kind_of(self.predicate_type)
        return f"{self.predicate_type if kind == 'unknown' else kind} present"

    def judge(self, facts: Facts) -> Finding:
        """Look for one. A type that we do not know never counts: nothing checked what it says."""
        if kind_of(self.predicate_type) == "unknown":
            return _no(self, f"{self.predicate_type} is not a kind that this registry can check")
        found = _with_type(facts, self.predicate_type)
        if not found:
            return _no(self, "there is none")
        return _yes(self, f"{len(found)} on record", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A metric holds a bound, in the newest evidence of every dataset (or of the one named).

    `group` is a column, or `*` for all: then the worst group has to hold it. `bound` "lower" or
    "upper" compares that end of the confidence interval instead of the value.
    """

    metric: str
    op: str
    value: float
    dataset: str = ""
    group: str = ""
    bound: str = ""

    @property
    def label(self) -> str:
        """What it asks."""
        which = f"{self.bound} bound of " if self.bound else ""
        where = f" in every group of {self.group}" if self.group else ""
        return f"{which}{self.metric} {self.op} {self.value:g}{where}"

    def judge(self, facts: Facts) -> Finding:
        """Compare."""
        return _judge_evidence(self, facts, self.dataset, self.metric, self._compare)

    def _compare(self, evidence: Evidence) -> tuple[bool, str]:
        if self.group:
            return self._compare_groups(evidence)
        metric = evidence.find_metric(self.metric)
        if metric is None:
            return False, f"{self.metric} is missing or not a number"
        ends = {"": metric.value, "lower": metric.low, "upper": metric.high}
        which = f"the {self.bound} bound of " if self.bound else ""
        return self._hold(ends[self.bound], f"{which}{self.metric} ")

    def _compare_groups(self, evidence: Evidence) -> tuple[bool, str]:
        groups = evidence.find_group_metrics(self.metric, "" if self.group == "*" else self.group)
        if not groups:
            return False, f"no group of {self.group} was measured"
        results = [self._hold(value, f"{name} ") for name, value in groups.items()]
        return all(held for held, _ in results), ", ".join(text for _, text in results)

    def _hold(self, value: float | None, label: str) -> tuple[bool, str]:
        if value is None:
            return False, f"{label}is missing or not a number"
        return OPERATORS[self.op](value, self.value), f"{label}is {value:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A metric differs between the groups of a column by no more than a bound (fairness)."""

    metric: str
    group: str
    maximum: float
    min_group_size: int = 1
    dataset: str = ""

    @property
    def label(self) -> str:
        """What it asks."""
        return f"{self.metric} gap over {self.group} <= {self.maximum:g}"

    def judge(self, facts: Facts) -> Finding:
        """Compare."""
        return _judge_evidence(self, facts, self.dataset, self.metric, self._compare)

    def _compare(self, evidence: Evidence) -> tuple[bool, str]:
        small = [
            f"{g.value} has {g.n} rows" for g in evidence.groups(self.group) if g.n < self.min_group_size
        ]
        if small:
            return False, f"a group is smaller than {self.min_group_size}: {', '.join(small)}"
        found = evidence.find_group_metrics(self.metric, self.group)
        values = [value for value in found.values() if value is not None]
        if len(values) < 2 or len(values) < len(found):  # noqa: PLR2004 - a gap is between two
            return False, f"{self.metric} is not measured in two or more groups of {self.group}"
        gap = max(values) - min(values)
        return gap <= self.maximum, f"the gap is {gap:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The content is signed by a principal who holds a role now, and was known in one of some ways."""

    role: Role = Role.CONTRIBUTOR
    assurance: frozenset[Assurance] = frozenset(Assurance)

    @property
    def label(self) -> str:
        """What it asks."""
        return f"content signed by a {self.role}{_known_by(self.assurance)}"

    def judge(self, facts: Facts) -> Finding:
        """Look for one."""
        found = [
            claim
            for claim in _with_type(facts, CONTENT)
            if self.role in facts.roles.get(claim.signer, frozenset()) and claim.assurance in self.assurance
        ]
        if not found:
            return _no(self, f"there is no content signature by a {self.role}{_known_by(self.assurance)}")
        return _yes(self, f"signed with key {found[-1].key_id:.16}", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Enough people approved, each counted once, in the role asked for, none of them an author."""

    counts: Mapping[Role, int]
    assurance: frozenset[Assurance] = frozenset(Assurance)

    @property
    def label(self) -> str:
        """What it asks."""
        asked = ", ".join(f"{count} {role}" for role, count in self.counts.items())
        return f"approved by {asked}{_known_by(self.assurance)}"

    def judge(self, facts: Facts) -> Finding:
        """Count."""
        standing: dict[Role, list[Attestation]] = {}
        passed_over: list[str] = []
        evidence = evidence_of(facts.attestations)
        for claim, approval in last_acts(facts.attestations, facts.version, facts.alias).values():
            if approval.decision is Decision.REJECT:
                return _no(self, f"{claim.signer} rejected it as {approval.role}", [claim])
            fault = _find_fault(claim, approval, facts, evidence)
            if claim.assurance not in self.assurance:
                fault = f"{claim.signer} is known by {claim.assurance} only"
            if fault:
                passed_over.append(fault)
            else:
                standing.setdefault(approval.role, []).append(claim)
        have = {role: len(standing.get(role, [])) for role in self.counts}
        missing = [
            f"{count - have[role]} {role} missing"
            for role, count in self.counts.items()
            if have[role] < count
        ]
        counted = [claim for role in self.counts for claim in standing.get(role, [])]
        if missing:
            return _no(self, "; ".join(missing + passed_over), counted)
        return _yes(self, ", ".join(f"{have[role]} {role}" for role in self.counts), counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Every file is of an allowed format; formats that run code have to be named."""

    allow: frozenset[Format]

    @property
    def label(self) -> str:
        """What it asks."""
        return "formats: " + ", ".join(sorted(self.allow))

    def judge(self, facts: Facts) -> Finding:
        """Look at the names of the files; `load` looks at their bytes."""
        wrong = [
            path
            for path in facts.paths
            if (found := format_of(path)) is not Format.OTHER and found not in self.allow
        ]
        if wrong:
            return _no(self, f"not allowed: {', '.join(wrong)}")
        return _yes(self, f"all {len(facts.paths)} files")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFields:
    """The newest card says something in each of some fields."""

    required: tuple[str, ...]

    @property
    def label(self) -> str:
        """What it asks."""
        return "card with " + ", ".join(self.required)

    def judge(self, facts: Facts) -> Finding:
        """Look at the newest card; older ones do not fill its gaps."""
        cards = _with_type(facts, CARD)
        if not cards:
            return _no(self, "there is no card")
        newest = max(cards, key=lambda claim: claim.index)
        card = Card.read(newest.predicate)
        missing = [name for name in self.required if not card.has(name)]
        if missing:
            return _no(self, f"the card says nothing in {', '.join(missing)}", [newest])
        return _yes(self, "every field is filled in", [newest])


def _known_by(assurance: frozenset[Assurance]) -> str:
    if assurance == frozenset(Assurance):
        return ""
    return f", known by {' or '.join(sorted(assurance))}"


SAFE_FORMATS: Final = frozenset(Format) - {Format.PICKLE}

OPERATORS: Final = {
    ">=": lambda found, bound: found >= bound,
    ">": lambda found, bound: found > bound,
    "<=": lambda found, bound: found <= bound,
    "<": lambda found, bound: found < bound,
}


def _find_fault(claim: Attestation, approval: Approval, facts: Facts, evidence: frozenset[str]) -> str:
    if claim.signer in facts.authors:
        return f"{claim.signer} made the version"
    if approval.role not in facts.roles.get(claim.signer, frozenset()):
        return f"{claim.signer} is no {approval.role}"
    stale = approval.find_staleness(facts.policy, evidence)
    return f"the approval by {claim.signer} was over another {stale}" if stale else ""


class _Compare(Protocol):
    def __call__(self, evidence: Evidence, /) -> tuple[bool, str]: ...


def _judge_evidence(rule: Rule, facts: Facts, dataset: str, metric: str, compare: _Compare) -> Finding:
    found = [
        (claim, evidence)
        for claim, evidence in newest_per_dataset(facts.attestations)
        if dataset in {"", evidence.dataset}
        # How far data drifted says nothing of the model, unless that is what is asked for.
        if evidence.task != DRIFT or metric in evidence.metrics
    ]
    if not found:
        return _no(rule, "there is no evidence" + (f" over {dataset}" if dataset else ""))
    results = [_compare_consistent(evidence, compare) for _, evidence in found]
    message = "; ".join(text for _, text in results)
    claims = [claim for claim, _ in found]
    return _yes(rule, message, claims) if all(held for held, _ in results) else _no(rule, message, claims)


def _compare_consistent(evidence: Evidence, compare: _Compare) -> tuple[bool, str]:
    """Compare numbers that follow from their counts; evidence that contradicts itself proves nothing."""
    wrong = evidence.find_contradictions()
    return (False, f"the evidence contradicts itself: {wrong[0]}") if wrong else compare(evidence)


def _with_type(facts: Facts, predicate_type: str) -> list[Attestation]:
    return [claim for claim in facts.attestations if claim.predicate_type == predicate_type]


def _yes(rule: Rule, message: str, claims: list[Attestation] | None = None) -> Finding:
    return _finding(rule, message, claims, passed=True)


def _no(rule: Rule, message: str, claims: list[Attestation] | None = None) -> Finding:
    return _finding(rule, message, claims, passed=False)


def _finding(rule: Rule, message: str, claims: list[Attestation] | None, *, passed: bool) -> Finding:
    digests = tuple(str(claim.digest) for claim in claims or [])
    return Finding(rule=rule.label, passed=passed, message=message, attestations=digests)
