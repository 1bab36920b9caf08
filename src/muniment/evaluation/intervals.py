"""Numbers with confidence intervals, and the names of the methods."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from muniment.core.canonical import Json

LEVEL: Final = 0.95
RESAMPLES: Final = 999

Whole = NDArray[np.int64]


def metric(value: float | None, why: str = "") -> dict[str, Json]:
    """Write a number; one that is not finite becomes null with a reason, which passes no rule."""
    if value is None or not np.isfinite(value):
        return {"value": None, "why": why or "not a number"}
    return {"value": float(value)}


def proportion(hits: int, n: int, why: str = "") -> dict[str, Json]:
    """Write a share of rows with its Wilson score interval (Wilson, 1927)."""
    if not n:
        return metric(None, why)
    bounds = binomtest(hits, n).proportion_ci(LEVEL, method="wilson")
    return {**metric(hits / n), "interval": _interval(bounds.low, bounds.high, "Wilson score")}


def with_resampling(
    number: dict[str, Json], counts: Whole, statistic: Callable[[Whole], float]
) -> dict[str, Json]:
    """Add a percentile bootstrap interval to a number that `statistic` computes from counts.

    Drawing rows with replacement draws their counts from a multinomial distribution. Resamples for which the
    statistic is undefined are left out; a single row has no interval.
    """
    n = int(counts.sum())
    method = f"percentile bootstrap over rows, {RESAMPLES} resamples, seed 0"
    values = np.empty(0)
    if n > 1 and number["value"] is not None:
        draws = np.random.default_rng(0).multinomial(n, counts / n, RESAMPLES)
        values = np.array([statistic(draw) for draw in draws])
        values = values[np.isfinite(values)]
    if not len(values):
        return {**number, "interval": _interval(None, None, method)}
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {**number, "interval": _interval(float(low), float(high), method)}


def _interval(low: float | None, high: float | None, method: str) -> dict[str, Json]:
    return {
        "low": None if low is None else float(low),
        "high": None if high is None else float(high),
        "level": LEVEL,
        "method": method,
    }
