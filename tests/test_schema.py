"""The database's schema and its migrations."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from muniment.core.errors import SchemaTooNew, StorageFailed
from muniment.core.records import RECORDS
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.migrate import configure, upgrade
from muniment.stores.sql.schema import HEAD, ensure_schema
from muniment.stores.sql.sqlite import open_sqlite
from muniment.stores.sql.tables import TABLES, metadata

_IN_SQLITE = ("SELECT type, name, sql FROM sqlite_master",)
_IN_POSTGRESQL = (
    (
        "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public'"
    ),
    (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace"
    ),
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
)


@pytest.fixture
def registry_db(tmp_path: Path) -> Path:
    """Make a database."""
    path = tmp_path / "registry.db"
    open_sqlite(path, LocalBlobs.create(tmp_path)).close()
    return path


def read_schema(engine: Engine, queries: Iterable[str]) -> set[tuple[str, ...]]:
    """Read what a database says of its tables, indexes, constraints and triggers."""
    with engine.connect() as connection:
        parts = {
            tuple(" ".join(str(part).split()) for part in row)
            for query in queries
            for row in connection.exec_driver_sql(query)
        }
    engine.dispose()
    return parts


def test_a_new_database_is_as_the_migrations_make_it(tmp_path: Path) -> None:
    """A new SQLite database has the same schema as the declared tables and the migrations."""
    new, migrated = (create_engine(f"sqlite:///{tmp_path / name}") for name in ("new", "migrated"))
    ensure_schema(new, "new")
    with migrated.begin() as connection:
        upgrade(connection)
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    schema = read_schema(new, _IN_SQLITE)
    assert {part[0] for part in schema} == {"table", "index", "trigger"}
    assert schema == read_schema(migrated, _IN_SQLITE)


def test_a_new_database_on_postgresql_is_as_the_migrations_make_it(database: str) -> None:
    """A new PostgreSQL database has the schema of the migrations, and its log is append-only."""
    engine = create_engine(make_url(database).set(drivername="postgresql+psycopg"))
    ensure_schema(engine, "new")
    schema = read_schema(engine, _IN_POSTGRESQL)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO events VALUES (0, 'now', 'leaf')")
    for act in (
        "UPDATE events SET time = ''",
        "DELETE FROM events",
        "TRUNCATE events CASCADE",
        "DELETE FROM nodes",
    ):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(act)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    with engine.begin() as connection:
        upgrade(connection)
    assert schema == read_schema(engine, _IN_POSTGRESQL)


def test_the_code_knows_the_newest_migration() -> None:
    """The revision that the code expects is the newest migration."""
    assert ScriptDirectory.from_config(configure()).get_heads() == [HEAD]


def test_every_record_has_its_table() -> None:
    """Each record has a table with its fields as columns and its key as primary key."""
    for record in RECORDS:
        table = TABLES[record]
        assert table.name == record.table
        assert {column.name for column in table.columns} == {field.name for field in fields(record)}
        assert tuple(column.name for column in table.primary_key) == record.key


def test_a_database_of_the_future_is_refused(registry_db: Path, tmp_path: Path) -> None:
    """A database of a newer Muniment is refused."""
    with closing(sqlite3.connect(registry_db)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(SchemaTooNew, match="9999"):
        open_sqlite(registry_db, LocalBlobs(tmp_path))


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """A file that is not a database is refused."""
    (tmp_path / "registry.db").write_bytes(b"this is not a database, and long enough to be sure" * 100)
    with pytest.raises(StorageFailed, match="not a database"):
        open_sqlite(tmp_path / "registry.db", LocalBlobs.create(tmp_path))


def test_the_database_is_durable_and_checks_references(registry_db: Path, tmp_path: Path) -> None:
    """The connections use WAL, synchronous FULL and foreign keys."""
    units = open_sqlite(registry_db, LocalBlobs(tmp_path))
    for engine in (units._writer, units._reader):
        with engine.connect() as connection:
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert pragmas == ["wal", 2, 1]
    units.close()
