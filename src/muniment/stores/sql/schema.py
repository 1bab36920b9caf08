"""The version of the schema: checked on every opening, and changed by Alembic only if it is old.

Importing Alembic takes longer than a whole `muniment show`, so it is loaded only to migrate
(docs/decisions/0004-late-imports.md). A new database gets the tables of the code directly.
"""

import importlib
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
)

from muniment.core.errors import SchemaTooNew
from muniment.stores.sql.tables import metadata

HEAD: Final = "0001"
_KNOWN: Final = frozenset({"0001"})
# The table that Alembic uses.
_VERSION: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def ensure_schema(engine: Engine, path: str) -> None:
    """Create or migrate the tables, in one transaction.

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
        # Another process may have done it while this one waited for the lock.
        present = _find_revision(connection)
        if present is None:
            _create(connection)
        elif present != HEAD:
            importlib.import_module("muniment.stores.sql.migrate").upgrade(connection)


def _create(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=HEAD))


def _find_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar()
