"""The worker's post: one row says who works. By rows and the database's clock, so that it passes connection poolers."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.watching import is_leased
from hcrm_central.store.engine import transaction
from hcrm_central.store.tables import WorkerPost

SILENT_AFTER = timedelta(seconds=5)  # operational: who holds the post and lives says so once a second

_HOLD = text("UPDATE worker_post SET seen_at = clock_timestamp() WHERE holder = :me RETURNING holder")
_TAKE = text(
    "INSERT INTO worker_post (holder, seen_at) VALUES (:me, clock_timestamp())"
    " ON CONFLICT (one) DO UPDATE SET holder = EXCLUDED.holder, seen_at = EXCLUDED.seen_at"
    " WHERE worker_post.seen_at < clock_timestamp() - CAST(:silent AS interval) RETURNING holder"
)
_LEAVE = text("DELETE FROM worker_post WHERE holder = :me")


def hold_post(engine: Engine, worker_id: UUID) -> bool:
    """Go on holding the post, or take it from nobody or from who is silent. Whether it is this worker's.

    During a run its worker says nothing, so nobody takes over while the lease is held.
    """
    with transaction(engine) as session:
        if session.execute(_HOLD, {"me": worker_id}).first() is not None:
            return True
        if is_leased(session):
            return False
        return session.execute(_TAKE, {"me": worker_id, "silent": SILENT_AFTER}).first() is not None


def leave_post(engine: Engine, worker_id: UUID) -> None:
    """Give the post up, if it is this worker's."""
    with transaction(engine) as session:
        session.execute(_LEAVE, {"me": worker_id})


def silence(session: Session) -> timedelta | None:
    """How long no worker has been heard of; None if there is none. Nothing while a run is under way."""
    since = session.scalar(select(func.clock_timestamp() - WorkerPost.seen_at))
    return timedelta(0) if since is not None and is_leased(session) else since
