"""Whether the counts of an evaluation can be those of some rows, and its numbers those of its metrics.

What does not follow from counts is for `recomputation`. Here stands what counts alone must keep to: they sum
up to the rows, curves rise, groups partition the rows, intervals hold their value.

>>> matrix = {"labels": ["0", "1"], "counts": [[1, 1], [0, 2]]}
>>> [str(fault) for fault in find_faults({"n": 5, "metrics": {}, "confusion_matrix": matrix})]
['the confusion matrix has 4 rows, not 5']
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeAlias

from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.recomputation import recompute

OWN_TOOL: Final = "muniment"

_Part: TypeAlias = Mapping[str, Any]

# Sums of floats in another order differ by far less.
_SLACK: Final = 1e-6
# An interval of 95 % holds that of 80 % by Wilson's formula (1927).
_Z: Final = 1.2815515655446004

# Metrics that are shares, or areas in the unit square, or means of such.
_WITHIN_ONE: Final = frozenset(
    {
        "accuracy", "average_precision", "balanced_accuracy", "brier", "ece", "exact_match", "f1", "f1_macro",
        "f1_micro", "hamming_loss", "mrr", "positive_rate", "precision", "precision_macro", "precision_micro",
        "recall", "recall_macro", "recall_micro", "roc_auc", "specificity", "train_test_overlap",
    }
)  # fmt: skip
_WITHIN_ONE_PREFIXES: Final = ("ndcg@", "precision@", "recall@", "total_variation.", "ks.")
_OF_DATA: Final = ("train_test_overlap", "psi.", "total_variation.")
_NOT_NEGATIVE: Final = frozenset({"mae", "max_error", "median_absolute_error", "mse", "rmse", "bleu", "chrf"})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that cannot be: what it is about, and a sentence."""

    about: str
    text: str

    def __str__(self) -> str:
        """Write the sentence."""
        return self.text


def find_faults(predicate: JsonObject) -> list[Fault]:
    """List what cannot be in an evaluation that its schema allows."""
    try:
        return list(_find_all(predicate))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError):
        return [Fault("counts", "the counts are malformed")]


def _find_all(predicate: _Part) -> Iterator[Fault]:
    yield from _find_in(predicate, "")
    yield from _find_in_groups(predicate)
    for step in predicate.get("robustness") or ():
        yield from _find_in(step, f"{step.get('perturbation')} of {step.get('severity')}: ")
    rows = predicate.get("rows")
    if rows is not None:
        if rows["used"] != predicate["n"]:
            yield Fault("rows", f"{rows['used']} rows were used, and n is {predicate['n']}")
        if rows["used"] > rows["there"]:
            yield Fault("rows", f"{rows['used']} rows were used of {rows['there']}")
        why = any(rows.get(name) for name in ("missing", "where", "reason"))
        if rows["used"] < rows["there"] and not why:
            yield Fault("rows", f"{rows['used']} of {rows['there']} rows were used, and it does not say why")
    tool = predicate.get("tool")
    if isinstance(tool, Mapping) and tool.get("name") == OWN_TOOL:
        yield from _find_foreign(predicate)


def _find_foreign(predicate: _Part) -> Iterator[Fault]:
    """Find what our own tool would not have written."""
    parts: list[tuple[str, _Part]] = [("", predicate), *_list_parts(predicate)]
    for where, part in parts:
        computed = recompute(part)
        for name, metric in _list_metrics(part):
            given = metric.get("source") == "given"
            if name not in computed and not (given and not where):
                yield Fault(name, f"{where}{name} has no counts, and is not marked as given")
            if name in computed and "direction" in metric:
                yield Fault(name, f"{where}{name} has a direction of its own")
    if "rows" not in predicate and _is_measured(recompute(predicate)):
        yield Fault("rows", "it does not say of which rows it is")


def _list_parts(predicate: _Part) -> list[tuple[str, _Part]]:
    """List groups and the steps of sweeps, with what they are."""
    groups = [(f"{one['column']}={one['value']}: ", one) for one in predicate.get("groups") or ()]
    steps = [
        (f"{one.get('perturbation')} of {one.get('severity')}: ", one)
        for one in predicate.get("robustness") or ()
    ]
    return [*groups, *steps]


def _is_measured(computed: Mapping[str, float | None]) -> bool:
    """Return whether there are counts of predictions; those of data alone are of whole tables."""
    return not all(name.startswith(_OF_DATA) for name in computed)


def _find_in(part: _Part, where: str) -> Iterator[Fault]:
    """Find what cannot be in all rows, in a group, or in a step of a sweep."""
    n = part.get("n")
    for name, check in _CHECKS.items():
        if part.get(name) is not None:
            yield from (Fault(name, f"{where}{text}") for text in check(part, n))
    computed = recompute(part)
    for name, metric in _list_metrics(part):
        yield from (Fault(name, f"{where}{name} {text}") for text in _check_metric(name, metric))
        value = metric.get("value")
        if metric.get("source") == "given" and name in computed and not _is_close(value, computed[name]):
            yield Fault(name, f"{where}{name} is given as {value}, its counts give {computed[name]}")
    checked = (*_check_intervals(part), *_check_area(part))
    yield from (Fault("interval", f"{where}{text}") for text in checked)


def _list_metrics(part: _Part) -> list[tuple[str, _Part]]:
    """List the metrics that have the form of one."""
    metrics = part.get("metrics")
    return [
        (name, metric)
        for name, metric in (metrics.items() if isinstance(metrics, Mapping) else ())
        if isinstance(metric, Mapping)
    ]


def _check_metric(name: str, metric: _Part) -> Iterator[str]:
    value, interval = metric.get("value"), metric.get("interval")
    if not isinstance(value, int | float) or not math.isfinite(value):
        return
    if name in _WITHIN_ONE or name.startswith(_WITHIN_ONE_PREFIXES):
        if not -_SLACK <= value <= 1 + _SLACK:
            yield f"is {value:g}, which is not between 0 and 1"
    elif name in _NOT_NEGATIVE and value < 0:
        yield f"is {value:g}, which is below 0"
    elif name == "r2" and value > 1 + _SLACK:
        yield f"is {value:g}, which is above 1"
    if interval is not None and None not in (interval["low"], interval["high"]):
        low, high = interval["low"], interval["high"]
        if not low - _SLACK <= value <= high + _SLACK:
            yield f"is {value:g}, outside of its interval from {low:g} to {high:g}"


def _check_intervals(part: _Part) -> Iterator[str]:
    """Compare the intervals of shares with what is the least for so many rows."""
    matrix = part.get("confusion_matrix")
    for name, (hits, n) in (_shares_of(matrix) if matrix else {}).items():
        interval = dict(_list_metrics(part)).get(name, {}).get("interval")
        if interval is None or interval["low"] is None or not n:
            continue
        middle, reach = (hits + _Z**2 / 2) / (n + _Z**2), _Z * math.sqrt(hits * (n - hits) / n + _Z**2 / 4)
        low, high = middle - reach / (n + _Z**2), middle + reach / (n + _Z**2)
        if interval["low"] > low + _SLACK or interval["high"] < high - _SLACK:
            yield f"the interval of {name} is too narrow for {n} rows"


def _check_area(part: _Part) -> Iterator[str]:
    """Compare the interval of an AUC with the least for so few rows (Hanley and McNeil, 1982)."""
    curves: Sequence[_Part] = part.get("score_counts") or ()
    metric = dict(_list_metrics(part)).get("roc_auc", {})
    area, interval = metric.get("value"), metric.get("interval")
    if len(curves) != 1 or interval is None or area is None or interval["low"] is None:
        return
    positives, negatives = curves[0]["positives"], curves[0]["negatives"]
    low = interval["low"]
    rest = (positives + negatives) / 2 - 1
    spread = low * (1 - low) * (1 + rest * ((1 - low) / (2 - low) + low / (1 + low)))
    if (area - low) ** 2 < _Z**2 * spread / (positives * negatives) - _SLACK:
        yield f"the interval of roc_auc is too narrow for {positives} and {negatives} rows"


def _shares_of(matrix: _Part) -> dict[str, tuple[int, int]]:
    labels, counts = matrix["labels"], matrix["counts"]
    n = sum(map(sum, counts))
    shares = {"accuracy": (sum(counts[j][j] for j in range(len(labels))), n)}
    if "positive" not in matrix:
        return shares
    which = labels.index(matrix["positive"])
    hits, row, column = counts[which][which], sum(counts[which]), sum(line[which] for line in counts)
    return shares | {
        "precision": (hits, column),
        "recall": (hits, row),
        "specificity": (n - row - column + hits, n - row),
        "positive_rate": (column, n),
    }


# ---- counts


def _check_matrix(part: _Part, n: int | None) -> Iterator[str]:
    matrix = part["confusion_matrix"]
    labels, counts = matrix["labels"], matrix["counts"]
    if len({*labels}) < len(labels):
        yield "the confusion matrix has a label twice"
    if len(counts) != len(labels) or any(len(line) != len(labels) for line in counts):
        yield "the confusion matrix is not square"
    if matrix.get("positive", labels[0]) not in labels:
        yield f"the confusion matrix has no positive label {matrix['positive']!r}"
    total = sum(map(sum, counts))
    if n is not None and total != n:
        yield f"the confusion matrix has {total} rows, not {n}"


def _check_curves(part: _Part, n: int | None) -> Iterator[str]:
    matrix = part.get("confusion_matrix") or {"labels": (), "counts": ()}
    rows = {label: sum(line) for label, line in zip(matrix["labels"], matrix["counts"], strict=True)}
    asked = [matrix["positive"]] if "positive" in matrix else [*matrix["labels"]]
    if asked and sorted(curve["label"] for curve in part["score_counts"]) != sorted(asked):
        yield "there is not one curve for each label, or for the positive one"
    for curve in part["score_counts"]:
        yield from _check_curve(curve, rows, n)


def _check_curve(curve: _Part, rows: Mapping[str, int], n: int | None) -> Iterator[str]:
    label, totals = curve["label"], (curve["positives"], curve["negatives"])
    if n is not None and sum(totals) != n:
        yield f"the curve of {label!r} has {sum(totals)} rows, not {n}"
    if rows.get(label, totals[0]) != totals[0]:
        yield f"the curve of {label!r} has {totals[0]} positive rows, the confusion matrix {rows[label]}"
    thresholds, uppers = curve["thresholds"], curve.get("uppers", curve["thresholds"])
    counts = curve["true_positives"], curve["false_positives"]
    if any(len(one) != len(thresholds) for one in (uppers, *counts)):
        yield f"the curve of {label!r} has not a count for each threshold"
    if any(upper < lower for upper, lower in zip(uppers, thresholds, strict=True)):
        yield f"a step of the curve of {label!r} ends before it begins"
    if any(lower <= upper for lower, upper in zip(thresholds, uppers[1:], strict=False)):
        yield f"the thresholds of the curve of {label!r} do not fall"
    if not all(map(_rises, counts)):
        yield f"the curve of {label!r} falls"
    if tuple(one[-1] for one in counts) != totals:
        yield f"the curve of {label!r} does not end at all rows"


def _check_calibration(part: _Part, n: int | None) -> Iterator[str]:
    bins = part["calibration"]["bins"]
    total = sum(one["n"] for one in bins)
    if n is not None and total != n:
        yield f"the calibration has {total} rows, not {n}"
    matrix, label = part.get("confusion_matrix") or {}, part["calibration"].get("label")
    if label in (matrix.get("labels") or ()):
        row = sum(matrix["counts"][matrix["labels"].index(label)])
        if row != sum(one["positives"] for one in bins):
            yield f"the calibration has other positive rows than the confusion matrix, which has {row}"
    for one in bins:
        sums = one["positive_score_sum"], one["score_sum"], one["score_squares"]
        if one["positives"] > one["n"] or not -_SLACK <= sums[0] <= min(sums[1], one["positives"]) + _SLACK:
            yield "a bin of the calibration has more positive rows or scores than it has in all"
        if not sums[1] ** 2 / one["n"] - _SLACK <= sums[2] <= sums[1] + _SLACK:
            yield "the scores of a bin of the calibration are not between 0 and 1"


def _check_labels(part: _Part, n: int | None) -> Iterator[str]:
    for one in part["label_counts"]:
        total = sum(value for key, value in one.items() if key.endswith(("positives", "negatives")))
        if n is not None and total != n:
            yield f"the counts of {one['label']!r} have {total} rows, not {n}"


def _check_exact(part: _Part, n: int | None) -> Iterator[str]:
    right = [one["true_positives"] + one["true_negatives"] for one in part.get("label_counts") or ()]
    if part["exact_rows"] > min([*right, part["exact_rows"] if n is None else n]):
        yield "more rows are exact than are right for each label"


def _check_residuals(part: _Part, n: int | None) -> Iterator[str]:
    bins = part["residuals"]["deciles"]
    total = sum(one["n"] for one in bins)
    if n is not None and total != n:
        yield f"the residuals have {total} rows, not {n}"
    for one in bins:
        sums, slack = (one["sum"], one["absolute_sum"], one["squares"]), _SLACK * (1 + abs(one["squares"]))
        if abs(sums[0]) > sums[1] + slack or sums[1] ** 2 / one["n"] > sums[2] + slack:
            yield "the sums of a decile of the residuals are those of no numbers"
    quantiles = part["residuals"].get("absolute_quantiles", ())
    places, values = ([one[key] for one in quantiles] for key in ("quantile", "value"))
    worst = dict(zip(places, values, strict=True)).get(1.0)
    if worst is not None and bins:
        absolute, squares = (sum(one[key] for one in bins) for key in ("absolute_sum", "squares"))
        slack = _SLACK * (1 + worst**2) * total
        if absolute > worst * total + slack or not worst**2 - slack <= squares <= worst**2 * total + slack:
            yield "the largest error is not that of these residuals"
    if not (_rises(places) and _rises(values)) or not all(0 <= place <= 1 for place in places):
        yield "the quantiles of the absolute error do not rise"


def _check_ranking(part: _Part, n: int | None) -> Iterator[str]:
    ranking = part["ranking"]
    queries = ranking["queries"]
    if n is not None and queries > n:
        yield f"there are {queries} queries of {n} items"
    sums = [
        ranking["reciprocal_rank_sum"],
        *(one[key] for one in ranking["cutoffs"] for key in one if key != "k"),
    ]
    if any(not -_SLACK <= one <= queries + _SLACK for one in sums):
        yield "a sum over queries is more than there are queries"


def _check_text(part: _Part, n: int | None) -> Iterator[str]:
    text = part["text"]
    totals = [sum(one["n"] for one in judge["scores"]) for judge in text.get("judges", ())]
    if n is not None and (text["exact_matches"] > n or any(total != n for total in totals)):
        yield f"the counts of texts are not of {n} rows"


_CHECKS: Final[Mapping[str, Callable[[_Part, int | None], Iterator[str]]]] = {
    "confusion_matrix": _check_matrix,
    "score_counts": _check_curves,
    "calibration": _check_calibration,
    "label_counts": _check_labels,
    "exact_rows": _check_exact,
    "residuals": _check_residuals,
    "ranking": _check_ranking,
    "text": _check_text,
}


# ---- groups


def _find_in_groups(predicate: _Part) -> Iterator[Fault]:
    groups = predicate.get("groups") or ()
    for column in dict.fromkeys(group["column"] for group in groups):
        members = [group for group in groups if group["column"] == column]
        values = [group["value"] for group in members]
        for group in members:
            yield from _find_in(group, f"{column}={group['value']}: ")
        if len({*values}) < len(values):
            yield Fault("groups", f"a group of {column} is there twice")
        total = sum(group["n"] for group in members)
        if total != predicate["n"]:
            yield Fault("groups", f"the groups of {column} have {total} rows, not {predicate['n']}")
        yield from _compare_matrices(column, members, predicate.get("confusion_matrix"))


def _compare_matrices(column: str, members: Sequence[_Part], whole: _Part | None) -> Iterator[Fault]:
    """Compare the sum of the matrices of groups with that of all rows."""
    matrices = [group.get("confusion_matrix") for group in members]
    known = [matrix for matrix in matrices if matrix is not None]
    if whole is None or not known:
        return
    alike = {(tuple(one["labels"]), one.get("positive")) for one in (whole, *known)}
    if len(alike) > 1 or len(known) < len(members):
        yield Fault("groups", f"the groups of {column} do not have the labels of all rows")
        return
    summed = [
        [sum(cells) for cells in zip(*lines, strict=True)]
        for lines in zip(*(matrix["counts"] for matrix in known), strict=True)
    ]
    if summed != [list(line) for line in whole["counts"]]:
        yield Fault("groups", f"the counts of the groups of {column} are not those of all rows")


def _rises(values: Sequence[float]) -> bool:
    return all(one <= other for one, other in pairwise(values))


def _is_close(stated: Json, computed: float | None) -> bool:
    if not isinstance(stated, int | float) or computed is None:
        return stated is computed
    return math.isclose(stated, computed, rel_tol=_SLACK, abs_tol=_SLACK)
