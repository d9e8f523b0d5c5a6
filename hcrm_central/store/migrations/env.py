"""Alembic environment: the connection is handed in by hcrm_central.store.migrate."""

from alembic import context

import hcrm_central.store.tables  # noqa: F401  (registers the centre's own tables)
import hcrm_store.kinds  # noqa: F401  (registers the shared tables)
from hcrm_store.base import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
