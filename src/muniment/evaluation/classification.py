"""Evidence of a binary or multiclass classifier, as the predicate `evaluation/v1`.

Raw counts and curves go beside the metrics, so that whoever reads them can compute every number
again. Metrics are scikit-learn's, groups are fairlearn's, intervals are scipy's bootstrap.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import sklearn
from fairlearn.metrics import MetricFrame
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, bootstrap
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence

_LEVEL: Final = 0.95
_RESAMPLES: Final = 999
_METHOD: Final = f"percentile bootstrap over rows, {_RESAMPLES} resamples, seed 0"
_BINS: Final = 10
_TOOL: Final[dict[str, Json]] = {"name": "scikit-learn", "version": sklearn.__version__}

Labels = NDArray[np.str_]
Scores = NDArray[np.float64]


def evaluate_classification(  # noqa: PLR0913 - what an evaluation is made of
    y_true: Sequence[object],
    y_pred: Sequence[object],
    y_score: Sequence[float] | None,
    *,
    groups: Mapping[str, Sequence[object]],
    positive: object,
    dataset: Mapping[str, Json],
    time: str,
) -> dict[str, Json]:
    """Compute the evidence.

    Shapes: `y_true`, `y_pred`, `y_score` and each of `groups` are (n,). `y_score` is the probability
    of `positive`, by default the label that sorts last; it needs exactly two labels.

    Raises:
        InvalidEvidence: lengths differ, n is 0, only one class is there, a score is not finite.
    """
    true, predicted = _read_labels(y_true, y_pred, groups)
    labels = sorted({*true.tolist(), *predicted.tolist()})
    chosen = _choose_positive(labels, positive)
    predicate: dict[str, Json] = {
        "task": "classification",
        "dataset": dict(dataset),
        "n": len(true),
        "tool": _TOOL,
        "time": time,
        "confusion_matrix": {
            "labels": labels,
            **({"positive": chosen} if chosen else {}),
            "counts": count_confusion(true, predicted, labels),
        },
        "metrics": {
            **measure_labels(true, predicted, labels, chosen),
            **_interval_of_accuracy(true, predicted),
        },
        "groups": [
            group
            for column, values in groups.items()
            for group in _measure_groups(column, values, (true, predicted), labels, chosen)
        ],
    }
    if y_score is not None:
        scores = _read_scores(y_score, true, chosen)
        predicate |= _measure_scores(true == chosen, scores, predicate["metrics"])
    return predicate


def measure_labels(
    true: Labels, predicted: Labels, labels: Sequence[str], positive: str | None
) -> dict[str, Json]:
    """Compute accuracy, precision, recall and F1: of the positive label, or averaged over all."""
    average = "binary" if positive else "macro"
    options = {
        "labels": list(labels),
        "pos_label": positive or 1,
        "average": average,
        "zero_division": np.nan,
    }
    return {
        "accuracy": _metric(accuracy_score(true, predicted)),
        "precision": _metric(precision_score(true, predicted, **options), "nothing was predicted positive"),
        "recall": _metric(recall_score(true, predicted, **options), "nothing is positive"),
        "f1": _metric(f1_score(true, predicted, **options), "nothing is or was predicted positive"),
    }


def count_confusion(true: Labels, predicted: Labels, labels: Sequence[str]) -> list[list[int]]:
    """Count rows by true label (rows) and predicted label (columns)."""
    if len(labels) == 1:
        return [[len(true)]]
    return [[int(n) for n in row] for row in confusion_matrix(true, predicted, labels=list(labels))]


def _measure_scores(positive: NDArray[np.bool_], scores: Scores, metrics: Json) -> dict[str, Json]:
    fpr, tpr, roc_thresholds = roc_curve(positive, scores, drop_intermediate=False)
    precision, recall, pr_thresholds = precision_recall_curve(positive, scores)
    area = _metric(roc_auc_score(positive, scores))
    area["interval"] = _interval(lambda rows: _area(positive[rows], scores[rows]), len(scores))
    return {
        "metrics": {
            **(metrics if isinstance(metrics, Mapping) else {}),
            "roc_auc": area,
            "brier": _metric(brier_score_loss(positive, scores)),
        },
        "roc_curve": _curve(fpr, tpr, roc_thresholds),
        # The last point of this curve has no threshold (scikit-learn's convention).
        "pr_curve": _curve(recall, precision, [*pr_thresholds, np.inf]),
        "calibration": {"bins": _calibrate(positive, scores)},
    }


def _measure_groups(
    column: str,
    values: Sequence[object],
    rows: tuple[Labels, Labels],
    labels: Sequence[str],
    positive: str | None,
) -> list[dict[str, Json]]:
    membership = _as_text(values)
    frame = MetricFrame(
        metrics={
            "metrics": lambda t, p: measure_labels(t, p, labels, positive),
            "counts": lambda t, p: count_confusion(t, p, labels),
            "n": lambda t, _p: len(t),
        },
        y_true=rows[0],
        y_pred=rows[1],
        sensitive_features=membership,
    )
    return [
        {
            "column": column,
            "value": str(value),
            "n": int(row["n"]),
            "counts": row["counts"],
            "metrics": row["metrics"],
        }
        for value, row in frame.by_group.iterrows()
    ]


def _interval_of_accuracy(true: Labels, predicted: Labels) -> dict[str, Json]:
    accuracy = _metric(accuracy_score(true, predicted))
    correct = true == predicted
    accuracy["interval"] = _interval(lambda rows: float(np.mean(correct[rows])), len(true))
    return {"accuracy": accuracy}


def _area(positive: NDArray[np.bool_], scores: Scores) -> float:
    """Compute the AUC; rows of one class only have none."""
    return float(roc_auc_score(positive, scores)) if 0 < positive.sum() < len(positive) else float("nan")


def _interval(statistic: Callable[[NDArray[np.int64]], float], n: int) -> dict[str, Json]:
    """Bootstrap rows, by index. Resamples without a statistic are left out; one row has no interval."""
    bounds: list[float | None] = [None, None]
    if n > 1:
        with warnings.catch_warnings():
            # scipy warns of resamples without a statistic, which are left out below.
            warnings.simplefilter("ignore", DegenerateDataWarning)
            result = bootstrap(
                (np.arange(n),),
                statistic,
                vectorized=False,
                n_resamples=_RESAMPLES,
                method="percentile",
                rng=np.random.default_rng(0),
            )
        values = result.bootstrap_distribution[np.isfinite(result.bootstrap_distribution)]
        if len(values):
            bounds = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]).tolist()
    return {"low": bounds[0], "high": bounds[1], "level": _LEVEL, "method": _METHOD}


def _calibrate(positive: NDArray[np.bool_], scores: Scores) -> list[dict[str, Json]]:
    rates, means = calibration_curve(positive, scores, n_bins=_BINS, strategy="uniform")
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], scores), minlength=_BINS)
    return [
        {"n": int(n), "positives": round(float(rate) * int(n)), "mean_score": float(mean)}
        for n, rate, mean in zip(counts[counts > 0], rates, means, strict=True)
    ]


def _read_labels(
    y_true: Sequence[object], y_pred: Sequence[object], groups: Mapping[str, Sequence[object]]
) -> tuple[Labels, Labels]:
    columns = {"predictions": y_pred, **groups}
    if len(y_true) == 0:
        raise InvalidEvidence(reason="there is no row")
    for name, values in columns.items():
        if len(values) != len(y_true):
            raise InvalidEvidence(reason=f"{len(y_true)} labels and {len(values)} {name}")
    return _as_text(y_true), _as_text(y_pred)


def _as_text(values: Sequence[object]) -> Labels:
    array = np.asarray(values)
    if array.ndim != 1:
        raise InvalidEvidence(reason=f"an array of shape {array.shape} where (n,) is needed")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise InvalidEvidence(reason="a label is not a finite number")
        if (array == np.round(array)).all():
            array = array.astype(np.int64)
    return np.asarray([str(value) for value in array.tolist()])


def _choose_positive(labels: Sequence[str], positive: object) -> str | None:
    chosen = None if positive is None else str(positive)
    if chosen is not None and chosen not in labels:
        raise InvalidEvidence(reason=f"no row has the positive label {chosen!r}")
    return (chosen or labels[-1]) if len(labels) <= 2 else None  # noqa: PLR2004 - binary


def _read_scores(y_score: Sequence[float], true: Labels, positive: str | None) -> Scores:
    scores = np.asarray(y_score, dtype=np.float64)
    if positive is None:
        raise InvalidEvidence(reason="scores need exactly two labels")
    if scores.shape != true.shape:
        raise InvalidEvidence(reason=f"{len(true)} labels and scores of shape {scores.shape}")
    if not np.isfinite(scores).all() or scores.min() < 0 or scores.max() > 1:
        raise InvalidEvidence(reason="a score is not a probability from 0 to 1")
    if len(np.unique(true == positive)) < 2:  # noqa: PLR2004 - two classes
        raise InvalidEvidence(reason="all rows have the same true label")
    return scores


def _metric(value: float, why: str = "") -> dict[str, Json]:
    if not np.isfinite(value):
        return {"value": None, "why": why or "not a number"}
    return {"value": float(value)}


def _curve(x: Sequence[float], y: Sequence[float], thresholds: Sequence[float]) -> dict[str, Json]:
    return {
        "x": [float(v) for v in x],
        "y": [float(v) for v in y],
        "thresholds": [float(v) if np.isfinite(v) else None for v in thresholds],
    }
