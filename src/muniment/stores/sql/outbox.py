"""The outbox in SQL."""

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.sql.base import Executable

from muniment.ports.outbox import DeadLetter
from muniment.stores.sql.statements import Rows, Statements
from muniment.stores.sql.tables.upkeep import letters

_BURY: Final = insert(letters)
_DEAD: Final = (
    select(letters.c.entry, letters.c.fault, letters.c.time, letters.c.again)
    .where(letters.c.webhook == bindparam("hook"))
    .order_by(letters.c.entry)
)
_DROP: Final = delete(letters).where(
    letters.c.webhook == bindparam("hook"), letters.c.entry == bindparam("which_entry")
)


class SqlOutbox:
    """An Outbox on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def bury(self, webhook: int, letter: DeadLetter) -> None:
        """Save a failed delivery."""
        self.drop_dead(webhook, letter.entry)
        row = {**letter._asdict(), "again": int(letter.again)}
        self._run("outbox bury", _BURY, webhook=webhook, **row)

    def list_dead(self, webhook: int) -> list[DeadLetter]:
        """List the failed deliveries."""
        rows = self._run("outbox dead", _DEAD, hook=webhook)
        return [
            DeadLetter(int(entry), str(fault), str(time), bool(again)) for entry, fault, time, again in rows
        ]

    def drop_dead(self, webhook: int, entry: int) -> None:
        """Delete a failed delivery."""
        self._run("outbox drop", _DROP, hook=webhook, which_entry=entry)

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)
