"""What managers ask of the worker: its rows, and what became of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.rules.authors import Author, author
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.runs import RunKind
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.tables import ScanRequest
from hcrm_core.errors import Rejected
from hcrm_core.rules.messages import Requested
from hcrm_store.base import new_id

# As text, because the service may write no other columns: the answer is the worker's.
_ASK = text(
    "INSERT INTO scan_request (id, kind, key, requested_at, requested_by_id)"
    " VALUES (:id, :kind, :key, :requested_at, :requested_by_id)"
)


def ask(session: Session, kind: RunKind, *, key: str = "", at: datetime, by: Author) -> UUID:
    """Ask the worker in the caller's transaction: it begins once this commits."""
    request_id = new_id()
    values = {"id": request_id, "kind": kind.value, "key": key, "requested_at": at, "requested_by_id": by.account_id}
    session.execute(_ASK, values)
    return request_id


def ask_scan(here: Centre, who: SignedIn) -> Requested:
    """Have everybody scanned. A scan that waits already is not asked for twice."""
    with transaction(here.store.service, who.principal) as session:
        waiting = select(ScanRequest.id).where(ScanRequest.kind == RunKind.ASKED.value)
        found = session.scalar(waiting.where(ScanRequest.finished_at.is_(None)).limit(1))
        return Requested(request_id=found or ask(session, RunKind.ASKED, at=here.clock.now(), by=author(who)))


def requested(here: Centre, who: SignedIn, *, request_id: UUID) -> Requested:
    """What became of a request.

    Raises:
        Rejected: ``request_unknown``; an answered one is forgotten after a while.
    """
    with snapshot(here.store.service, who.principal) as session:
        found = session.get(ScanRequest, request_id)
        if found is None:
            raise Rejected("request_unknown", "there is no such request")
        told = {name: found.counts.get(name, 0) for name in ("entered", "left", "created")}
        return Requested(request_id=found.id, finished_at=found.finished_at, failed=found.failed, **told)
