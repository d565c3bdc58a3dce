"""Alembic environment; it is run by `miraikakaku_assets.adapters.storage.migrate`, never on its own."""

from alembic import context

from miraikakaku_assets.adapters.storage.jobs.tables import metadata  # it brings every table
from miraikakaku_assets.adapters.storage.tables import SCHEMA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
)
with context.begin_transaction():
    context.run_migrations()
