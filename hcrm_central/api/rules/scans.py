"""The latest runs of the scan, and who is set aside."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.changed import waiting
from hcrm_central.jobs.runs import RunKind, told
from hcrm_central.jobs.watching import missed
from hcrm_central.store.engine import snapshot
from hcrm_central.store.tables import Quarantine, ScanRun
from hcrm_core.rules.messages import Quarantined, Scans
from hcrm_store.people import Customer

# Operational: a screenful of each. A busy day has thousands of runs of a few customers, which would hide the others.
MOST_LARGE, MOST_SMALL = 40, 20
MOST_QUARANTINED = 500


def scans(here: Centre, who: SignedIn) -> Scans:
    """How the scan does."""
    with snapshot(here.store.service, who.principal) as session:
        return Scans(
            runs=[told(run) for run in _latest(session)],
            missed=missed(session, now=here.clock.now(), scan_at=here.settings.scan_at),
            waiting=waiting(session),
            quarantine=_quarantine(session),
        )


def _latest(session: Session) -> Sequence[ScanRun]:
    small = ScanRun.kind == RunKind.CUSTOMERS.value
    query = select(ScanRun).order_by(ScanRun.started_at.desc(), ScanRun.id.desc())
    found = [
        *session.scalars(query.where(~small).limit(MOST_LARGE)),
        *session.scalars(query.where(small).limit(MOST_SMALL)),
    ]
    return sorted(found, key=lambda run: (run.started_at, run.id), reverse=True)


def _quarantine(session: Session) -> list[Quarantined]:
    query = (
        select(Quarantine, Customer.name)
        .join(Customer, Customer.id == Quarantine.customer_id)
        .order_by(Quarantine.since.desc(), Quarantine.customer_id)
        .limit(MOST_QUARANTINED)
    )
    return [
        Quarantined(customer_id=one.customer_id, name=name, reason=one.reason, since=one.since)
        for one, name in session.execute(query)
    ]
