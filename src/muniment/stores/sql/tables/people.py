"""Principals, their keys, roles and tokens, and the erasable texts."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from muniment.stores.sql.tables.columns import Text, Whole, entry, metadata

principals: Final = Table(
    "principals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("profile", Text),
    entry(),
    Index("principals_by_profile", "profile"),
)

keys: Final = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("enrolled", Text, nullable=False),
    Column("assurance", Text, nullable=False),
    Column("voucher", Text, nullable=False),
    Column("name", Text),
    Column("expires", Text),
    Column("starter", Text),
    Column("revoked", Whole),
    entry(),
    Index("keys_by_principal", "principal"),
)

vouches: Final = Table(
    "vouches",
    metadata,
    entry(primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("voucher", Text, nullable=False),
    Index("vouches_by_principal", "principal", "index"),
)

recoveries: Final = Table(
    "recoveries",
    metadata,
    entry(primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("credential", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("begun", Text, nullable=False),
    Column("opens", Text, nullable=False),
    Column("outcome", Text),
    Column("ended", Whole),
    Index("recoveries_by_principal", "principal", "index"),
)

grants: Final = Table(
    "grants",
    metadata,
    entry(primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("namespace", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("grantor", Text, nullable=False),
    Column("ended", Whole),
    Index("grants_by_principal", "principal"),
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("label", Text),
    Column("starter", Text),
    Column("scopes", Text, nullable=False),
    Column("issued", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("voucher", Text, nullable=False),
    Column("once", Integer, nullable=False),
    Column("revoked", Whole),
    entry(),
    Index("tokens_by_principal", "principal"),
)

preferences: Final = Table(
    "preferences",
    metadata,
    entry(primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("text", Text, nullable=False),
    Index("preferences_by_principal", "principal", "index"),
)

issuers: Final = Table(
    "issuers",
    metadata,
    entry(primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("claims", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("person_claim", Text),
    Column("ended", Whole),
)

payloads: Final = Table(
    "payloads",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("label", Text),
    # The principal who typed it or is named in it, and whether it names them.
    Column("principal", Text),
    Column("personal", Integer, nullable=False),
    Index("payloads_by_label", "label"),
    Index("payloads_by_principal", "principal"),
)
