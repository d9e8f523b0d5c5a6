"""Who is away: entered by managers; the worker deals what is due meanwhile, and gives it back."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.context import CentreOf, ManagerOf
from hcrm_central.api.refusals import Refused, documented
from hcrm_central.api.routes import OF_SESSION
from hcrm_central.api.rules.authors import author
from hcrm_central.api.rules.requests import ask
from hcrm_central.api.sessions import SignedIn
from hcrm_central.audit import audit
from hcrm_central.jobs.runs import RunKind
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.tables import Absence as AbsenceRow
from hcrm_core.absences import Absence, AbsenceRequest, Absences, AbsenceSaved, StaffName
from hcrm_core.errors import Rejected
from hcrm_core.tasks import CLOSED
from hcrm_core.terms import Role
from hcrm_core.wire import RefusalCode
from hcrm_store.base import new_id
from hcrm_store.clock import business_date
from hcrm_store.journeys import Task
from hcrm_store.organisation import Site, Staff

LONGEST_DAYS = 366
router = APIRouter()
OF_MANAGERS = (*OF_SESSION, RefusalCode.NOT_PERMITTED)


@router.get("/absences", responses=documented(*OF_MANAGERS))
def absences(here: CentreOf, who: ManagerOf) -> Absences:
    """Who is or will be away, and who could be."""
    with snapshot(here.store.service, who.principal) as session:
        return Absences(absences=_coming(session, on=_today(here)), staff=_staff(session))


@router.post("/absences", responses=documented(*OF_MANAGERS))
def enter(here: CentreOf, who: ManagerOf, body: AbsenceRequest) -> AbsenceSaved:
    """Somebody will be away; what is due today goes to colleagues at once."""
    with transaction(here.store.service, who.principal) as session:
        return _enter(session, here, who, body)


@router.delete(
    "/absences/{absence_id}", status_code=204, responses=documented(*OF_MANAGERS, RefusalCode.ALREADY_DECIDED)
)
def cancel(here: CentreOf, who: ManagerOf, absence_id: UUID) -> None:
    """Somebody is there after all, or again."""
    with transaction(here.store.service, who.principal) as session:
        row = session.get(AbsenceRow, absence_id, with_for_update=True)
        if row is None or row.cancelled_at is not None:
            raise Refused(RefusalCode.ALREADY_DECIDED)
        row.cancelled_at = here.clock.now()
        _note(session, here, who, "absence:cancelled", absence_id)


def _enter(session: Session, here: Centre, who: SignedIn, body: AbsenceRequest) -> AbsenceSaved:
    today = _today(here)
    staff = session.get(Staff, body.staff_id)
    if staff is None or not staff.active or staff.role != Role.ASSISTANT:
        raise Rejected("staff_unknown", "nobody who is given tasks")
    if not today <= body.last_on or not 0 <= (body.last_on - body.first_on).days < LONGEST_DAYS:
        raise Rejected("days_unsuitable", f"an absence ends today or later and lasts at most {LONGEST_DAYS} days")
    absence_id = new_id()
    values = {"first_on": body.first_on, "last_on": body.last_on, "entered_at": here.clock.now()}
    session.add(AbsenceRow(id=absence_id, staff_id=body.staff_id, entered_by_id=who.principal.account_id, **values))
    session.flush()
    _note(session, here, who, "absence:entered", absence_id)
    return AbsenceSaved(id=absence_id, redealt=_due(session, body.staff_id, on=today) if body.first_on <= today else 0)


def _note(session: Session, here: Centre, who: SignedIn, action: str, absence_id: UUID) -> None:
    """In the audit log, and to the worker."""
    ask(session, RunKind.ABSENCE, key=str(absence_id), at=here.clock.now(), by=author(who))
    account_id, device_id = who.principal.account_id, who.device_id
    audit(
        session,
        action,
        clock=here.clock,
        account_id=account_id,
        device_id=device_id,
        subject_kind="absence",
        subject_id=absence_id,
    )


def _due(session: Session, staff_id: UUID, *, on: date) -> int:
    query = select(func.count()).where(Task.owner_id == staff_id, Task.state.not_in(CLOSED))
    return session.scalar(query.where(func.coalesce(Task.next_on, Task.due_on) <= on)) or 0


def _coming(session: Session, *, on: date) -> list[Absence]:
    query = (
        select(AbsenceRow, Staff.name, Site.name)
        .join(Staff, Staff.id == AbsenceRow.staff_id)
        .outerjoin(Site, Site.id == Staff.site_id)
        .where(AbsenceRow.cancelled_at.is_(None), AbsenceRow.last_on >= on)
        .order_by(AbsenceRow.first_on, Staff.name)
    )
    return [
        Absence(
            id=row.id, staff_id=row.staff_id, name=name, site=site or "", first_on=row.first_on, last_on=row.last_on
        )
        for row, name, site in session.execute(query)
    ]


def _staff(session: Session) -> list[StaffName]:
    query = (
        select(Staff.id, Staff.name, Site.name)
        .outerjoin(Site, Site.id == Staff.site_id)
        .where(Staff.active, Staff.role == Role.ASSISTANT)
        .order_by(Site.name, Staff.name)
    )
    return [StaffName(staff_id=staff_id, name=name, site=site or "") for staff_id, name, site in session.execute(query)]


def _today(here: Centre) -> date:
    return business_date(here.clock.now())
