"""Whether the centre can work: open to everybody, so nothing secret and nothing of anybody."""

import sqlalchemy.exc
from alembic.migration import MigrationContext
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hcrm_central.api.hello import freshness
from hcrm_central.store.migrate import head
from hcrm_core.wire import Health


def health(engine: Engine) -> Health:
    """Ask the database for its schema and the last scan."""
    expected = head()
    try:
        with Session(engine) as session:
            revision = MigrationContext.configure(session.connection()).get_current_revision()
            scanned_at = freshness(session).scanned_at if revision == expected else None
    except sqlalchemy.exc.SQLAlchemyError:
        return Health(status="unready", database=False, schema_revision=None, schema_expected=expected, scanned_at=None)
    return Health(
        status="ok" if revision == expected else "unready",
        database=True,
        schema_revision=revision,
        schema_expected=expected,
        scanned_at=scanned_at,
    )
