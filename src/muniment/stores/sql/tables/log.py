"""The log and its tree, which the database itself keeps append-only; its index, readers and namespaces."""

from typing import Final

from sqlalchemy import DDL, Column, Index, Integer, LargeBinary, Table, event

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

events: Final = Table(
    "events",
    metadata,
    Column("index", Whole, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("events_by_time", "time"),
)

nodes: Final = Table(
    "nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", Whole, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

namespaces: Final = Table(
    "namespaces",
    metadata,
    Column("name", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    entry(),
)

index_pages: Final = Table(
    "index_pages",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

index_head: Final = Table(
    "index_head",
    metadata,
    Column("size", Whole, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
)

cursors: Final = Table(
    "cursors",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("next", Whole, nullable=False),
    Column("failures", Integer, nullable=False),
)

retries: Final = Table(
    "retries",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("entry", Whole, nullable=False),
    Column("time", Text, nullable=False),
    Index("retries_by_time", "time"),
)


def _forbid_changes(table: Table) -> None:
    """Make the database refuse to change or delete rows."""
    for act in ("UPDATE", "DELETE"):
        trigger = (
            f"CREATE TRIGGER {table.name}_no_{act.lower()} BEFORE {act} ON {table.name} "
            f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only'); END"
        )
        _after(table, trigger, "sqlite")
    trigger = (
        f"CREATE TRIGGER {table.name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    _after(table, trigger, "postgresql")


def _after(table: Table, statement: str, dialect: str) -> None:
    """Run a statement after the creation of a table."""
    event.listen(table, "after_create", _ddl(statement).execute_if(dialect=dialect))


def _ddl(statement: str) -> DDL:
    return DDL(statement)  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


_refuse_change: Final = _ddl(
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME; END $$"
)
event.listen(metadata, "before_create", _refuse_change.execute_if(dialect="postgresql"))
_forbid_changes(events)
_forbid_changes(nodes)
