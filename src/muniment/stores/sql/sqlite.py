"""Open a SQLite database file, and set up its connections."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

from muniment.ports.blobs import BlobStore
from muniment.stores.sql.unit import SqlUnits

_BUSY_S: Final = 60
_FOLD_IN_MS: Final = 1_000
# The number of threads: a connection beyond the pool is opened and closed for each use.
_CONNECTIONS: Final = 64
# FULL: an acknowledged commit survives a power cut, which NORMAL does not promise in WAL mode.
# secure_delete: erased bytes are overwritten, so they do not linger in free pages.
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
# Digests scatter the writes of the writer over the tables: cache its pages (16 MiB), and checkpoint the WAL
# less often than every 4 MB. A savepoint copies each page that it changes: keep the copies in memory, since
# otherwise every shared commit creates and removes a file for them.
_WRITER: Final = ("cache_size = -16384", "wal_autocheckpoint = 8000", "temp_store = MEMORY")


def open_sqlite(path: Path, blobs: BlobStore) -> SqlUnits:
    """Open a database file, and create it or migrate its schema if needed.

    Raises:
        SchemaTooNew: a newer Muniment wrote it.
        StorageFull, StorageReadOnly, StorageBusy, StorageFailed: it cannot be opened.
    """
    writer = _connect(path, "IMMEDIATE", (*_PRAGMAS, *_WRITER))
    units = SqlUnits(writer, _connect(path, "DEFERRED", _PRAGMAS), blobs, str(path), _fold_in)
    try:
        units.ensure_schema()
    except BaseException:
        units.close()
        raise
    return units


def _connect(path: Path, mode: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": _BUSY_S},
        pool_size=_CONNECTIONS,
        # Every use ends with its own commit or rollback.
        pool_reset_on_return=None,
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: SqliteConnection, _record: object) -> None:
        # The driver's own BEGIN comes too late and is never IMMEDIATE, so `_begin` sends it.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _fold_in(engine: Engine) -> None:
    """Fold the write-ahead log into the file and empty it, because it still holds erased bytes.

    If a reader blocks this for too long, a later commit does it.
    """
    with (
        suppress(sqlite3.Error),
        closing(engine.raw_connection()) as pooled,
        closing(pooled.cursor()) as cursor,
    ):
        cursor.execute(f"PRAGMA busy_timeout = {_FOLD_IN_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.fetchall()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {_BUSY_S * 1_000}")
