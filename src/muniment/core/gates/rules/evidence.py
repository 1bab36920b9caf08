"""Rules about quality: required claims, metrics and their gaps, scans, rebuilds."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from muniment.core.claims.attestations import EVALUATION, REPRODUCTION, SCAN, Attestation, kind_of
from muniment.core.claims.consistency import OWN_TOOL as OWN_EVALUATOR
from muniment.core.claims.evidence import DRIFT, Evidence, newest_per_dataset
from muniment.core.claims.recomputation import recompute
from muniment.core.claims.reproductions import Fidelity
from muniment.core.claims.scans import OWN_TOOL, SEVERITIES, Scan
from muniment.core.counting import count
from muniment.core.gates.rules.case import Baseline, Case, Finding, Measured, Rule, no, write_age, yes
from muniment.core.gates.rules.people import find_role_holders
from muniment.core.people.roles import Role

OPERATORS: Final = {
    ">=": lambda value, bound: value >= bound,
    ">": lambda value, bound: value > bound,
    "<=": lambda value, bound: value <= bound,
    "<": lambda value, bound: value < bound,
}
VERDICTS: Final = tuple(map(str, Fidelity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Require:
    """An attestation of a kind is on record: not too old, over enough rows, over a dataset, by a role."""

    predicate_type: str
    max_age: timedelta | None = None
    min_n: int = 0
    dataset: str = ""
    role: Role | None = None
    stated: bool = False
    subset: bool = False

    @property
    def label(self) -> str:
        """The requirement."""
        kind = kind_of(self.predicate_type)
        asked = [
            f"{self.predicate_type if kind == 'unknown' else kind} present",
            *([f"over {self.dataset}"] if self.dataset else []),
            *([f"with n >= {self.min_n}"] if self.min_n else []),
            *([f"within {write_age(self.max_age)}"] if self.max_age is not None else []),
            *([f"by a {self.role}"] if self.role else []),
        ]
        return " ".join(asked)

    def judge(self, case: Case) -> Finding:
        """Look for one. An unknown type never counts, because nothing checked its content."""
        if kind_of(self.predicate_type) == "unknown":
            remedy = f"muniment policy show {case.name}@{case.alias}"
            return no(self, f"this registry cannot check the type {self.predicate_type}", remedy=remedy)
        claims = case.of_type(self.predicate_type)
        if not claims:
            return no(self, "none on record", remedy=self._find_remedy(case))
        named = case.by_dataset.get((self.predicate_type, self.dataset), [])
        over = (
            [one for one in named if Evidence(one.predicate).is_over(self.dataset)]
            if self.dataset
            else claims
        )
        if not over:
            return no(
                self, f"{len(claims)} on record, none over that dataset", remedy=self._find_remedy(case)
            )
        faults = [self._find_fault(case, claim) for claim in over]
        good = [claim for claim, fault in zip(over, faults, strict=True) if not fault]
        if not good:
            return no(
                self, f"{len(claims)} on record: {faults[-1]}", claims[-1:], remedy=self._find_remedy(case)
            )
        return yes(self, f"{len(good)} on record", good)

    def _find_fault(self, case: Case, claim: Attestation) -> str:
        if self.max_age is not None and case.is_older(claim.recorded, self.max_age):
            return f"the newest is older than {write_age(self.max_age)}"
        evidence = Evidence(claim.predicate)
        if self.min_n and evidence.n < self.min_n:
            return f"the newest covers only {count(evidence.n, 'row')}"
        if self.predicate_type == EVALUATION and (fault := self._find_weakness(case, evidence)):
            return fault
        if not find_role_holders(case, [claim], self.role):
            return f"the signer of the newest is not a {self.role}"
        return ""

    def _find_weakness(self, case: Case, evidence: Evidence) -> str:
        stated = self.stated or case.is_supposed
        if not stated and evidence.is_foreign:
            return f"the newest was not measured by {OWN_EVALUATOR}"
        if not stated and not recompute(evidence.predicate):
            return "the newest has no counts"
        if not self.subset and evidence.is_subset:
            return f"the newest covers {evidence.n} of {count(evidence.rows_there, 'row')}"
        return ""

    def _find_remedy(self, case: Case) -> str:
        commands = {
            EVALUATION: f"muniment evaluate {case.version} --data FILE --target COLUMN --prediction COLUMN",
            REPRODUCTION: f"muniment reproduce {case.version}",
        }
        usual = f"muniment attest {case.version} --type {self.predicate_type} --file FILE"
        return commands.get(self.predicate_type, usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which evidence counts for a rule: one evaluation has to be all of that.

    Attributes:
        dataset: the digest or the name of the dataset; empty for any.
        role: the role of the signer.
        stated: whether numbers count that no counts prove, or that another tool has measured.
        subset: whether evidence over some rows of a dataset counts.
    """

    dataset: str = ""
    role: Role | None = None
    max_age: timedelta | None = None
    stated: bool = False
    subset: bool = False

    def __str__(self) -> str:
        """Say what is wanted, to follow the requirement."""
        return "".join(
            [
                f", over {self.dataset:.19}" if self.dataset else "",
                f", by a {self.role}" if self.role else "",
                f", within {write_age(self.max_age)}" if self.max_age is not None else "",
            ]
        )

    def find(self, case: Case, metric: str) -> tuple[list[Measured], str]:
        """Find the newest evidence of each dataset that counts; why other evidence does not."""
        faults: list[str] = []
        good: list[Attestation] = []
        for claim in case.of_type(EVALUATION):
            evidence = Evidence(claim.predicate)
            if self.dataset and not evidence.is_over(self.dataset):
                continue
            # Drift of the data says nothing about the model, unless the rule asks for it.
            if evidence.task == DRIFT and metric not in evidence.metrics:
                continue
            fault = self._find_fault(case, claim, evidence, metric)
            faults += [fault] if fault else []
            good += [] if fault else [claim]
        return [Measured.of(*one) for one in newest_per_dataset(tuple(good))], faults[-1] if faults else ""

    def find_other_name(self, case: Case) -> str:
        """Say that a name is that of several datasets; empty if it is not."""
        evidence = [Evidence(claim.predicate) for claim in case.of_type(EVALUATION)]
        digests = {one.dataset for one in evidence if one.is_over(self.dataset)}
        if len(digests) < 2:  # noqa: PLR2004 - a name of two
            return ""
        return f"{self.dataset} is the name of {len(digests)} datasets: ask for one by its digest"

    def _find_fault(self, case: Case, claim: Attestation, evidence: Evidence, metric: str) -> str:
        if not find_role_holders(case, [claim], self.role):
            return f"{claim.signer} signed it, who is not a {self.role}"
        if self.max_age is not None and case.is_older(claim.recorded, self.max_age):
            return f"the newest is older than {write_age(self.max_age)}"
        return self.find_weakness(case, evidence, metric)

    def find_weakness(self, case: Case, evidence: Evidence, metric: str) -> str:
        """Say why evidence is too weak, by any signer at any time; empty if it is not."""
        if not (self.stated or case.is_supposed) and evidence.is_stated(metric):
            return f"{metric} is stated, and was not computed from counts by {OWN_EVALUATOR}"
        if not self.subset and evidence.is_subset:
            return f"it covers {evidence.n} of {count(evidence.rows_there, 'row')}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A metric meets a threshold in the newest evidence of every dataset, or of one.

    `group` is a column, or `*` for all columns: then every group must meet it. `bound` "lower" or "upper"
    compares that end of the confidence interval instead of the value.
    """

    metric: str
    op: str
    value: float
    group: str = ""
    bound: str = ""
    wanted: Wanted = field(default_factory=Wanted)

    @property
    def label(self) -> str:
        """The requirement."""
        end = f"{self.bound} bound of " if self.bound else ""
        where = f" in every group of {self.group}" if self.group else ""
        return f"{end}{self.metric} {self.op} {self.value:g}{where}{self.wanted}"

    def judge(self, case: Case) -> Finding:
        """Compare."""
        return _judge_evidence(self, case, self.wanted, self.metric, self._compare)

    def _compare(self, evidence: Evidence) -> tuple[bool, str]:
        if self.group:
            return self._compare_groups(evidence)
        metric = evidence.find_metric(self.metric)
        if metric is None:
            return False, f"{self.metric} is missing or not a number"
        ends = {"": metric.value, "lower": metric.low, "upper": metric.high}
        label = f"the {self.bound} bound of " if self.bound else ""
        return self._hold(ends[self.bound], f"{label}{self.metric} ")

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
    wanted: Wanted = field(default_factory=Wanted)

    @property
    def label(self) -> str:
        """The requirement."""
        return f"{self.metric} gap over {self.group} <= {self.maximum:g}{self.wanted}"

    def judge(self, case: Case) -> Finding:
        """Compare."""
        return _judge_evidence(self, case, self.wanted, self.metric, self._compare)

    def _compare(self, evidence: Evidence) -> tuple[bool, str]:
        small = [
            f"{g.value} has {count(g.n, 'row')}"
            for g in evidence.groups(self.group)
            if g.n < self.min_group_size
        ]
        if small:
            return False, f"a group is smaller than {self.min_group_size}: {', '.join(small)}"
        measured = evidence.find_group_metrics(self.metric, self.group)
        values = [value for value in measured.values() if value is not None]
        if len(values) < 2 or len(values) < len(measured):  # noqa: PLR2004 - a gap needs two
            return False, f"{self.metric} is not measured in two or more groups of {self.group}"
        gap = max(values) - min(values)
        return gap <= self.maximum, f"the gap is {gap:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRegression:
    """A metric is no worse than for the version that an alias holds, over the same data.

    The rule is met while the alias holds no version.
    """

    metric: str
    against: str
    tolerance: float = 0.0
    wanted: Wanted = field(default_factory=Wanted)

    @property
    def label(self) -> str:
        """The requirement."""
        than = f"that of {self.against}" if self.against else "now"
        return f"{self.metric} no worse than {than}, by {self.tolerance:g} at most{self.wanted}"

    def judge(self, case: Case) -> Finding:
        """Compare."""
        alias = self.against or case.alias
        baseline = case.baselines[alias]
        if baseline is None:
            return yes(self, f"{alias} holds no version yet")
        if baseline.version == case.version:
            return yes(self, f"{alias} holds this version")
        found, fault = self.wanted.find(case, self.metric)
        ours = {one.evidence.dataset: one for one in found}
        theirs = self._find_theirs(baseline, ours, case)
        common = sorted(ours.keys() & theirs.keys())
        remedy = f"muniment evaluate {case.version} over the data of {baseline.version}"
        if not common:
            why = f": {fault}" if fault else ""
            return no(self, f"no dataset in common with {baseline.version}{why}", remedy=remedy)
        results = [self._compare(ours[name], theirs[name]) for name in common]
        message = f"than {baseline.version}: " + "; ".join(text for _, text in results)
        claims = [one.claim for name in common for one in (ours[name], theirs[name])]
        if all(held for held, _ in results):
            return yes(self, message, claims)
        return no(self, message, claims, remedy=f"muniment diff {baseline.version} {case.version}")

    def _find_theirs(
        self, baseline: Baseline, ours: Mapping[str, Measured], case: Case
    ) -> dict[str, Measured]:
        """Find the best that is on record of the other version over each dataset.

        What somebody says of it later to be compared with less lowers nothing: who measured it
        wrong withdraws that.
        """
        found: dict[str, Measured] = {}
        for claim in sorted(baseline.attestations, key=lambda claim: claim.index):
            evidence = Evidence(claim.predicate)
            mine = ours.get(evidence.dataset)
            metric = evidence.find_metric(self.metric)
            if claim.predicate_type != EVALUATION or mine is None or metric is None:
                continue
            if self.wanted.find_weakness(case, evidence, self.metric) or mine.evidence.find_difference(
                evidence
            ):
                continue
            best = found.get(evidence.dataset)
            before = None if best is None else best.evidence.find_metric(self.metric)
            sign = -1 if evidence.is_lower_better(self.metric) else 1
            if before is None or sign * metric.value >= sign * before.value:
                found[evidence.dataset] = Measured.of(claim, evidence)
        return found

    def _compare(self, ours: Measured, theirs: Measured) -> tuple[bool, str]:
        for one in (ours, theirs):
            if one.contradictions:
                return False, f"the evidence contradicts itself: {one.contradictions[0]}"
        difference = ours.evidence.find_difference(theirs.evidence)
        if difference:
            return False, f"it cannot be compared: {difference}"
        now, then = ours.evidence.find_metric(self.metric), theirs.evidence.find_metric(self.metric)
        if now is None or then is None:
            return False, f"{self.metric} is missing or not a number"
        lower = ours.evidence.is_lower_better(self.metric)
        loss = now.value - then.value if lower else then.value - now.value
        return loss <= self.tolerance, f"{now.value:.4g} after {then.value:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scans:
    """The newest scan by each required tool is fresh, and no finding is too severe."""

    tools: tuple[str, ...] = ()
    maximum: str = "none"
    max_age: timedelta | None = None

    @property
    def label(self) -> str:
        """The requirement."""
        by = f" by {', '.join(self.tools)}" if self.tools else ""
        age = "" if self.max_age is None else f" within {write_age(self.max_age)}"
        return f"scanned{by}{age}, nothing above {self.maximum}"

    def judge(self, case: Case) -> Finding:
        """Check the newest scan of every tool, including tools that are not required."""
        newest = {Scan(claim.predicate).tool: claim for claim in case.of_type(SCAN)}
        faults = [f"no scan by {tool}" for tool in self.tools if tool not in newest]
        if not newest:
            faults = faults or ["there is no scan"]
        for tool, claim in newest.items():
            if self.max_age is not None and case.is_older(claim.recorded, self.max_age):
                faults.append(f"the scan by {tool} is older than {write_age(self.max_age)}")
            worst = Scan(claim.predicate).worst
            if SEVERITIES.index(worst) > SEVERITIES.index(self.maximum):
                faults.append(f"{tool} has a {worst} finding")
        if faults:
            return no(self, "; ".join(faults), newest.values(), remedy=self._find_remedy(case, newest.keys()))
        return yes(self, f"clean by {', '.join(sorted(newest))}", newest.values())

    def _find_remedy(self, case: Case, present: Collection[str]) -> str:
        """Name the command that adds a missing or newer scan, or shows the findings."""
        if OWN_TOOL in self.tools and OWN_TOOL not in present:
            return "muniment admin scan"
        if self.max_age is None and present and not set(self.tools) - set(present):
            return f"muniment show {case.version}"
        return f"muniment attest {case.version} --type {SCAN} --file FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """The newest rebuild reached a verdict; rebuilds by an author can be excluded."""

    verdict: str = "within-tolerance"
    max_age: timedelta | None = None
    independent: bool = False

    @property
    def label(self) -> str:
        """The requirement."""
        age = "" if self.max_age is None else f" within {write_age(self.max_age)}"
        return f"reproduced {self.verdict}{age}{' by somebody else' if self.independent else ''}"

    def judge(self, case: Case) -> Finding:
        """Check the newest rebuild."""
        remedy = f"muniment reproduce {case.version}"
        claims = [
            claim
            for claim in case.of_type(REPRODUCTION)
            if not (self.independent and claim.signer in case.authors)
        ]
        if not claims:
            return no(self, "it has not been reproduced", remedy=remedy)
        newest = claims[-1]
        verdict = str(newest.predicate["verdict"])
        if self.max_age is not None and case.is_older(newest.recorded, self.max_age):
            return no(self, f"the newest is older than {write_age(self.max_age)}", [newest], remedy=remedy)
        if VERDICTS.index(verdict) < VERDICTS.index(self.verdict):
            return no(self, f"the newest verdict is {verdict}", [newest], remedy=remedy)
        return yes(self, verdict, [newest])


_Compare = Callable[[Evidence], tuple[bool, str]]


def _judge_evidence(rule: Rule, case: Case, wanted: Wanted, metric: str, compare: _Compare) -> Finding:
    remedy = f"muniment evaluate {case.version} --data FILE --target COLUMN --prediction COLUMN"
    other = wanted.find_other_name(case) if wanted.dataset else ""
    if other:
        return no(rule, other, remedy=f"muniment show {case.version} --full")
    measured, fault = wanted.find(case, metric)
    if not measured:
        over = f" over {wanted.dataset}" if wanted.dataset else ""
        return no(rule, fault or f"there is no evidence{over}", remedy=remedy)
    results = [_compare_consistent(one, compare) for one in measured]
    message = "; ".join(text for _, text in results)
    claims: Iterable[Attestation] = [one.claim for one in measured]
    if all(held for held, _ in results):
        return yes(rule, message, claims)
    return no(rule, message, claims, remedy=remedy)


def _compare_consistent(one: Measured, compare: _Compare) -> tuple[bool, str]:
    """Compare numbers that follow from their counts; contradictory evidence proves nothing."""
    if one.contradictions:
        return False, f"the evidence contradicts itself: {one.contradictions[0]}"
    return compare(one.evidence)
