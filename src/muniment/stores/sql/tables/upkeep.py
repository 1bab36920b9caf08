"""Webhooks, their failed deliveries, and jobs."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

webhooks: Final = Table(
    "webhooks",
    metadata,
    entry(primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Column("ended", Whole),
)

letters: Final = Table(
    "letters",
    metadata,
    Column("webhook", Whole, primary_key=True, autoincrement=False),
    Column("entry", Whole, primary_key=True, autoincrement=False),
    Column("fault", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("again", Integer, nullable=False),
)

jobs: Final = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("leased", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fault", Text, nullable=False),
    Index("jobs_by_time", "due"),
)
