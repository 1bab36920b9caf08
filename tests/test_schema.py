"""The database's schema and its migrations."""

import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from muniment.core.errors import MunimentError, SchemaTooNew
from muniment.core.records import RECORDS
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.migrate import configure
from muniment.stores.sql.schema import HEAD
from muniment.stores.sql.sqlite import open_sqlite
from muniment.stores.sql.tables import TABLES, metadata


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Make a database by its migrations."""
    path = tmp_path / "registry.db"
    open_sqlite(path, LocalBlobs.create(tmp_path)).close()
    return path


def test_the_migrations_make_the_tables_of_the_code(database: Path) -> None:
    """Nothing differs between what the code declares and what the migrations make."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_code_knows_the_newest_migration() -> None:
    """The revision that every opening looks for is the last one."""
    assert ScriptDirectory.from_config(configure()).get_heads() == [HEAD]


def test_every_record_has_its_table() -> None:
    """The fields of a record are the columns of its table, key for key."""
    for record in RECORDS:
        table = TABLES[record]
        assert table.name == record.table
        assert {column.name for column in table.columns} == {field.name for field in fields(record)}
        assert tuple(column.name for column in table.primary_key) == record.key


def test_a_database_of_the_future_is_refused(database: Path, tmp_path: Path) -> None:
    """An older Muniment does not touch what a newer one wrote."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(SchemaTooNew, match="9999"):
        open_sqlite(database, LocalBlobs(tmp_path))


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """A file of something else is a refusal, not a foreign exception."""
    (tmp_path / "registry.db").write_bytes(b"this is not a database, and long enough to be sure" * 100)
    with pytest.raises(MunimentError):
        open_sqlite(tmp_path / "registry.db", LocalBlobs.create(tmp_path))


def test_the_database_is_durable_and_checks_references(database: Path, tmp_path: Path) -> None:
    """WAL, synchronous FULL and foreign keys hold on the registry's own connections."""
    units = open_sqlite(database, LocalBlobs(tmp_path))
    for engine in (units._writer, units._reader):
        with engine.connect() as connection:
            found = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert found == ["wal", 2, 1]
    units.close()
