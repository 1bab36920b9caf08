"""Claims about versions, and the deployments that they report."""

from typing import Final

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Table

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

attestations: Final = Table(
    "attestations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("revision", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("predicate_type", Text, nullable=False),
    Column("recorded", Text, nullable=False),
    Column("assurance", Text, nullable=False),
    Column("signer", Text, ForeignKey("principals.id"), nullable=False),
    Column("key_id", Text, ForeignKey("keys.id"), nullable=False),
    Column("reason", Text),
    Column("withdrawn", Whole),
    entry(),
    ForeignKeyConstraint(["name", "revision"], ["versions.name", "versions.revision"]),
    Index("attestations_by_type", "predicate_type", "index"),
    Index("attestations_by_signer", "signer", "predicate_type", "index"),
)

deployments: Final = Table(
    "deployments",
    metadata,
    entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", Whole, nullable=False),
    Column("target", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attestation", Text, nullable=False),
    Column("recorded", Text, nullable=False),
    Column("loaded", Text),
    Column("signer", Text, ForeignKey("principals.id"), nullable=False),
    Column("ended", Whole),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("deployments_by_model", "name", "target", "index"),
    Index("deployments_by_target", "target", "index"),
)
