"""The tables: the log and its tree, the erasable payloads, and one table for each kind of record."""

from typing import Final

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    event,
)
from sqlalchemy import Text as AnyText

from muniment.core.records import (
    AttestationRecord,
    CommentRecord,
    DeploymentRecord,
    DraftRecord,
    GrantRecord,
    IssuerRecord,
    KeyRecord,
    MentionRecord,
    ModelRecord,
    MoveRecord,
    OwnerRecord,
    PolicyRecord,
    PrincipalRecord,
    QuotaRecord,
    Record,
    RequestRecord,
    RetentionRecord,
    StatusRecord,
    TagRecord,
    TierRecord,
    TokenRecord,
    VersionRecord,
    WebhookRecord,
)

metadata: Final = MetaData()

# SQLite gives rowid speed to INTEGER keys only; PostgreSQL wants 64 bits for the log.
_Whole: Final = BigInteger().with_variant(Integer(), "sqlite")
# SQLite compares text by its bytes; PostgreSQL does so, and can use an index for a prefix, under "C".
Text: Final = AnyText().with_variant(AnyText(collation="C"), "postgresql")

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


def _forbid_changes(table: Table) -> None:
    """Let the database itself refuse to change what is appended."""
    for act in ("UPDATE", "DELETE"):
        trigger = (
            f"CREATE TRIGGER {table.name}_no_{act.lower()} BEFORE {act} ON {table.name} "
            f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only'); END"
        )
        _after(table, trigger, "sqlite")
    trigger = (
        f"CREATE TRIGGER {table.name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    _after(table, trigger, "postgresql")


def _after(table: Table, statement: str, dialect: str) -> None:
    """Have a statement follow the creation of a table."""
    event.listen(table, "after_create", _ddl(statement).execute_if(dialect=dialect))


def _ddl(statement: str) -> DDL:
    return DDL(statement)  # type: ignore[no-untyped-call] # SQLAlchemy does not say what it takes


_refuse_change: Final = _ddl(
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME; END $$"
)
event.listen(metadata, "before_create", _refuse_change.execute_if(dialect="postgresql"))
_forbid_changes(events)
_forbid_changes(nodes)

payloads: Final = Table(
    "payloads",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("label", Text),
    # Whose it is, and whether it names them.
    Column("principal", Text),
    Column("personal", Integer, nullable=False),
    Index("payloads_by_label", "label"),
    Index("payloads_by_principal", "principal"),
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
    Column("assurance", Text, nullable=False),
    Column("name", Text),
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
    Column("owner", Text, ForeignKey("principals.id")),
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
    Index("versions_by_entry", "index", unique=True),
    Index("versions_by_manifest", "revision"),
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
    Column("assurance", Text, nullable=False),
    Column("withdrawn", _Whole),
    _entry(),
    ForeignKeyConstraint(["name", "revision"], ["versions.name", "versions.revision"]),
)

deployments: Final = Table(
    "deployments",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", _Whole, nullable=False),
    Column("target", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("loaded", Text),
    Column("attestation", Text, nullable=False),
    Column("signer", Text, ForeignKey("principals.id"), nullable=False),
    Column("recorded", Text, nullable=False),
    Column("ended", _Whole),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("deployments_by_model", "name", "target", "index"),
    Index("deployments_by_target", "target", "index"),
)

policies: Final = Table(
    "policies",
    metadata,
    _entry(primary_key=True),
    Column("models", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("digest", Text),
    Column("attestation", Text),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Index("policies_by_alias", "models", "alias", "index"),
)

tiers: Final = Table(
    "tiers",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, ForeignKey("models.name"), nullable=False),
    Column("tier", Text, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Index("tiers_by_model", "name", "index"),
)

owners: Final = Table(
    "owners",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, ForeignKey("models.name"), nullable=False),
    Column("owner", Text, ForeignKey("principals.id"), nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Index("owners_by_model", "name", "index"),
)

statuses: Final = Table(
    "statuses",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", _Whole, nullable=False),
    Column("status", Text, nullable=False),
    Column("actor", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Column("reason", Text),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("statuses_by_version", "name", "number", "index"),
)

retentions: Final = Table(
    "retentions",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", _Whole, nullable=False),
    Column("until", Text),
    Column("hold", Integer, nullable=False),
    Column("actor", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Column("reason", Text),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("retentions_by_version", "name", "number", "index"),
)

moves: Final = Table(
    "moves",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("number", _Whole),
    Column("previous", _Whole),
    Column("actor", Text, ForeignKey("principals.id"), nullable=False),
    Column("moved", Text, nullable=False),
    Column("reason", Text),
    Column("verdicts", Text, nullable=False),
    Column("emergency", Integer, nullable=False),
    Column("due", Text),
    Column("closed", _Whole),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("moves_by_alias", "name", "alias", "index"),
    Index("moves_by_closing", "emergency", "closed"),
)

drafts: Final = Table(
    "drafts",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("size_bytes", _Whole, nullable=False),
    Column("attestations", Text, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("saved", Text, nullable=False),
    Column("message", Text),
    Column("ended", _Whole),
    Column("outcome", Text),
    Index("drafts_by_name", "name", "ended", "index"),
)

requests: Final = Table(
    "requests",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", _Whole, nullable=False),
    Column("alias", Text, nullable=False),
    Column("requester", Text, ForeignKey("principals.id"), nullable=False),
    Column("opened", Text, nullable=False),
    Column("reason", Text),
    Column("reminded", Text),
    Column("closed", _Whole),
    Column("outcome", Text),
    Column("answer", Text),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("requests_by_state", "closed", "index"),
    Index("requests_by_requester", "requester", "index"),
    Index("requests_by_version", "name", "number", "index"),
)

comments: Final = Table(
    "comments",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", _Whole, nullable=False),
    Column("about", _Whole),
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
    _entry(primary_key=True),
)

tags: Final = Table(
    "tags",
    metadata,
    _entry(primary_key=True),
    Column("name", Text, nullable=False),
    Column("number", _Whole, nullable=False),
    Column("tag", Text, nullable=False),
    Column("value", Text),
    ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    Index("tags_by_version", "name", "number", "index"),
    Index("tags_by_value", "value"),
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("label", Text),
    Column("scopes", Text, nullable=False),
    Column("issued", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("once", Integer, nullable=False),
    Column("revoked", _Whole),
    _entry(),
    Index("tokens_by_principal", "principal"),
)

issuers: Final = Table(
    "issuers",
    metadata,
    _entry(primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("claims", Text, nullable=False),
    Column("principal", Text, ForeignKey("principals.id"), nullable=False),
    Column("ended", _Whole),
)

quotas: Final = Table(
    "quotas",
    metadata,
    _entry(primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("size_bytes", _Whole),
    Index("quotas_by_namespace", "namespace", "index"),
)

webhooks: Final = Table(
    "webhooks",
    metadata,
    _entry(primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("author", Text, ForeignKey("principals.id"), nullable=False),
    Column("set", Text, nullable=False),
    Column("ended", _Whole),
)

# ---- not of the log: who holds which bytes, and what was answered; see ports/

holdings: Final = Table(
    "holdings",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("size_bytes", _Whole, nullable=False),
    Column("since", Text, nullable=False),
    sqlite_with_rowid=False,
)

usages: Final = Table(
    "usages",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("size_bytes", _Whole, nullable=False),
)

retries: Final = Table(
    "retries",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("entry", _Whole, nullable=False),
    Column("time", Text, nullable=False),
    Index("retries_by_time", "time"),
)

uploads: Final = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("size_bytes", _Whole),
    Column("digest", Text),
    Column("offset", _Whole, nullable=False),
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
    Column("version", _Whole, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

attributes: Final = Table(
    "attributes",
    metadata,
    Column("version", _Whole, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("number", Double),
    # The entry since which it holds.
    Column("since", _Whole, nullable=False),
    Index("attributes_by_number", "key", "number", "version"),
    Index("attributes_by_text", "key", "text", "version"),
    sqlite_with_rowid=False,
)

# What held once, from an entry on until before another.
past_attributes: Final = Table(
    "past_attributes",
    metadata,
    Column("version", _Whole, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("since", _Whole, primary_key=True, autoincrement=False),
    Column("until", _Whole, nullable=False),
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

cursors: Final = Table(
    "cursors",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("next", _Whole, nullable=False),
    Column("failures", Integer, nullable=False),
)

letters: Final = Table(
    "letters",
    metadata,
    Column("webhook", _Whole, primary_key=True, autoincrement=False),
    Column("entry", _Whole, primary_key=True, autoincrement=False),
    Column("fault", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("again", Integer, nullable=False),
)

TABLES: Final[dict[type[Record], Table]] = {
    PrincipalRecord: principals,
    KeyRecord: keys,
    GrantRecord: grants,
    ModelRecord: models,
    VersionRecord: versions,
    AttestationRecord: attestations,
    DeploymentRecord: deployments,
    PolicyRecord: policies,
    TierRecord: tiers,
    OwnerRecord: owners,
    StatusRecord: statuses,
    RetentionRecord: retentions,
    MoveRecord: moves,
    DraftRecord: drafts,
    RequestRecord: requests,
    CommentRecord: comments,
    MentionRecord: mentions,
    TagRecord: tags,
    TokenRecord: tokens,
    IssuerRecord: issuers,
    QuotaRecord: quotas,
    WebhookRecord: webhooks,
}
