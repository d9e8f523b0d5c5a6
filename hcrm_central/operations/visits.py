"""Visits that follow from what staff record: agreed on the phone, or proved by an examination."""

from datetime import date

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from hcrm_core.terms import Source, VisitState
from hcrm_store.base import new_id
from hcrm_store.care import Visit
from hcrm_store.people import Customer


def book(session: Session, customer: Customer, *, on: date, today: date) -> None:
    """Book a visit. It takes the place of other days that were agreed at a workstation and are still to come."""
    session.execute(
        update(Visit)
        .where(
            Visit.customer_id == customer.id,
            Visit.state == VisitState.BOOKED,
            Visit.source == Source.WORKSTATION,
            Visit.visit_on >= today,
            Visit.visit_on != on,
        )
        .values(state=VisitState.CANCELLED)
    )
    if not _known(session, customer, on=on):
        _add(session, customer, on=on, state=VisitState.BOOKED)


def arrive(session: Session, customer: Customer, *, on: date) -> None:
    """The customer was here on a day: settle its booking, or note the visit that nobody had booked."""
    booked = (Visit.customer_id == customer.id, Visit.visit_on == on, Visit.state == VisitState.BOOKED)
    session.execute(update(Visit).where(*booked).values(state=VisitState.ARRIVED))
    if not _known(session, customer, on=on):
        _add(session, customer, on=on, state=VisitState.ARRIVED)


def _known(session: Session, customer: Customer, *, on: date) -> bool:
    standing = Visit.state.in_((VisitState.BOOKED, VisitState.ARRIVED))
    wanted = select(Visit.id).where(Visit.customer_id == customer.id, Visit.visit_on == on, standing)
    return session.scalar(wanted.limit(1)) is not None


def _add(session: Session, customer: Customer, *, on: date, state: VisitState) -> None:
    session.execute(
        insert(Visit).values(
            id=new_id(),
            customer_id=customer.id,
            site_id=customer.site_id,
            visit_on=on,
            state=state,
            source=Source.WORKSTATION,
        )
    )
