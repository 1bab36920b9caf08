"""Owners, tags and comments; the search index and the lineage, which follow from the log."""

from typing import Final

from sqlalchemy import Column, Double, ForeignKey, ForeignKeyConstraint, Index, Table

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

owners: Final = Table(
    "owners",
    metadata,
    entry(primary_key=True),
    Column("name", Text, ForeignKey("models.name"), nullable=False),
    Column("owner", Text, ForeignKey("principals.id"), nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Index("owners_by_model", "name", "index"),
)

tags: Final = Table(
    "tags",
    metadata,
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", Whole, nullable=False),
    Column("tag", Text, nullable=False),
    Column("value", Text),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("tags_by_version", "name", "number", "index"),
    Index("tags_by_value", "value"),
)

comments: Final = Table(
    "comments",
    metadata,
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", Whole, nullable=False),
    Column("about", Whole),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("posted", Text, nullable=False),
    Column("text", Text, nullable=False),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("comments_by_version", "name", "number", "index"),
)

mentions: Final = Table(
    "mentions",
    metadata,
    Column("principal", Text, ForeignKey("principals.id"), primary_key=True),
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", Whole, nullable=False),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
)

attributes: Final = Table(
    "attributes",
    metadata,
    Column("version", Whole, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("number", Double),
    # It has held since this entry.
    Column("since", Whole, nullable=False),
    Index("attributes_by_number", "key", "number", "version"),
    Index("attributes_by_text", "key", "text", "version"),
    sqlite_with_rowid=False,
)

# Attributes that held from one entry until before another.
past_attributes: Final = Table(
    "past_attributes",
    metadata,
    Column("version", Whole, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("since", Whole, primary_key=True, autoincrement=False),
    Column("until", Whole, nullable=False),
    Column("text", Text, nullable=False),
    Column("number", Double),
    Index("past_attributes_by_number", "key", "number", "version"),
    Index("past_attributes_by_text", "key", "text", "version"),
    sqlite_with_rowid=False,
)

lineage: Final = Table(
    "lineage",
    metadata,
    Column("child", Text, primary_key=True),
    Column("parent", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("relation", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Index("lineage_by_parent", "parent", "namespace", "child"),
    sqlite_with_rowid=False,
)
