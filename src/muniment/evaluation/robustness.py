"""Robustness: how well a classifier predicts perturbed inputs, by severity."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from muniment.core.canonical import Json
from muniment.evaluation.classification import evaluate_classification
from muniment.evaluation.labels import name_labels, read_column
from muniment.evaluation.reading import check_length, read_numbers

Table = NDArray[np.float64]
Predict = Callable[[Table], ArrayLike]
Perturb = Callable[[Table, float, np.random.Generator], Table]


def add_noise(table: Table, severity: float, random: np.random.Generator) -> Table:
    """Add Gaussian noise of `severity` standard deviations of each feature."""
    noise: Table = table + severity * random.standard_normal(table.shape) * table.std(axis=0)
    return noise


def drop_values(table: Table, severity: float, random: np.random.Generator) -> Table:
    """Replace a share `severity` of all values with the mean of their feature."""
    return np.where(random.random(table.shape) < severity, table.mean(axis=0), table)


def scale_units(table: Table, severity: float, random: np.random.Generator) -> Table:
    """Rescale each feature as a whole, by up to a share `severity`."""
    return table * (1 + severity * random.uniform(-1, 1, table.shape[1]))


PERTURBATIONS: Final[Mapping[str, Perturb]] = {
    "gaussian noise, in standard deviations of each feature": add_noise,
    "values replaced by the mean, as a share": drop_values,
    "features rescaled, by up to a share": scale_units,
}
_NOISE: Final = next(iter(PERTURBATIONS))


def sweep(  # noqa: PLR0913 - the inputs of a sweep
    predict: Predict,
    features: ArrayLike,
    y_true: Sequence[object],
    *,
    perturbations: Mapping[str, Perturb] | None = None,
    severities: Sequence[float] = (0.0, 0.1, 0.2, 0.5, 1.0),
    positive: object = None,
    seed: int = 0,
) -> list[dict[str, Json]]:
    """Predict under perturbations of rising severity, by default Gaussian noise.

    `features` is (n, d), `y_true` (n,). Each severity starts with the same seed, so they are comparable.

    Raises:
        InvalidEvidence: lengths differ, or a feature is not finite.
    """
    table = read_numbers(features, "features", np.shape(features))
    true = read_column(y_true, "labels")
    check_length(true, len(table), "labels")
    known = list(pd.unique(true))
    which = name_labels(known).choose_positive(positive)
    chosen = perturbations if perturbations is not None else {_NOISE: PERTURBATIONS[_NOISE]}
    results: list[dict[str, Json]] = []
    for name, perturb in chosen.items():
        for severity in severities:
            disturbed = perturb(table, severity, np.random.default_rng(seed))
            predicted = np.asarray(predict(disturbed)).tolist()
            part = evaluate_classification(y_true, predicted, positive=which)
            results.append(
                {
                    "perturbation": name,
                    "severity": float(severity),
                    "seed": seed,
                    **{member: part[member] for member in ("n", "confusion_matrix", "metrics")},
                }
            )
    return results
