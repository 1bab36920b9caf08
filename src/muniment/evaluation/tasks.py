"""Which task predictions are of, where nobody says it: classes or amounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from muniment.evaluation.labels import Cells, Vocabulary

CLASSIFICATION: Final = "classification"
REGRESSION: Final = "regression"


@dataclass(frozen=True, slots=True)
class Choice:
    """The task that was taken; a note if it could be another."""

    task: str
    note: str = ""


def choose_task(columns: Iterable[Cells]) -> Choice:
    """Choose between classification and regression by labels and predictions.

    Numbers that are not whole are amounts, and text and truths are classes. Whole numbers are classes if they
    are few, and amounts if they are many.
    """
    known = Vocabulary()
    for cells in columns:
        known.add(cells)
        if known.are_real:
            return Choice(REGRESSION)
    if not known.are_numbers or known.are_plain:
        return Choice(CLASSIFICATION)
    task, other = (REGRESSION, CLASSIFICATION) if known.are_many else (CLASSIFICATION, REGRESSION)
    note = (
        f"{len(known)} different whole numbers are taken as a {task}; "
        f"if it is a {other}, say so: task={other!r} in Python, --task {other}"
    )
    return Choice(task, note)
