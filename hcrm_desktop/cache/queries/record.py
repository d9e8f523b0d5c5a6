"""客户档案: everything this reader may know of one customer."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from hcrm_core.terms import ExamStatus, VisitState
from hcrm_desktop.cache.queries.beside import guardians_of
from hcrm_desktop.cache.queries.history import (
    exams_of,
    follow_ups_of,
    medications_of,
    orders_of,
    segments_of,
    visits_of,
)
from hcrm_desktop.cache.queries.tasks import tasks_of
from hcrm_desktop.cache.rows import CustomerHeader, CustomerRecord, Delivery, ExamRow, VisitRow
from hcrm_desktop.cache.tables import CUSTOMER, PLAN, SITE, STAFF


def customer_record(session: Session, customer_id: UUID, *, today: date) -> CustomerRecord | None:
    """The whole record; None if the customer is not on this computer any more."""
    assistant, optometrist = STAFF.alias("assistant"), STAFF.alias("optometrist")
    statement = (
        select(
            CUSTOMER,
            SITE.c.name.label("site_name"),
            assistant.c.name.label("assistant_name"),
            optometrist.c.name.label("optometrist_name"),
        )
        .outerjoin(SITE, SITE.c.id == CUSTOMER.c.site_id)
        .outerjoin(assistant, assistant.c.id == CUSTOMER.c.assistant_id)
        .outerjoin(optometrist, optometrist.c.id == CUSTOMER.c.optometrist_id)
        .where(CUSTOMER.c.id == customer_id)
    )
    row = session.execute(statement).first()
    if row is None:
        return None
    exams, visits = exams_of(session, customer_id), visits_of(session, customer_id)
    return CustomerRecord(
        header=_header(
            session,
            row,
            due_on=_booked(visits, today=today) or _recheck_due(session, customer_id, exams=exams, visits=visits),
        ),
        exams=tuple(exams),
        orders=tuple(orders_of(session, customer_id)),
        medications=tuple(medications_of(session, customer_id)),
        follow_ups=tuple(follow_ups_of(session, customer_id)),
        visits=tuple(visits),
        segments=tuple(segments_of(session, customer_id)),
        tasks=tuple(tasks_of(session, customer_id)),
    )


def _header(session: Session, row: Row[Any], *, due_on: date | None) -> CustomerHeader:
    guardian = guardians_of(session, [row.family_id]).get(row.family_id) if row.family_id else None
    return CustomerHeader(
        id=row.id,
        ver=row.ver or 0,
        name=row.name or "",
        sex=row.sex,
        birth_date=row.birth_date,
        site_name=row.site_name or "",
        filed_on=row.filed_on,
        guardian_name=guardian.name if guardian else "",
        guardian_relation=guardian.relation if guardian else "",
        phone=guardian.phone if guardian else None,
        assistant_name=row.assistant_name or "",
        optometrist_name=row.optometrist_name or "",
        do_not_contact=bool(row.do_not_contact),
        school=row.school or "",
        note=row.note or "",
        siblings=_siblings(session, row),
        next_due_on=due_on,
        guardian_id=guardian.id if guardian else None,
        delivery=Delivery(row.delivery or (guardian and guardian.delivery) or Delivery.ACCEPTED),
    )


def _siblings(session: Session, row: Row[Any]) -> tuple[tuple[UUID, str], ...]:
    if row.family_id is None:
        return ()
    others = select(CUSTOMER.c.id, CUSTOMER.c.name).where(
        CUSTOMER.c.family_id == row.family_id, CUSTOMER.c.id != row.id
    )
    return tuple((other.id, other.name or "") for other in session.execute(others.order_by(CUSTOMER.c.birth_date)))


def _booked(visits: list[VisitRow], *, today: date) -> date | None:
    """The next agreed visit."""
    return min((v.visit_on for v in visits if v.state is VisitState.BOOKED and v.visit_on >= today), default=None)


def _recheck_due(session: Session, customer_id: UUID, *, exams: list[ExamRow], visits: list[VisitRow]) -> date | None:
    """The next recheck, as the fact `recheck_due_on` defines it (a test compares them): the earliest day among
    the plans made last, unless an arrival at least half-way to it has met it."""
    arrivals = [one.examined_on for one in exams if one.status is ExamStatus.FINAL]
    arrivals += [one.visit_on for one in visits if one.state is VisitState.ARRIVED]
    known = PLAN.c.planned_on.is_not(None) & PLAN.c.due_on.is_not(None)
    found = session.execute(select(PLAN.c.planned_on, PLAN.c.due_on).where(PLAN.c.customer_id == customer_id, known))
    plans = [(planned_on, due_on) for planned_on, due_on in found]
    last_planned = max((planned_on for planned_on, _ in plans), default=None)
    last_arrival = max(arrivals, default=None)
    waiting = [
        due_on
        for planned_on, due_on in plans
        if planned_on == last_planned and not _met(planned_on, due_on, last_arrival=last_arrival)
    ]
    return min(waiting, default=None)


def _met(planned_on: date, due_on: date, *, last_arrival: date | None) -> bool:
    if last_arrival is None:
        return False
    waited = (last_arrival - planned_on).days
    return waited > 0 and 2 * waited >= (due_on - planned_on).days
