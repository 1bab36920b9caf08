"""Run the migrations on a connection."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def configure(connection: Connection | None = None) -> Config:
    """Point Alembic at the migrations in this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Migrate the schema to the newest version, inside the caller's transaction."""
    command.upgrade(configure(connection), "head")
