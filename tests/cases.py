"""Cases for rules: claims, and a version that they are about."""

from dataclasses import replace
from typing import Any

from muniment.core.canonical import Json
from muniment.core.claims.attestations import EVALUATION, Attestation
from muniment.core.digests import Digest
from muniment.core.gates.policy import Verdict, judge
from muniment.core.gates.rules.case import Case
from muniment.core.people.roles import Role
from muniment.policies.documents import read_policy

NOW = "2026-06-03T12:00:00Z"  # a Wednesday
Document = dict[str, Json]


def claim(kind: str, predicate: Document, *, index: int = 0, by: str = "ada", at: str = NOW) -> Attestation:
    return Attestation(
        digest=Digest.of(f"{kind}{predicate}{index}{by}".encode()),
        predicate_type=kind,
        predicate=predicate,
        signer=by,
        key_id="k",
        index=index,
        recorded=at,
    )


def case(*claims: Attestation, **others: Any) -> Case:  # noqa: ANN401 - the members of Case
    roles = {"ada": frozenset({Role.CONTRIBUTOR}), "vera": frozenset({Role.VALIDATOR, Role.APPROVER})}
    return replace(
        Case(
            version="acme/x@2",
            alias="production",
            policy="sha256:p",
            now=NOW,
            paths=("model.safetensors",),
            authors=frozenset({"ada"}),
            attestations=claims,
            roles=roles,
            is_supposed=True,
        ),
        **others,
    )


def verdict(rule: Document, judged: Case) -> Verdict:
    return judge(read_policy({"rules": [rule]}), judged)


def holds(rule: Document, judged: Case) -> bool:
    return verdict(rule, judged).passed


def measured(auc: float, *, n: int = 100, data: str = "holdout", index: int = 0, **how: Any) -> Attestation:  # noqa: ANN401 - as `claim` takes
    predicate: Document = {
        "task": "classification",
        "n": n,
        "dataset": {"name": data, "digest": str(Digest.of(data.encode()))},
        "metrics": {"roc_auc": {"value": auc, "source": "given"}},
    }
    return claim(EVALUATION, predicate, index=index, **how)
