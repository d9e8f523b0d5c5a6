"""The rows of runs: which kinds there are, how one begins and ends, and how it is told."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.tables import ScanRequest, ScanRun
from hcrm_core.rules.messages import ScanLine
from hcrm_store.base import new_id

# Operational: a busy day has thousands of runs of a few customers, and nobody looks at them a day later.
SMALL_KEPT, REQUESTS_KEPT = timedelta(days=2), timedelta(days=60)


class RunKind(StrEnum):
    """What a run was for."""

    NIGHTLY = "nightly"
    ASKED = "asked"
    RULE = "rule"
    PARAMETER = "parameter"
    CUSTOMERS = "customers"
    ABSENCE = "absence"


WHOLE = (RunKind.NIGHTLY.value, RunKind.ASKED.value)  # kinds that look at everybody and everything


def begin_run(engine: Engine, *, kind: RunKind, scanned_for: date, at: datetime) -> UUID:
    """Note a run before it works, in a transaction of its own: one that dies is seen, because it never finished."""
    run_id = new_id()
    with transaction(engine) as session:
        session.add(ScanRun(id=run_id, kind=kind.value, scanned_for=scanned_for, started_at=at, counts={}))
    return run_id


def finish_run(session: Session, run_id: UUID, *, fence: int, at: datetime, counts: dict[str, Any]) -> None:
    """Note its end, in the transaction of its work."""
    values = {"finished_at": at, "fence": fence, "counts": counts}
    session.execute(update(ScanRun).where(ScanRun.id == run_id).values(**values))


def drop_run(session: Session, run_id: UUID) -> None:
    """There was nothing to do: somebody else had done it."""
    session.execute(delete(ScanRun).where(ScanRun.id == run_id))


def forget_runs(session: Session, *, now: datetime) -> int:
    """Forget runs of a few customers, and answered requests. Returns how many runs."""
    session.execute(delete(ScanRequest).where(ScanRequest.finished_at < now - REQUESTS_KEPT))
    small = delete(ScanRun).where(ScanRun.kind == RunKind.CUSTOMERS.value, ScanRun.started_at < now - SMALL_KEPT)
    return len(session.scalars(small.returning(ScanRun.id)).all())


def told(run: ScanRun) -> ScanLine:
    """A run as managers see it. One that has not finished has counted nothing."""
    return ScanLine(
        run_id=run.id,
        kind=run.kind,
        scanned_for=run.scanned_for,
        started_at=run.started_at,
        finished_at=run.finished_at,
        **run.counts.get("totals", {}),
    )
