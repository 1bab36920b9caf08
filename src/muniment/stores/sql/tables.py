"""The tables: the log and its tree, the erasable payloads, and one table for each kind of record."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from muniment.core.records import (
    AttestationRecord,
    GrantRecord,
    KeyRecord,
    ModelRecord,
    MoveRecord,
    PolicyRecord,
    PrincipalRecord,
    Record,
    VersionRecord,
)

metadata: Final = MetaData()

# SQLite gives rowid speed to INTEGER keys only; PostgreSQL wants 64 bits for the log.
_Whole: Final = BigInteger().with_variant(Integer(), "sqlite")

events: Final = Table(
    "events",
    metadata,
    Column("index", _Whole, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("events_by_time", "time"),
)

nodes: Final = Table(
    "nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", _Whole, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

payloads: Final = Table(
    "payloads",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("label", Text),
    Index("payloads_by_label", "label"),
)


def _entry(*, primary_key: bool = False) -> Column[int]:
    """The entry of the log that made the row."""
    return Column(
        "index",
        _Whole,
        ForeignKey("events.index"),
        primary_key=primary_key,
        autoincrement=False,
        nullable=False,
    )


principals: Final = Table(
    "principals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("profile", Text),
    _entry(),
    Index("principals_by_profile", "profile"),
)

keys: Final = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("enrolled", Text, nullable=False),
    Column("expires", Text),
    Column("revoked", _Whole),
    _entry(),
    Index("keys_by_principal", "principal"),
)

grants: Final = Table(
    "grants",
    metadata,
    _entry(primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("namespace", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("ended", _Whole),
    Index("grants_by_principal", "principal"),
)

models: Final = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("latest", _Whole, nullable=False),
    _entry(),
)

versions: Final = Table(
    "versions",
    metadata,
    Column("name", Text, ForeignKey("models.name"), primary_key=True),
    Column("number", _Whole, primary_key=True, autoincrement=False),
    Column("revision", Text, nullable=False),
    Column("size_bytes", _Whole, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("published", Text, nullable=False),
    Column("message", Text),
    _entry(),
    # One revision has one number in a model: publishing it again answers with that one.
    Index("versions_by_revision", "name", "revision", unique=True),
)

attestations: Final = Table(
    "attestations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("revision", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("predicate_type", Text, nullable=False),
    Column("signer", Text, ForeignKey("principals.id"), nullable=False),
    Column("key_id", Text, ForeignKey("keys.id"), nullable=False),
    Column("recorded", Text, nullable=False),
    Column("reason", Text),
    _entry(),
    ForeignKeyConstraint(["name", "revision"], ["versions.name", "versions.revision"]),
)

policies: Final = Table(
    "policies",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Index("policies_by_alias", "name", "alias", "index"),
)

moves: Final = Table(
    "moves",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("number", _Whole, nullable=False),
    Column("previous", _Whole),
    Column("actor", Text, ForeignKey("principals.id"), nullable=False),
    Column("moved", Text, nullable=False),
    Column("reason", Text),
    Column("verdict", Text),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("moves_by_alias", "name", "alias", "index"),
)

TABLES: Final[dict[type[Record], Table]] = {
    PrincipalRecord: principals,
    KeyRecord: keys,
    GrantRecord: grants,
    ModelRecord: models,
    VersionRecord: versions,
    AttestationRecord: attestations,
    PolicyRecord: policies,
    MoveRecord: moves,
}
