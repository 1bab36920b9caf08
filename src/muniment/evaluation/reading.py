"""Read what people evaluate with: labels, scores, values; refused with a reason if they make no evidence."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muniment.core.errors import InvalidEvidence

Labels: TypeAlias = NDArray[np.str_]
Values: TypeAlias = Sequence[object] | NDArray[Any]
Numbers: TypeAlias = NDArray[np.float64]
Groups: TypeAlias = Mapping[str, Values]


def read_labels(values: Values, name: str = "labels") -> Labels:
    """Read labels, shape (n,), as text: 1, 1.0 and "1" are one label.

    Raises:
        InvalidEvidence: it has another shape, no row, or a label that is not a finite number.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise InvalidEvidence(reason=f"{name} of shape {array.shape} where (n,) is needed")
    if not len(array):
        raise InvalidEvidence(reason="there is no row")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise InvalidEvidence(reason=f"{name} hold a label that is not a finite number")
        if (array == np.round(array)).all():
            array = array.astype(np.int64)
    return array.astype(str) if array.dtype.kind in "biuU" else np.asarray([str(one) for one in array])


def read_numbers(values: ArrayLike, name: str, shape: tuple[int, ...]) -> Numbers:
    """Read finite numbers of a shape.

    Raises:
        InvalidEvidence: they are not.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidEvidence(reason=f"{name}: {error}") from error
    if array.shape != shape:
        raise InvalidEvidence(reason=f"{name} of shape {array.shape} where {shape} is needed")
    if not np.isfinite(array).all():
        raise InvalidEvidence(reason=f"{name} hold one that is not finite")
    return array


def read_probabilities(values: ArrayLike, name: str, shape: tuple[int, ...]) -> Numbers:
    """Read probabilities. Raises like `read_numbers`, and if one is not from 0 to 1."""
    array = read_numbers(values, name, shape)
    if array.size and (array.min() < 0 or array.max() > 1):
        raise InvalidEvidence(reason=f"{name} hold one that is not a probability from 0 to 1")
    return array


def read_groups(groups: Groups, n: int) -> dict[str, Labels]:
    """Read the columns that rows are grouped by, each of n entries; `a,b` groups by both together.

    Raises:
        InvalidEvidence: one has another length.
    """
    read: dict[str, Labels] = {}
    for column, values in groups.items():
        read[column] = read_labels(values, column)
        check_length(read[column], n, column)
    return read


def check_length(values: Values, n: int, name: str) -> None:
    """Check that there is one entry for each row.

    Raises:
        InvalidEvidence: there is not.
    """
    if len(values) != n:
        raise InvalidEvidence(reason=f"{n} labels and {len(values)} {name}")
