"""The projections in SQL: one table for each kind of record, by the names of its fields."""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, insert, select, update

from muniment.core.records import RECORDS, Change, Key, Put, Record
from muniment.ports.projections import Where
from muniment.stores.sql.tables import TABLES

R = TypeVar("R", bound=Record)

_OPERATORS: Final[Mapping[str, Callable[..., object]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class SqlProjections:
    """Projections on one connection, inside its transaction."""

    def __init__(self, connection: Connection) -> None:
        """Stand on a connection."""
        self._connection = connection

    def apply(self, changes: Iterable[Change]) -> None:
        """Add and amend rows."""
        for change in changes:
            if isinstance(change, Put):
                self._put(change.record)
            else:
                table = TABLES[change.kind]
                self._connection.execute(
                    update(table).where(*_keyed(table, change.kind, change.key)).values(change.values)
                )

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find a row by its primary key."""
        table = TABLES[kind]
        row = self._connection.execute(select(table).where(*_keyed(table, kind, key))).first()
        return None if row is None else _read(kind, row)

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List rows."""
        table = TABLES[kind]
        column = table.c[order]
        query = (
            select(table)
            .where(*(_OPERATORS[c.op](table.c[c.column], c.value) for c in conditions))  # type: ignore[arg-type] # an operator on a column gives an expression
            .order_by(column.desc() if descending else column)
            .limit(limit)
        )
        return [_read(kind, row) for row in self._connection.execute(query)]

    def clear(self) -> None:
        """Drop every row, those that refer to others first."""
        for kind in reversed(RECORDS):
            self._connection.execute(delete(TABLES[kind]))

    def _put(self, record: Record) -> None:
        self._connection.execute(insert(TABLES[type(record)]), record.values())


def _keyed(table: Table, kind: type[Record], key: Key) -> list[ColumnElement[bool]]:
    return [table.c[name] == part for name, part in zip(kind.key, key, strict=True)]


def _read(kind: type[R], row: Row[tuple[object, ...]]) -> R:
    return kind(**row._mapping)  # noqa: SLF001 - the public name of a row's mapping
