"""Evidence for regressors: errors, and residuals by decile of the prediction."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
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
from muniment.evaluation.intervals import mean_of, metric
from muniment.evaluation.labels import read_column
from muniment.evaluation.reading import (
    Gaps,
    Groups,
    Missing,
    Numbers,
    digest_numbers,
    name_groups,
    read_groups,
    read_kept,
)
from muniment.evaluation.tally import check_groups, split

_QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_BINS: Final = 10


def evaluate_regression(  # noqa: PLR0913 - the inputs of an evaluation
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: Groups | None = None,
    unit: str = "",
    min_group_size: int = 1,
    missing: Missing | str = Missing.REFUSE,
) -> dict[str, Json]:
    """Compute the evidence of a regressor's predictions; `y_true` and `y_pred` are (n,), in `unit`.

    A residual is the prediction minus the truth. `missing` is as in `evaluate_classification`.

    Raises:
        InvalidEvidence: lengths differ, n is 0, something is missing, or a value is not finite.
    """
    columns = read_column(y_true, "values"), read_column(y_pred, "predictions")
    grouped = read_groups(groups or {})
    gaps = Gaps()
    keep = ~gaps.find([*columns, *grouped.values()])
    gaps.check(Missing.parse(missing))
    true, predicted = (read_kept(cells, keep) for cells in columns)
    with np.errstate(over="ignore"):
        if not np.isfinite(np.square(predicted - true).sum() + np.square(true).sum()):
            raise InvalidEvidence(reason="the values are too large to square")
    members = {
        (column, names[place]): rows
        for column, (names, places) in name_groups(grouped, keep).items()
        for place, rows in split(places)
    }
    check_groups(members)
    results: dict[str, Json] = {
        "task": "regression",
        "n": len(true),
        **gaps.write(),
        **digest_numbers(true),
        **_describe(true, predicted, unit),
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
        "mae": {
            **metric(mean_absolute_error(true, predicted)),
            "interval": mean_of(float(np.abs(residuals).sum()), float((residuals**2).sum()), len(true)),
        },
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
