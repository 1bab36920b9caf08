"""What Alembic runs: the migrations, on the connection that `migrate.configure` was handed."""

from alembic import context

from muniment.stores.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
