"""The tables of a view as rows, for CSV, Parquet and pandas."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from muniment.core.canonical import Json
from muniment.core.texts import plain
from muniment.views.values import (
    Change,
    Estimate,
    Headline,
    Pairs,
    Person,
    Phrase,
    Value,
    write_document,
    write_whole,
)
from muniment.views.view import Table, View

# A spreadsheet takes a text that begins so for a formula, some also after white space or in full width.
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def find_table(view: View) -> Table:
    """Return the main table of a view.

    Raises:
        LookupError: it has none.
    """
    tables = (block for section in view.sections for block in section.blocks if isinstance(block, Table))
    table = next(tables, None)
    if table is None:
        raise LookupError(view.kind)
    return table


def list_rows(table: Table) -> Iterator[dict[str, Json]]:
    """List the rows of a table with plain values by column: people by name, numbers as numbers."""
    for row in table.rows:
        cells = {
            key: value
            for column, cell in zip(table.columns, row.cells, strict=True)
            for key, value in _flatten(column.key, cell)
        }
        if row.vouched is not None:
            cells |= {"mark": str(row.vouched.mark), "entry": row.vouched.entry}
        yield cells


def write_csv(table: Table) -> str:
    """Write a table as CSV (RFC 4180), with a heading."""
    written = io.StringIO()
    rows = list(list_rows(table))
    keys = dict.fromkeys(key for row in rows for key in row)
    writer = csv.DictWriter(written, keys or [column.key for column in table.columns])
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _disarm(cell) for key, cell in row.items()})
    return written.getvalue()


def _flatten(key: str, value: Value) -> list[tuple[str, Json]]:  # noqa: PLR0911 - one form for each
    """Write a cell as one plain value, or as several that are named."""
    match value:
        case ():
            return [(key, None)]
        case Phrase(value=held):
            return _flatten(key, held)
        case Person() | Pairs() | tuple():
            return [(key, write_whole(value))]
        case Estimate(value=number):
            return [(key, number)]
        case Change(delta=delta):
            return [(key, delta)]
        case Headline(metric=metric, estimate=estimate):
            return [(key, metric), ("value", estimate.value)]
        case _:
            return [(key, write_document(value))]


def _disarm(cell: Json) -> Json:
    """Keep a spreadsheet from running a text, and a terminal or a reader from being misled by it."""
    if not isinstance(cell, str):
        return cell
    begin = cell[:1].isspace() or cell.lstrip().startswith(_FORMULA)
    return f"'{plain(cell)}" if begin else plain(cell)
