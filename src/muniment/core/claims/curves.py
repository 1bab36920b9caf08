"""Areas under curves, from counts at falling thresholds, and how far scores that share a step can move them.

A curve has a step for each distinct score. One over very many scores has steps that hold several scores
(`uppers` names the highest of each); the counts at its thresholds are still exact, and what could lie between
them bounds what the area would be over all scores.

>>> curve = {"positives": 1, "negatives": 2, "true_positives": [1, 1], "false_positives": [0, 2]}
>>> roc_area(curve), roc_bound({**curve, "thresholds": [0.9, 0.1], "uppers": [0.9, 0.2]})
(1.0, 0.0)
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Curve = Mapping[str, Any]


class _Step(NamedTuple):
    """The rows of either class before a step, and with it; whether all of its rows have the same score."""

    tp: int
    fp: int
    tp_with: int
    fp_with: int
    exact: bool


def roc_area(curve: Curve) -> float | None:
    """Compute the area under the ROC curve, by trapezoids; None if there is only one class."""
    positives, negatives = curve["positives"], curve["negatives"]
    if not positives or not negatives:
        return None
    # Twice the area, in whole numbers.
    area = sum((step.fp_with - step.fp) * (step.tp_with + step.tp) for step in _steps(curve))
    return float(area / (2 * positives * negatives))


def roc_bound(curve: Curve) -> float:
    """Bound how far the area over all scores can be from `roc_area`: half the area of each shared step."""
    open_ = sum(
        (step.fp_with - step.fp) * (step.tp_with - step.tp) for step in _steps(curve) if not step.exact
    )
    return float(open_ / (2 * curve["positives"] * curve["negatives"])) if open_ else 0.0


def average_precision(curve: Curve) -> float | None:
    """Compute the average precision: that at each step, weighted by the recall that it adds."""
    if not curve["positives"] or not curve["negatives"]:
        return None
    return float(
        sum(
            (step.tp_with - step.tp) / curve["positives"] * (step.tp_with / (step.tp_with + step.fp_with))
            for step in _steps(curve)
            if step.tp_with > step.tp
        )
    )


def precision_bound(curve: Curve) -> float:
    """Bound how far the average precision over all scores can be from `average_precision`.

    In a shared step, the precision at a positive is lowest if all negatives come first and highest if all
    come last.
    """
    below = above = 0.0
    for step in _steps(curve):
        added = step.tp_with - step.tp
        if step.exact or not added:
            continue
        stated = step.tp_with / (step.tp_with + step.fp_with)
        below += added * (stated - (step.tp + 1) / (step.tp + 1 + step.fp_with))
        above += added * (step.tp_with / (step.tp_with + step.fp) - stated)
    return float(max(below, above) / curve["positives"]) if below or above else 0.0


def _steps(curve: Curve) -> Iterator[_Step]:
    counts = list(zip(curve["true_positives"], curve["false_positives"], strict=True))
    thresholds = curve.get("thresholds", [])
    uppers = curve.get("uppers", thresholds)
    exact = [upper == lower for upper, lower in zip(uppers, thresholds, strict=True)] or [True] * len(counts)
    before = (0, 0)
    for now, is_exact in zip(counts, exact, strict=True):
        yield _Step(*before, *now, is_exact)
        before = now
    if before != (curve["positives"], curve["negatives"]):
        raise ValueError(before)
