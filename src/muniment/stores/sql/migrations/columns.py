"""Columns that many tables of migrations have."""

import sqlalchemy as sa

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    """Make columns of texts."""
    return [sa.Column(name, TEXT, nullable=nullable) for name in names]


def keys(*names: str) -> list[sa.Column[str]]:
    """Make columns of texts that are the primary key."""
    return [sa.Column(name, TEXT, primary_key=True) for name in names]


def version() -> list[sa.schema.SchemaItem]:
    """Make the columns that name a version."""
    known = sa.ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"])
    return [*texts("name"), sa.Column("number", WHOLE, nullable=False), known]


def entry(*, primary_key: bool = False) -> sa.Column[int]:
    """Make the column of the entry that made a row."""
    events = sa.ForeignKey("events.index")
    return sa.Column("index", WHOLE, events, primary_key=primary_key, autoincrement=False, nullable=False)
