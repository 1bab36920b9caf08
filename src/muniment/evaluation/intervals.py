"""Numbers with confidence intervals, and the names of the methods.

Each interval follows from the counts beside it. `tests/test_intervals.py` simulates how often each holds the
truth.
"""

import math
from collections.abc import Sequence
from typing import Final

from scipy.optimize import brentq
from scipy.special import betaincinv
from scipy.stats import norm, t

from muniment.core.canonical import Json

LEVEL: Final = 0.95
# At 0 and 1, where nothing is to be expected, every truth solves the equation.
_TINY: Final = 1e-12
_EXACT: Final = "Clopper-Pearson"
_Z: Final = float(norm.ppf((1 + LEVEL) / 2))


def metric(value: float | None, why: str = "") -> dict[str, Json]:
    """Write a number; one that is not finite becomes null with a reason, which passes no rule."""
    if value is None or not math.isfinite(value):
        return {"value": None, "why": why or "not a number"}
    return {"value": float(value)}


def share_of(hits: int, n: int) -> dict[str, Json]:
    """Give the interval of a share of rows (Clopper and Pearson, 1934)."""
    return _interval(*_bounds(hits, n, LEVEL), _EXACT)


def area_under_roc(area: float, positives: int, negatives: int, bound: float = 0.0) -> dict[str, Json]:
    """Give the interval of an AUC, by the score method with Hanley and McNeil's variance (Newcombe, 2006).

    It holds also for few rows and for an area of 1. `bound` is how far the area may be off by itself.
    """
    rest = (positives + negatives) / 2 - 1

    def excess(truth: float) -> float:
        """Return by how much the squared error exceeds what is to be expected at a truth."""
        spread = 1 + rest * ((1 - truth) / (2 - truth) + truth / (1 + truth))
        return (area - truth) ** 2 - _Z**2 * truth * (1 - truth) * spread / (positives * negatives)

    low = brentq(excess, 0.0, min(area, 1 - _TINY)) if area > 0 else 0.0
    high = brentq(excess, max(area, _TINY), 1.0) if area < 1 else 1.0
    return _interval(max(float(low) - bound, 0.0), min(float(high) + bound, 1.0), "Newcombe's score method")


def mean_of(total: float, squares: float, n: int) -> dict[str, Json]:
    """Give the interval of a mean of n values, from their sum and that of their squares (Student, 1908)."""
    method = "Student's t"
    if n < _FEWEST:
        return _interval(None, None, method)
    mean = total / n
    spread = math.sqrt(max(squares - n * mean**2, 0.0) / (n - 1))
    reach = float(t.ppf((1 + LEVEL) / 2, n - 1)) * spread / math.sqrt(n)
    return _interval(mean - reach, mean + reach, method)


def largest_gap(shares: Sequence[tuple[int, int]]) -> dict[str, Json]:
    """Give the interval of the largest difference between groups, of which each has some hits of n rows.

    With a share of the level for each group (Bonferroni), all intervals hold their truths together.
    """
    bounds = [_bounds(hits, n, 1 - (1 - LEVEL) / len(shares)) for hits, n in shares]
    lows, highs = ([bound[side] for bound in bounds] for side in (0, 1))
    low, high = max(0.0, max(lows) - min(highs)), max(highs) - min(lows)
    return _interval(low, high, f"{_EXACT} for each group, Bonferroni")


_FEWEST: Final = 2


def _bounds(hits: int, n: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return low, high


def _interval(low: float | None, high: float | None, method: str) -> dict[str, Json]:
    return {"low": low, "high": high, "level": LEVEL, "method": method}
