"""How often intervals hold the truth, by simulation: at least 93 % for a nominal 95 %."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from muniment.evaluation.intervals import area_under_roc, largest_gap, mean_of, share_of

_DRAWS = 1000
_LEAST = 0.93

Interval = dict[str, Any]


def cover(draw: Callable[[np.random.Generator], Interval], truth: float) -> float:
    """Say how often intervals hold the truth; the seed is fixed."""
    random = np.random.default_rng(7)
    intervals = [draw(random) for _ in range(_DRAWS)]
    return float(np.mean([one["low"] <= truth <= one["high"] for one in intervals]))


@pytest.mark.parametrize("n", [5, 20, 200, 2000])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.5, 0.97])
def test_the_interval_of_a_share_holds_it(n: int, share: float) -> None:
    """Also for few rows and rare events."""
    assert cover(lambda random: share_of(int(random.binomial(n, share)), n), share) >= _LEAST


@pytest.mark.parametrize("positives", [3, 10, 100])
@pytest.mark.parametrize("negatives", [10, 500])
@pytest.mark.parametrize("area", [0.5, 0.8, 0.97])
def test_the_interval_of_an_area_holds_it(positives: int, negatives: int, area: float) -> None:
    """Also for few positive rows, and where all of them are ranked first."""
    apart = float(norm.ppf(area)) * 2**0.5

    def draw(random: np.random.Generator) -> Interval:
        wins = random.normal(apart, 1, positives)[:, None] > random.normal(0, 1, negatives)
        return area_under_roc(float(wins.mean()), positives, negatives)

    assert cover(draw, area) >= _LEAST


@pytest.mark.parametrize("n", [10, 30, 300])
def test_the_interval_of_a_mean_error_holds_it(n: int) -> None:
    """Errors are those of normal residuals."""

    def draw(random: np.random.Generator) -> Interval:
        errors = np.abs(random.normal(0, 1, n))
        return mean_of(float(errors.sum()), float((errors**2).sum()), n)

    assert cover(draw, (2 / np.pi) ** 0.5) >= _LEAST


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.8, 0.75), (0.02, 0.02, 0.05), (0.9, 0.6, 0.7, 0.8)])
@pytest.mark.parametrize("n", [15, 300])
def test_the_interval_of_a_gap_holds_it(n: int, shares: tuple[float, ...]) -> None:
    """Also where there is no gap: the largest difference between groups is never below 0."""

    def draw(random: np.random.Generator) -> Interval:
        return largest_gap([(int(random.binomial(n, share)), n) for share in shares])

    assert cover(draw, max(shares) - min(shares)) >= _LEAST


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 9), (3, 9), (9, 9), (17, 5000)])
def test_the_interval_of_a_share_is_that_of_scipy(hits: int, n: int) -> None:
    """SciPy's exact interval is the same."""
    expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert (share_of(hits, n)["low"], share_of(hits, n)["high"]) == pytest.approx(tuple(expected), abs=1e-12)


def test_one_row_has_no_interval_of_a_mean() -> None:
    """One value says nothing about how far another may be."""
    assert mean_of(1.0, 1.0, 1)["low"] is None
