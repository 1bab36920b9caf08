"""The first tables. A migration never changes once released, so it spells them out; it only goes forward."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_APPEND_ONLY = ("events", "nodes")


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    """Make columns of texts."""
    return [sa.Column(name, _TEXT, nullable=nullable) for name in names]


def upgrade() -> None:
    """Make the log, the payloads and the projections."""
    _make_log()
    _make_people()
    _make_models()
    _make_deployments()
    _make_policies()
    _make_proposals()
    _make_lifecycle()
    _make_aliases()
    _make_comments()
    _make_access()
    _make_webhooks()
    _make_custody()
    _make_catalog()
    _make_jobs()
    if op.get_bind().dialect.name == "sqlite":
        _forbid_changes_in_sqlite()
    else:
        _forbid_changes_in_postgresql()


def _forbid_changes_in_sqlite() -> None:
    for table in _APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _forbid_changes_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _make_log() -> None:
    op.create_table(
        "events",
        sa.Column("index", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("time", _TEXT, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
    )
    op.create_index("events_by_time", "events", ["time"])
    op.create_table(
        "nodes",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("index", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    page = sa.Column("id", _WHOLE, primary_key=True, autoincrement=False)
    op.create_table("index_pages", page, sa.Column("data", sa.LargeBinary, nullable=False))
    size = sa.Column("size", _WHOLE, primary_key=True, autoincrement=False)
    op.create_table("index_head", size, sa.Column("root", sa.LargeBinary, nullable=False))
    op.create_table(
        "payloads",
        sa.Column("digest", _TEXT, primary_key=True),
        *_texts("salt", "text"),
        *_texts("label", "principal", nullable=True),
        sa.Column("personal", sa.Integer, nullable=False),
    )
    op.create_index("payloads_by_label", "payloads", ["label"])
    op.create_index("payloads_by_principal", "payloads", ["principal"])


def _make_people() -> None:
    salt = sa.Column("salt", _TEXT, nullable=False)
    op.create_table("namespaces", sa.Column("name", _TEXT, primary_key=True), salt, _entry())
    op.create_table(
        "principals",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("profile", _TEXT),
        _entry(),
    )
    op.create_index("principals_by_profile", "principals", ["profile"])
    op.create_table(
        "keys",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("principal", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("public_key", "enrolled", "assurance", "voucher"),
        *_texts("name", "expires", "starter", nullable=True),
        sa.Column("revoked", _WHOLE),
        _entry(),
    )
    op.create_index("keys_by_principal", "keys", ["principal"])
    op.create_table(
        "vouches",
        _entry(primary_key=True),
        sa.Column("principal", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("kind", "voucher"),
    )
    op.create_index("vouches_by_principal", "vouches", ["principal", "index"])
    op.create_table(
        "recoveries",
        _entry(primary_key=True),
        sa.Column("principal", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("credential", "actor", "begun", "opens"),
        sa.Column("outcome", _TEXT),
        sa.Column("ended", _WHOLE),
    )
    op.create_index("recoveries_by_principal", "recoveries", ["principal", "index"])
    op.create_table(
        "grants",
        _entry(primary_key=True),
        sa.Column("principal", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("namespace", "role", "grantor"),
        sa.Column("ended", _WHOLE),
    )
    op.create_index("grants_by_principal", "grants", ["principal"])


def _make_models() -> None:
    op.create_table(
        "models",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("latest", _WHOLE, nullable=False),
        sa.Column("owner", _TEXT, sa.ForeignKey("principals.id")),
        _entry(),
    )
    op.create_table(
        "versions",
        sa.Column("name", _TEXT, sa.ForeignKey("models.name"), primary_key=True),
        sa.Column("number", _WHOLE, primary_key=True, autoincrement=False),
        *_texts("revision", "published"),
        sa.Column("size_bytes", _WHOLE, nullable=False),
        sa.Column("author", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("message", "starter", nullable=True),
        _entry(),
    )
    op.create_index("versions_by_revision", "versions", ["name", "revision"], unique=True)
    op.create_index("versions_by_entry", "versions", ["index"], unique=True)
    op.create_index("versions_by_manifest", "versions", ["revision"])
    op.create_index("versions_by_author", "versions", ["author", "index"])
    op.create_table(
        "attestations",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("revision", _TEXT, primary_key=True),
        sa.Column("digest", _TEXT, primary_key=True),
        *_texts("predicate_type", "recorded", "assurance"),
        sa.Column("signer", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("key_id", _TEXT, sa.ForeignKey("keys.id"), nullable=False),
        sa.Column("reason", _TEXT),
        sa.Column("withdrawn", _WHOLE),
        _entry(),
        sa.ForeignKeyConstraint(["name", "revision"], ["versions.name", "versions.revision"]),
    )
    op.create_index("attestations_by_type", "attestations", ["predicate_type", "index"])
    op.create_index("attestations_by_signer", "attestations", ["signer", "predicate_type", "index"])


def _make_deployments() -> None:
    op.create_table(
        "deployments",
        _entry(primary_key=True),
        *_version(),
        *_texts("target", "state", "attestation", "recorded"),
        sa.Column("loaded", _TEXT),
        sa.Column("signer", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("ended", _WHOLE),
    )
    op.create_index("deployments_by_model", "deployments", ["name", "target", "index"])
    op.create_index("deployments_by_target", "deployments", ["target", "index"])


def _make_policies() -> None:
    op.create_table(
        "policies",
        _entry(primary_key=True),
        *_texts("models", "alias", "set", "reason"),
        *_texts("digest", "attestation", nullable=True),
        sa.Column("author", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("ended", sa.Integer, nullable=False),
    )
    op.create_index("policies_by_alias", "policies", ["models", "alias", "index"])
    op.create_table(
        "tiers",
        _entry(primary_key=True),
        sa.Column("name", _TEXT, sa.ForeignKey("models.name"), nullable=False),
        *_texts("tier", "set", "reason"),
        sa.Column("author", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
    )
    op.create_index("tiers_by_model", "tiers", ["name", "index"])
    op.create_table(
        "owners",
        _entry(primary_key=True),
        sa.Column("name", _TEXT, sa.ForeignKey("models.name"), nullable=False),
        sa.Column("owner", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("author", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("set", _TEXT, nullable=False),
    )
    op.create_index("owners_by_model", "owners", ["name", "index"])


def _make_proposals() -> None:
    op.create_table(
        "proposals",
        _entry(primary_key=True),
        *_texts("namespace", "kind", "models", "protections", "digest", "opened", "reason"),
        *_texts("alias", "policy", "attestation", "tier", "outcome", "due", nullable=True),
        sa.Column("base", _WHOLE),
        sa.Column("proposer", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("closed", _WHOLE),
        sa.Column("reviewed", _WHOLE),
    )
    op.create_index("proposals_by_namespace", "proposals", ["namespace", "index"])
    op.create_table(
        "proposal_decisions",
        _entry(primary_key=True),
        *_texts("namespace", "decision", "attestation", "decided", "reason"),
        sa.Column("proposal", _WHOLE, sa.ForeignKey("proposals.index"), nullable=False),
        sa.Column("person", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
    )
    op.create_index("proposal_decisions_by_proposal", "proposal_decisions", ["proposal", "index"])
    op.create_index("proposal_decisions_by_namespace", "proposal_decisions", ["namespace", "index"])


def _make_lifecycle() -> None:
    op.create_table(
        "statuses",
        _entry(primary_key=True),
        *_version(),
        *_texts("status", "set"),
        sa.Column("actor", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("reason", _TEXT),
    )
    op.create_index("statuses_by_version", "statuses", ["name", "number", "index"])
    op.create_table(
        "retentions",
        _entry(primary_key=True),
        *_version(),
        *_texts("until", "reason", nullable=True),
        sa.Column("hold", sa.Integer, nullable=False),
        sa.Column("actor", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("set", _TEXT, nullable=False),
    )
    op.create_index("retentions_by_version", "retentions", ["name", "number", "index"])


def _make_aliases() -> None:
    op.create_table(
        "moves",
        _entry(primary_key=True),
        *_texts("name", "alias", "moved", "verdicts"),
        sa.Column("number", _WHOLE),
        sa.Column("previous", _WHOLE),
        sa.Column("actor", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("reason", "due", nullable=True),
        sa.Column("emergency", sa.Integer, nullable=False),
        sa.Column("closed", _WHOLE),
        sa.ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    )
    op.create_index("moves_by_alias", "moves", ["name", "alias", "index"])
    op.create_index("moves_by_closing", "moves", ["emergency", "closed"])


def _make_comments() -> None:
    op.create_table(
        "drafts",
        _entry(primary_key=True),
        *_texts("name", "revision", "kind", "attestations", "saved"),
        sa.Column("size_bytes", _WHOLE, nullable=False),
        sa.Column("author", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("message", "outcome", nullable=True),
        sa.Column("ended", _WHOLE),
    )
    op.create_index("drafts_by_name", "drafts", ["name", "ended", "index"])
    op.create_table(
        "requests",
        _entry(primary_key=True),
        *_version(),
        *_texts("alias", "opened"),
        sa.Column("requester", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("reason", "reminded", "outcome", "answer", nullable=True),
        sa.Column("closed", _WHOLE),
    )
    op.create_index("requests_by_state", "requests", ["closed", "index"])
    op.create_index("requests_by_requester", "requests", ["requester", "index"])
    op.create_index("requests_by_version", "requests", ["name", "number", "index"])
    op.create_table(
        "comments",
        _entry(primary_key=True),
        *_version(),
        sa.Column("about", _WHOLE),
        sa.Column("author", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("posted", "text"),
    )
    op.create_index("comments_by_version", "comments", ["name", "number", "index"])
    op.create_table(
        "mentions",
        sa.Column("principal", _TEXT, sa.ForeignKey("principals.id"), primary_key=True),
        _entry(primary_key=True),
        *_version(),
    )


def _make_access() -> None:
    op.create_table(
        "tags",
        _entry(primary_key=True),
        *_version(),
        sa.Column("tag", _TEXT, nullable=False),
        sa.Column("value", _TEXT),
    )
    op.create_index("tags_by_version", "tags", ["name", "number", "index"])
    op.create_index("tags_by_value", "tags", ["value"])
    op.create_table(
        "tokens",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("principal", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *_texts("label", "starter", nullable=True),
        *_texts("scopes", "issued", "expires", "voucher"),
        sa.Column("once", sa.Integer, nullable=False),
        sa.Column("revoked", _WHOLE),
        _entry(),
    )
    op.create_index("tokens_by_principal", "tokens", ["principal"])
    who = sa.Column("principal", _TEXT, sa.ForeignKey("principals.id"), nullable=False)
    op.create_table("preferences", _entry(primary_key=True), who, sa.Column("text", _TEXT, nullable=False))
    op.create_index("preferences_by_principal", "preferences", ["principal", "index"])
    op.create_table(
        "issuers",
        _entry(primary_key=True),
        *_texts("issuer", "claims", "author"),
        sa.Column("principal", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("person_claim", _TEXT),
        sa.Column("ended", _WHOLE),
    )
    op.create_table(
        "quotas",
        _entry(primary_key=True),
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("size_bytes", _WHOLE),
    )
    op.create_index("quotas_by_namespace", "quotas", ["namespace", "index"])


def _make_webhooks() -> None:
    op.create_table(
        "webhooks",
        _entry(primary_key=True),
        *_texts("namespace", "target", "events"),
        sa.Column("author", _TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("set", _TEXT, nullable=False),
        sa.Column("ended", _WHOLE),
    )
    op.create_table(
        "contents",
        sa.Column("digest", _TEXT, primary_key=True),
        sa.Column("namespace", _TEXT, primary_key=True),
        sa.Column("version", _WHOLE, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cursors",
        sa.Column("reader", _TEXT, primary_key=True),
        sa.Column("next", _WHOLE, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
    )
    op.create_table(
        "letters",
        sa.Column("webhook", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("entry", _WHOLE, primary_key=True, autoincrement=False),
        *_texts("fault", "time"),
        sa.Column("again", sa.Integer, nullable=False),
    )


def _make_custody() -> None:
    op.create_table(
        "holdings",
        sa.Column("digest", _TEXT, primary_key=True),
        sa.Column("holder", _TEXT, primary_key=True),
        sa.Column("size_bytes", _WHOLE, nullable=False),
        sa.Column("since", _TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usages",
        sa.Column("holder", _TEXT, primary_key=True),
        sa.Column("size_bytes", _WHOLE, nullable=False),
    )
    op.create_table(
        "retries",
        sa.Column("caller", _TEXT, primary_key=True),
        sa.Column("key", _TEXT, primary_key=True),
        sa.Column("fingerprint", _TEXT, nullable=False),
        sa.Column("entry", _WHOLE, nullable=False),
        sa.Column("time", _TEXT, nullable=False),
    )
    op.create_index("retries_by_time", "retries", ["time"])
    op.create_table(
        "uploads",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("principal", _TEXT, nullable=False),
        sa.Column("size_bytes", _WHOLE),
        sa.Column("digest", _TEXT),
        sa.Column("offset", _WHOLE, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("stretches", _TEXT, nullable=False),
        sa.Column("rests", sa.Integer, nullable=False),
        *_texts("session", "touched"),
        sa.Column("result", _TEXT),
    )
    op.create_index("uploads_by_principal", "uploads", ["principal"])
    op.create_index("uploads_by_time", "uploads", ["touched"])


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", _TEXT, primary_key=True),
        *_texts("kind", "payload", "due", "leased"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fault", _TEXT, nullable=False),
    )
    op.create_index("jobs_by_time", "jobs", ["due"])


def _make_catalog() -> None:
    op.create_table(
        "attributes",
        sa.Column("version", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("key", _TEXT, primary_key=True),
        sa.Column("text", _TEXT, nullable=False),
        sa.Column("number", sa.Double),
        sa.Column("since", _WHOLE, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("attributes_by_number", "attributes", ["key", "number", "version"])
    op.create_index("attributes_by_text", "attributes", ["key", "text", "version"])
    op.create_table(
        "past_attributes",
        sa.Column("version", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("key", _TEXT, primary_key=True),
        sa.Column("since", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("until", _WHOLE, nullable=False),
        sa.Column("text", _TEXT, nullable=False),
        sa.Column("number", sa.Double),
        sqlite_with_rowid=False,
    )
    op.create_index("past_attributes_by_number", "past_attributes", ["key", "number", "version"])
    op.create_index("past_attributes_by_text", "past_attributes", ["key", "text", "version"])
    op.create_table(
        "lineage",
        sa.Column("child", _TEXT, primary_key=True),
        sa.Column("parent", _TEXT, primary_key=True),
        sa.Column("namespace", _TEXT, primary_key=True),
        sa.Column("relation", _TEXT, primary_key=True),
        sa.Column("name", _TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("lineage_by_parent", "lineage", ["parent", "namespace", "child"])


def _version() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("number", _WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    ]


def _entry(*, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        "index",
        _WHOLE,
        sa.ForeignKey("events.index"),
        primary_key=primary_key,
        autoincrement=False,
        nullable=False,
    )
