"""How a classifier holds up when its inputs are disturbed."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muniment.core.canonical import Json
from muniment.evaluation.classification import count_confusion, measure_labels

Predict = Callable[[NDArray[np.float64]], ArrayLike]


def sweep_noise(  # noqa: PLR0913 - what a sweep is made of
    predict: Predict,
    features: ArrayLike,
    y_true: Sequence[object],
    *,
    severities: Sequence[float] = (0.0, 0.1, 0.2, 0.5, 1.0),
    positive: object = None,
    seed: int = 0,
) -> list[dict[str, Json]]:
    """Predict again under Gaussian noise of rising strength.

    `features` is (n, d); `severities` are in standard deviations of each feature. Each severity has the
    same noise, scaled, so that they compare.
    """
    table = np.asarray(features, dtype=np.float64)
    noise = np.random.default_rng(seed).standard_normal(table.shape) * table.std(axis=0)
    true = np.asarray([str(label) for label in np.asarray(y_true).tolist()])
    results: list[dict[str, Json]] = []
    for severity in severities:
        disturbed = np.asarray(predict(table + severity * noise))
        predicted = np.asarray([str(label) for label in disturbed.tolist()])
        labels = sorted({*true.tolist(), *predicted.tolist()})
        chosen = labels[-1] if positive is None else str(positive)
        results.append(
            {
                "perturbation": "gaussian noise, in standard deviations of each feature",
                "severity": float(severity),
                "seed": seed,
                "n": len(true),
                "counts": count_confusion(true, predicted, labels),
                "metrics": measure_labels(
                    true,
                    predicted,
                    labels,
                    chosen if len(labels) <= 2 else None,  # noqa: PLR2004 - binary
                ),
            }
        )
    return results
