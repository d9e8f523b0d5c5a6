"""Whether the centre can work: open to everybody, so nothing secret and nothing of anybody."""

from datetime import datetime, time

import sqlalchemy.exc
from alembic.migration import MigrationContext
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hcrm_central.api.hello import freshness
from hcrm_central.jobs.watching import missed
from hcrm_central.store.migrate import head
from hcrm_core.wire import Health


def health(engine: Engine, *, now: datetime, scan_at: time) -> Health:
    """Ask the database for its schema and the last scan."""
    expected = head()
    try:
        with Session(engine) as session:
            revision = MigrationContext.configure(session.connection()).get_current_revision()
            if revision != expected:
                return _unready(database=True, revision=revision, expected=expected)
            late = missed(session, now=now, scan_at=scan_at)
            return Health(
                status="ok",
                database=True,
                schema_revision=revision,
                schema_expected=expected,
                scanned_at=freshness(session).scanned_at,
                scan="ok" if late is None else "missed",
            )
    except sqlalchemy.exc.SQLAlchemyError:
        return _unready(database=False, revision=None, expected=expected)


def _unready(*, database: bool, revision: str | None, expected: str) -> Health:
    return Health(
        status="unready", database=database, schema_revision=revision, schema_expected=expected, scanned_at=None
    )
