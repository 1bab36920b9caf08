"""Labels: which cells are the same class, in which order the classes stand, and which one is positive.

1, 1.0, Decimal("1.0") and "1" are one label, and so are True and "True"; beside numbers, True is 1. Missing
cells (None, NaN, NA, empty text) are no label.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from muniment.core.counting import count
from muniment.core.errors import InvalidEvidence

Cells: TypeAlias = "pd.Series[Any]"
Places: TypeAlias = NDArray[np.intp]

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,399})(\.\d{1,400})?([eE][+-]?\d{1,3})?")
_TRUTH: Final = {"true": True, "false": False}
# As NumPy and pandas write what is missing, where they write it as text.
_MISSING: Final = frozenset({"", "nan", "NaN", "NaT", "<NA>"})
# Labels for which it is plain that 1 is the positive one.
_PLAIN: Final = (frozenset({0, 1}), frozenset({-1, 1}))
# More different whole numbers than that are rather amounts than classes.
_FEW: Final = 30
_SHOWN: Final = 3
_LONGEST: Final = 400
_TWO: Final = 2


class _Kind(IntEnum):
    """What a label is. Labels that are read together are of the highest kind that one of them is."""

    TRUTH = 0
    NUMBER = 1
    TEXT = 2


_Key: TypeAlias = tuple[_Kind, Any]


def read_column(values: object, name: str) -> Cells:
    """Read a column of shape (n,): a list, an array, or a column of pandas of any type.

    Raises:
        InvalidEvidence: it has another shape.
    """
    if isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(values).reset_index(drop=True).rename(name)
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidEvidence(reason=f"expected {name} of shape (n,), got {type(values).__name__}")
    if isinstance(values, np.ma.MaskedArray):
        masked: Any = values
        values = np.where(np.ma.getmaskarray(masked), None, masked.data.astype(object))
    if hasattr(values, "__array__"):
        array = np.asarray(values)
        if array.ndim != 1:
            raise InvalidEvidence(reason=f"expected {name} of shape (n,), got {array.shape}")
        return pd.Series(array, name=name)
    rows: Any = values
    cells: list[Any] = [*rows]
    if cells and isinstance(cells[0], list | tuple | np.ndarray) and np.ndim(cells[0]):
        raise InvalidEvidence(reason=f"expected {name} of shape (n,), got (n, {len(cells[0])})")
    return pd.Series(cells, dtype=object, name=name)


def find_missing(cells: Cells) -> NDArray[np.bool_]:
    """Say which cells are missing: None, NaN, NA, NaT, and empty text."""
    missing: NDArray[np.bool_] = pd.isna(cells).to_numpy(bool)
    if not pd.api.types.is_numeric_dtype(cells.dtype):
        codes, known = _factorize(cells)
        empty = [place for place, one in enumerate(known) if isinstance(one, str) and one.strip() in _MISSING]
        missing = missing | np.isin(codes, empty)
    return missing


@dataclass
class Vocabulary:
    """The distinct cells of columns that are read together, piece by piece."""

    _found: dict[str, dict[_Key, object]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the distinct labels."""
        return len(self._keys())

    @property
    def are_real(self) -> bool:
        """Whether one is a number that is not whole, and none is text."""
        keys = self._keys()
        return all(kind is not _Kind.TEXT for kind, _ in keys) and any(
            kind is _Kind.NUMBER and value != value.to_integral_value() for kind, value in keys
        )

    @property
    def are_numbers(self) -> bool:
        """Whether all are numbers."""
        return all(kind is _Kind.NUMBER for kind, _ in self._keys())

    @property
    def are_many(self) -> bool:
        """Whether there are more than the classes of most models."""
        return len(self) > _FEW

    @property
    def are_plain(self) -> bool:
        """Whether they are 0 and 1, or -1 and 1."""
        return any({value for _, value in self._keys()} <= plain for plain in _PLAIN)

    def add(self, cells: Cells) -> None:
        """Note the labels in a column, which has a name.

        Raises:
            InvalidEvidence: one is not finite, or is written in two ways.
        """
        name = str(cells.name)
        found = self._found.setdefault(name, {})
        for cell in _factorize(cells[~find_missing(cells)])[1]:
            other = found.setdefault(_key_of(cell, name), cell)
            if isinstance(cell, str) and isinstance(other, str) and cell != other:
                raise InvalidEvidence(
                    reason=f"{name} has the same label written in two ways, {other!r} and {cell!r}",
                    remedy="write it in one way; if these are two labels, put a letter before them",
                )

    def settle(self, order: Sequence[object] | None = None) -> "Labels":
        """Make the labels of all that was noted, in numeric order if they are numbers.

        Others stand in `order`, and then sorted.

        Raises:
            InvalidEvidence: one column has text and another has numbers, and they have nothing in common.
        """
        self._check_alike()
        first = [] if order is None else [_key_of(one, "classes") for one in order]
        keys = [*dict.fromkeys([*first, *self._keys()])]
        kind = max((kind for kind, _ in keys), default=_Kind.TEXT)
        names = {key: _name_in(key, kind) for key in keys}
        if kind is _Kind.TEXT:
            listed = [*dict.fromkeys(names[key] for key in first)]
            return Labels(names=(*listed, *sorted({*names.values()} - {*listed})), kind=kind)
        values = {names[key]: Decimal(key[1]) for key in keys}
        return Labels(names=tuple(sorted(values, key=values.__getitem__)), kind=kind)

    def _keys(self) -> set[_Key]:
        return {key for found in self._found.values() for key in found}

    def _check_alike(self) -> None:
        full = {name: found for name, found in self._found.items() if found}
        have_text = {any(kind is _Kind.TEXT for kind, _ in found) for found in full.values()}
        if len(have_text) > 1 and not set.intersection(*map(set, full.values())):
            shown = "; ".join(f"{name} has {_list_some([*one.values()])}" for name, one in full.items())
            reason = f"labels and predictions have nothing in common: {shown}"
            raise InvalidEvidence(reason=reason, remedy="write both in the same way")
        kinds = {kind for found in self._found.values() for kind, _ in found}
        if kinds == {*_Kind}:
            reason = "labels have truths and numbers beside text, of which some may be the same"
            raise InvalidEvidence(reason=reason, remedy="write truths as text, or as 0 and 1")


@dataclass(frozen=True, slots=True)
class Labels:
    """All classes, in order, by their names."""

    names: tuple[str, ...]
    kind: _Kind

    def places(self, cells: Cells) -> Places:
        """Give the place of each cell's label among all names; -1 for a missing one."""
        codes, known = _factorize(cells.where(~find_missing(cells)))
        places = {label: place for place, label in enumerate(self.names)}
        return np.asarray([*(places[self.name_of(cell)] for cell in known), -1], np.intp)[codes]

    def name_of(self, cell: object) -> str:
        """Name the label that a cell is."""
        key = _key_of(cell, "labels")
        return _name_in(key, max(self.kind, key[0]))

    def choose_positive(self, positive: object = None) -> str | None:
        """Choose the positive label; None if there are more than two.

        It is 1 or True where the labels are 0 and 1, -1 and 1, or False and True; else it has to be named.

        Raises:
            InvalidEvidence: it is not plain which one it is, or no row has the one that was named.
        """
        if len(self.names) > _TWO:
            return None
        if positive is not None:
            chosen = self.name_of(positive)
            if chosen not in self.names and len(self.names) == _TWO:
                reason = f"no row has the positive label {chosen!r}"
                raise InvalidEvidence(reason=reason, remedy=f"name one of {_list_some(self.names)}")
            return chosen
        if self.kind is _Kind.TRUTH:
            return "True"
        if self.kind is _Kind.NUMBER and any({*map(Decimal, self.names)} <= plain for plain in _PLAIN):
            return "1"
        raise InvalidEvidence(
            reason=f"it is not plain which label is positive: {_list_some(self.names)}",
            remedy="name it: positive=LABEL in Python, --positive LABEL on the command line",
        )

    def with_label(self, name: str) -> "Labels":
        """Add a label that no row has, in its place."""
        return self if name in self.names else name_labels([*self.names, name])


def name_labels(cells: Iterable[object]) -> Labels:
    """Make the labels of some cells."""
    known = Vocabulary()
    known.add(read_column([*cells], "labels"))
    return known.settle()


def read_names(cells: Cells) -> tuple[tuple[str, ...], Places]:
    """Read one column alone, such as that of a group: its values in order, and the place of each cell's."""
    known = Vocabulary()
    known.add(cells)
    labels = known.settle()
    return labels.names, labels.places(cells)


def _factorize(cells: Cells) -> tuple[Places, Any]:
    """Number the distinct cells of a column; -1 for what is missing.

    Raises:
        InvalidEvidence: its cells are lists or the like.
    """
    try:
        codes, known = pd.factorize(cells)
    except TypeError as error:
        raise InvalidEvidence(reason=f"{cells.name} has other cells than numbers and texts") from error
    return codes, known


def _key_of(cell: object, name: str) -> _Key:
    """Give what is equal for equal labels."""
    if isinstance(cell, bool | np.bool_):
        return _Kind.TRUTH, bool(cell)
    if isinstance(cell, str):
        if cell.lower() in _TRUTH:
            return _Kind.TRUTH, _TRUTH[cell.lower()]
        return (_Kind.NUMBER, Decimal(cell)) if _NUMBER.fullmatch(cell) else (_Kind.TEXT, str(cell))
    if isinstance(cell, int | float | Decimal | np.number):
        # The shortest decimal that reads back as the number, in its own precision.
        number = Decimal(str(cell))
        if not number.is_finite():
            raise InvalidEvidence(reason=f"{name} has a number that is not finite")
        return _Kind.NUMBER, number
    return _Kind.TEXT, _write(cell)


def _write(cell: object) -> str:
    """Write what is neither a number nor a truth: a date is the same with and without midnight."""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "backslashreplace")
    if isinstance(cell, datetime):
        is_day = cell.tzinfo is None and cell.time() == time()
        return (cell.date() if is_day else cell).isoformat()
    return str(cell)


def _name_in(key: _Key, kind: _Kind) -> str:
    """Name a label among labels of a kind."""
    own, value = key
    if own is _Kind.TEXT or (own is _Kind.TRUTH and kind is not _Kind.NUMBER):
        return str(value)
    number = Decimal(value)
    if number and not -_LONGEST < number.adjusted() < _LONGEST:
        return str(number).lower()
    if number == number.to_integral_value():
        return str(int(number))
    return f"{number:f}".rstrip("0")


def _list_some(labels: Sequence[object]) -> str:
    more = len(labels) - _SHOWN
    shown = ", ".join(map(repr, labels[:_SHOWN]))
    return f"{shown} and {count(more, 'other')}" if more > 0 else shown
