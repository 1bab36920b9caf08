"""Pending reads in SQL."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.sql.base import Executable

from muniment.core.reads import Read
from muniment.stores.sql.statements import Rows, Statements
from muniment.stores.sql.tables.bytes import pending_reads as table

_OF_DAY: Final = (table.c.namespace == bindparam("within"), table.c.day == bindparam("on"))
_OF_READ: Final = (*_OF_DAY, table.c.principal == bindparam("who"), table.c.version == bindparam("which"))
_COLUMNS: Final = (
    table.c.principal,
    table.c.version,
    table.c.files,
    table.c.manifests,
    table.c.first,
    table.c.last,
)
_ADD: Final = insert(table)
_FIND: Final = select(*_COLUMNS).where(*_OF_READ)
_AMEND: Final = (
    update(table)
    .where(*_OF_READ)
    .values(
        files=bindparam("set_files"),
        manifests=bindparam("set_manifests"),
        first=bindparam("set_first"),
        last=bindparam("set_last"),
    )
)
_LIST: Final = select(*_COLUMNS).where(*_OF_DAY).order_by(table.c.principal, table.c.version)
_DAYS: Final = select(table.c.namespace, table.c.day).distinct().order_by(table.c.namespace, table.c.day)
_DROP: Final = delete(table).where(*_OF_DAY)


class SqlPendingReads:
    """Pending reads on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def add(self, namespace: str, day: str, read: Read) -> None:
        """Add a read."""
        known = {"within": namespace, "on": day, "who": read.principal, "which": read.version}
        before = [_read(row) for row in self._run("reads find", _FIND, **known)]
        if not before:
            self._run("reads add", _ADD, namespace=namespace, day=day, **_values(read))
            return
        both = before[0].join(read)
        changed = {f"set_{name}": getattr(both, name) for name in ("files", "manifests", "first", "last")}
        self._run("reads amend", _AMEND, **known, **changed)

    def list(self, namespace: str, day: str) -> Sequence[Read]:
        """List the reads of a day."""
        return [_read(row) for row in self._run("reads list", _LIST, within=namespace, on=day)]

    def list_days(self) -> Iterable[tuple[str, str]]:
        """List the days."""
        return [(str(namespace), str(day)) for namespace, day in self._run("reads days", _DAYS)]

    def drop(self, namespace: str, day: str) -> None:
        """Drop the reads of a day."""
        self._run("reads drop", _DROP, within=namespace, on=day)

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)


def _values(read: Read) -> dict[str, object]:
    return {column.name: getattr(read, column.name) for column in _COLUMNS}


def _read(row: tuple[object, ...]) -> Read:
    principal, version, files, manifests, first, last = row
    return Read(
        principal=str(principal),
        version=str(version),
        files=int(str(files)),
        manifests=int(str(manifests)),
        first=str(first),
        last=str(last),
    )
