"""Fairness: the differences of metrics between groups, from the counts of each group.

The evidence keeps the counts, so other measures of fairness can be computed later (`rates_of`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

from muniment.core.canonical import Json
from muniment.evaluation.intervals import largest_gap
from muniment.evaluation.tally import shares_of

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
                interval, bound = _find_interval(name, large), _find_bound(name, large)
                gap = {
                    "column": column,
                    "metric": name,
                    "between": [min(values, key=values.__getitem__), max(values, key=values.__getitem__)],
                    "min_group_size": min_group_size,
                    "left_out": small,
                    "value": max(values.values()) - min(values.values()),
                    **({"interval": interval} if interval else {}),
                    **({"bound": bound} if bound else {}),
                }
                gaps.append(gap)
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


def _find_interval(name: str, groups: Sequence[Mapping[str, Any]]) -> Json:
    """Give the interval of a gap between groups, if the metric is a share of counted rows."""
    matrices = [group.get("confusion_matrix") for group in groups]
    shares = [shares_of(matrix).get(name) for matrix in matrices if matrix is not None]
    known = [share for share in shares if share is not None]
    return largest_gap(known) if len(known) == len(groups) else None


def _find_bound(name: str, groups: Sequence[Mapping[str, Any]]) -> float:
    """Return how far a gap can be off, because several scores share a step."""
    return 2 * max(float(group["metrics"][name].get("bound", 0.0)) for group in groups)
