"""Evidence for generated text: exact matches, overlap with references (sacreBLEU), scores of judges."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sacrebleu

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.intervals import metric, share_of
from muniment.evaluation.reading import TargetDigest, check_length, read_numbers


def evaluate_text(
    outputs: Sequence[str],
    references: Sequence[str],
    *,
    judges: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Json]:
    """Compute the evidence of generated texts, one for each reference, both of n texts.

    Measures BLEU and chrF in percent, and equality without white space at both ends. `judges` are scores by
    the name of the judge, each (n,). No text is kept.

    Raises:
        InvalidEvidence: lengths differ, or n is 0.
    """
    if not references:
        raise InvalidEvidence(reason="the data has no rows")
    n = len(references)
    check_length(outputs, n, "outputs")
    if not all(isinstance(text, str) for text in (*outputs, *references)):
        raise InvalidEvidence(reason="an output or a reference is no text")
    target = TargetDigest()
    target.add(map(repr, references))
    exact = sum(one.strip() == other.strip() for one, other in zip(outputs, references, strict=True))
    overlap, metrics = _measure_overlap(outputs, references)
    given = {
        name: read_numbers(scores, f"scores of {name}", (n,)).tolist()
        for name, scores in (judges or {}).items()
    }
    return {
        "task": "text-generation",
        "n": n,
        "rows": {"there": n, "used": n},
        **target.write(),
        "text": {"exact_matches": exact, **overlap, "judges": _count_scores(given)},
        "metrics": {
            "exact_match": {**metric(exact / n), "interval": share_of(exact, n)},
            **metrics,
            **{f"judge.{name}": metric(sum(scores) / n) for name, scores in given.items()},
        },
    }


def _measure_overlap(
    outputs: Sequence[str], references: Sequence[str]
) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the counts of BLEU and chrF, and the metrics."""
    # sacreBLEU's scores hold the counts, but their types do not say so.
    bleu: Any = sacrebleu.corpus_bleu(list(outputs), [list(references)])
    chrf = sacrebleu.CHRF()
    score: Any = chrf.corpus_score(list(outputs), [list(references)])
    counts: dict[str, Json] = {
        "bleu": {
            "matches": list(map(int, bleu.counts)),
            "totals": list(map(int, bleu.totals)),
            "output_length": int(bleu.sys_len),
            "reference_length": int(bleu.ref_len),
        },
        "chrf": {"beta": chrf.beta, "statistics": _sum_statistics(chrf, outputs, references)},
    }
    return counts, {
        "bleu": {**metric(bleu.score), "unit": "percent"},
        "chrf": {**metric(score.score), "unit": "percent"},
    }


def _count_scores(given: Mapping[str, Sequence[float]]) -> list[Json]:
    return [
        {"name": name, "scores": [{"score": score, "n": n} for score, n in sorted(Counter(scores).items())]}
        for name, scores in given.items()
    ]


def _sum_statistics(chrf: Any, outputs: Sequence[str], references: Sequence[str]) -> list[Json]:  # noqa: ANN401 - untyped
    """Sum up the n-grams of outputs, references and both, for each order."""
    rows: list[list[int]] = chrf._extract_corpus_statistics(list(outputs), [list(references)])  # noqa: SLF001 - the only access to its counts
    totals = [sum(column) for column in zip(*rows, strict=True)]
    return [totals[place : place + 3] for place in range(0, len(totals), 3)]
