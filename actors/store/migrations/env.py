"""Run by Alembic for each upgrade; the connection, and the transaction around it, come from ``upgrade.py``."""

from alembic import context

from actors.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
