"""The layout of tensors in a file, for every format."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final, NoReturn

from muniment.core.errors import InvalidModelFile

_MAX_DIMENSIONS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One tensor.

    Attributes:
        name: the name in the file.
        dtype: the format's name for the type: F32, BF16, Q4_K.
        shape: the dimensions, slowest first.
        start, end: the place of its bytes in the file; both -1 if they are elsewhere.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        """The size of its bytes in the file."""
        return self.end - self.start

    def __str__(self) -> str:
        """Write dtype and shape."""
        return f"{self.dtype} [{', '.join(map(str, self.shape))}]"


class Reader:
    """A bounded reader of a header: it never reads past the end, and its errors name the file."""

    def __init__(self, file: BinaryIO, path: str, size: int) -> None:
        """Read a file of `size` bytes from its current position."""
        self._file = file
        self._size = size
        self.path = path
        self.place = 0

    @property
    def left(self) -> int:
        """The number of bytes left."""
        return self._size - self.place

    def read(self, count: int) -> bytes:
        """Read exactly `count` bytes.

        Raises:
            InvalidModelFile: the file has fewer.
        """
        if not 0 <= count <= self.left:
            self.refuse("it is truncated")
        data = self._file.read(count)
        if len(data) != count:
            self.refuse("it is truncated")
        self.place += count
        return data

    def skip(self, count: int) -> None:
        """Skip `count` bytes. Raises like `read`."""
        if not 0 <= count <= self.left:
            self.refuse("it is truncated")
        self.place += count
        self._file.seek(self.place)

    def number(self, width: int) -> int:
        """Read an unsigned little-endian number. Raises like `read`."""
        return int.from_bytes(self.read(width), "little")

    def refuse(self, reason: str) -> NoReturn:
        """Refuse the file.

        Raises:
            InvalidModelFile: always.
        """
        raise InvalidModelFile(path=self.path, reason=reason)


def check_shape(shape: Iterable[int], path: str, name: str) -> tuple[int, ...]:
    """Check dimensions.

    Raises:
        InvalidModelFile: one is negative, or there are too many.
    """
    dimensions = tuple(shape)
    if len(dimensions) > _MAX_DIMENSIONS or any(type(size) is not int or size < 0 for size in dimensions):
        raise InvalidModelFile(path=path, reason=f"the tensor {name!r:.80} has an impossible shape")
    return dimensions


def count_elements(shape: tuple[int, ...]) -> int:
    """Count the elements."""
    return math.prod(shape)
