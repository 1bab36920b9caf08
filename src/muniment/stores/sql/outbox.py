"""The outbox in SQL."""

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.sql.base import Executable

from muniment.ports.outbox import DeadLetter, Place
from muniment.stores.sql.statements import Rows, Statements
from muniment.stores.sql.tables import cursors, letters

_FIND: Final = select(cursors.c.next, cursors.c.failures).where(cursors.c.webhook == bindparam("hook"))
_FIRST: Final = insert(cursors)
_MOVE: Final = (
    update(cursors)
    .where(cursors.c.webhook == bindparam("hook"))
    .values(next=bindparam("new_next"), failures=bindparam("new_failures"))
)
_BURY: Final = insert(letters)
_DEAD: Final = (
    select(letters.c.entry, letters.c.fault, letters.c.time, letters.c.again)
    .where(letters.c.webhook == bindparam("hook"))
    .order_by(letters.c.entry)
)
_DROP: Final = delete(letters).where(
    letters.c.webhook == bindparam("hook"), letters.c.entry == bindparam("which")
)


class SqlOutbox:
    """An Outbox on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Stand on a connection."""
        self._connection = connection
        self._statements = statements

    def find(self, webhook: int) -> Place | None:
        """Find a place."""
        rows = self._run("outbox find", _FIND, hook=webhook)
        return Place(int(str(rows[0][0])), int(str(rows[0][1]))) if rows else None

    def put(self, webhook: int, place: Place) -> None:
        """Keep a place."""
        if self.find(webhook) is None:
            self._run("outbox first", _FIRST, webhook=webhook, next=place.next, failures=place.failures)
        else:
            self._run("outbox move", _MOVE, hook=webhook, new_next=place.next, new_failures=place.failures)

    def bury(self, webhook: int, letter: DeadLetter) -> None:
        """Keep a letter."""
        self.drop_dead(webhook, letter.entry)
        row = {**letter._asdict(), "again": int(letter.again)}
        self._run("outbox bury", _BURY, webhook=webhook, **row)

    def list_dead(self, webhook: int) -> list[DeadLetter]:
        """List letters."""
        rows = self._run("outbox dead", _DEAD, hook=webhook)
        return [
            DeadLetter(int(str(entry)), str(fault), str(time), bool(again))
            for entry, fault, time, again in rows
        ]

    def drop_dead(self, webhook: int, entry: int) -> None:
        """Forget a letter."""
        self._run("outbox drop", _DROP, hook=webhook, which=entry)

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)
