"""Digests of rows: enough to count which rows of one table are in another, and nothing of the rows.

Each row is hashed with a salt of its table's own (HMAC-SHA-256, cut to 8 bytes). Who has the salt and guesses
a whole row can check the guess: the list is for those who may read the version. Cells that are numbers are
compared as numbers, what is missing as empty, columns by name.
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
    """The rows of one table: its salt, its columns, and a digest for each different row."""

    salt: bytes
    columns: tuple[str, ...]
    digests: frozenset[bytes]

    def encode(self) -> bytes:
        """Write them: a line of JSON, then the digests, sorted."""
        head = json.dumps({"salt": self.salt.hex(), "columns": list(self.columns)}, ensure_ascii=False)
        return head.encode() + b"\n" + b"".join(sorted(self.digests))

    @classmethod
    def decode(cls, data: bytes) -> "RowDigests":
        """Read them.

        Raises:
            InvalidDocument: they are not in that form.
        """
        head, separator, body = data[:_MAX_HEADER].partition(b"\n")
        try:
            found = json.loads(head)
            salt, columns = bytes.fromhex(found["salt"]), tuple(map(str, found["columns"]))
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidDocument(reason="not a list of row digests") from error
        body = data[len(head) + 1 :]
        if not separator or len(body) % _BYTES:
            raise InvalidDocument(reason="a list of row digests that is cut off")
        digests = frozenset(body[place : place + _BYTES] for place in range(0, len(body), _BYTES))
        return cls(salt=salt, columns=columns, digests=digests)

    def count(self, rows: Iterable[Sequence[object]]) -> tuple[int, int]:
        """Count rows, of cells in the order of `columns`: all of them, and those that are in this table."""
        total = known = 0
        for row in rows:
            total += 1
            known += _hash(self.salt, row) in self.digests
        return total, known


def digest_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> RowDigests:
    """Hash rows, of cells in the order of `columns`, with a new salt."""
    salt = secrets.token_bytes(16)
    order = sorted(range(len(columns)), key=lambda place: columns[place])
    digests = frozenset(_hash(salt, [row[place] for place in order]) for row in rows)
    return RowDigests(salt=salt, columns=tuple(columns[place] for place in order), digests=digests)


def _hash(salt: bytes, row: Sequence[object]) -> bytes:
    text = "\x1f".join(map(_write_cell, row))
    return hmac.digest(salt, text.encode(errors="surrogatepass"), hashlib.sha256)[:_BYTES]


def _write_cell(cell: object) -> str:
    # A missing value is empty in CSV, None in Parquet, and NaN once pandas has read it.
    text = "" if cell is None else str(cell)
    try:
        number = float(text)
    except ValueError:
        return "" if text == "NaT" else text
    return "" if math.isnan(number) else repr(number)
