"""Evidence of a ranking: how well the relevant items of each query come first."""

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
    """Compute what a ranking shows: one row for each item that was ranked for a query, all of shape (n,).

    `relevance` is 0 for an item that should not come, more for one that should; the higher its score, the
    earlier an item comes. Precision and recall count items with a relevance above 0. Queries without one
    are left out, and counted.

    Raises:
        InvalidEvidence: lengths differ, a value is not finite, a relevance is negative, none is above 0.
    """
    names = read_labels(queries, "queries")
    wanted = read_numbers(relevance, "relevance", names.shape)
    given = read_numbers(scores, "scores", names.shape)
    check_length(given, len(names), "scores")
    if wanted.min() < 0:
        raise InvalidEvidence(reason="relevance is negative somewhere")
    asked = [rows for _, rows in split(names)]
    useful = [rows for rows in asked if wanted[rows].any()]
    if not useful:
        raise InvalidEvidence(reason="no query has a relevant item")
    lists = [(wanted[rows], given[rows]) for rows in useful]
    sums = {
        k: {
            "ndcg": sum(_ndcg(*one, k) for one in lists),
            "precision": sum(_hits(*one, k) / k for one in lists),
            "recall": sum(_hits(*one, k) / int((one[0] > 0).sum()) for one in lists),
        }
        for k in cutoffs
    }
    reciprocal = sum(_reciprocal_rank(*one) for one in lists)
    return {
        "task": "ranking",
        "n": len(names),
        "ranking": {
            "queries": len(lists),
            "queries_without_relevant_items": len(asked) - len(useful),
            "reciprocal_rank_sum": reciprocal,
            "cutoffs": [
                {"k": k, **{f"{name}_sum": value for name, value in found.items()}}
                for k, found in sums.items()
            ],
        },
        "metrics": {
            "mrr": metric(reciprocal / len(lists)),
            **{
                f"{name}@{k}": metric(value / len(lists))
                for k, found in sums.items()
                for name, value in found.items()
            },
        },
    }


def _ndcg(wanted: Numbers, given: Numbers, k: int) -> float:
    # scikit-learn takes no list of one item, which is in its ideal order.
    return float(ndcg_score([wanted], [given], k=k)) if len(wanted) > 1 else 1.0


def _hits(wanted: Numbers, given: Numbers, k: int) -> int:
    return int((wanted[_order(given)[:k]] > 0).sum())


def _reciprocal_rank(wanted: Numbers, given: Numbers) -> float:
    return 1.0 / (1 + int(np.argmax(wanted[_order(given)] > 0)))


def _order(given: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    return np.argsort(-given, kind="stable")
