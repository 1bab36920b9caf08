"""Proposals, and decisions about them."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Table

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

proposals: Final = Table(
    "proposals",
    metadata,
    entry(primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("protections", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("opened", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("alias", Text),
    Column("policy", Text),
    Column("attestation", Text),
    Column("tier", Text),
    Column("outcome", Text),
    Column("due", Text),
    Column("base", Whole),
    Column("proposer", Text, ForeignKey("principals.id"), nullable=False),
    Column("closed", Whole),
    Column("reviewed", Whole),
    Index("proposals_by_namespace", "namespace", "index"),
)

proposal_decisions: Final = Table(
    "proposal_decisions",
    metadata,
    entry(primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("attestation", Text, nullable=False),
    Column("decided", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposal", Whole, ForeignKey("proposals.index"), nullable=False),
    Column("person", Text, ForeignKey("principals.id"), nullable=False),
    Index("proposal_decisions_by_proposal", "proposal", "index"),
    Index("proposal_decisions_by_namespace", "namespace", "index"),
)
