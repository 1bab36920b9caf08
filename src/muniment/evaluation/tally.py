"""Tallies: count rows in constant memory.

All metrics of a classifier are computed from these counts, so a reader of the counts gets the same numbers.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.labels import Places
from muniment.evaluation.reading import Numbers

# So many steps a curve has at most; with no more distinct scores, each has a step of its own.
MOST_STEPS: Final = 10_000
MAX_LABELS: Final = 1_000
MAX_GROUPS: Final = 1_000
# While counting, so that what comes later still finds narrow steps.
_WORKING: Final = 4 * MOST_STEPS
_BINS: Final = 10

Whole = NDArray[np.int64]


def _none() -> Whole:
    return np.empty(0, np.int64)


@dataclass(slots=True)
class Scores:
    """The number of rows of either class by score, in ascending steps.

    Attributes:
        lows, highs: the lowest and the highest score of each step. They are the same while each distinct
            score has a step of its own.
        positives, negatives: the rows in each step.
        bins: for each of ten bins of equal width over [0, 1], the rows, the positives, the sum of the scores,
            that of the positives, and that of the squares: (10, 5).
        inside: whether all scores are in [0, 1], as probabilities are.
    """

    lows: Numbers = field(default_factory=lambda: np.empty(0))
    highs: Numbers = field(default_factory=lambda: np.empty(0))
    positives: Whole = field(default_factory=_none)
    negatives: Whole = field(default_factory=_none)
    bins: Numbers = field(default_factory=lambda: np.zeros((_BINS, 5)))
    inside: bool = True

    @property
    def exact(self) -> bool:
        """Whether each distinct score has a step of its own."""
        return bool((self.lows == self.highs).all())

    def add(self, scores: Numbers, positive: NDArray[np.bool_]) -> None:
        """Count rows; both of shape (n,)."""
        values, places = np.unique(scores, return_inverse=True)
        counts = [np.bincount(places[side], minlength=len(values)) for side in (positive, ~positive)]
        self._calibrate(scores, positive)
        # Steps that are there take what lies in them; what lies between them makes steps of its own.
        at = np.searchsorted(self.lows, values, side="right") - 1
        within = np.zeros(len(values), bool) if not len(self.lows) else (at >= 0) & (values <= self.highs[at])
        for have, more in zip((self.positives, self.negatives), counts, strict=True):
            np.add.at(have, at[within], more[within])
        self.lows = np.concatenate([self.lows, values[~within]])
        self.highs = np.concatenate([self.highs, values[~within]])
        self.positives, self.negatives = (
            np.concatenate([have, more[~within]])
            for have, more in zip((self.positives, self.negatives), counts, strict=True)
        )
        self._take(np.argsort(self.lows, kind="stable"))
        if len(self.lows) > _WORKING:
            self.thin(_WORKING // 2)

    def thin(self, most: int) -> None:
        """Join neighbouring steps of few rows, so that about `most` are left, of about as many rows each."""
        if len(self.lows) <= most:
            return
        rows = self.positives + self.negatives
        # A step with so many rows as all should have stays apart, so that ties stay exact.
        heavy = rows * most >= rows.sum()
        light = np.where(heavy, 0, rows)
        slots = max(most - 2 * int(heavy.sum()) - 1, 1)
        share = (np.cumsum(light) - light) * slots // max(int(light.sum()), 1)
        begins = np.ones(len(rows), bool)
        begins[1:] = (share[1:] != share[:-1]) | heavy[1:] | heavy[:-1]
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], len(rows)) - 1
        self.lows, self.highs = self.lows[starts], self.highs[ends]
        self.positives = np.add.reduceat(self.positives, starts)
        self.negatives = np.add.reduceat(self.negatives, starts)

    def _take(self, order: NDArray[np.intp]) -> None:
        self.lows, self.highs = self.lows[order], self.highs[order]
        self.positives, self.negatives = self.positives[order], self.negatives[order]

    def _calibrate(self, scores: Numbers, positive: NDArray[np.bool_]) -> None:
        self.inside = self.inside and bool(((scores >= 0) & (scores <= 1)).all())
        if self.inside:
            places = np.minimum((scores * _BINS).astype(int), _BINS - 1)
            sums = (np.ones_like(scores), positive, scores, scores * positive, scores**2)
            self.bins += np.column_stack([np.bincount(places, one, _BINS) for one in sums])


@dataclass
class Tally:
    """The counts of a set of rows: by the places of the true and the predicted label, and by score.

    `scores` has one label for a binary classifier, and all labels for another.
    """

    confusion: Counter[tuple[int, int]] = field(default_factory=Counter)
    scores: dict[str, Scores] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.confusion.total()

    def add(
        self, names: Sequence[str], true: Places, predicted: Places, scores: Mapping[str, Numbers]
    ) -> None:
        """Count rows: the places of their labels among names, and the scores of each label, all (n,)."""
        pairs, counts = np.unique(true * len(names) + predicted, return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            self.confusion[divmod(pair, len(names))] += count
        for label, values in scores.items():
            self.scores.setdefault(label, Scores()).add(values, true == names.index(label))

    def matrix(self, size: int) -> list[list[int]]:
        """Return the confusion matrix: rows are true labels, columns predicted ones."""
        return [[self.confusion[one, other] for other in range(size)] for one in range(size)]


@dataclass
class GroupedTally:
    """A tally of all rows, and one for each group."""

    names: tuple[str, ...]
    whole: Tally = field(default_factory=Tally)
    groups: dict[tuple[str, str], Tally] = field(default_factory=dict)

    def add(
        self,
        true: Places,
        predicted: Places,
        scores: Mapping[str, Numbers],
        groups: Mapping[str, tuple[Sequence[str], Places]],
    ) -> None:
        """Count rows. A group column comes as its values, and the place of each row's.

        Raises:
            InvalidEvidence: there are too many groups.
        """
        self.whole.add(self.names, true, predicted, scores)
        for column, (values, places) in groups.items():
            for place, rows in split(places):
                tally = self.groups.setdefault((column, values[place]), Tally())
                tally.add(self.names, true[rows], predicted[rows], {k: v[rows] for k, v in scores.items()})
        check_groups(self.groups)


def split(places: Places) -> Iterable[tuple[int, Places]]:
    """Return the distinct places in order, each with the indexes of its rows."""
    distinct, found = np.unique(places, return_inverse=True)
    order = np.argsort(found, kind="stable")
    ends = np.cumsum(np.bincount(found, minlength=len(distinct)))
    return zip(distinct.tolist(), np.split(order, ends[:-1]), strict=True)


def check_groups(groups: Mapping[tuple[str, str], object]) -> None:
    """Check that a column groups rows rather than numbering them.

    Raises:
        InvalidEvidence: it has too many values.
    """
    if len(groups) > MAX_GROUPS:
        column = Counter(column for column, _ in groups).most_common(1)[0][0]
        raise too_many_groups(column)


def too_many_groups(column: str) -> InvalidEvidence:
    """Refuse to group by a column."""
    return InvalidEvidence(reason=f"{column} has too many values to group by ({MAX_GROUPS} in all)")


def write_scores(label: str, scores: Scores) -> dict[str, Json]:
    """Write the counts at each threshold, from the highest down, from which ROC, PR and lift follow."""
    seen: dict[str, Json] = {
        "label": label,
        "positives": int(scores.positives.sum()),
        "negatives": int(scores.negatives.sum()),
        "thresholds": scores.lows[::-1].tolist(),
        "true_positives": np.cumsum(scores.positives[::-1]).tolist(),
        "false_positives": np.cumsum(scores.negatives[::-1]).tolist(),
    }
    return seen if scores.exact else {**seen, "uppers": scores.highs[::-1].tolist()}


def write_bins(label: str, scores: Scores) -> dict[str, Json]:
    """Write the bins of the calibration that have rows, from which Brier score and ECE follow."""
    keys = ("n", "positives", "score_sum", "positive_score_sum", "score_squares")
    rows = [dict(zip(keys, line, strict=True)) for line in scores.bins.tolist() if line[0]]
    bins: list[Json] = [{**row, "n": int(row["n"]), "positives": int(row["positives"])} for row in rows]
    return {"label": label, "bins": bins}


def shares_of(matrix: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Give the metrics of a confusion matrix that are shares of rows: how many count for it, of how many."""
    counts = np.array(matrix["counts"])
    n = int(counts.sum())
    shares = {"accuracy": (int(np.trace(counts)), n)}
    if "positive" not in matrix:
        return shares
    which = matrix["labels"].index(matrix["positive"])
    hits, row, column = map(int, (counts[which, which], counts[which].sum(), counts[:, which].sum()))
    return shares | {
        "precision": (hits, column),
        "recall": (hits, row),
        "specificity": (n - row - column + hits, n - row),
        "positive_rate": (column, n),
    }
