"""A rule in the Common Expression Language, for requirements that no other rule covers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import CARD, PROVENANCE, Attestation
from muniment.core.claims.provenance import Provenance
from muniment.core.gates.rules.case import Case, Finding, no, yes


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A compiled expression: the names that it uses, and a function that evaluates it.

    It is not `available` if the package that evaluates expressions is not installed.
    """

    names: frozenset[str]
    evaluate: Callable[[Mapping[str, object]], object]
    available: bool = True


# Compiles an expression, or refuses it.
Compile: TypeAlias = Callable[[str], Program]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression is exactly true; any other result denies."""

    source: str
    message: str
    program: Program

    @property
    def label(self) -> str:
        """The requirement."""
        return self.message or self.source

    def judge(self, case: Case) -> Finding:
        """Evaluate it on the case (docs/reference/policy.md)."""
        result = self.program.evaluate(describe(case, self.program.names))
        if result is True:
            return yes(self, "true", case.attestations)
        remedy = f"muniment policy explain {case.version} {case.alias}"
        return no(self, f"it is {_name(result)}: {self.source}", case.attestations, remedy=remedy)


def describe(case: Case, names: frozenset[str]) -> JsonObject:
    """Describe a case to an expression: only the names that it uses, since describing all is slow."""
    return {name: describe_as(case) for name, describe_as in _NAMES.items() if name in names}


def _metrics(case: Case) -> JsonObject:
    """Return each metric of the newest evaluations; the last dataset on record wins."""
    values: dict[str, Json] = {}
    for one in case.evidence:
        metrics = {name: one.evidence.find_metric(name) for name in one.evidence.metrics}
        if not one.contradictions:
            values |= {name: metric.value for name, metric in metrics.items() if metric is not None}
    return values


def _name(result: object) -> str:
    """Name a result that is not true."""
    names = {"False": "false", "None": "null"}
    return names.get(str(result), f"not a boolean but {type(result).__name__}")


def _newest(claims: Sequence[Attestation]) -> JsonObject:
    return claims[-1].predicate if claims else {}


def _describe_claim(claim: Attestation) -> JsonObject:
    return {
        "type": claim.predicate_type,
        "signer": claim.signer,
        "assurance": claim.assurance,
        "recorded": claim.recorded,
        "predicate": claim.predicate,
    }


_NAMES: Final[Mapping[str, Callable[[Case], Json]]] = {
    "version": lambda case: case.version,
    "alias": lambda case: case.alias,
    "now": lambda case: case.now,
    "files": lambda case: list(case.paths),
    "authors": lambda case: sorted(case.authors),
    "evidence": lambda case: [one.evidence.predicate for one in case.evidence if not one.contradictions],
    "metrics": _metrics,
    "parameters": lambda case: Provenance(_newest(case.of_type(PROVENANCE))).parameters,
    "card": lambda case: _newest(case.of_type(CARD)),
    "attestations": lambda case: [_describe_claim(claim) for claim in case.attestations],
    "revoked": lambda case: list(case.revoked),
}
