"""Fairness: the differences of metrics between groups, from the counts of each group.

The evidence keeps the counts, so other measures of fairness can be computed later (`rates_of`).
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

from muniment.core.canonical import Json
from muniment.evaluation.intervals import with_resampling

# The metrics whose differences are stated, if the groups have them.
_GAPS: Final = ("accuracy", "recall", "precision", "positive_rate", "specificity", "roc_auc", "mae")
_RATES: Final = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
}


def write_gaps(results: dict[str, Json], min_group_size: int) -> dict[str, Json]:
    """Add the largest difference of each metric between groups of a column, with an interval.

    Groups of fewer than `min_group_size` rows are left out and listed.
    """
    groups: Any = results["groups"]
    gaps = []
    for column in sorted({group["column"] for group in groups}):
        members = [group for group in groups if group["column"] == column]
        large = [group for group in members if group["n"] >= min_group_size]
        small = [group["value"] for group in members if group["n"] < min_group_size]
        for name in _GAPS:
            values = {group["value"]: group["metrics"].get(name, {}).get("value") for group in large}
            if len(values) > 1 and None not in values.values():
                gap = {
                    "column": column,
                    "metric": name,
                    "between": [min(values, key=values.__getitem__), max(values, key=values.__getitem__)],
                    "min_group_size": min_group_size,
                    "left_out": small,
                    "value": max(values.values()) - min(values.values()),
                }
                gaps.append(_with_interval(gap, large))
    return {**results, "gaps": gaps} if gaps else results


def rates_of(evaluation: Mapping[str, Any], column: str) -> pd.DataFrame:
    """Compute fairlearn's rates for each group of a column from the counts of an evaluation.

    Other functions work the same way in a `MetricFrame`: the counts are rows with weights.
    """
    rows = [
        (group["value"], one == matrix["positive"], other == matrix["positive"], float(n))
        for group in evaluation["groups"]
        if group["column"] == column
        for matrix in [group["confusion_matrix"]]
        for one, line in zip(matrix["labels"], matrix["counts"], strict=True)
        for other, n in zip(matrix["labels"], line, strict=True)
        if n
    ]
    groups, true, predicted, weights = zip(*rows, strict=True)
    frame = MetricFrame(
        metrics=dict(_RATES),
        y_true=list(map(int, true)),
        y_pred=list(map(int, predicted)),
        sensitive_features=pd.Series(groups, name=column),
        sample_params={name: {"sample_weight": list(weights)} for name in _RATES},
    )
    by_group: pd.DataFrame = frame.by_group
    return by_group


def _with_interval(gap: dict[str, Any], groups: list[dict[str, Any]]) -> dict[str, Json]:
    """Resample the rows of each group, if the metric is a share of counted rows."""
    shares = [_share(gap["metric"], group) for group in groups]
    if any(share is None for share in shares):
        return gap
    sides = [np.array([hits, rest]) for hits, rest in shares]  # type: ignore[misc] # none is None

    def spread(counts: "np.ndarray[Any, np.dtype[np.int64]]") -> float:
        pairs = counts.reshape(-1, 2)
        totals = pairs.sum(axis=1)
        if not totals.all():
            return float("nan")
        rates = pairs[:, 0] / totals
        return float(rates.max() - rates.min())

    resampled = with_resampling({"value": gap["value"]}, np.concatenate(sides), spread)
    return {**gap, "interval": resampled["interval"]}


def _share(metric: str, group: dict[str, Any]) -> tuple[int, int] | None:
    """Return how many rows count for a metric, and how many against it."""
    matrix = group.get("confusion_matrix")
    if matrix is None or "positive" not in matrix:
        return None
    which = matrix["labels"].index(matrix["positive"])
    counts = np.array(matrix["counts"])
    hit, row, column, n = counts[which, which], counts[which].sum(), counts[:, which].sum(), counts.sum()
    right = np.trace(counts)
    shares = {
        "accuracy": (right, n - right),
        "recall": (hit, row - hit),
        "precision": (hit, column - hit),
        "positive_rate": (column, n - column),
        "specificity": (n - row - column + hit, column - hit),
    }
    share = shares.get(metric)
    return None if share is None else (int(share[0]), int(share[1]))
