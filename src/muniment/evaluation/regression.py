"""Evidence for regressors: errors, and residuals by decile of the prediction."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    max_error,
    mean_absolute_error,
    mean_squared_error,
    median_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.fairness import write_gaps
from muniment.evaluation.intervals import metric, with_resampling
from muniment.evaluation.reading import Groups, Numbers, read_groups, read_numbers
from muniment.evaluation.tally import check_groups, split

_QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_BINS: Final = 10
# With more rows, the interval of the error is computed from binned errors.
_RESAMPLED: Final = 20_000


def evaluate_regression(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: Groups | None = None,
    unit: str = "",
    min_group_size: int = 1,
) -> dict[str, Json]:
    """Compute the evidence of a regressor's predictions; `y_true` and `y_pred` are (n,), in `unit`.

    A residual is the prediction minus the truth.

    Raises:
        InvalidEvidence: lengths differ, n is 0, or a value is not finite.
    """
    true = read_numbers(y_true, "values", (np.size(y_true),))
    predicted = read_numbers(y_pred, "predictions", true.shape)
    if not len(true):
        raise InvalidEvidence(reason="the data has no rows")
    members = {
        (column, value): rows
        for column, values in read_groups(groups or {}, len(true)).items()
        for value, rows in split(values)
    }
    check_groups(members)
    whole = _describe(true, predicted, unit)
    metrics: Any = whole["metrics"]
    metrics["mae"] = _with_interval(metrics["mae"], np.abs(predicted - true))
    results: dict[str, Json] = {
        "task": "regression",
        "n": len(true),
        **whole,
        "groups": [
            {
                "column": column,
                "value": value,
                "n": len(rows),
                **_describe(true[rows], predicted[rows], unit),
            }
            for (column, value), rows in members.items()
        ],
    }
    return write_gaps(results, min_group_size)


def _describe(true: Numbers, predicted: Numbers, unit: str) -> dict[str, Json]:
    residuals = predicted - true
    mean = float(true.mean())
    named = {"unit": unit} if unit else {}
    spread = float(((true - mean) ** 2).sum())
    errors: dict[str, dict[str, Json]] = {
        "mean_error": metric(float(residuals.mean())),
        "mae": metric(mean_absolute_error(true, predicted)),
        "rmse": metric(root_mean_squared_error(true, predicted)),
        "median_absolute_error": metric(median_absolute_error(true, predicted)),
        "max_error": metric(max_error(true, predicted)),
    }
    quantiles = np.quantile(np.abs(residuals), _QUANTILES)
    return {
        "residuals": {
            "deciles": _sum_up(predicted, residuals),
            "target": {"mean": mean, "squares_about_mean": spread},
            "absolute_quantiles": [
                {"quantile": quantile, "value": float(value)}
                for quantile, value in zip(_QUANTILES, quantiles, strict=True)
            ],
        },
        "metrics": {
            **{name: {**error, **named} for name, error in errors.items()},
            "mse": metric(mean_squared_error(true, predicted)),
            "r2": metric(r2_score(true, predicted) if spread else None, "all true values are the same"),
        },
    }


def _sum_up(predicted: Numbers, residuals: Numbers) -> list[Json]:
    """Sum up the residuals by decile of the prediction; rows with equal predictions stay together."""
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, _BINS + 1)))
    places = np.clip(np.searchsorted(edges, predicted, side="right") - 1, 0, max(len(edges) - 2, 0))
    deciles: list[Json] = []
    for place in np.unique(places):
        inside = places == place
        errors = residuals[inside]
        deciles.append(
            {
                "low": float(predicted[inside].min()),
                "high": float(predicted[inside].max()),
                "n": int(inside.sum()),
                "sum": float(errors.sum()),
                "absolute_sum": float(np.abs(errors).sum()),
                "squares": float((errors**2).sum()),
            }
        )
    return deciles


def _with_interval(error: dict[str, Json], errors: NDArray[np.float64]) -> dict[str, Json]:
    if len(errors) > _RESAMPLED:
        values, counts = _bin(errors)
    else:
        values, counts = np.unique(errors, return_counts=True)
    return with_resampling(error, counts, lambda draw: float(draw @ values / draw.sum()))


def _bin(errors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    counts, edges = np.histogram(errors, bins=1000)
    return (edges[:-1] + edges[1:]) / 2, counts
