"""Evidence for rankings: how early the relevant items of each query come."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import ndcg_score

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.intervals import metric
from muniment.evaluation.labels import read_column, read_names
from muniment.evaluation.reading import Gaps, Missing, Numbers, Values, digest_numbers, read_kept
from muniment.evaluation.tally import split

_CUTOFFS: Final = (1, 5, 10)


def evaluate_ranking(
    queries: Values,
    relevance: ArrayLike,
    scores: ArrayLike,
    cutoffs: Sequence[int] = _CUTOFFS,
    *,
    missing: Missing | str = Missing.REFUSE,
) -> dict[str, Json]:
    """Compute the evidence of rankings; all arrays are (n,), with a row for each item of a query.

    `relevance` is 0 for an irrelevant item and higher for a relevant one. Items with higher scores come
    earlier, and items with equal scores in any order: each number is the mean over all orders. Precision and
    recall count items with a relevance above 0. Queries without one are left out and counted. `missing` is
    as in `evaluate_classification`.

    Raises:
        InvalidEvidence: lengths differ, a value is not finite, a relevance is negative, or none is above 0.
    """
    asked_in = read_column(queries, "queries")
    columns = read_column(relevance, "relevance"), read_column(scores, "scores")
    gaps = Gaps()
    keep = ~gaps.find([asked_in, *columns])
    gaps.check(Missing.parse(missing))
    wanted, given = (read_kept(cells, keep) for cells in columns)
    if wanted.min() < 0:
        raise InvalidEvidence(reason="a relevance is negative")
    asked = [rows for _, rows in split(read_names(asked_in[keep])[1])]
    useful = [rows for rows in asked if wanted[rows].any()]
    if not useful:
        raise InvalidEvidence(reason="no query has a relevant item")
    lists = [(wanted[rows], given[rows]) for rows in useful]
    sums = {k: _sum_up(lists, k) for k in cutoffs}
    reciprocal = sum(_reciprocal_rank(*one) for one in lists)
    return {
        "task": "ranking",
        "n": len(wanted),
        **gaps.write(),
        **digest_numbers(wanted),
        "ranking": {
            "queries": len(lists),
            "queries_without_relevant_items": len(asked) - len(useful),
            "reciprocal_rank_sum": reciprocal,
            "cutoffs": [
                {"k": k, **{f"{name}_sum": value for name, value in at_k.items()}} for k, at_k in sums.items()
            ],
        },
        "metrics": {
            "mrr": metric(reciprocal / len(lists)),
            **{
                f"{name}@{k}": metric(value / len(lists))
                for k, at_k in sums.items()
                for name, value in at_k.items()
            },
        },
    }


def _sum_up(lists: Sequence[tuple[Numbers, Numbers]], k: int) -> dict[str, float]:
    return {
        "ndcg": sum(_ndcg(wanted, given, k) for wanted, given in lists),
        "precision": sum(_hits(wanted, given, k) / k for wanted, given in lists),
        "recall": sum(_hits(wanted, given, k) / int((wanted > 0).sum()) for wanted, given in lists),
    }


def _ndcg(wanted: Numbers, given: Numbers, k: int) -> float:
    # scikit-learn refuses a list of one item, which is always in its ideal order.
    return float(ndcg_score([wanted], [given], k=k)) if len(wanted) > 1 else 1.0


def _hits(wanted: Numbers, given: Numbers, k: int) -> float:
    """Return how many of the first k items are relevant, on average over the orders of equal scores."""
    return sum(
        relevant * min(max(k - before, 0), size) / size for before, size, relevant in _ties(wanted, given)
    )


def _reciprocal_rank(wanted: Numbers, given: Numbers) -> float:
    """Return the reciprocal rank of the first relevant item, on average over the orders of equal scores."""
    before, size, relevant = next(tie for tie in _ties(wanted, given) if tie[2])
    expected, chance = 0.0, relevant / size
    for place in range(1, size - relevant + 2):
        expected += chance / (before + place)
        if place < size:
            chance *= (size - place - relevant + 1) / (size - place)
    return expected


def _ties(wanted: Numbers, given: Numbers) -> Iterator[tuple[int, int, int]]:
    """Give for each score, from the highest down, how many items come before, have it, and are relevant."""
    values, places = np.unique(-given, return_inverse=True)
    sizes = np.bincount(places, minlength=len(values))
    relevant = np.bincount(places[wanted > 0], minlength=len(values))
    yield from zip((np.cumsum(sizes) - sizes).tolist(), sizes.tolist(), relevant.tolist(), strict=True)
