"""Digests of rows: they tell which rows of one table are in another, without the rows themselves.

Each row is hashed with a salt of its table (HMAC-SHA-256, cut to 8 bytes). With the salt, a guess of a whole
row can be checked, so only readers of the version may read the digests. Numbers are compared as numbers,
missing values as empty, columns by name.
"""

import hashlib
import hmac
import json
import math
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core.errors import InvalidDocument

MEDIA_TYPE: Final = "application/vnd.muniment.rows.v1"
_BYTES: Final = 8
_MAX_HEADER: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDigests:
    """The rows of a table: its salt, its columns, and a digest for each distinct row."""

    salt: bytes
    columns: tuple[str, ...]
    digests: frozenset[bytes]

    def encode(self) -> bytes:
        """Write the salt and columns as a line of JSON, then the sorted digests."""
        head = json.dumps({"salt": self.salt.hex(), "columns": list(self.columns)}, ensure_ascii=False)
        return head.encode() + b"\n" + b"".join(sorted(self.digests))

    @classmethod
    def decode(cls, data: bytes) -> "RowDigests":
        """Read encoded row digests.

        Raises:
            InvalidDocument: the bytes have another form.
        """
        head, separator, body = data[:_MAX_HEADER].partition(b"\n")
        try:
            header = json.loads(head)
            salt, columns = bytes.fromhex(header["salt"]), tuple(map(str, header["columns"]))
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidDocument(reason="expected a list of row digests") from error
        body = data[len(head) + 1 :]
        if not separator or len(body) % _BYTES:
            raise InvalidDocument(reason="the list of row digests is cut off")
        digests = frozenset(body[place : place + _BYTES] for place in range(0, len(body), _BYTES))
        return cls(salt=salt, columns=columns, digests=digests)

    def count(self, rows: Iterable[Sequence[object]]) -> tuple[int, int]:
        """Count rows, with cells in the order of `columns`: all of them, and those in this table."""
        total = known = 0
        for row in rows:
            total += 1
            known += _hash(self.salt, row) in self.digests
        return total, known


def digest_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> RowDigests:
    """Hash rows with cells in the order of `columns`, using a new salt."""
    salt = secrets.token_bytes(16)
    order = sorted(range(len(columns)), key=lambda place: columns[place])
    digests = frozenset(_hash(salt, [row[place] for place in order]) for row in rows)
    return RowDigests(salt=salt, columns=tuple(columns[place] for place in order), digests=digests)


def _hash(salt: bytes, row: Sequence[object]) -> bytes:
    text = "\x1f".join(map(_write_cell, row))
    return hmac.digest(salt, text.encode(errors="surrogatepass"), hashlib.sha256)[:_BYTES]


def _write_cell(cell: object) -> str:
    # A missing value is empty in CSV, None in Parquet, and NaN in pandas.
    text = "" if cell is None else str(cell)
    try:
        number = float(text)
    except ValueError:
        return "" if text == "NaT" else text
    return "" if math.isnan(number) else repr(number)
