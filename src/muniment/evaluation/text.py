"""Evidence of generated text: exact matches, overlap with references (sacreBLEU), scores that judges gave."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sacrebleu

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.intervals import metric, proportion
from muniment.evaluation.reading import check_length, read_numbers


def evaluate_text(
    outputs: Sequence[str],
    references: Sequence[str],
    *,
    judges: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Json]:
    """Compute what generated texts show, one for each reference, both of n texts.

    Texts are compared by BLEU and chrF, in percent, and after white space at both ends was dropped for
    equality. `judges` are scores as they were given, by the name of who gave them, each (n,). No text
    is kept.

    Raises:
        InvalidEvidence: lengths differ, or n is 0.
    """
    if not references:
        raise InvalidEvidence(reason="there is no row")
    check_length(outputs, len(references), "outputs")
    exact = sum(one.strip() == other.strip() for one, other in zip(outputs, references, strict=True))
    # Their ready-made scores hold the counts; typed loosely there.
    bleu: Any = sacrebleu.corpus_bleu(list(outputs), [list(references)])
    chrf = sacrebleu.CHRF()
    score: Any = chrf.corpus_score(list(outputs), [list(references)])
    given = {
        name: read_numbers(scores, f"scores of {name}", (len(references),)).tolist()
        for name, scores in (judges or {}).items()
    }
    return {
        "task": "text-generation",
        "n": len(references),
        "text": {
            "exact_matches": exact,
            "bleu": {
                "matches": list(map(int, bleu.counts)),
                "totals": list(map(int, bleu.totals)),
                "output_length": int(bleu.sys_len),
                "reference_length": int(bleu.ref_len),
            },
            "chrf": {
                "beta": chrf.beta,
                "statistics": _sum_statistics(chrf, outputs, references),
            },
            "judges": [
                {
                    "name": name,
                    "scores": [{"score": one, "n": n} for one, n in sorted(Counter(scores).items())],
                }
                for name, scores in given.items()
            ],
        },
        "metrics": {
            "exact_match": proportion(exact, len(references)),
            "bleu": {**metric(bleu.score), "unit": "percent"},
            "chrf": {**metric(score.score), "unit": "percent"},
            **{f"judge.{name}": metric(sum(scores) / len(scores)) for name, scores in given.items()},
        },
    }


def _sum_statistics(chrf: Any, outputs: Sequence[str], references: Sequence[str]) -> list[Json]:  # noqa: ANN401 - it is not typed
    """Sum up, for each order, the n-grams of the outputs, of the references, and of both."""
    rows: list[list[int]] = chrf._extract_corpus_statistics(list(outputs), [list(references)])  # noqa: SLF001 - there is no other way to its counts
    totals = [sum(column) for column in zip(*rows, strict=True)]
    return [totals[place : place + 3] for place in range(0, len(totals), 3)]
