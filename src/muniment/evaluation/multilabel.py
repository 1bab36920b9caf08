"""Evidence for classifiers that give each row any number of labels."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.classification import write_metrics
from muniment.evaluation.intervals import share_of
from muniment.evaluation.labels import Cells, read_column
from muniment.evaluation.reading import Gaps, Mask, Missing, Numbers, check_length, digest_numbers, read_kept
from muniment.evaluation.tally import MOST_STEPS, Scores, write_scores

_TWO: Final = 2
_ALL_STEPS: Final = 100_000
Results = dict[str, Json]


def evaluate_multilabel(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    y_score: ArrayLike | None = None,
    *,
    labels: Sequence[str] | None = None,
    missing: Missing | str = Missing.REFUSE,
) -> Results:
    """Compute the evidence of multilabel predictions.

    All arrays have shape (n, k). `y_true` and `y_pred` hold 0 and 1; `labels` names the k columns. `missing`
    is as in `evaluate_classification`.

    Raises:
        InvalidEvidence: shapes differ, something is missing, or a value is neither 0 nor 1.
    """
    sides = {"labels": y_true, "predictions": y_pred} | ({} if y_score is None else {"scores": y_score})
    columns = {side: _read_columns(values, side) for side, values in sides.items()}
    widths = {side: len(one) for side, one in columns.items()}
    if len({*widths.values()}) > 1:
        raise InvalidEvidence(reason="expected as many columns each, got " + _list_widths(widths))
    names = list(labels) if labels is not None else [str(place) for place in range(widths["labels"])]
    check_length(names, widths["labels"], "names of labels")
    gaps = Gaps()
    keep = ~gaps.find(
        cells.rename(f"{side} {name}")
        for side, one in columns.items()
        for name, cells in zip(names, one, strict=True)
    )
    gaps.check(Missing.parse(missing))
    true, predicted = (_read_indicators(columns[side], keep, side) for side in ("labels", "predictions"))
    part: Results = {
        "n": len(true),
        "exact_rows": int((true == predicted).all(axis=1).sum()),
        "label_counts": [_count_label(name, true[:, j], predicted[:, j]) for j, name in enumerate(names)],
    }
    if y_score is not None:
        scores = [read_kept(cells, keep) for cells in columns["scores"]]
        part["score_counts"] = [
            _count_scores(name, scores[j], true[:, j], _ALL_STEPS // len(names))
            for j, name in enumerate(names)
        ]
    return {
        "task": "multilabel-classification",
        **gaps.write(),
        **digest_numbers(true),
        **part,
        "metrics": _measure(part),
    }


def _measure(part: Mapping[str, Any]) -> Results:
    metrics: dict[str, Any] = write_metrics(part)
    metrics["exact_match"]["interval"] = share_of(part["exact_rows"], part["n"])
    lacking = {
        "precision": ("true_positives", "false_positives"),
        "recall": ("true_positives", "false_negatives"),
        "f1": ("true_positives", "false_positives", "false_negatives"),
    }
    for name, parts in lacking.items():
        undefined = [one["label"] for one in part["label_counts"] if not any(one[key] for key in parts)]
        metrics[f"{name}_macro"] |= {"zero_division": 0, **({"undefined": undefined} if undefined else {})}
        metrics[f"{name}_micro"] |= {"zero_division": 0}
    return metrics


def _count_label(name: str, true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Results:
    return {
        "label": name,
        "true_positives": int((true & predicted).sum()),
        "false_positives": int((~true & predicted).sum()),
        "false_negatives": int((true & ~predicted).sum()),
        "true_negatives": int((~true & ~predicted).sum()),
    }


def _count_scores(name: str, values: Numbers, positive: NDArray[np.bool_], most: int) -> Results:
    scores = Scores()
    scores.add(values, positive)
    scores.thin(min(most, MOST_STEPS))
    return write_scores(name, scores)


def _read_columns(values: ArrayLike, name: str) -> list[Cells]:
    array = np.asarray(values)
    if array.ndim != _TWO or not array.size:
        raise InvalidEvidence(reason=f"expected {name} of shape (n, k), got {array.shape}")
    return [read_column(array[:, place], name) for place in range(array.shape[1])]


def _read_indicators(columns: Sequence[Cells], keep: Mask, name: str) -> NDArray[np.bool_]:
    array = np.column_stack([read_kept(cells, keep) for cells in columns])
    if not np.isin(array, (0, 1)).all():
        raise InvalidEvidence(reason=f"{name} contain a value other than 0 and 1")
    return array.astype(bool)


def _list_widths(widths: Mapping[str, int]) -> str:
    return ", ".join(f"{width} of {name}" for name, width in widths.items())
