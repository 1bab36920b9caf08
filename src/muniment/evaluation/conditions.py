"""Conditions on rows: `age >= 65`, `site = north`; a row is taken if it meets all."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from muniment.core.errors import InvalidEvidence
from muniment.evaluation.labels import find_missing, name_labels
from muniment.evaluation.reading import Numbers

_FORM: Final = re.compile(r"\s*(?P<column>[^<>=!]+?)\s*(?P<operator><=|>=|!=|=|<|>)\s*(?P<value>.*?)\s*")
_ORDER: Final[Mapping[str, Callable[[Numbers, float], NDArray[np.bool_]]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A column, an operator and a value. A missing value meets none."""

    column: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read a condition.

        Raises:
            InvalidEvidence: it is none, or orders by something that is not a number.
        """
        found = _FORM.fullmatch(text)
        if found is None or not found["value"] or found["value"][0] in "=<>!":
            remedy = "write COLUMN OPERATOR VALUE with one of = != < <= > >=, such as 'age >= 65'"
            raise InvalidEvidence(reason=f"{text!r} is no condition", remedy=remedy)
        if found["operator"] in _ORDER:
            try:
                float(found["value"])
            except ValueError as error:
                reason = f"{text!r} compares with {found['value']!r}, which is not a number"
                raise InvalidEvidence(reason=reason) from error
        return cls(**found.groupdict())

    def __str__(self) -> str:
        """Write it in one form."""
        return f"{self.column} {self.operator} {self.value}"

    def find(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Say which rows meet it.

        Raises:
            InvalidEvidence: the column is compared with a number and has something else.
        """
        cells = table[self.column]
        there = ~find_missing(cells)
        if self.operator in _ORDER:
            if pd.api.types.is_datetime64_any_dtype(cells.dtype):
                reason = f"column {self.column!r} has times, which are not compared with numbers"
                raise InvalidEvidence(reason=reason)
            try:
                numbers = np.asarray(cells.where(there), np.float64)
            except (TypeError, ValueError) as error:
                raise InvalidEvidence(
                    reason=f"column {self.column!r} has something else than numbers"
                ) from error
            return there & _ORDER[self.operator](numbers, float(self.value))
        labels = name_labels(cells[there])
        names, places = labels.names, labels.places(cells.where(there))
        wanted = labels.name_of(self.value)
        equal: NDArray[np.bool_] = np.asarray([*(name == wanted for name in names), False])[places]
        taken: NDArray[np.bool_] = there & (equal if self.operator == "=" else ~equal)
        return taken


def read_conditions(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Read conditions. Raises as `Condition.parse`."""
    return tuple(map(Condition.parse, texts))


def list_columns_of(conditions: Sequence[Condition]) -> list[str]:
    """List the columns that conditions name."""
    return [one.column for one in conditions]


def keep_rows(table: Any, conditions: Sequence[Condition]) -> Any:  # noqa: ANN401 - a frame of any columns
    """Keep the rows of a table that meet all conditions. Raises as `Condition.find`."""
    if not conditions:
        return table
    met = np.logical_and.reduce([one.find(table) for one in conditions])
    return table[met].reset_index(drop=True)
