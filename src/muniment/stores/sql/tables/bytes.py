"""Quotas, holdings, uploads, and the blobs of versions."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

quotas: Final = Table(
    "quotas",
    metadata,
    entry(primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("size_bytes", Whole),
    Index("quotas_by_namespace", "namespace", "index"),
)

holdings: Final = Table(
    "holdings",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("size_bytes", Whole, nullable=False),
    Column("since", Text, nullable=False),
    sqlite_with_rowid=False,
)

usages: Final = Table(
    "usages",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("size_bytes", Whole, nullable=False),
)

uploads: Final = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("size_bytes", Whole),
    Column("digest", Text),
    Column("offset", Whole, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("stretches", Text, nullable=False),
    Column("rests", Integer, nullable=False),
    Column("session", Text, nullable=False),
    Column("touched", Text, nullable=False),
    Column("result", Text),
    Index("uploads_by_principal", "principal"),
    Index("uploads_by_time", "touched"),
)

contents: Final = Table(
    "contents",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("version", Whole, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
