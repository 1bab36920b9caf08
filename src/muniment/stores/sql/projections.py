"""The projections in SQL: one table for each kind of record, with a column for each field."""

import operator
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, Update, bindparam, delete, insert, select, update

from muniment.core.records import RECORDS, Amend, Change, Key, Put, Record, Where
from muniment.stores.sql.statements import Statements
from muniment.stores.sql.tables import TABLES

R = TypeVar("R", bound=Record)

_OPERATORS: Final[Mapping[str, Callable[..., object]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

# More answers than one transaction repeats; a scan of many records must not fill the memory.
_REMEMBERED: Final = 256
_COLUMNS: Final = {kind: tuple(table.c.keys()) for kind, table in TABLES.items()}


class SqlProjections:
    """Projections on one connection, inside its transaction.

    Answers are cached until a record of their kind changes: works that share a commit ask for the same token,
    key and grants.
    """

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements
        self._known: dict[type[Record], dict[Hashable, list[Any]]] = {}

    def apply(self, changes: Iterable[Change]) -> None:
        """Add and amend rows."""
        for change in changes:
            if isinstance(change, Put):
                kind = type(change.record)
                self._known.pop(kind, None)
                self._run(("put", kind), lambda kind=kind: insert(TABLES[kind]), change.record.values())  # type: ignore[misc] # bound at once
            else:
                self._known.pop(change.kind, None)
                self._amend(change)

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find a row by its primary key."""
        conditions = [Where(name, "=", part) for name, part in zip(kind.key, key, strict=True)]
        records = self.select(kind, *conditions, order=kind.key[0], limit=1)
        return records[0] if records else None

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List rows."""
        shape = (kind, tuple((c.column, c.op, c.value is None) for c in conditions), order, descending, limit)
        values = {f"value_{n}": c.value for n, c in enumerate(conditions) if c.value is not None}
        known = self._known.setdefault(kind, {})
        question = (shape, *values.values())
        if question in known:
            return list(known[question])
        rows = self._statements.run(
            self._connection,
            shape,
            lambda: _select(kind, conditions, order, descending=descending).limit(limit),
            values,
        )
        records = [_read(kind, row) for row in rows]
        if len(known) < _REMEMBERED and len(records) < _REMEMBERED:
            known[question] = records
        return list(records)

    def forget(self) -> None:
        """Drop the cache, after a part of the transaction was rolled back."""
        self._known.clear()

    def clear(self) -> None:
        """Delete every row, those that refer to others first."""
        self.forget()
        for kind in reversed(RECORDS):
            self._connection.execute(delete(TABLES[kind]))

    def _amend(self, change: Amend) -> None:
        names = tuple(change.values)
        keyed = {f"key_{name}": part for name, part in zip(change.kind.key, change.key, strict=True)}
        set_to = {f"set_{name}": value for name, value in change.values.items()}
        self._run(("amend", change.kind, names), lambda: _update(change.kind, names), {**keyed, **set_to})

    def _run(
        self, shape: tuple[object, ...], build: Callable[[], object], values: Mapping[str, object]
    ) -> None:
        self._statements.run(self._connection, shape, build, values)  # type: ignore[arg-type] # Core statements


def _select(
    kind: type[Record], conditions: tuple[Where, ...], order: str, *, descending: bool
) -> Select[tuple[object, ...]]:
    table = TABLES[kind]
    clauses = [
        _OPERATORS[c.op](table.c[c.column], None if c.value is None else bindparam(f"value_{n}"))
        for n, c in enumerate(conditions)
    ]
    column = table.c[order]
    return select(table).where(*clauses).order_by(column.desc() if descending else column)  # type: ignore[arg-type] # operators on columns


def _update(kind: type[Record], names: tuple[str, ...]) -> Update:
    table = TABLES[kind]
    return (
        update(table)
        .where(*(table.c[name] == bindparam(f"key_{name}") for name in kind.key))
        .values({name: bindparam(f"set_{name}") for name in names})
    )


def _read(kind: type[R], row: tuple[Any, ...]) -> R:
    return kind(**dict(zip(_COLUMNS[kind], row, strict=True)))
