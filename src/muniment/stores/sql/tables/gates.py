"""Policies, moves of aliases, and requests."""

from typing import Final

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

policies: Final = Table(
    "policies",
    metadata,
    entry(primary_key=True),
    Column("models", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("set", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("digest", Text),
    Column("attestation", Text),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("ended", Integer, nullable=False),
    Index("policies_by_alias", "models", "alias", "index"),
)

tiers: Final = Table(
    "tiers",
    metadata,
    entry(primary_key=True),
    Column("name", Text, ForeignKey("models.name"), nullable=False),
    Column("tier", Text, nullable=False),
    Column("set", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Index("tiers_by_model", "name", "index"),
)

moves: Final = Table(
    "moves",
    metadata,
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("moved", Text, nullable=False),
    Column("verdicts", Text, nullable=False),
    Column("number", Whole),
    Column("previous", Whole),
    Column("actor", Text, ForeignKey("principals.id"), nullable=False),
    Column("reason", Text),
    Column("due", Text),
    Column("emergency", Integer, nullable=False),
    Column("closed", Whole),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("moves_by_alias", "name", "alias", "index"),
    Index("moves_by_closing", "emergency", "closed"),
)

requests: Final = Table(
    "requests",
    metadata,
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", Whole, nullable=False),
    Column("alias", Text, nullable=False),
    Column("opened", Text, nullable=False),
    Column("requester", Text, ForeignKey("principals.id"), nullable=False),
    Column("reason", Text),
    Column("reminded", Text),
    Column("outcome", Text),
    Column("answer", Text),
    Column("closed", Whole),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("requests_by_state", "closed", "index"),
    Index("requests_by_requester", "requester", "index"),
    Index("requests_by_version", "name", "number", "index"),
)
