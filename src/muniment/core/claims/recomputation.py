"""Recompute metrics from the raw counts beside them, by arithmetic alone.

Every reader of an evaluation can do the same, because nothing here needs the rows. A metric that does not
follow from its counts is a contradiction; one without counts is taken as stated.

>>> matrix = {"labels": ["0", "1"], "counts": [[1, 1], [0, 2]]}
>>> faults = find_contradictions({"metrics": {"accuracy": {"value": 0.9}}, "confusion_matrix": matrix})
>>> [str(fault) for fault in faults]
['accuracy is 0.9, its counts give 0.75']
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.curves import average_precision, precision_bound, roc_area, roc_bound

# Sums of floats in another order differ by far less; invented numbers differ by more.
_TOLERANCE: Final = 1e-8

Metrics: TypeAlias = dict[str, float | None]
# The schema was checked, and `recompute` catches malformed counts as contradictions.
_Part: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """A stated number, and the number that its counts give (None if they give none)."""

    metric: str
    stated: float | None
    computed: float | None

    def __str__(self) -> str:
        """Write both numbers."""
        return f"{self.metric} is {_write(self.stated)}, its counts give {_write(self.computed)}"


def find_contradictions(predicate: JsonObject) -> list[Contradiction]:
    """List the metrics that do not follow from the counts beside them, including groups and steps."""
    return [
        Contradiction(metric=f"{where}{name}", stated=stated, computed=computed)
        for where, part, metrics in _parts(predicate)
        for name, stated, computed in _compare(part, metrics)
        if not _agree(stated, computed)
    ]


def recompute(part: JsonObject) -> Metrics:
    """Compute every metric that follows from the counts in one part: a predicate, a group or a step.

    A metric is None if the counts do not define it, such as recall without positives.
    """
    metrics: Metrics = {}
    for name, compute in _KINDS.items():
        if part.get(name) is not None:
            try:
                metrics |= compute(part)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError):
                # Malformed counts prove nothing, so they contradict every stated metric.
                metrics |= dict.fromkeys(_stated(part))
    return metrics


def recompute_bounds(part: JsonObject) -> dict[str, float]:
    """Compute how far each metric can be from that over all scores, where several scores share a step."""
    curves = _list(part, "score_counts")
    if not any(curve.get("uppers") for curve in curves) or recompute(part).get("roc_auc") is None:
        return {}
    bounds = {"roc_auc": roc_bound, "average_precision": precision_bound}
    return {name: math.fsum(map(bound, curves)) / len(curves) for name, bound in bounds.items()}


def _parts(predicate: JsonObject) -> Iterator[tuple[str, JsonObject, Metrics]]:
    yield "", predicate, recompute(predicate)
    for step in _list(predicate, "robustness"):
        yield f"{step.get('perturbation')} of {step.get('severity')}: ", step, recompute(step)
    groups = [(group, recompute(group)) for group in _list(predicate, "groups")]
    for group, metrics in groups:
        yield f"{group.get('column')}={group.get('value')}: ", group, metrics
    for gap in _list(predicate, "gaps"):
        name = f"{gap.get('metric')} gap over {gap.get('column')}"
        stated: JsonObject = {"metrics": {name: {"value": gap.get("value")}}}
        yield "", stated, {name: _gap(groups, gap)}


def _compare(part: JsonObject, computed: Metrics) -> Iterator[tuple[str, float | None, float | None]]:
    """Give each number that follows from the counts of a part: as stated, and as computed."""
    stated = _stated(part)
    yield from ((name, value, computed[name]) for name, value in stated.items() if name in computed)
    metrics = part.get("metrics")
    bounds = recompute_bounds(part)
    for name in stated:
        metric = metrics.get(name) if isinstance(metrics, Mapping) else None
        bound = metric.get("bound") if isinstance(metric, Mapping) else None
        if name in bounds or bound is not None:
            yield f"the bound of {name}", _number(bound), bounds.get(name)


def _list(predicate: JsonObject, name: str) -> list[JsonObject]:
    parts = predicate.get(name)
    return [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []


def _stated(part: JsonObject) -> Metrics:
    metrics = part.get("metrics")
    return {
        name: _number(metric.get("value"))
        for name, metric in (metrics.items() if isinstance(metrics, Mapping) else ())
        if isinstance(metric, Mapping) and metric.get("source") != "given"
    }


def _agree(stated: float | None, computed: float | None) -> bool:
    if stated is None or computed is None:
        return stated is computed
    return math.isclose(stated, computed, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


# ---- classification


def _from_confusion(part: _Part) -> Metrics:
    matrix = part["confusion_matrix"]
    labels, counts, positive = matrix["labels"], matrix["counts"], matrix.get("positive")
    rows = [sum(row) for row in counts]
    columns = [sum(row[j] for row in counts) for j in range(len(labels))]
    hits = [counts[j][j] for j in range(len(labels))]
    recalls = [_over(hits[j], rows[j]) for j in range(len(labels))]
    each = {
        "precision": [_over(hits[j], columns[j]) for j in range(len(labels))],
        "recall": recalls,
        "f1": [_over(2 * hits[j], rows[j] + columns[j]) for j in range(len(labels))],
    }
    metrics: Metrics = {"accuracy": _over(sum(hits), sum(rows)), "balanced_accuracy": _mean(recalls)}
    if positive is None:
        # As scikit-learn with zero_division=0, over the labels that some row or prediction has.
        there = [j for j in range(len(labels)) if rows[j] or columns[j]]
        return metrics | {name: _mean([values[j] or 0.0 for j in there]) for name, values in each.items()}
    index = labels.index(positive)
    negatives = sum(rows) - rows[index]
    false_positives = columns[index] - hits[index]
    return (
        metrics
        | {name: values[index] for name, values in each.items()}
        | {
            "specificity": _over(negatives - false_positives, negatives),
            "positive_rate": _over(columns[index], sum(rows)),
        }
    )


def _from_labels(part: _Part) -> Metrics:
    """Recompute the metrics of several labels per row, each counted separately."""
    counts = part["label_counts"]
    tp, fp, fn, tn = (
        [label[key] for label in counts]
        for key in ("true_positives", "false_positives", "false_negatives", "true_negatives")
    )
    metrics: Metrics = {"hamming_loss": _over(sum(fp) + sum(fn), sum(tp) + sum(fp) + sum(fn) + sum(tn))}
    for name, top, bottom in (
        ("precision", tp, [a + b for a, b in zip(tp, fp, strict=True)]),
        ("recall", tp, [a + b for a, b in zip(tp, fn, strict=True)]),
        ("f1", [2 * a for a in tp], [2 * a + b + c for a, b, c in zip(tp, fp, fn, strict=True)]),
    ):
        metrics[f"{name}_macro"] = _mean([_over(a, b) or 0.0 for a, b in zip(top, bottom, strict=True)])
        metrics[f"{name}_micro"] = _over(sum(top), sum(bottom)) or 0.0
    return metrics


def _from_exact_rows(part: _Part) -> Metrics:
    return {"exact_match": _over(part["exact_rows"], part["n"])}


def _from_scores(part: _Part) -> Metrics:
    curves = part["score_counts"]
    return {
        "roc_auc": _mean([roc_area(curve) for curve in curves], whole=True),
        "average_precision": _mean([average_precision(curve) for curve in curves], whole=True),
    }


def _from_calibration(part: _Part) -> Metrics:
    bins = part["calibration"]["bins"]
    n = sum(one["n"] for one in bins)
    # (s - 1)^2 = s^2 - 2s + 1 for a positive, s^2 for a negative.
    squares = sum(one["score_squares"] - 2 * one["positive_score_sum"] + one["positives"] for one in bins)
    return {
        "brier": squares / n,
        "ece": sum(abs(one["positives"] - one["score_sum"]) for one in bins) / n,
    }


# ---- regression


def _from_residuals(part: _Part) -> Metrics:
    residuals = part["residuals"]
    bins = residuals["deciles"]
    n = sum(one["n"] for one in bins)
    squares = sum(one["squares"] for one in bins)
    spread = residuals["target"]["squares_about_mean"]
    quantiles = {one["quantile"]: one["value"] for one in residuals.get("absolute_quantiles", [])}
    metrics: Metrics = {
        "mean_error": sum(one["sum"] for one in bins) / n,
        "mae": sum(one["absolute_sum"] for one in bins) / n,
        "mse": squares / n,
        "rmse": math.sqrt(squares / n),
        "r2": 1 - squares / spread if spread else None,
    }
    if quantiles:
        metrics |= {"median_absolute_error": quantiles[0.5], "max_error": quantiles[1.0]}
    return metrics


# ---- ranking and text


def _from_ranking(part: _Part) -> Metrics:
    ranking = part["ranking"]
    queries = ranking["queries"]
    metrics: Metrics = {"mrr": ranking["reciprocal_rank_sum"] / queries}
    for cutoff in ranking["cutoffs"]:
        for name in ("ndcg", "precision", "recall"):
            metrics[f"{name}@{cutoff['k']}"] = cutoff[f"{name}_sum"] / queries
    return metrics


def _from_text(part: _Part) -> Metrics:
    text = part["text"]
    metrics: Metrics = {"exact_match": _over(text["exact_matches"], part["n"])}
    if "bleu" in text:
        metrics["bleu"] = _bleu(**text["bleu"])
    if "chrf" in text:
        metrics["chrf"] = _chrf(text["chrf"]["statistics"], text["chrf"]["beta"])
    for judge in text.get("judges", []):
        counted = judge["scores"]
        total = sum(one["n"] for one in counted)
        metrics[f"judge.{judge['name']}"] = sum(one["score"] * one["n"] for one in counted) / total
    return metrics


def _bleu(matches: Sequence[int], totals: Sequence[int], output_length: int, reference_length: int) -> float:
    """Compute BLEU in percent, with the exponential smoothing of mteval (Chen and Cherry 2014, method 3)."""
    precisions, smoothing = [], 1.0
    for match, total in zip(matches, totals, strict=True):
        if not total:
            break
        if match:
            precisions.append(match / total)
        else:
            smoothing *= 2
            precisions.append(1 / (smoothing * total))
    if not any(matches) or len(precisions) < len(totals):
        return 0.0
    brevity = 1.0 if output_length >= reference_length else math.exp(1 - reference_length / output_length)
    return 100 * brevity * math.exp(math.fsum(map(math.log, precisions)) / len(precisions))


def _chrf(statistics: Sequence[Sequence[int]], beta: float) -> float:
    """Compute chrF in percent (Popovic 2015), over the orders that both sides have."""
    orders = [order for order in statistics if order[0] and order[1]]
    if not orders:
        return 0.0
    precision = sum(match / output for output, _, match in orders) / len(orders)
    recall = sum(match / reference for _, reference, match in orders) / len(orders)
    weight = beta**2
    if not precision + recall:
        return 0.0
    return 100 * (1 + weight) * precision * recall / (weight * precision + recall)


# ---- drift


def _from_drift(part: _Part) -> Metrics:
    metrics: Metrics = {}
    for column in part["drift"]["columns"]:
        before, after = column["reference_counts"], column["current_counts"]
        metrics[f"psi.{column['name']}"] = _stability(before, after)
        metrics[f"total_variation.{column['name']}"] = (
            sum(abs(a / sum(before) - b / sum(after)) for a, b in zip(before, after, strict=True)) / 2
        )
    return metrics


def _stability(before: Sequence[int], after: Sequence[int]) -> float:
    """Compute the population stability index; half a row is added to each bin so that no bin is empty."""
    shares = [
        [(count + 0.5) / (sum(counts) + 0.5 * len(counts)) for count in counts] for counts in (before, after)
    ]
    return math.fsum((b - a) * math.log(b / a) for a, b in zip(*shares, strict=True))


# ---- fairness


def _gap(groups: Sequence[tuple[JsonObject, Metrics]], gap: JsonObject) -> float | None:
    smallest = _number(gap.get("min_group_size")) or 1
    values = [
        metrics.get(str(gap.get("metric")))
        for group, metrics in groups
        if group.get("column") == gap.get("column") and (_number(group.get("n")) or 0) >= smallest
    ]
    known = [value for value in values if value is not None]
    return max(known) - min(known) if len(known) > 1 and len(known) == len(values) else None


def _from_overlap(part: _Part) -> Metrics:
    overlap = part["overlap"]
    return {"train_test_overlap": _over(overlap["rows_in_training"], overlap["rows"])}


_KINDS: Final[Mapping[str, Callable[[_Part], Metrics]]] = {
    "confusion_matrix": _from_confusion,
    "label_counts": _from_labels,
    "exact_rows": _from_exact_rows,
    "score_counts": _from_scores,
    "calibration": _from_calibration,
    "residuals": _from_residuals,
    "ranking": _from_ranking,
    "text": _from_text,
    "drift": _from_drift,
    "overlap": _from_overlap,
}


def _over(top: float, bottom: float) -> float | None:
    return top / bottom if bottom else None


def _mean(values: Sequence[float | None], *, whole: bool = False) -> float | None:
    """Average the defined values; with `whole`, return None if any is undefined."""
    known = [value for value in values if value is not None]
    if not known or (whole and len(known) < len(values)):
        return None
    return math.fsum(known) / len(known)


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _write(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"
