"""Alembic's entry point: run the migrations on the connection of `migrate.configure`."""

from alembic import context

from muniment.stores.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
