"""Tallies: rows in, counts out, in memory that does not grow with the rows.

Everything that is stated of a classifier is computed from these counts, so that whoever reads them gets
the same numbers. Scores keep all their digits as long as there are few different ones; beyond that they
are rounded to a grid, and the evidence says so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from muniment.core.canonical import Json
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.reading import Labels, Numbers, check_length

EXACT_SCORES: Final = 10_000
# A grid of powers of two, so that rounding twice is rounding once.
GRID: Final = 1 << 13
MAX_LABELS: Final = 1_000
MAX_GROUPS: Final = 1_000

Whole = NDArray[np.int64]


@dataclass(slots=True)
class Scores:
    """How many rows of either class have each score.

    Attributes:
        steps: the different scores, rising.
        positives, negatives: rows with that score, shape as `steps`.
        exact: whether the scores are as they came; else they are rounded to 1 / GRID.
    """

    steps: Numbers = field(default_factory=lambda: np.empty(0))
    positives: Whole = field(default_factory=lambda: np.empty(0, np.int64))
    negatives: Whole = field(default_factory=lambda: np.empty(0, np.int64))
    exact: bool = True

    def add(self, scores: Numbers, positive: NDArray[np.bool_]) -> None:
        """Count rows; both of shape (n,)."""
        self._merge(scores, positive.astype(np.int64), (~positive).astype(np.int64))
        if self.exact and len(self.steps) > EXACT_SCORES:
            self.exact = False
            values, positives, negatives = self.steps, self.positives, self.negatives
            self.steps, self.positives, self.negatives = np.empty(0), positives[:0], negatives[:0]
            self._merge(values, positives, negatives)

    @property
    def total(self) -> tuple[int, int]:
        """The rows of the positive class, and the others."""
        return int(self.positives.sum()), int(self.negatives.sum())

    def weighted(self) -> tuple[NDArray[np.bool_], Numbers, Whole]:
        """Return the counts as rows with weights, which is how scikit-learn takes them."""
        truth = np.repeat([True, False], len(self.steps))
        return truth, np.tile(self.steps, 2), np.concatenate([self.positives, self.negatives])

    def _merge(self, scores: Numbers, positives: Whole, negatives: Whole) -> None:
        rounded = scores if self.exact else np.round(scores * GRID) / GRID
        values, places = np.unique(np.concatenate([self.steps, rounded]), return_inverse=True)
        weights = (np.concatenate([self.positives, positives]), np.concatenate([self.negatives, negatives]))
        self.steps = values
        self.positives, self.negatives = (
            np.bincount(places, weights=one, minlength=len(values)).astype(np.int64) for one in weights
        )


@dataclass
class Tally:
    """The counts of one set of rows: by true and predicted label, and by score of a label.

    `scored` names the labels that have a score: one of a binary classifier, all of another.
    """

    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    scores: dict[str, Scores] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """The rows."""
        return self.confusion.total()

    @property
    def labels(self) -> list[str]:
        """All labels, true and predicted, in order."""
        return sorted({label for pair in self.confusion for label in pair})

    def add(self, true: Labels, predicted: Labels, scores: Mapping[str, Numbers]) -> None:
        """Count rows: labels of shape (n,), and the scores of a label, each (n,).

        Raises:
            InvalidEvidence: there are more labels than one can look at: these are no classes.
        """
        pairs = pd.DataFrame({"true": true, "predicted": predicted}).value_counts(sort=False)
        for (one, other), count in zip(pairs.index.to_list(), pairs.to_list(), strict=True):
            self.confusion[str(one), str(other)] += int(count)
        if len(self.labels) > MAX_LABELS:
            raise InvalidEvidence(reason=f"there are more than {MAX_LABELS} labels")
        for label, values in scores.items():
            self.scores.setdefault(label, Scores()).add(values, true == label)

    def matrix(self, labels: Sequence[str]) -> list[list[int]]:
        """Return the confusion matrix: rows are true labels, columns predicted ones."""
        return [[self.confusion[one, other] for other in labels] for one in labels]


@dataclass
class GroupedTally:
    """The tally of all rows, and one for each value of each column that they are grouped by."""

    whole: Tally = field(default_factory=Tally)
    groups: dict[tuple[str, str], Tally] = field(default_factory=dict)

    def add(
        self,
        true: Labels,
        predicted: Labels,
        scores: Mapping[str, Numbers],
        groups: Mapping[str, Labels],
    ) -> None:
        """Count rows. Raises like `Tally.add`, and if lengths differ or there are too many groups."""
        for name, values in {"predictions": predicted, **groups}.items():
            check_length(values, len(true), name)
        self.whole.add(true, predicted, scores)
        for column, values in groups.items():
            for value, rows in split(values):
                tally = self.groups.setdefault((column, value), Tally())
                tally.add(true[rows], predicted[rows], {k: v[rows] for k, v in scores.items()})
        check_groups(self.groups)


def split(values: Labels) -> Iterable[tuple[str, Whole]]:
    """Give each different value, in order, and the places of its rows."""
    distinct, places = np.unique(values, return_inverse=True)
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(np.bincount(places, minlength=len(distinct)))
    return zip((str(one) for one in distinct), np.split(order, ends[:-1]), strict=True)


def check_groups(groups: Mapping[tuple[str, str], object]) -> None:
    """Check that a column groups rows, rather than to number them.

    Raises:
        InvalidEvidence: it has too many values.
    """
    if len(groups) > MAX_GROUPS:
        column = Counter(column for column, _ in groups).most_common(1)[0][0]
        raise InvalidEvidence(reason=f"{column} has too many values to group by ({MAX_GROUPS} in all)")


def write_scores(label: str, scores: Scores) -> dict[str, Json]:
    """Write the counts at each threshold, from the highest score down: ROC, PR and lift follow from them."""
    positives, negatives = scores.total
    seen: dict[str, Json] = {
        "label": label,
        "positives": positives,
        "negatives": negatives,
        "thresholds": scores.steps[::-1].tolist(),
        "true_positives": np.cumsum(scores.positives[::-1]).tolist(),
        "false_positives": np.cumsum(scores.negatives[::-1]).tolist(),
    }
    return seen if scores.exact else {**seen, "resolution": 1 / GRID}
