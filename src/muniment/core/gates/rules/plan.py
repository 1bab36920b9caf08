"""A rule over change plans: what a retrain may change without being a new model (FDA PCCP)."""

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
    """What changed since the version that an alias holds is inside of that version's change plan.

    A plan counts if somebody with a role signed it who did not make the version that is to move.
    """

    against: str
    role: Role

    @property
    def label(self) -> str:
        """What it asks."""
        return f"inside the change plan of what {self.against or 'the alias'} holds"

    def judge(self, case: Case) -> Finding:
        """Compare the two trainings."""
        alias = self.against or case.alias
        baseline = case.baselines[alias]
        if baseline is None:
            return yes(self, f"{alias} holds no version yet")
        if baseline.version == case.version:
            return yes(self, f"{alias} holds this version")
        mend = f"muniment attest {baseline.version} --type {CHANGE_PLAN} --file FILE"
        plan = self._find_plan(case, baseline)
        if plan is None:
            return no(self, f"{baseline.version} has no change plan by a {self.role} that holds", mend=mend)
        before = [one for one in baseline.attestations if one.predicate_type == PROVENANCE]
        after = case.of_type(PROVENANCE)
        if not before or not after:
            return no(self, "one of the two has no provenance", [plan])
        bounds = ChangePlan(plan.predicate)
        faults = [*_compare(bounds, before[-1], after[-1]), *_check_metrics(bounds, case)]
        claims = [plan, before[-1], after[-1]]
        if faults:
            return no(self, "; ".join(faults), claims)
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
    return {one.name: one.digest for one in provenance.inputs if one.kind == kind}


def _check_metrics(plan: ChangePlan, case: Case) -> list[str]:
    """What the plan promises of the retrained one has to be shown, over every dataset that measures it."""
    faults = []
    for name, bounds in plan.metrics.items():
        found = [one for one in case.evidence if name in one.evidence.metrics]
        if not found:
            faults.append(f"{name} was not measured")
        for one in found:
            metric = one.evidence.find_metric(name)
            if one.contradictions or metric is None or not bounds.allow(metric.value):
                faults.append(f"{name} is not {bounds}")
    return faults
