"""The cursors in SQL."""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.sql.base import Executable

from muniment.ports.cursors import Place
from muniment.stores.sql.statements import Rows, Statements
from muniment.stores.sql.tables.log import cursors

_FIND: Final = select(cursors.c.next, cursors.c.failures).where(cursors.c.reader == bindparam("who"))
_FIRST: Final = insert(cursors)
_MOVE: Final = (
    update(cursors)
    .where(cursors.c.reader == bindparam("who"))
    .values(next=bindparam("new_next"), failures=bindparam("new_failures"))
)


class SqlCursors:
    """Cursors on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def find(self, reader: str) -> Place | None:
        """Find a place."""
        rows = self._run("cursors find", _FIND, who=reader)
        return Place(int(rows[0][0]), int(rows[0][1])) if rows else None

    def put(self, reader: str, place: Place) -> None:
        """Save a place."""
        if self.find(reader) is None:
            self._run("cursors first", _FIRST, reader=reader, next=place.next, failures=place.failures)
        else:
            self._run("cursors move", _MOVE, who=reader, new_next=place.next, new_failures=place.failures)

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)
