"""A rule about change plans: what a retrain may change without being a new model (FDA PCCP)."""

from dataclasses import dataclass
from datetime import timedelta

from muniment.core.canonical import Json
from muniment.core.claims.attestations import CHANGE_PLAN, PROVENANCE, Attestation
from muniment.core.claims.plans import ChangePlan
from muniment.core.claims.provenance import Provenance
from muniment.core.gates.rules.case import Baseline, Case, Finding, no, yes
from muniment.core.gates.rules.people import find_role_holders
from muniment.core.people.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class InsidePlan:
    """All changes since the version that an alias holds are within that version's change plan.

    A plan counts if its signer has a role and did not make the version to be moved.
    """

    against: str
    role: Role

    @property
    def label(self) -> str:
        """The requirement."""
        return f"within the change plan of {self.against or 'the present version'}"

    def judge(self, case: Case) -> Finding:
        """Compare the two trainings."""
        alias = self.against or case.alias
        baseline = case.baselines[alias]
        if baseline is None:
            return yes(self, f"{alias} holds no version yet")
        if baseline.version == case.version:
            return yes(self, f"{alias} holds this version")
        remedy = f"muniment attest {baseline.version} --type {CHANGE_PLAN} --file FILE"
        plan = self._find_plan(case, baseline)
        if plan is None:
            return no(self, f"{baseline.version} has no valid change plan by a {self.role}", remedy=remedy)
        again = f"muniment push PATH {case.name} --run FILE"
        before = [claim for claim in baseline.attestations if claim.predicate_type == PROVENANCE]
        after = case.of_type(PROVENANCE)
        if not before or not after:
            return no(self, "one of the two versions has no provenance", [plan], remedy=again)
        bounds = ChangePlan(plan.predicate)
        faults = [*_compare(bounds, before[-1], after[-1]), *_check_metrics(bounds, case)]
        claims = [plan, before[-1], after[-1]]
        if faults:
            diff = f"muniment diff {baseline.version} {case.version}"
            return no(self, "; ".join(faults), claims, remedy=diff)
        return yes(self, f"since {baseline.version}", claims)

    def _find_plan(self, case: Case, baseline: Baseline) -> Attestation | None:
        """Find the newest plan that counts, unless it has expired."""
        plans = [
            claim
            for claim in find_role_holders(case, list(baseline.attestations), self.role)
            if claim.predicate_type == CHANGE_PLAN and claim.signer not in case.authors
        ]
        newest = max(plans, key=lambda claim: claim.index, default=None)
        expires = None if newest is None else ChangePlan(newest.predicate).expires
        return None if expires is not None and case.is_older(expires, timedelta(0)) else newest


def _compare(plan: ChangePlan, before: Attestation, after: Attestation) -> list[str]:
    then, now = Provenance(before.predicate), Provenance(after.predicate)
    faults = [
        fault
        for name in sorted({*then.parameters, *now.parameters})
        if (fault := _find_fault(plan, name, then.parameters.get(name), now.parameters.get(name)))
    ]
    for kind, allowed in (("dataset", plan.datasets), ("model", plan.models)):
        old, new = _inputs(then, kind), _inputs(now, kind)
        faults += [
            f"{kind} {name} changed"
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name) and (name not in allowed or name not in old or name not in new)
        ]
    if not plan.code and set(_inputs(then, "code").values()) != set(_inputs(now, "code").values()):
        faults.append("the code changed")
    if not plan.packages and then.find_byproduct("lock") != now.find_byproduct("lock"):
        faults.append("the packages changed")
    return faults


def _find_fault(plan: ChangePlan, name: str, then: Json, now: Json) -> str:
    if then == now:
        return ""
    bounds = plan.parameters.get(name)
    if bounds is None:
        return f"parameter {name} changed"
    return "" if bounds.allow(now) else f"parameter {name} is {now}, not {bounds}"


def _inputs(provenance: Provenance, kind: str) -> dict[str, str]:
    return {source.name: source.digest for source in provenance.inputs if source.kind == kind}


def _check_metrics(plan: ChangePlan, case: Case) -> list[str]:
    """Check the bounds of the plan on metrics, over every dataset that measures them."""
    faults = []
    for name, bounds in plan.metrics.items():
        measured = [one for one in case.evidence if name in one.evidence.metrics]
        if not measured:
            faults.append(f"{name} was not measured")
        for one in measured:
            metric = one.evidence.find_metric(name)
            if one.contradictions or metric is None or not bounds.allow(metric.value):
                faults.append(f"{name} is not {bounds}")
    return faults
