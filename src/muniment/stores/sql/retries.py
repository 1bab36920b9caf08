"""The answered requests in SQL."""

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from muniment.ports.retries import Answered
from muniment.stores.sql.statements import Statements
from muniment.stores.sql.tables.log import retries

_FIND: Final = select(retries.c.fingerprint, retries.c.entry).where(
    retries.c.caller == bindparam("caller"), retries.c.key == bindparam("key")
)
_KEEP: Final = insert(retries)


class SqlRetries:
    """Retries on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def find(self, caller: str, key: str) -> Answered | None:
        """Find one."""
        values = {"caller": caller, "key": key}
        rows = self._statements.run(self._connection, "retries find", lambda: _FIND, values)
        return Answered(str(rows[0][0]), int(rows[0][1])) if rows else None

    def keep(self, caller: str, key: str, answered: Answered, time: str) -> None:
        """Store a request."""
        row = {"caller": caller, "key": key, **answered._asdict(), "time": time}
        self._statements.run(self._connection, "retries keep", lambda: _KEEP, row)

    def forget(self, before: str) -> int:
        """Delete old requests."""
        return self._connection.execute(delete(retries).where(retries.c.time < before)).rowcount
