"""Headers of NumPy arrays in files (numpy.lib.format)."""

import ast
import re
from collections.abc import Mapping
from io import BufferedReader
from typing import Final

from muniment.scanning.faults import Malformed

_MAGIC_BYTES: Final = 6
_LENGTH_BYTES: Final = {1: 2, 2: 4, 3: 4}
# By default, NumPy reads no more than 10,000 characters.
_MAX_HEADER_BYTES: Final = 1 << 16
_OBJECTS: Final = re.compile(r"[|<>=]?O\d*")


def read_array_header(file: BufferedReader) -> bool:
    """Read a header; return whether a pickle of objects follows.

    Raises:
        Malformed: it is not such a header.
    """
    version = file.read(_MAGIC_BYTES + 2)[_MAGIC_BYTES:]
    width = _LENGTH_BYTES.get(version[0]) if version else None
    if width is None:
        raise Malformed(reason="unknown version")
    length = int.from_bytes(file.read(width), "little")
    if length > _MAX_HEADER_BYTES:
        raise Malformed(reason="its header is too long")
    try:
        header = ast.literal_eval(file.read(length).decode("latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise Malformed(reason="its header is not a literal") from error
    if not isinstance(header, Mapping):
        raise Malformed(reason="its header is not a dictionary")
    return _holds_objects(header.get("descr"))


def _holds_objects(described: object) -> bool:
    if isinstance(described, str):
        return _OBJECTS.fullmatch(described) is not None
    if isinstance(described, list | tuple):
        return any(_holds_objects(one) for one in described)
    return False
