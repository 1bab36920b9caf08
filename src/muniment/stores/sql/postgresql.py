"""Open a PostgreSQL database, or one that speaks its protocol.

Writers take one advisory lock when their transaction begins, so the log has one end, and the checks of a
command still hold when it is recorded, on any replica (docs/decisions/0007).
"""

from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from muniment.core.errors import InvalidSetting
from muniment.ports.blobs import BlobStore
from muniment.stores.sql.unit import SqlUnits

# An arbitrary number of our own: "muniment" in ASCII.
_LOG_LOCK: Final = int.from_bytes(b"muniment"[:7])
_READERS: Final = 16
_SESSION: Final = {
    "statement_timeout": "30s",
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
}
# Plan each search for its own values: a generic plan reads whole tables of many versions.
_READING: Final = {**_SESSION, "plan_cache_mode": "force_custom_plan"}
_TIMEOUTS: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def open_postgresql(url: str, blobs: BlobStore) -> SqlUnits:
    """Open a database by its URL (libpq's form), and create or migrate its tables.

    Raises:
        InvalidSetting: it is not the URL of a database.
        SchemaTooNew: a newer Muniment wrote it.
        StorageFailed, StorageBusy: it cannot be reached.
    """
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
    except ArgumentError as error:
        raise InvalidSetting(name="MUNIMENT_DATABASE", reason="is not a database URL") from error
    # Errors name this path, so it must not hold the password.
    path = str(address.set(password=None))
    units = SqlUnits(_connect(address, writes=True), _connect(address, writes=False), blobs, path)
    try:
        units.ensure_schema()
    except BaseException:
        units.close()
        raise
    return units


def _connect(url: URL, *, writes: bool) -> Engine:
    session = _SESSION if writes else _READING
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    engine = create_engine(
        url,
        connect_args={"options": options, "application_name": "muniment", **_TIMEOUTS},
        # A reader sees one consistent state; a writer, alone under the lock, sees the newest.
        isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        pool_size=1 if writes else _READERS,
        max_overflow=1 if writes else _READERS,
        # Reconnect after an outage of the database, without a restart.
        pool_pre_ping=True,
        pool_reset_on_return=None,
    )
    if writes:

        @event.listens_for(engine, "begin")
        def _lock(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOG_LOCK})")

    return engine
