"""Ranges of bytes (RFC 9110 14).

>>> read_range("bytes=5-", 10)
(5, 10)
>>> read_range("bytes=-3", 10)
(7, 10)
"""

import re
from typing import Final

from muniment.core.counting import count
from muniment.core.errors import InvalidRange

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Read a Range header as a start and an end; None for the whole blob.

    A request for several ranges gets the whole blob, as RFC 9110 14.2 allows.

    Raises:
        InvalidRange: the range begins beyond the end.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise InvalidRange(reason=f"the blob has {count(size, 'byte')}")
    return start, end
