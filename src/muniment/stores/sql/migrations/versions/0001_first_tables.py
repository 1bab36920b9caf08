"""The first tables. A migration never changes once released, so it spells them out; it only goes forward."""

import sqlalchemy as sa
from alembic import op

from muniment.stores.sql.migrations.columns import TEXT, WHOLE, entry, keys, texts, version

revision = "0001"
down_revision = None

_APPEND_ONLY = ("events", "nodes")


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
    _make_reads()
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
        sa.Column("index", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("time", TEXT, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
    )
    op.create_index("events_by_time", "events", ["time"])
    op.create_table(
        "nodes",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("index", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    page = sa.Column("id", WHOLE, primary_key=True, autoincrement=False)
    op.create_table("index_pages", page, sa.Column("data", sa.LargeBinary, nullable=False))
    size = sa.Column("size", WHOLE, primary_key=True, autoincrement=False)
    op.create_table("index_head", size, sa.Column("root", sa.LargeBinary, nullable=False))
    op.create_table(
        "payloads",
        sa.Column("digest", TEXT, primary_key=True),
        *texts("salt", "text"),
        *texts("label", "principal", nullable=True),
        sa.Column("personal", sa.Integer, nullable=False),
    )
    op.create_index("payloads_by_label", "payloads", ["label"])
    op.create_index("payloads_by_principal", "payloads", ["principal"])


def _make_people() -> None:
    salt = sa.Column("salt", TEXT, nullable=False)
    op.create_table("namespaces", sa.Column("name", TEXT, primary_key=True), salt, entry())
    op.create_table(
        "principals",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("profile", TEXT),
        entry(),
    )
    op.create_index("principals_by_profile", "principals", ["profile"])
    op.create_table(
        "keys",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("principal", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("public_key", "enrolled", "assurance", "voucher"),
        *texts("name", "expires", "starter", nullable=True),
        sa.Column("revoked", WHOLE),
        entry(),
    )
    op.create_index("keys_by_principal", "keys", ["principal"])
    op.create_table("clock_jumps", entry(primary_key=True), *texts("before", "after"))
    op.create_table(
        "time_confirmations",
        entry(primary_key=True),
        sa.Column("jump", WHOLE, sa.ForeignKey("clock_jumps.index"), nullable=False),
        sa.Column("actor", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("confirmed", "reason"),
    )
    op.create_table(
        "vouches",
        entry(primary_key=True),
        sa.Column("principal", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("kind", "voucher"),
    )
    op.create_index("vouches_by_principal", "vouches", ["principal", "index"])
    op.create_table(
        "recoveries",
        entry(primary_key=True),
        sa.Column("principal", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("credential", "actor", "begun", "opens"),
        sa.Column("outcome", TEXT),
        sa.Column("ended", WHOLE),
    )
    op.create_index("recoveries_by_principal", "recoveries", ["principal", "index"])
    op.create_table(
        "grants",
        entry(primary_key=True),
        sa.Column("principal", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("namespace", "role", "grantor"),
        sa.Column("ended", WHOLE),
    )
    op.create_index("grants_by_principal", "grants", ["principal"])


def _make_models() -> None:
    op.create_table(
        "models",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("latest", WHOLE, nullable=False),
        sa.Column("owner", TEXT, sa.ForeignKey("principals.id")),
        entry(),
    )
    op.create_table(
        "versions",
        sa.Column("name", TEXT, sa.ForeignKey("models.name"), primary_key=True),
        sa.Column("number", WHOLE, primary_key=True, autoincrement=False),
        *texts("revision", "published"),
        sa.Column("size_bytes", WHOLE, nullable=False),
        sa.Column("author", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("message", "starter", nullable=True),
        entry(),
    )
    op.create_index("versions_by_revision", "versions", ["name", "revision"], unique=True)
    op.create_index("versions_by_entry", "versions", ["index"], unique=True)
    op.create_index("versions_by_manifest", "versions", ["revision"])
    op.create_index("versions_by_author", "versions", ["author", "index"])
    op.create_table(
        "attestations",
        *keys("name", "revision", "digest"),
        *texts("predicate_type", "recorded", "assurance"),
        sa.Column("signer", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("key_id", TEXT, sa.ForeignKey("keys.id"), nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("withdrawn", WHOLE),
        entry(),
        sa.ForeignKeyConstraint(["name", "revision"], ["versions.name", "versions.revision"]),
    )
    op.create_index("attestations_by_type", "attestations", ["predicate_type", "index"])
    op.create_index("attestations_by_signer", "attestations", ["signer", "predicate_type", "index"])


def _make_deployments() -> None:
    op.create_table(
        "deployments",
        entry(primary_key=True),
        *version(),
        *texts("target", "state", "attestation", "recorded"),
        sa.Column("loaded", TEXT),
        sa.Column("signer", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("ended", WHOLE),
    )
    op.create_index("deployments_by_model", "deployments", ["name", "target", "index"])
    op.create_index("deployments_by_target", "deployments", ["target", "index"])


def _make_policies() -> None:
    op.create_table(
        "policies",
        entry(primary_key=True),
        *texts("models", "alias", "set", "reason"),
        *texts("digest", "attestation", nullable=True),
        sa.Column("author", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("ended", sa.Integer, nullable=False),
    )
    op.create_index("policies_by_alias", "policies", ["models", "alias", "index"])
    op.create_table(
        "tiers",
        entry(primary_key=True),
        sa.Column("name", TEXT, sa.ForeignKey("models.name"), nullable=False),
        *texts("tier", "set", "reason"),
        sa.Column("author", TEXT, sa.ForeignKey("principals.id"), nullable=False),
    )
    op.create_index("tiers_by_model", "tiers", ["name", "index"])
    op.create_table(
        "owners",
        entry(primary_key=True),
        sa.Column("name", TEXT, sa.ForeignKey("models.name"), nullable=False),
        sa.Column("owner", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("author", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("set"),
    )
    op.create_index("owners_by_model", "owners", ["name", "index"])


def _make_proposals() -> None:
    op.create_table(
        "proposals",
        entry(primary_key=True),
        *texts("namespace", "kind", "models", "protections", "digest", "opened", "reason"),
        *texts("alias", "policy", "attestation", "tier", "outcome", "due", nullable=True),
        sa.Column("base", WHOLE),
        sa.Column("proposer", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("closed", WHOLE),
        sa.Column("reviewed", WHOLE),
    )
    op.create_index("proposals_by_namespace", "proposals", ["namespace", "index"])
    op.create_table(
        "proposal_decisions",
        entry(primary_key=True),
        *texts("namespace", "decision", "attestation", "decided", "reason"),
        sa.Column("proposal", WHOLE, sa.ForeignKey("proposals.index"), nullable=False),
        sa.Column("person", TEXT, sa.ForeignKey("principals.id"), nullable=False),
    )
    op.create_index("proposal_decisions_by_proposal", "proposal_decisions", ["proposal", "index"])
    op.create_index("proposal_decisions_by_namespace", "proposal_decisions", ["namespace", "index"])


def _make_lifecycle() -> None:
    op.create_table(
        "statuses",
        entry(primary_key=True),
        *version(),
        *texts("status", "set"),
        sa.Column("actor", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("reason", TEXT),
    )
    op.create_index("statuses_by_version", "statuses", ["name", "number", "index"])
    op.create_table(
        "retentions",
        entry(primary_key=True),
        *version(),
        *texts("until", "reason", nullable=True),
        sa.Column("hold", sa.Integer, nullable=False),
        sa.Column("actor", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("set", TEXT, nullable=False),
    )
    op.create_index("retentions_by_version", "retentions", ["name", "number", "index"])


def _make_aliases() -> None:
    op.create_table(
        "moves",
        entry(primary_key=True),
        *texts("name", "alias", "moved", "verdicts"),
        sa.Column("number", WHOLE),
        sa.Column("previous", WHOLE),
        sa.Column("actor", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("reason", "due", nullable=True),
        sa.Column("emergency", sa.Integer, nullable=False),
        sa.Column("closed", WHOLE),
        sa.ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    )
    op.create_index("moves_by_alias", "moves", ["name", "alias", "index"])
    op.create_index("moves_by_closing", "moves", ["emergency", "closed"])


def _make_comments() -> None:
    op.create_table(
        "drafts",
        entry(primary_key=True),
        *texts("name", "revision", "kind", "attestations", "saved"),
        sa.Column("size_bytes", WHOLE, nullable=False),
        sa.Column("author", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("message", "outcome", nullable=True),
        sa.Column("ended", WHOLE),
    )
    op.create_index("drafts_by_name", "drafts", ["name", "ended", "index"])
    op.create_table(
        "requests",
        entry(primary_key=True),
        *version(),
        *texts("alias", "opened"),
        sa.Column("requester", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("reason", "reminded", "outcome", "answer", nullable=True),
        sa.Column("closed", WHOLE),
    )
    op.create_index("requests_by_state", "requests", ["closed", "index"])
    op.create_index("requests_by_requester", "requests", ["requester", "index"])
    op.create_index("requests_by_version", "requests", ["name", "number", "index"])
    op.create_table(
        "comments",
        entry(primary_key=True),
        *version(),
        sa.Column("about", WHOLE),
        sa.Column("author", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("posted", "text"),
    )
    op.create_index("comments_by_version", "comments", ["name", "number", "index"])
    op.create_table(
        "mentions",
        sa.Column("principal", TEXT, sa.ForeignKey("principals.id"), primary_key=True),
        entry(primary_key=True),
        *version(),
    )


def _make_access() -> None:
    op.create_table(
        "tags",
        entry(primary_key=True),
        *version(),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("value", TEXT),
    )
    op.create_index("tags_by_version", "tags", ["name", "number", "index"])
    op.create_index("tags_by_value", "tags", ["value"])
    op.create_table(
        "tokens",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("principal", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        *texts("label", "starter", nullable=True),
        *texts("scopes", "issued", "expires", "voucher"),
        sa.Column("once", sa.Integer, nullable=False),
        sa.Column("revoked", WHOLE),
        entry(),
    )
    op.create_index("tokens_by_principal", "tokens", ["principal"])
    who = sa.Column("principal", TEXT, sa.ForeignKey("principals.id"), nullable=False)
    op.create_table("preferences", entry(primary_key=True), who, sa.Column("text", TEXT, nullable=False))
    op.create_index("preferences_by_principal", "preferences", ["principal", "index"])
    op.create_table(
        "issuers",
        entry(primary_key=True),
        *texts("issuer", "claims", "author"),
        sa.Column("principal", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("person_claim", TEXT),
        sa.Column("ended", WHOLE),
    )
    size = sa.Column("size_bytes", WHOLE)
    op.create_table("quotas", entry(primary_key=True), *texts("namespace"), size)
    op.create_index("quotas_by_namespace", "quotas", ["namespace", "index"])


def _make_webhooks() -> None:
    op.create_table(
        "webhooks",
        entry(primary_key=True),
        *texts("namespace", "target", "events"),
        sa.Column("author", TEXT, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("set", TEXT, nullable=False),
        sa.Column("ended", WHOLE),
    )
    op.create_table(
        "contents",
        *keys("digest", "namespace"),
        sa.Column("version", WHOLE, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    progress = sa.Column("next", WHOLE, nullable=False), sa.Column("failures", sa.Integer, nullable=False)
    op.create_table("cursors", sa.Column("reader", TEXT, primary_key=True), *progress)
    op.create_table(
        "letters",
        sa.Column("webhook", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("entry", WHOLE, primary_key=True, autoincrement=False),
        *texts("fault", "time"),
        sa.Column("again", sa.Integer, nullable=False),
    )


def _make_custody() -> None:
    op.create_table(
        "holdings",
        *keys("digest", "holder"),
        sa.Column("size_bytes", WHOLE, nullable=False),
        sa.Column("since", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    size = sa.Column("size_bytes", WHOLE, nullable=False)
    op.create_table("usages", sa.Column("holder", TEXT, primary_key=True), size)
    op.create_table(
        "retries",
        *keys("caller", "key"),
        *texts("fingerprint", "time"),
        sa.Column("entry", WHOLE, nullable=False),
    )
    op.create_index("retries_by_time", "retries", ["time"])
    op.create_table(
        "uploads",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("principal", TEXT, nullable=False),
        sa.Column("size_bytes", WHOLE),
        sa.Column("digest", TEXT),
        sa.Column("offset", WHOLE, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("stretches", TEXT, nullable=False),
        sa.Column("rests", sa.Integer, nullable=False),
        *texts("session", "touched"),
        sa.Column("result", TEXT),
    )
    op.create_index("uploads_by_principal", "uploads", ["principal"])
    op.create_index("uploads_by_time", "uploads", ["touched"])


def _make_reads() -> None:
    op.create_table(
        "reads_settings",
        entry(primary_key=True),
        *texts("namespace", "actor", "set", "reason"),
        sa.Column("recording", sa.Integer, nullable=False),
    )
    op.create_table(
        "reads_batches",
        entry(primary_key=True),
        *texts("namespace", "day", "batch"),
        *[sa.Column(name, WHOLE, nullable=False) for name in ("number", "reads")],
    )
    op.create_table(
        "pending_reads",
        *keys("namespace", "day", "principal", "version"),
        *[sa.Column(name, WHOLE, nullable=False) for name in ("files", "manifests")],
        *texts("first", "last"),
    )


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", TEXT, primary_key=True),
        *texts("kind", "payload", "due", "leased"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fault", TEXT, nullable=False),
    )
    op.create_index("jobs_by_time", "jobs", ["due"])


def _make_catalog() -> None:
    op.create_table(
        "attributes",
        sa.Column("version", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("number", sa.Double),
        sa.Column("since", WHOLE, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("attributes_by_number", "attributes", ["key", "number", "version"])
    op.create_index("attributes_by_text", "attributes", ["key", "text", "version"])
    op.create_table(
        "past_attributes",
        sa.Column("version", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("since", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("until", WHOLE, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("number", sa.Double),
        sqlite_with_rowid=False,
    )
    op.create_index("past_attributes_by_number", "past_attributes", ["key", "number", "version"])
    op.create_index("past_attributes_by_text", "past_attributes", ["key", "text", "version"])
    op.create_table(
        "lineage",
        *keys("child", "parent", "namespace", "relation"),
        sa.Column("name", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("lineage_by_parent", "lineage", ["parent", "namespace", "child"])
