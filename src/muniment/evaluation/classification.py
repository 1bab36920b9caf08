"""Evidence for classifiers: binary and multiclass.

What is stated is computed from the counts beside it (`core/claims/recomputation.py`), as scikit-learn would
from the rows.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from muniment.core.canonical import Json
from muniment.core.claims.recomputation import recompute, recompute_bounds
from muniment.evaluation.fairness import write_gaps
from muniment.evaluation.intervals import area_under_roc, metric, share_of
from muniment.evaluation.labels import read_column
from muniment.evaluation.predictions import Counted, Piece, Pieces, count_pieces, in_pieces
from muniment.evaluation.reading import (
    Groups,
    Missing,
    check_length,
    read_groups,
    read_score_columns,
)
from muniment.evaluation.tables import ROWS
from muniment.evaluation.tally import MOST_STEPS, Tally, shares_of, write_bins, write_scores

# So many steps all curves have together, over all rows and over groups, beyond the first ten of the former.
_ALL_STEPS: Final = 10 * MOST_STEPS
_FEWEST_STEPS: Final = 100
# Why a metric is not defined.
_WHY: Final = {
    "precision": "nothing was predicted positive",
    "recall": "nothing is positive",
    "specificity": "everything is positive",
    "f1": "nothing is or was predicted positive",
    "roc_auc": "a label has only one class",
    "average_precision": "a label has only one class",
}
Results = dict[str, Json]


def evaluate_classification(  # noqa: PLR0913 - the inputs of an evaluation
    y_true: Collection[object],
    y_pred: Collection[object],
    y_score: ArrayLike | None = None,
    *,
    groups: Groups | None = None,
    positive: object = None,
    classes: Sequence[object] | None = None,
    threshold: float | None = None,
    min_group_size: int = 1,
    missing: Missing | str = Missing.REFUSE,
) -> Results:
    """Compute the evidence of a classifier's predictions.

    Shapes: `y_true`, `y_pred` and each of `groups` are (n,). `y_score` is (n,), of any scale, higher for
    `positive`; or (n, k), with a column for each of `classes` (by default all labels in order, which is
    numeric for numbers). The positive label has to be named unless it is 1 or True beside 0, -1 or False.
    `threshold` is the decision threshold, if known. Rows that miss something are refused, or left out with
    `missing="drop"`, and counted.

    Raises:
        InvalidEvidence: lengths differ, there are no rows, something is missing, or the labels are not clear.
    """
    true = read_column(y_true, "labels")
    whole = Piece(
        true=true,
        predicted=read_column(y_pred, "predictions"),
        scores={} if y_score is None else read_score_columns(y_score, len(true)),
        groups={column: [cells] for column, cells in read_groups(groups or {}).items()},
    )
    for cells in whole.columns():
        check_length(cells, len(true), str(cells.name))
    return classify(
        lambda: in_pieces(whole, ROWS),
        positive=positive,
        classes=classes,
        threshold=threshold,
        min_group_size=min_group_size,
        missing=missing,
    )


def classify(  # noqa: PLR0913 - the inputs of an evaluation
    pieces: Pieces,
    *,
    first: Pieces | None = None,
    positive: object = None,
    classes: Sequence[object] | None = None,
    threshold: float | None = None,
    min_group_size: int = 1,
    missing: Missing | str = Missing.REFUSE,
    unseen: bool = False,
) -> Results:
    """Compute the evidence of predictions that come piece by piece, as `count_pieces` reads them.

    Raises as `evaluate_classification`.
    """
    counted = count_pieces(
        pieces, first=first, positive=positive, classes=classes, missing=Missing.parse(missing), unseen=unseen
    )
    whole, parts = counted.tally.whole, counted.tally.groups
    labels = len(whole.scores) or 1
    most = min(MOST_STEPS, _ALL_STEPS // labels)
    each = min(MOST_STEPS, max(_ALL_STEPS // (labels * max(len(parts), 1)), _FEWEST_STEPS))
    results: Results = {
        "task": "binary-classification" if counted.positive else "multiclass-classification",
        "n": whole.n,
        **counted.gaps.write(),
        **counted.target.write(),
        **_describe(counted, whole, most),
        "groups": [
            {"column": column, "value": value, "n": group.n, **_describe(counted, group, each)}
            for (column, value), group in sorted(parts.items())
        ],
    }
    if threshold is not None:
        matrix = results["confusion_matrix"]
        assert isinstance(matrix, Mapping)  # noqa: S101 - as written above
        results["confusion_matrix"] = {**matrix, "threshold": float(threshold)}
    return write_gaps(results, min_group_size)


def _describe(counted: Counted, tally: Tally, steps: int) -> Results:
    """Write the counts of some rows, and what follows from them."""
    names, positive = counted.labels.names, counted.positive
    named = {"positive": positive} if positive else {}
    part: Results = {
        "confusion_matrix": {"labels": list(names), **named, "counts": list(tally.matrix(len(names)))},
    }
    for scores in tally.scores.values():
        scores.thin(steps)
    if tally.scores:
        part["score_counts"] = [write_scores(label, scores) for label, scores in tally.scores.items()]
    if positive in tally.scores and tally.scores[positive].inside:
        part["calibration"] = write_bins(positive, tally.scores[positive])
    return {**part, "metrics": write_metrics(part)}


def write_metrics(part: Mapping[str, Any]) -> Results:
    """Write every metric that follows from counts of a classifier, with its interval where one is known."""
    bounds = recompute_bounds(part)
    metrics: dict[str, dict[str, Json]] = {}
    for name, value in recompute(part).items():
        bound = {"bound": bounds[name]} if bounds.get(name) else {}
        metrics[name] = {**metric(value, _WHY.get(name, "undefined")), **bound}
    matrix = part.get("confusion_matrix")
    if matrix is not None:
        for name, (hits, n) in shares_of(matrix).items():
            if n and name in metrics:
                metrics[name]["interval"] = share_of(hits, n)
        if "positive" not in matrix:
            for name, undefined in _find_undefined(matrix).items():
                metrics[name] |= {"zero_division": 0, **({"undefined": undefined} if undefined else {})}
    curves = part.get("score_counts") or []
    area = metrics.get("roc_auc", {}).get("value")
    if len(curves) == 1 and isinstance(area, float):
        sides = curves[0]["positives"], curves[0]["negatives"]
        metrics["roc_auc"]["interval"] = area_under_roc(area, *sides, bounds.get("roc_auc", 0.0))
    return {**metrics}


def _find_undefined(matrix: Mapping[str, Any]) -> dict[str, list[str]]:
    """Name the labels for which an averaged metric is undefined, and counted as 0."""
    counts = np.array(matrix["counts"])
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    there = (rows > 0) | (columns > 0)
    lacking = {"precision": there & (columns == 0), "recall": there & (rows == 0), "f1": there & False}
    return {
        name: [label for label, is_lacking in zip(matrix["labels"], lacks, strict=True) if is_lacking]
        for name, lacks in lacking.items()
    }
