"""SQLite: how its connections are set up, and the registry's database in a file."""

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
# As many as there may be threads: a connection beyond the pool is opened and closed for each use.
_CONNECTIONS: Final = 64
# FULL: a commit that was acknowledged survives a power cut, which NORMAL does not promise in WAL.
# secure_delete: what is erased is overwritten, and does not linger in pages that are free.
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
# What the writer changes lies all over the tables, since digests do: its pages stay at hand (16 MiB), and go
# from the log into the file less often than every 4 MB. A savepoint keeps a copy of each page that it
# changes: in memory, or every commit of several works makes a file for them, and removes it.
_WRITER: Final = ("cache_size = -16384", "wal_autocheckpoint = 8000", "temp_store = MEMORY")


def open_sqlite(path: Path, blobs: BlobStore) -> SqlUnits:
    """Open a database file, making it or bringing its schema up to date if need be.

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
        # Every use ends in a commit or rollback of its own.
        pool_reset_on_return=None,
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: SqliteConnection, _record: object) -> None:
        # The driver's own BEGIN comes too late and is never IMMEDIATE: we begin ourselves.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _fold_in(engine: Engine) -> None:
    """Fold the write-ahead log into the file and empty it: what was erased is still in it.

    If a reader is in the way for too long, a later commit will do it.
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
