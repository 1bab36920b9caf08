"""A rule in the Common Expression Language, for what the others cannot say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from muniment.core.attestations import CARD, PROVENANCE
from muniment.core.canonical import Json, JsonObject
from muniment.core.provenance import Provenance
from muniment.core.rules.facts import Facts, Finding, no, yes

Evaluate: TypeAlias = Callable[[Mapping[str, object]], object]
# Makes an expression ready, or refuses it.
Compile: TypeAlias = Callable[[str], Evaluate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression is exactly true; anything else that comes of it denies."""

    source: str
    message: str
    evaluate: Evaluate

    @property
    def label(self) -> str:
        """What it asks."""
        return self.message or self.source

    def judge(self, facts: Facts) -> Finding:
        """Evaluate it over what is known (docs/reference/policy.md)."""
        found = self.evaluate(describe(facts))
        if found is True:
            return yes(self, "true", facts.attestations)
        return no(self, f"it is {_name(found)}: {self.source}", facts.attestations)


def describe(facts: Facts) -> JsonObject:
    """Describe facts to an expression."""
    cards, trainings = facts.of_type(CARD), facts.of_type(PROVENANCE)
    return {
        "version": facts.version,
        "alias": facts.alias,
        "now": facts.now,
        "files": list(facts.paths),
        "authors": sorted(facts.authors),
        "evidence": [one.evidence.predicate for one in facts.evidence if not one.contradictions],
        "metrics": _metrics(facts),
        "parameters": Provenance(trainings[-1].predicate).parameters if trainings else {},
        "card": cards[-1].predicate if cards else {},
        "attestations": [
            {
                "type": claim.predicate_type,
                "signer": claim.signer,
                "assurance": claim.assurance,
                "recorded": claim.recorded,
                "predicate": claim.predicate,
            }
            for claim in facts.attestations
        ],
        "revoked": list(facts.revoked),
    }


def _metrics(facts: Facts) -> JsonObject:
    """Give each metric of the newest evaluations; of several datasets, that of the last one on record."""
    found: dict[str, Json] = {}
    for one in facts.evidence:
        metrics = {name: one.evidence.find_metric(name) for name in one.evidence.metrics}
        if not one.contradictions:
            found |= {name: metric.value for name, metric in metrics.items() if metric is not None}
    return found


def _name(found: object) -> str:
    """Name what is not true."""
    names = {"False": "false", "None": "null"}
    return names.get(str(found), f"no truth but {type(found).__name__}")
