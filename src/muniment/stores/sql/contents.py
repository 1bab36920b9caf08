"""The contents of versions in SQL."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from muniment.core.digests import Digest
from muniment.stores.sql.statements import Statements
from muniment.stores.sql.tables.bytes import contents

_ADD: Final = insert(contents)
_FIND: Final = (
    select(contents.c.version)
    .where(
        contents.c.digest == bindparam("blob"),
        contents.c.namespace == bindparam("within"),
        contents.c.version > bindparam("after"),
    )
    .order_by(contents.c.version)
    .limit(bindparam("most"))
)


class SqlContents:
    """Contents on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def add(self, version: int, namespace: str, digests: Collection[Digest]) -> None:
        """Record the blobs of a version."""
        rows = [{"digest": str(digest), "namespace": namespace, "version": version} for digest in {*digests}]
        self._statements.run_many(self._connection, "contents add", lambda: _ADD, rows)

    def find(self, digest: Digest, namespace: str, after: int, limit: int) -> list[int]:
        """List versions."""
        values = {"blob": str(digest), "within": namespace, "after": after, "most": limit}
        rows = self._statements.run(self._connection, "contents find", lambda: _FIND, values)
        return [int(version) for (version,) in rows]

    def clear(self) -> None:
        """Delete everything."""
        self._connection.execute(delete(contents))
