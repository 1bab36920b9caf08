"""Evidence for classifiers: binary, multiclass and multilabel.

The metrics are scikit-learn's, computed from the counts that the evidence states.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    accuracy_score,
    auc,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.fairness import write_gaps
from muniment.evaluation.intervals import Whole, metric, proportion, with_resampling
from muniment.evaluation.reading import (
    Groups,
    Labels,
    Numbers,
    check_length,
    read_groups,
    read_labels,
    read_probabilities,
)
from muniment.evaluation.tally import GroupedTally, Scores, Tally, write_scores

_BINS: Final = 10
_TWO: Final = 2
Results = dict[str, Json]


def evaluate_classification(  # noqa: PLR0913 - the inputs of an evaluation
    y_true: Sequence[object],
    y_pred: Sequence[object],
    y_score: ArrayLike | None = None,
    *,
    groups: Groups | None = None,
    positive: object = None,
    classes: Sequence[object] | None = None,
    threshold: float | None = None,
    min_group_size: int = 1,
) -> Results:
    """Compute the evidence of a classifier's predictions.

    Shapes: `y_true`, `y_pred` and each of `groups` are (n,). `y_score` is (n,), the probability of `positive`
    (by default the label that sorts last), or (n, k), the probabilities of `classes` (by default all labels
    in order). `threshold` is the decision threshold, if known.

    Raises:
        InvalidEvidence: lengths differ, n is 0, there is only one class, or a score is not finite.
    """
    true, predicted = read_labels(y_true), read_labels(y_pred, "predictions")
    check_length(predicted, len(true), "predictions")
    labels = sorted({*true.tolist(), *predicted.tolist()})
    names = [str(one) for one in read_labels(classes, "classes")] if classes is not None else labels
    chosen = choose_positive(names if classes is not None else labels, positive)
    scores = {} if y_score is None else _read_scores(y_score, true, chosen, names)
    tally = GroupedTally()
    tally.add(true, predicted, scores, read_groups(groups or {}, len(true)))
    return describe_tally(tally, chosen, threshold=threshold, min_group_size=min_group_size)


def describe_tally(
    tally: GroupedTally, positive: str | None, *, threshold: float | None = None, min_group_size: int = 1
) -> Results:
    """Compute the evidence of the counts of predictions. Raises like `evaluate_classification`."""
    whole = tally.whole
    labels = whole.labels
    if positive is not None and positive in whole.scores and not all(whole.scores[positive].total):
        raise InvalidEvidence(reason="all rows have the same true label")
    results: Results = {
        "task": "binary-classification" if positive else "multiclass-classification",
        "n": whole.n,
        **_describe_part(whole, labels, positive, resampled=True),
        "groups": [
            {
                "column": column,
                "value": value,
                "n": group.n,
                **_describe_part(group, labels, positive, resampled=False),
            }
            for (column, value), group in sorted(tally.groups.items())
        ],
    }
    if threshold is not None:
        matrix = results["confusion_matrix"]
        assert isinstance(matrix, Mapping)  # noqa: S101 - as written above
        results["confusion_matrix"] = {**matrix, "threshold": float(threshold)}
    return write_gaps(results, min_group_size)


def choose_positive(labels: Sequence[str], positive: object) -> str | None:
    """Choose the positive label, by default the last one; None if there are more than two.

    Raises:
        InvalidEvidence: no row has it.
    """
    chosen = None if positive is None else str(read_labels([positive])[0])
    if chosen is not None and chosen not in labels:
        raise InvalidEvidence(reason=f"no row has the positive label {chosen!r}")
    return (chosen or labels[-1]) if len(labels) <= _TWO else None


def describe_confusion(tally: Tally, labels: Sequence[str], positive: str | None) -> Results:
    """Write the confusion matrix and its metrics: for the positive label, or averaged over all labels."""
    named = {"positive": positive} if positive else {}
    matrix: Results = {"labels": list(labels), **named, "counts": list(tally.matrix(labels))}
    return {"confusion_matrix": matrix, "metrics": _measure(tally, labels, positive)}


def evaluate_multilabel(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    y_score: ArrayLike | None = None,
    *,
    labels: Sequence[str] | None = None,
) -> Results:
    """Compute the evidence of multilabel predictions.

    All arrays have shape (n, k). `y_true` and `y_pred` hold 0 and 1; `labels` names the k columns.

    Raises:
        InvalidEvidence: shapes differ, or a value is neither 0 nor 1.
    """
    true, predicted = (
        _read_indicators(one, name) for one, name in ((y_true, "labels"), (y_pred, "predictions"))
    )
    if true.shape != predicted.shape:
        raise InvalidEvidence(reason=f"labels of shape {true.shape} and predictions of {predicted.shape}")
    n, k = true.shape
    names = list(labels) if labels is not None else [str(place) for place in range(k)]
    check_length(names, k, "names of labels")
    exact = int((true == predicted).all(axis=1).sum())
    results: Results = {
        "task": "multilabel-classification",
        "n": n,
        "exact_rows": exact,
        "label_counts": [_count_label(name, true[:, j], predicted[:, j]) for j, name in enumerate(names)],
        "metrics": {
            **_average(true, predicted),
            "exact_match": proportion(exact, n),
            "hamming_loss": metric(float((true != predicted).mean())),
        },
    }
    if y_score is not None:
        scores = read_probabilities(y_score, "scores", true.shape)
        counted = {name: Scores() for name in names}
        for j, name in enumerate(names):
            counted[name].add(scores[:, j], true[:, j])
        results |= _with_metrics(results, _describe_scores(counted, None, resampled=False))
    return results


def _count_label(name: str, true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Results:
    return {
        "label": name,
        "true_positives": int((true & predicted).sum()),
        "false_positives": int((~true & predicted).sum()),
        "false_negatives": int((true & ~predicted).sum()),
        "true_negatives": int((~true & ~predicted).sum()),
    }


def _average(true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Results:
    return {
        f"{name}_{average}": metric(
            score(true, predicted, average=average, zero_division=np.nan), "undefined"
        )
        for name, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score))
        for average in ("macro", "micro")
    }


def _describe_part(tally: Tally, labels: Sequence[str], positive: str | None, *, resampled: bool) -> Results:
    results = describe_confusion(tally, labels, positive)
    if not tally.scores:
        return results
    return _with_metrics(results, _describe_scores(tally.scores, positive, resampled=resampled))


def _with_metrics(results: Results, more: Results) -> Results:
    metrics, others = results["metrics"], more["metrics"]
    assert isinstance(metrics, Mapping)  # noqa: S101 - as written above
    assert isinstance(others, Mapping)  # noqa: S101 - likewise
    return {**results, **more, "metrics": {**metrics, **others}}


def _measure(tally: Tally, labels: Sequence[str], positive: str | None) -> Results:
    pairs = list(tally.confusion.items())
    true, predicted = ([pair[side] for pair, _ in pairs] for side in (0, 1))
    weights = np.array([count for _, count in pairs])
    options = {"sample_weight": weights, "zero_division": np.nan}
    # The macro average over one label is the metric of that label.
    which = {"labels": [positive] if positive else list(labels), "average": "macro"}
    hits = sum(count for (one, other), count in pairs if one == other)
    present = {one for one, _ in tally.confusion}
    balanced = balanced_accuracy_score(true, predicted, sample_weight=weights) if len(present) > 1 else None
    results: Results = {
        "accuracy": proportion(hits, tally.n),
        "balanced_accuracy": metric(
            balanced if balanced is not None else accuracy_score(true, predicted, sample_weight=weights)
        ),
        "f1": metric(f1_score(true, predicted, **options, **which), "nothing is or was predicted positive"),
    }
    if positive is None:
        results["precision"] = metric(precision_score(true, predicted, **options, **which), "undefined")
        results["recall"] = metric(recall_score(true, predicted, **options, **which), "undefined")
        return results
    rows = sum(count for (one, _), count in pairs if one == positive)
    columns = sum(count for (_, other), count in pairs if other == positive)
    both = tally.confusion[positive, positive]
    negatives = tally.n - rows
    return results | {
        "precision": proportion(both, columns, "nothing was predicted positive"),
        "recall": proportion(both, rows, "nothing is positive"),
        "specificity": proportion(negatives - (columns - both), negatives, "everything is positive"),
        "positive_rate": proportion(columns, tally.n),
    }


def _describe_scores(counted: Mapping[str, Scores], positive: str | None, *, resampled: bool) -> Results:
    areas = {label: _areas(scores) for label, scores in counted.items()}
    defined = all(None not in pair for pair in areas.values())
    roc, precision = (
        metric(
            float(np.mean([pair[side] for pair in areas.values()])) if defined else None,
            "a label has only one class",
        )
        for side in (0, 1)
    )
    results: Results = {
        "score_counts": [write_scores(label, scores) for label, scores in counted.items()],
        "metrics": {"roc_auc": roc, "average_precision": precision},
    }
    if positive is None:
        return results
    scores = counted[positive]
    truth, values, weights = scores.weighted()
    more: Results = {"brier": metric(brier_score_loss(truth, values, sample_weight=weights))}
    if resampled:
        more["roc_auc"] = with_resampling(roc, weights, lambda draw: _area(draw, len(values) // 2))
    calibration = _calibrate(scores)
    more["ece"] = metric(
        sum(abs(one["positives"] - one["score_sum"]) for one in calibration) / int(weights.sum())
    )
    return {
        **_with_metrics(results, {"metrics": more}),
        "calibration": {"label": positive, "bins": calibration},
    }


def _areas(scores: Scores) -> tuple[float | None, float | None]:
    if not all(scores.total):
        return None, None
    truth, values, weights = scores.weighted()
    return (
        float(roc_auc_score(truth, values, sample_weight=weights)),
        float(average_precision_score(truth, values, sample_weight=weights)),
    )


def _area(weights: Whole, different: int) -> float:
    """Compute the AUC from counts of positive rows by score, followed by those of negative rows."""
    tp, fp = (np.cumsum(side[::-1]) for side in (weights[:different], weights[different:]))
    if not tp[-1] or not fp[-1]:
        return float("nan")
    return float(auc(np.append(0, fp) / fp[-1], np.append(0, tp) / tp[-1]))


def _calibrate(scores: Scores) -> list[dict[str, float]]:
    """Sum up ten bins of equal width, from which reliability, Brier score and ECE follow."""
    places = np.minimum((scores.steps * _BINS).astype(int), _BINS - 1)
    both = scores.positives + scores.negatives
    bins = []
    for place in np.unique(places):
        inside = places == place
        values, positives, rows = scores.steps[inside], scores.positives[inside], both[inside]
        bins.append(
            {
                "n": int(rows.sum()),
                "positives": int(positives.sum()),
                "score_sum": float(values @ rows),
                "positive_score_sum": float(values @ positives),
                "score_squares": float(values**2 @ rows),
            }
        )
    return bins


def _read_scores(
    y_score: ArrayLike, true: Labels, positive: str | None, names: Sequence[str]
) -> dict[str, Numbers]:
    shape = np.shape(y_score)
    if len(shape) == _TWO:
        scores = read_probabilities(y_score, "scores", (len(true), len(names)))
        wanted = [positive] if positive else names
        return {label: scores[:, names.index(label)] for label in wanted}
    if positive is None:
        raise InvalidEvidence(reason="scores of shape (n,) need exactly two labels: give (n, k)")
    return {positive: read_probabilities(y_score, "scores", true.shape)}


def _read_indicators(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.ndim != _TWO or not array.size:
        raise InvalidEvidence(reason=f"expected {name} of shape (n, k), got {array.shape}")
    if not np.isin(array, (0, 1)).all():
        raise InvalidEvidence(reason=f"{name} contain a value other than 0 and 1")
    return array.astype(bool)
