"""Evidence for rankings: how early the relevant items of each query come."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import ndcg_score

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.intervals import metric
from muniment.evaluation.reading import Numbers, check_length, read_labels, read_numbers
from muniment.evaluation.tally import split

_CUTOFFS: Final = (1, 5, 10)


def evaluate_ranking(
    queries: Sequence[object], relevance: ArrayLike, scores: ArrayLike, cutoffs: Sequence[int] = _CUTOFFS
) -> dict[str, Json]:
    """Compute the evidence of rankings; all arrays are (n,), with a row for each item of a query.

    `relevance` is 0 for an irrelevant item and higher for a relevant one. Items with higher scores come
    earlier. Precision and recall count items with a relevance above 0. Queries without one are left out and
    counted.

    Raises:
        InvalidEvidence: lengths differ, a value is not finite, a relevance is negative, or none is above 0.
    """
    names = read_labels(queries, "queries")
    wanted = read_numbers(relevance, "relevance", names.shape)
    given = read_numbers(scores, "scores", names.shape)
    check_length(given, len(names), "scores")
    if wanted.min() < 0:
        raise InvalidEvidence(reason="a relevance is negative")
    asked = [rows for _, rows in split(names)]
    useful = [rows for rows in asked if wanted[rows].any()]
    if not useful:
        raise InvalidEvidence(reason="no query has a relevant item")
    lists = [(wanted[rows], given[rows]) for rows in useful]
    sums = {k: _sum_up(lists, k) for k in cutoffs}
    reciprocal = sum(_reciprocal_rank(*one) for one in lists)
    return {
        "task": "ranking",
        "n": len(names),
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


def _hits(wanted: Numbers, given: Numbers, k: int) -> int:
    return int((wanted[_order(given)[:k]] > 0).sum())


def _reciprocal_rank(wanted: Numbers, given: Numbers) -> float:
    return 1.0 / (1 + int(np.argmax(wanted[_order(given)] > 0)))


def _order(given: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    return np.argsort(-given, kind="stable")
