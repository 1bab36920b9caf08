"""The first tables.

A migration never changes once released, so it spells the tables out rather than importing them. It
only goes forward: the log cannot be taken back.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_APPEND_ONLY = ("events", "nodes")


def upgrade() -> None:
    """Make the log, the payloads and the projections."""
    _make_log()
    _make_people()
    _make_models()
    _make_aliases()
    for table in _APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _make_log() -> None:
    op.create_table(
        "events",
        sa.Column("index", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("time", sa.Text, nullable=False),
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
    op.create_table(
        "payloads",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
    )
    op.create_index("payloads_by_label", "payloads", ["label"])


def _make_people() -> None:
    op.create_table(
        "principals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("profile", sa.Text),
        _entry(),
    )
    op.create_index("principals_by_profile", "principals", ["profile"])
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("enrolled", sa.Text, nullable=False),
        sa.Column("expires", sa.Text),
        sa.Column("revoked", _WHOLE),
        _entry(),
    )
    op.create_index("keys_by_principal", "keys", ["principal"])
    op.create_table(
        "grants",
        _entry(primary_key=True),
        sa.Column("principal", sa.Text, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("ended", _WHOLE),
    )
    op.create_index("grants_by_principal", "grants", ["principal"])


def _make_models() -> None:
    op.create_table(
        "models",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("latest", _WHOLE, nullable=False),
        _entry(),
    )
    op.create_table(
        "versions",
        sa.Column("name", sa.Text, sa.ForeignKey("models.name"), primary_key=True),
        sa.Column("number", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("size_bytes", _WHOLE, nullable=False),
        sa.Column("author", sa.Text, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("published", sa.Text, nullable=False),
        sa.Column("message", sa.Text),
        _entry(),
    )
    op.create_index("versions_by_revision", "versions", ["name", "revision"], unique=True)
    op.create_table(
        "attestations",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("revision", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("predicate_type", sa.Text, nullable=False),
        sa.Column("signer", sa.Text, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("key_id", sa.Text, sa.ForeignKey("keys.id"), nullable=False),
        sa.Column("recorded", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        _entry(),
        sa.ForeignKeyConstraint(["name", "revision"], ["versions.name", "versions.revision"]),
    )


def _make_aliases() -> None:
    op.create_table(
        "policies",
        _entry(primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("alias", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("author", sa.Text, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("set", sa.Text, nullable=False),
    )
    op.create_index("policies_by_alias", "policies", ["name", "alias", "index"])
    op.create_table(
        "moves",
        _entry(primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("alias", sa.Text, nullable=False),
        sa.Column("number", _WHOLE, nullable=False),
        sa.Column("previous", _WHOLE),
        sa.Column("actor", sa.Text, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("moved", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("verdict", sa.Text),
        sa.ForeignKeyConstraint(["name", "number"], ["versions.name", "versions.number"]),
    )
    op.create_index("moves_by_alias", "moves", ["name", "alias", "index"])


def _entry(*, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        "index",
        _WHOLE,
        sa.ForeignKey("events.index"),
        primary_key=primary_key,
        autoincrement=False,
        nullable=False,
    )
