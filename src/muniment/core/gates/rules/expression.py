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
    """An expression is exactly true; any other result denies, and so does anything missing."""

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
    """Describe a case to an expression: only the names that it uses, since describing all is slow.

    A name is missing if no claim on record says anything of it.
    """
    described = {name: describe_as(case) for name, describe_as in NAMES.items() if name in names}
    return {name: value for name, value in described.items() if value is not None}


def _evidence(case: Case) -> list[Json] | None:
    """Return the newest evaluation of each dataset; None if one contradicts itself, or there is none."""
    if not case.evidence or any(one.contradictions for one in case.evidence):
        return None
    return [one.evidence.predicate for one in case.evidence]


def _metrics(case: Case) -> JsonObject | None:
    """Return each metric of the newest evaluations that was not just stated; the last dataset wins."""
    if _evidence(case) is None:
        return None
    values: dict[str, Json] = {}
    for one in case.evidence:
        evidence = one.evidence
        metrics = {
            name: evidence.find_metric(name)
            for name in evidence.metrics
            if case.is_supposed or not evidence.is_stated(name)
        }
        values |= {name: metric.value for name, metric in metrics.items() if metric is not None}
    return values


def _parameters(case: Case) -> JsonObject | None:
    return Provenance(_newest(case.of_type(PROVENANCE)) or {}).parameters or None


def _name(result: object) -> str:
    """Name a result that is not true."""
    names = {"False": "false", "None": "null"}
    return names.get(str(result), f"not a boolean but {type(result).__name__}")


def _newest(claims: Sequence[Attestation]) -> JsonObject | None:
    return claims[-1].predicate if claims else None


def _describe_claim(claim: Attestation) -> JsonObject:
    return {
        "type": claim.predicate_type,
        "signer": claim.signer,
        "assurance": claim.assurance,
        "recorded": claim.recorded,
        "predicate": claim.predicate,
    }


NAMES: Final[Mapping[str, Callable[[Case], Json]]] = {
    "version": lambda case: case.version,
    "alias": lambda case: case.alias,
    "now": lambda case: case.now,
    "files": lambda case: list(case.paths),
    "authors": lambda case: sorted(case.authors),
    "evidence": _evidence,
    "metrics": _metrics,
    "parameters": _parameters,
    "card": lambda case: _newest(case.of_type(CARD)),
    "attestations": lambda case: [_describe_claim(claim) for claim in case.attestations],
    "revoked": lambda case: list(case.revoked),
}
