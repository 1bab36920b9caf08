"""The schema's version: looked at on every opening, changed by Alembic only when it is old.

Alembic costs more time to import than a whole `muniment show`, so it is loaded only to migrate
(docs/decisions/0004-late-imports.md).
"""

import importlib
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from muniment.core.errors import SchemaTooNew

HEAD: Final = "0001"
_KNOWN: Final = frozenset({"0001"})


def ensure_schema(engine: Engine, path: str) -> None:
    """Make the tables, or bring them up to date, in one transaction.

    Raises:
        SchemaTooNew: the database has a schema that this code does not know.
    """
    with engine.connect() as connection:
        present = _find_revision(connection)
        connection.rollback()
    if present == HEAD:
        return
    if present is not None and present not in _KNOWN:
        raise SchemaTooNew(path=path, revision=present)
    with engine.begin() as connection:
        # Another process may have migrated while this one waited for the lock.
        if _find_revision(connection) != HEAD:
            importlib.import_module("muniment.stores.sql.migrate").upgrade(connection)


def _find_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
