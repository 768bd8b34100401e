"""Run the steps on the connection and in the transaction that schema.py holds; alembic executes this file."""

from alembic import context

from tradewinds.database.versions import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
