"""Whether the nightly scan happened: when it is due, when it is missed, and which runs died."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.runs import WHOLE
from hcrm_central.store.tables import ScanRun
from hcrm_core.clinic_time import SHANGHAI, business_date

# Operational defaults, no clinical meaning.
GRACE = timedelta(hours=1)  # for a nightly scan to finish
DIES_AFTER = timedelta(minutes=1)  # without the lease: between a run's row and its lease lie milliseconds
_LOOKED_BACK = timedelta(days=2)


def turn_of(now: datetime, *, scan_at: time) -> datetime:
    """The last instant at which a nightly scan was due: today's, or yesterday's before its time has come."""
    local = now.astimezone(SHANGHAI)
    due = local.replace(hour=scan_at.hour, minute=scan_at.minute, second=0, microsecond=0)
    return due if due <= local else due - timedelta(days=1)


def is_due(session: Session, *, now: datetime, scan_at: time) -> bool:
    """Whether nobody has scanned everybody since the last turn. One asked for in words counts as well."""
    since = turn_of(now, scan_at=scan_at)
    done = select(ScanRun.id).where(
        ScanRun.kind.in_(WHOLE),
        ScanRun.started_at >= since,
        ScanRun.scanned_for >= business_date(since),
        ScanRun.finished_at.is_not(None),
    )
    return session.scalar(done.limit(1)) is None


def missed(session: Session, *, now: datetime, scan_at: time) -> date | None:
    """The business date whose nightly scan has not finished an hour after its time, or None."""
    since = turn_of(now, scan_at=scan_at)
    if now < since + GRACE or not is_due(session, now=now, scan_at=scan_at):
        return None
    return business_date(since)


def died(session: Session, *, now: datetime) -> Sequence[UUID]:
    """Runs that began and will not finish: nobody holds the lease, and none of them did."""
    if is_leased(session):
        return []
    old = (ScanRun.started_at < now - DIES_AFTER, ScanRun.started_at > now - _LOOKED_BACK)
    return session.scalars(select(ScanRun.id).where(ScanRun.finished_at.is_(None), *old)).all()


def is_leased(session: Session) -> bool:
    """Whether a run is under way. Looking takes the lease's lock for the rest of a short transaction."""
    return session.execute(text("SELECT fence FROM scan_lease FOR UPDATE SKIP LOCKED")).first() is None
