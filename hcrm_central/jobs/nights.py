"""What a night's scan computes: who changed since the last one, and from time to time everybody."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.jobs.changed import take_all_changed, take_changed, waiting
from hcrm_central.jobs.computing import Facts, Work, edition
from hcrm_central.jobs.runs import WHOLE
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.tables import ScanRun

# Operational defaults. Facts hold days and values and change with their rows alone; a week bounds what a row that
# changed behind the triggers' back could do.
EVERYBODY_EVERY = timedelta(days=7)
MOST_RENEWED = 100_000  # customers; of more, computing everybody is not much dearer


def everything(session: Session) -> Work:
    """Everybody; whoever changed so far is among them."""
    take_all_changed(session)
    return Work(scope=Scope())


def night(session: Session, *, now: datetime) -> Work:
    """Segments and tasks of everybody; facts of whoever changed, or of everybody where those may be outdated."""
    if not _is_known(session, now=now) or waiting(session) > MOST_RENEWED:
        return everything(session)
    return Work(scope=Scope(), facts=Facts.RENEWED, changed=take_changed(session, most=MOST_RENEWED))


def _is_known(session: Session, *, now: datetime) -> bool:
    """Whether everybody's facts were computed as they are defined now, and not long ago."""
    computed = select(ScanRun.id).where(
        ScanRun.kind.in_(WHOLE),
        ScanRun.started_at > now - EVERYBODY_EVERY,
        ScanRun.finished_at.is_not(None),
        ScanRun.counts["edition"].as_string() == edition(),
    )
    return session.scalar(computed.limit(1)) is not None
