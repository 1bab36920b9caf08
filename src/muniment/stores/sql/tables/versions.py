"""Models, versions and drafts."""

from typing import Final

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

models: Final = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("latest", Whole, nullable=False),
    Column("owner", Text, ForeignKey("principals.id")),
    entry(),
)

versions: Final = Table(
    "versions",
    metadata,
    Column("name", Text, ForeignKey("models.name"), primary_key=True),
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("revision", Text, nullable=False),
    Column("published", Text, nullable=False),
    Column("size_bytes", Whole, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("message", Text),
    Column("starter", Text),
    entry(),
    # A revision has one number in a model: publishing it again returns that version.
    Index("versions_by_revision", "name", "revision", unique=True),
    Index("versions_by_entry", "index", unique=True),
    Index("versions_by_manifest", "revision"),
    Index("versions_by_author", "author", "index"),
)

statuses: Final = Table(
    "statuses",
    metadata,
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", Whole, nullable=False),
    Column("status", Text, nullable=False),
    Column("set", Text, nullable=False),
    Column("actor", Text, ForeignKey("principals.id"), nullable=False),
    Column("reason", Text),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("statuses_by_version", "name", "number", "index"),
)

retentions: Final = Table(
    "retentions",
    metadata,
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", Whole, nullable=False),
    Column("until", Text),
    Column("reason", Text),
    Column("hold", Integer, nullable=False),
    Column("actor", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("retentions_by_version", "name", "number", "index"),
)

drafts: Final = Table(
    "drafts",
    metadata,
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("attestations", Text, nullable=False),
    Column("saved", Text, nullable=False),
    Column("size_bytes", Whole, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("message", Text),
    Column("outcome", Text),
    Column("ended", Whole),
    Index("drafts_by_name", "name", "ended", "index"),
)
