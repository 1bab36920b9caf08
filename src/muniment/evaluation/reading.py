"""Read the inputs of evaluations: numbers, groups, and which rows miss something."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from muniment.core.canonical import Json
from muniment.core.counting import count
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.labels import Cells, Places, find_missing, read_column, read_names

Values: TypeAlias = Collection[object]
Numbers: TypeAlias = NDArray[np.float64]
Groups: TypeAlias = Mapping[str, Values]
Mask: TypeAlias = NDArray[np.bool_]

# The largest whole number up to which a double holds all.
_WHOLE: Final = 2.0**53
_REMEDY: Final = "fill them in, or leave these rows out: missing='drop' in Python, --missing drop"


class Missing(StrEnum):
    """What becomes of a row that misses a label, a prediction, a score or the value of a group."""

    REFUSE = "refuse"
    DROP = "drop"

    @classmethod
    def parse(cls, text: str) -> "Missing":
        """Read what to do.

        Raises:
            InvalidEvidence: it is neither.
        """
        try:
            return cls(text)
        except ValueError as error:
            reason = f"rows that miss a value are to be refused or dropped, not {text!r}"
            raise InvalidEvidence(reason=reason, remedy="say missing='refuse' or missing='drop'") from error


class TargetDigest:
    """A digest of what was to be predicted, in the order of the rows: one line for each row."""

    def __init__(self) -> None:
        """Start without a row."""
        self._hash = hashlib.sha256()

    def add(self, lines: Iterable[str]) -> None:
        """Add some rows."""
        escaped = (line.replace("\\", "\\\\").replace("\n", "\\n") for line in lines)
        self._hash.update("".join(f"{line}\n" for line in escaped).encode("utf-8", "backslashreplace"))

    def write(self) -> dict[str, Json]:
        """Write it."""
        return {"target": {"digest": f"sha256:{self._hash.hexdigest()}"}}


def digest_numbers(values: NDArray[Any]) -> dict[str, Json]:
    """Write the digest of numbers to be predicted, of shape (n,) or (n, k): as text, in rows."""
    target = TargetDigest()
    target.add(",".join(f"{float(one)!r}" for one in row) for row in values.reshape(len(values), -1))
    return target.write()


@dataclass
class Gaps:
    """How many rows there are, how many miss something, and in which columns."""

    there: int = 0
    missing: int = 0
    columns: dict[str, int] = field(default_factory=dict)

    def find(self, columns: Iterable[Cells]) -> Mask:
        """Say which rows of some columns, which have names, miss something, and count them.

        Raises:
            InvalidEvidence: the columns differ in length.
        """
        first, *others = columns
        n, missing, counted = len(first), np.zeros(len(first), bool), set[str]()
        for cells in (first, *others):
            name = str(cells.name)
            check_length(cells, n, name)
            found = find_missing(cells)
            missing |= found
            if found.any() and name not in counted:
                counted.add(name)
                self.columns[name] = self.columns.get(name, 0) + int(found.sum())
        self.there += n
        self.missing += int(missing.sum())
        return missing

    def check(self, missing: Missing) -> None:
        """Check that rows remain, and that none misses something unless they are to be dropped.

        Raises:
            InvalidEvidence: that is not so.
        """
        if self.missing and missing is Missing.REFUSE:
            where = ", ".join(f"{n} in {name}" for name, n in self.columns.items())
            verb = "misses" if self.missing == 1 else "miss"
            raise InvalidEvidence(
                reason=f"{count(self.missing, 'row')} of {self.there} {verb} a value: {where}", remedy=_REMEDY
            )
        if self.there == self.missing:
            raise InvalidEvidence(reason="the data has no rows")

    def write(self) -> dict[str, Json]:
        """Write how many rows were used; which columns missed something, if rows were dropped."""
        rows: dict[str, Json] = {"there": self.there, "used": self.there - self.missing}
        return {"rows": {**rows, "missing": dict(self.columns)} if self.missing else rows}


def read_kept(cells: Cells, keep: Mask) -> Numbers:
    """Read the numbers of a column in the rows to keep. Raises as `read_numbers`."""
    return read_numbers(cells[keep].to_numpy(), str(cells.name))


def read_numbers(values: object, name: str, shape: tuple[int, ...] | None = None) -> Numbers:
    """Read finite numbers, of a shape if one is given.

    Raises:
        InvalidEvidence: they have another shape, or one is not finite.
    """
    try:
        cells = np.asarray(values)
        if cells.dtype.kind in "mMc":
            raise InvalidEvidence(reason=f"{name} has times or complex numbers where amounts are expected")
        if _find_largest(cells) > _WHOLE:
            raise InvalidEvidence(reason=f"{name} has whole numbers beyond {_WHOLE:.0f}, which floats round")
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidEvidence(reason=f"{name}: {error}") from error
    if shape is not None and array.shape != shape:
        raise InvalidEvidence(reason=f"expected {name} of shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise InvalidEvidence(reason=f"{name} contain a number that is not finite")
    return array


def _find_largest(cells: NDArray[Any]) -> int:
    """Return the largest size of a whole number."""
    if cells.dtype.kind in "iu" and cells.size:
        return max(-int(cells.min()), int(cells.max()))
    whole = cells.flat if cells.dtype == object else ()
    return max((abs(int(one)) for one in whole if isinstance(one, int | np.integer)), default=0)


def read_score_columns(values: Any, n: int) -> dict[str, Cells]:  # noqa: ANN401 - any array
    """Read scores of shape (n,) or (n, k) as columns, by their names if they have some.

    Raises:
        InvalidEvidence: they have another shape.
    """
    if hasattr(values, "columns") and hasattr(values, "iloc"):
        return {str(name): read_column(values[name], f"score {name}") for name in values.columns}
    shape = np.shape(values)
    if not shape or shape[0] != n or len(shape) > _TWO:
        raise InvalidEvidence(reason=f"expected scores of shape ({n},) or ({n}, k), got {shape}")
    if len(shape) == 1:
        return {"scores": read_column(values, "scores")}
    array = values if np.ma.isMaskedArray(values) else np.asarray(values)
    # No label ends so: these columns are matched by their order.
    return {f"scores[{place}]": read_column(array[:, place], "scores") for place in range(shape[1])}


def read_groups(groups: Groups) -> dict[str, Cells]:
    """Read the columns to group by."""
    return {column: read_column(values, column) for column, values in groups.items()}


def name_groups(groups: Mapping[str, Cells], keep: Mask) -> dict[str, tuple[Sequence[str], Places]]:
    """Give the values of each column to group by, and the place of that of each row to keep."""
    return {column: read_names(cells[keep]) for column, cells in groups.items()}


def check_length(values: Sized, n: int, name: str) -> None:
    """Check that there is an entry for each row.

    Raises:
        InvalidEvidence: the lengths differ.
    """
    if len(values) != n:
        raise InvalidEvidence(reason=f"{name}: expected {n} entries, got {len(values)}")


_TWO: Final = 2
