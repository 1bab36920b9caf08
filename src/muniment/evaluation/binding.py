"""Bind results to the rows of a table that they are of: how many, which ones, and that they are its rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from muniment.core.canonical import Json
from muniment.core.counting import count
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.conditions import Condition, keep_rows, list_columns_of, read_conditions
from muniment.evaluation.labels import Cells, read_column, read_names
from muniment.evaluation.tables import count_rows, is_table, list_columns, read_pieces

Results = dict[str, Json]
# Numbers that another reader rounded in the last digit are the same.
_CLOSE: Final = 1e-12
_FIRST: Final = 64
_TWO: Final = 2
_WHICH: Final = (
    "say which rows these are (where=['age >= 65'] in Python, --where 'age >= 65'), "
    "or why not all were taken (reason='...')"
)
_NAME: Final = "name the column (target='...'), or say why it is another (reason='...')"


def bind_rows(  # noqa: PLR0913 - what says which rows
    results: Results,
    path: Path,
    y_true: object,
    *,
    target: str = "",
    where: Sequence[str] = (),
    reason: str = "",
) -> Results:
    """Say of which rows of a file results are, and check that `y_true`, of shape (n,), are those of its rows.

    `target` is the column with them; by default it is looked for. `where` are conditions that all of the rows
    meet. With a `reason`, other rows are taken, and nothing is looked for in the file.

    Raises:
        InvalidEvidence: there are other rows than were given, or no column has these values in this order.
    """
    given: Any = results["rows"]
    rows: Results = {**given, **({"reason": reason} if reason else {})}
    if not is_table(path):
        return {**results, "rows": {**rows, "checked": False}}
    conditions = read_conditions(where)
    there = count_rows(path)
    if where:
        rows["where"] = [str(one) for one in conditions]
    rows["there"] = max(there, 1)
    if reason and not where:
        return {**results, "rows": {**rows, "checked": False}}
    met = there if not where else sum(map(len, _read(path, [], conditions)))
    if met != given["there"]:
        which = f"{path.name} has {count(there, 'row')}"
        which += f", of which {met} meet {' and '.join(map(str, conditions))}" if where else ""
        raise InvalidEvidence(reason=f"{which}, and {given['there']} were given", remedy=_WHICH)
    true, are_classes = read_column(y_true, "labels"), "confusion_matrix" in results
    column, labels = _find_target(path, true, target, conditions, are_classes=are_classes)
    named: Results = {"column": column, **({"labels": labels} if labels else {})}
    digest: Any = results.get("target", {})
    return {**results, "rows": {**rows, "checked": True}, "target": {**digest, **named}}


def _find_target(
    path: Path, true: Cells, target: str, conditions: Sequence[Condition], *, are_classes: bool
) -> tuple[str, dict[str, Json]]:
    """Find the column of a table that has some values: as they are or, for classes, under other names."""
    tried = [target] if target else list_columns(path)
    make = _Classes if are_classes else _Numbers
    matches: dict[str, _Classes | _Numbers] = {name: make() for name in tried}
    start = 0
    for piece in _read(path, tried, conditions):
        # Most columns are ruled out by their first rows.
        for rows in (slice(0, _FIRST), slice(_FIRST, len(piece))):
            some = true.iloc[start + rows.start : start + rows.stop].reset_index(drop=True)
            cells = piece.iloc[rows].reset_index(drop=True)
            matches = {name: one for name, one in matches.items() if one.follow(cells[name], some)}
        start += len(piece)
    same = [name for name, one in matches.items() if one.is_same]
    found = same or [name for name, one in matches.items() if one.is_plausible(len(true))]
    if same or len(found) == 1:
        return found[0], matches[found[0]].labels()
    if found:
        raise InvalidEvidence(
            reason=f"several columns of {path.name} could be the target: {', '.join(found)}", remedy=_NAME
        )
    what = f"column {target!r}" if target else "no column"
    has = "does not have" if target else "has"
    raise InvalidEvidence(reason=f"{what} of {path.name} {has} these labels in this order", remedy=_NAME)


class _Classes:
    """How the cells of a column become the labels that were given: each class one label, and none another."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._taken: dict[str, str] = {}

    @property
    def is_same(self) -> bool:
        """Whether all have the same name."""
        return all(cell == label for cell, label in self._labels.items())

    def is_plausible(self, rows: int) -> bool:
        """Return whether that is no accident, as it is where each row has a class of its own."""
        return _TWO <= len(self._labels) <= max(_TWO, rows // 2)

    def labels(self) -> dict[str, Json]:
        """Give the labels by the cells, if they differ."""
        return {} if self.is_same else {cell: self._labels[cell] for cell in sorted(self._labels)}

    def follow(self, cells: Cells, given: Cells) -> bool:
        """Follow some more rows; return whether they still match."""
        try:
            sides = [_name(one) for one in (cells, given)]
        except InvalidEvidence:
            return False
        pairs = pd.DataFrame({"cell": sides[0], "label": sides[1]}).drop_duplicates()
        return all(
            self._labels.setdefault(cell, label) == label and self._taken.setdefault(label, cell) == cell
            for cell, label in pairs.itertuples(index=False, name=None)
        )


class _Numbers:
    """Whether the cells of a column are the numbers that were given."""

    is_same = True

    def is_plausible(self, rows: int) -> bool:
        """Numbers are the same or they are not."""
        del rows
        return True

    def labels(self) -> dict[str, Json]:
        """Numbers have no other names."""
        return {}

    def follow(self, cells: Cells, given: Cells) -> bool:
        """Follow some more rows; return whether they still match."""
        try:
            one, other = (np.asarray(side.replace("", np.nan), np.float64) for side in (cells, given))
        except (TypeError, ValueError):
            return False
        return bool(np.allclose(one, other, rtol=_CLOSE, atol=0, equal_nan=True))


def _name(cells: Cells) -> list[str]:
    names, places = read_names(cells)
    return [*np.asarray([*names, ""], object)[places]]


def _read(path: Path, columns: Sequence[str], conditions: Sequence[Condition]) -> Iterator[pd.DataFrame]:
    wanted = [*columns, *list_columns_of(conditions)] or list_columns(path)[:1]
    for piece in read_pieces(path, wanted):
        yield keep_rows(piece, conditions)
