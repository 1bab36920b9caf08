"""Charts of an evaluation as Vega-Lite 5 specifications, made from its counts on demand.

They need no library; a browser, a notebook or `muniment.evaluation.rendering` draws them.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import Any, Final

from muniment.core.canonical import JsonObject
from muniment.core.claims.curves import roc_area
from muniment.core.claims.recomputation import recompute
from muniment.core.texts import in_line

Spec = dict[str, Any]

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
_SIDE: Final = 320
_DASHED: Final = {"type": "line", "strokeDash": [4, 4], "color": "gray"}
_Z: Final = NormalDist().inv_cdf(0.975)
# A curve with more points looks the same.
_POINTS: Final = 500
_LONGEST: Final = 100
# Vega would cut a long label between the halves of a character beyond the BMP, which ends the drawing.
_CONFIG: Final = {part: {"labelLimit": 0} for part in ("axis", "legend", "header")}


def draw(predicate: JsonObject) -> dict[str, Spec]:
    """Return all charts that an evaluation has the counts for, by name. What people typed is escaped."""
    return {
        name: {
            "$schema": _SCHEMA,
            "title": title,
            "width": _SIDE,
            "height": _SIDE,
            "config": _CONFIG,
            **_escape(chart),
        }
        for kind, (title, build) in _CHARTS.items()
        if predicate.get(kind.partition(":")[0])
        # One curve over thresholds is of one label.
        and (kind != "score_counts:thresholds" or _has_one_curve(predicate))
        for name in [kind.rpartition(":")[2]]
        for chart in [build(predicate)]
    }


def _escape(part: Any) -> Any:  # noqa: ANN401 - JSON
    """Escape and cut the texts of a chart: those that draw it end at a control character, or obey it."""
    if isinstance(part, str):
        return _shorten(in_line(part))
    if isinstance(part, Mapping):
        return {name: _escape(one) for name, one in part.items()}
    return [_escape(one) for one in part] if isinstance(part, list | tuple) else part


def _shorten(text: str) -> str:
    """Cut a long text, so that two that differ stay two."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - 8]}…{hashlib.sha256(text.encode()).hexdigest()[:7]}"


def _confusion(predicate: Any) -> Spec:  # noqa: ANN401 - see draw
    matrix = predicate["confusion_matrix"]
    rows = [
        {"true": one, "predicted": other, "rows": n, "share": n / sum(line) if n else 0.0}
        for one, line in zip(matrix["labels"], matrix["counts"], strict=True)
        for other, n in zip(matrix["labels"], line, strict=True)
    ]
    for row in rows:
        row["text"] = f"{row['rows']} ({row['share']:.0%})"
    axes = {"x": _nominal("predicted"), "y": _nominal("true")}
    share = {
        "field": "share",
        "type": "quantitative",
        "title": "share of the row",
        "scale": {"scheme": "blues", "domain": [0, 1]},
        "legend": {"format": "%"},
    }
    return {
        "data": {"values": rows},
        "encoding": axes,
        "layer": [
            {"mark": {"type": "rect", "opacity": 0.6}, "encoding": {"color": share}},
            {"mark": "text", "encoding": {"text": {"field": "text"}, "color": {"value": "black"}}},
        ],
    }


def _roc(predicate: Any) -> Spec:  # noqa: ANN401
    x, y = "false positive rate", "true positive rate"
    rows = [
        {
            "label": name,
            x: fp / curve["negatives"],
            y: tp / curve["positives"],
            **dict(zip(("low", "high"), _bound_share(tp, curve["positives"]), strict=True)),
        }
        for name, curve in _curves(predicate)
        for tp, fp in [(0, 0), *_points(curve)]
    ]
    chance = {
        "data": {"values": [{x: 0, y: 0}, {x: 1, y: 1}]},
        "mark": _DASHED,
        "encoding": {"x": _number(x), "y": _number(y)},
    }
    band = {
        "data": {"values": rows},
        "mark": {"type": "area", "opacity": 0.15},
        "encoding": {"x": _number(x), "y": {**_number("low"), "title": y}, "y2": {"field": "high"}},
    }
    # Bands over several curves would hide them.
    layers = [
        chance,
        *([band] if _has_one_curve(predicate) else []),
        _line(rows, x, y, "label"),
        *_chosen(predicate, x, y),
    ]
    return {"layer": layers}


def _precision_recall(predicate: Any) -> Spec:  # noqa: ANN401
    rows = [
        {"label": name, "recall": tp / curve["positives"], "precision": tp / (tp + fp)}
        for name, curve in _curves(predicate)
        for tp, fp in _points(curve)
    ]
    layers = [_line(rows, "recall", "precision", "label"), *_chosen(predicate, "recall", "precision")]
    if _has_one_curve(predicate):
        (curve,) = predicate["score_counts"]
        share = curve["positives"] / (curve["positives"] + curve["negatives"])
        base = {
            "data": {"values": [{"recall": 0, "precision": share}, {"recall": 1, "precision": share}]},
            "mark": _DASHED,
            "encoding": {"x": _number("recall"), "y": _number("precision")},
        }
        layers.insert(0, base)
    return {"layer": layers}


def _chosen(predicate: Any, x: str, y: str) -> list[Spec]:  # noqa: ANN401
    """Show where on the curve the predictions are, as the threshold was chosen."""
    matrix = predicate.get("confusion_matrix") or {}
    if "positive" not in matrix or not _has_one_curve(predicate):
        return []
    metrics = recompute({"confusion_matrix": matrix})
    specificity = metrics["specificity"]
    rates = {
        "true positive rate": metrics["recall"],
        "false positive rate": None if specificity is None else 1 - specificity,
        "recall": metrics["recall"],
        "precision": metrics["precision"],
    }
    if rates[x] is None or rates[y] is None:
        return []
    return [
        {
            "data": {"values": [{x: rates[x], y: rates[y]}]},
            "mark": {"type": "point", "filled": True, "size": 80, "color": "black"},
            "encoding": {"x": _number(x), "y": _number(y)},
        }
    ]


def _bound_share(hits: int, n: int) -> tuple[float, float]:
    """Give the interval of a share at one threshold (Wilson, 1927)."""
    middle, reach = hits + _Z**2 / 2, _Z * math.sqrt(hits * (n - hits) / n + _Z**2 / 4)
    return (middle - reach) / (n + _Z**2), (middle + reach) / (n + _Z**2)


def _lift(predicate: Any) -> Spec:  # noqa: ANN401
    rows = []
    for name, curve in _curves(predicate):
        total = curve["positives"] + curve["negatives"]
        base = curve["positives"] / total
        rows += [
            {"label": name, "share of rows": (tp + fp) / total, "lift": tp / (tp + fp) / base}
            for tp, fp in _points(curve)
        ]
    return _line(rows, "share of rows", "lift", "label")


def _thresholds(predicate: Any) -> Spec:  # noqa: ANN401
    curve = predicate["score_counts"][0]
    rows = []
    for threshold, tp, fp in _thin(
        list(zip(curve["thresholds"], curve["true_positives"], curve["false_positives"], strict=True))
    ):
        precision, recall = tp / (tp + fp), tp / curve["positives"]
        values = {"precision": precision, "recall": recall}
        values["f1"] = 2 * tp / (tp + fp + curve["positives"])
        rows += [{"threshold": threshold, "metric": name, "value": value} for name, value in values.items()]
    return _line(rows, "threshold", "value", "metric")


def _calibration(predicate: Any) -> Spec:  # noqa: ANN401
    rows = [
        {
            "mean score": one["score_sum"] / one["n"],
            "share positive": one["positives"] / one["n"],
            "rows": one["n"],
        }
        for one in predicate["calibration"]["bins"]
    ]
    diagonal = {
        "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
        "mark": _DASHED,
        "encoding": {"x": _number("x", "mean score"), "y": _number("y", "share positive")},
    }
    points = {
        "data": {"values": rows},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _number("mean score"),
            "y": _number("share positive"),
            "tooltip": {"field": "rows"},
        },
    }
    return {"layer": [diagonal, points]}


def _residuals(predicate: Any) -> Spec:  # noqa: ANN401
    rows = [
        {
            "decile": place + 1,
            "mean absolute error": one["absolute_sum"] / one["n"],
            "mean error": one["sum"] / one["n"],
        }
        for place, one in enumerate(predicate["residuals"]["deciles"])
    ]
    return _bars(rows, "decile", "mean absolute error")


def _groups(predicate: Any) -> Spec:  # noqa: ANN401
    rows = [
        {"group": f"{group['column']}={group['value']}", "metric": name, "value": metric["value"]}
        for group in predicate["groups"]
        for name, metric in group["metrics"].items()
        if metric["value"] is not None
    ]
    return {
        "data": {"values": rows},
        "mark": "bar",
        "encoding": {
            "x": {"field": "group", "type": "nominal"},
            "y": {"field": "value", "type": "quantitative"},
            "color": {"field": "group", "type": "nominal", "legend": None},
            "facet": {"field": "metric", "type": "nominal", "columns": 3, "title": None},
        },
        "width": 140,
        "height": 100,
        "resolve": {"scale": {"y": "independent"}},
    }


def _robustness(predicate: Any) -> Spec:  # noqa: ANN401
    rows = [
        {
            "severity": step["severity"],
            "accuracy": step["metrics"]["accuracy"]["value"],
            "perturbation": step["perturbation"],
        }
        for step in predicate["robustness"]
        if "accuracy" in step["metrics"]
    ]
    return _line(rows, "severity", "accuracy", "perturbation")


def _drift(predicate: Any) -> Spec:  # noqa: ANN401
    rows = [
        {"column": name.removeprefix("psi."), "PSI": metric["value"]}
        for name, metric in predicate["metrics"].items()
        if name.startswith("psi.")
    ]
    return _bars(rows, "column", "PSI")


def _ranking(predicate: Any) -> Spec:  # noqa: ANN401
    queries = predicate["ranking"]["queries"]
    rows = [
        {"k": cutoff["k"], "metric": name, "value": cutoff[f"{name}_sum"] / queries}
        for cutoff in predicate["ranking"]["cutoffs"]
        for name in ("ndcg", "precision", "recall")
    ]
    return _line(rows, "k", "value", "metric")


def _labels(predicate: Any) -> Spec:  # noqa: ANN401
    rows = [
        {"label": one["label"], "F1": 2 * one["true_positives"] / whole}
        for one in predicate["label_counts"]
        if (whole := 2 * one["true_positives"] + one["false_positives"] + one["false_negatives"])
    ]
    return _bars(rows, "label", "F1")


def _judges(predicate: Any) -> Spec:  # noqa: ANN401
    rows = [
        {"judge": judge["name"], "score": one["score"], "outputs": one["n"]}
        for judge in predicate["text"].get("judges", [])
        for one in judge["scores"]
    ]
    return {**_bars(rows, "score", "outputs"), "transform": [], "encoding": {
        "x": {"field": "score", "type": "ordinal"},
        "y": {"field": "outputs", "type": "quantitative"},
        "color": {"field": "judge", "type": "nominal"},
        "xOffset": {"field": "judge", "type": "nominal"},
    }}  # fmt: skip


# By member (and the chart's name if the same counts make several): the title and the function of a chart.
_CHARTS: Final[Mapping[str, tuple[str, Callable[[Any], Spec]]]] = {
    "confusion_matrix": ("Confusion matrix", _confusion),
    "score_counts:roc": ("ROC curve", _roc),
    "score_counts:precision_recall": ("Precision and recall", _precision_recall),
    "score_counts:lift": ("Lift", _lift),
    "score_counts:thresholds": ("By threshold", _thresholds),
    "calibration": ("Reliability", _calibration),
    "label_counts:labels": ("F1 by label", _labels),
    "residuals": ("Error by decile of the prediction", _residuals),
    "ranking": ("By cutoff", _ranking),
    "text:judges": ("Scores of judges", _judges),
    "groups": ("By group", _groups),
    "robustness": ("Under perturbation", _robustness),
    "drift": ("Drift by column", _drift),
}


def _has_one_curve(predicate: Any) -> bool:  # noqa: ANN401
    return len(predicate["score_counts"]) == 1


def _curves(predicate: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    for curve in predicate["score_counts"]:
        area = roc_area(curve)
        if area is not None:
            yield f"{curve['label']} (AUC {area:.3f})", curve


def _points(curve: Any) -> list[tuple[int, int]]:  # noqa: ANN401
    return _thin(list(zip(curve["true_positives"], curve["false_positives"], strict=True)))


def _thin(points: Sequence[Any]) -> list[Any]:
    step = max(1, len(points) // _POINTS)
    return [*points[:-1:step], points[-1]] if points else []


def _line(rows: Sequence[JsonObject], x: str, y: str, color: str) -> Spec:
    return {
        "data": {"values": list(rows)},
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {
            "x": _number(x),
            "y": _number(y),
            "order": {"field": x, "type": "quantitative"},
            "color": {"field": color, "type": "nominal", "title": None, "legend": {"orient": "bottom"}},
        },
    }


def _bars(rows: Sequence[JsonObject], x: str, y: str) -> Spec:
    return {
        "data": {"values": list(rows)},
        "mark": "bar",
        "encoding": {"x": {"field": x, "type": "nominal"}, "y": {"field": y, "type": "quantitative"}},
    }


def _nominal(field: str) -> Spec:
    return {"field": field, "type": "nominal", "sort": None}


def _number(field: str, title: str = "") -> Spec:
    return {"field": field, "type": "quantitative", "title": title or field}
