"""Read the inputs of evaluations: labels, scores, values, groups."""

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
    """Read labels of shape (n,) as text: 1, 1.0 and "1" are the same label.

    Raises:
        InvalidEvidence: they have another shape, no rows, or a label that is not a finite number.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise InvalidEvidence(reason=f"expected {name} of shape (n,), got {array.shape}")
    if not len(array):
        raise InvalidEvidence(reason="the data has no rows")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise InvalidEvidence(reason=f"{name} contain a number that is not finite")
        if (array == np.round(array)).all():
            array = array.astype(np.int64)
    return array.astype(str) if array.dtype.kind in "biuU" else np.asarray([str(one) for one in array])


def read_numbers(values: ArrayLike, name: str, shape: tuple[int, ...]) -> Numbers:
    """Read finite numbers of a shape.

    Raises:
        InvalidEvidence: they have another shape, or one is not finite.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidEvidence(reason=f"{name}: {error}") from error
    if array.shape != shape:
        raise InvalidEvidence(reason=f"expected {name} of shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise InvalidEvidence(reason=f"{name} contain a number that is not finite")
    return array


def read_probabilities(values: ArrayLike, name: str, shape: tuple[int, ...]) -> Numbers:
    """Read probabilities. Raises like `read_numbers`, and if one is not between 0 and 1."""
    array = read_numbers(values, name, shape)
    if array.size and (array.min() < 0 or array.max() > 1):
        raise InvalidEvidence(reason=f"{name} contain a number that is not between 0 and 1")
    return array


def read_groups(groups: Groups, n: int) -> dict[str, Labels]:
    """Read the columns to group by, each with n entries; `a,b` groups by both together.

    Raises:
        InvalidEvidence: a column has another length.
    """
    read: dict[str, Labels] = {}
    for column, values in groups.items():
        read[column] = read_labels(values, column)
        check_length(read[column], n, column)
    return read


def check_length(values: Values, n: int, name: str) -> None:
    """Check that there is an entry for each row.

    Raises:
        InvalidEvidence: the lengths differ.
    """
    if len(values) != n:
        raise InvalidEvidence(reason=f"{name}: expected {n} entries, got {len(values)}")
