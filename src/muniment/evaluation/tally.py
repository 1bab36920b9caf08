"""Tallies: count rows in constant memory.

All metrics of a classifier are computed from these counts, so a reader of the counts gets the same numbers.
Scores keep all digits while there are few distinct ones; beyond that they are rounded to a grid, and the
evidence says so.
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
# A power of two, so rounding twice equals rounding once.
GRID: Final = 1 << 13
MAX_LABELS: Final = 1_000
MAX_GROUPS: Final = 1_000

Whole = NDArray[np.int64]


@dataclass(slots=True)
class Scores:
    """The number of rows of either class by score.

    Attributes:
        steps: the distinct scores, ascending.
        positives, negatives: the rows with that score, in the shape of `steps`.
        exact: whether the scores are exact; else they are rounded to 1 / GRID.
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
        """The number of rows of the positive class, and of the others."""
        return int(self.positives.sum()), int(self.negatives.sum())

    def weighted(self) -> tuple[NDArray[np.bool_], Numbers, Whole]:
        """Return the counts as rows with weights, the form that scikit-learn takes."""
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
    """The counts of a set of rows: by true and predicted label, and by the score of a label.

    `scores` has one label for a binary classifier, and all labels for another.
    """

    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    scores: dict[str, Scores] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.confusion.total()

    @property
    def labels(self) -> list[str]:
        """All labels, true and predicted, in order."""
        return sorted({label for pair in self.confusion for label in pair})

    def add(self, true: Labels, predicted: Labels, scores: Mapping[str, Numbers]) -> None:
        """Count rows; the labels and the scores of each label have shape (n,).

        Raises:
            InvalidEvidence: there are too many labels to be classes.
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
    """A tally of all rows, and one for each group."""

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
    """Return the distinct values in order, each with the indexes of its rows."""
    distinct, places = np.unique(values, return_inverse=True)
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(np.bincount(places, minlength=len(distinct)))
    return zip((str(one) for one in distinct), np.split(order, ends[:-1]), strict=True)


def check_groups(groups: Mapping[tuple[str, str], object]) -> None:
    """Check that a column groups rows rather than numbering them.

    Raises:
        InvalidEvidence: it has too many values.
    """
    if len(groups) > MAX_GROUPS:
        column = Counter(column for column, _ in groups).most_common(1)[0][0]
        raise InvalidEvidence(reason=f"{column} has too many values to group by ({MAX_GROUPS} in all)")


def write_scores(label: str, scores: Scores) -> dict[str, Json]:
    """Write the counts at each threshold, from the highest down, from which ROC, PR and lift follow."""
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
