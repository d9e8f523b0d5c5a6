"""What other intervals or conditions of an SOP do to its tasks: previewed with counts, then done.

A task that somebody began, or put to sleep, stays as it is. A step that returns needs no moving: its task of the
former occurrence closes, and the present occurrence gets one of its own.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Date, and_, false, func, literal, null, or_, select, update
from sqlalchemy.orm import Session

from hcrm_central.jobs.calling import Fate, proposals
from hcrm_central.jobs.cycles import cycle_on, own_arrival_from
from hcrm_central.jobs.rulebook import Rulebook, SopInForce
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.sop import due_on
from hcrm_core.terms import TaskState
from hcrm_store.journeys import Task

Days = dict[UUID, date | None]  # by customer when his task is due then, None if it goes

_UNTOUCHED = (Task.state == TaskState.OPEN) & (Task.attempts == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How many open tasks get another day, come or go, and how many of those that stay or come are due today."""

    moved: int
    due_today: int


def preview(session: Session, before: SopInForce, after: SopInForce, *, rulebook: Rulebook) -> Moved:
    """What a changed SOP would do were it in force now. Reads only, as whoever the session speaks for.

    What a stronger SOP takes over is told of that one; a full day may put some of them off.
    """
    days = _moving(session, before, after, on=rulebook.on) | _coming(session, before, after, rulebook)
    return Moved(moved=len(days), due_today=sum(day is not None and day <= rulebook.on for day in days.values()))


def replan(session: Session, one: SopInForce, *, scope: Scope, on: date) -> int:
    """Give untouched tasks of an SOP the day that its intervals say now. Returns how many moved."""
    if not _is_replanned(one):
        return 0
    statement = (
        update(Task)
        .where(Task.sop_key == one.sop.key, _UNTOUCHED, scope.on(Task.customer_id), _is_off(one, on=on))
        .values(due_on=_due(one, on=on))
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _is_replanned(one: SopInForce) -> bool:
    return one.timing.every is None and not isinstance(one.sop.due_after, int)


def _due(one: SopInForce, *, on: date) -> ColumnElement[date]:
    return func.greatest(Task.anchor_on + one.timing.due_after, literal(on, Date))


def _is_off(one: SopInForce, *, on: date) -> ColumnElement[bool]:
    """Due on another day than its intervals say; what is due already stays due."""
    return and_(Task.due_on != _due(one, on=on), Task.due_on > on)


def _moving(session: Session, before: SopInForce, after: SopInForce, *, on: date) -> Days:
    """Tasks that are there."""
    day: ColumnElement[Any] = null()
    if after.timing.every is not None:
        goes = or_(cycle_on(after, on=on).is_distinct_from(Task.anchor_on), _came(after))
        moves = and_(Task.anchor_on == cycle_on(before, on=on), goes)
    elif _is_replanned(after):
        moves, day = _is_off(after, on=on), _due(after, on=on)
    else:
        return {}
    query = (
        select(Task.customer_id, day)
        .join_from(Task, CUSTOMER_FACTS, CUSTOMER_FACTS.c.customer_id == Task.customer_id)
        .where(Task.sop_key == before.sop.key, _UNTOUCHED, moves)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _came(one: SopInForce) -> ColumnElement[bool]:
    """An arrival that its intervals count as the occurrence's own."""
    own = own_arrival_from(one) if "arrival" in one.sop.settled_by else None
    return false() if own is None else CUSTOMER_FACTS.c.last_arrival_on >= Task.anchor_on + own


def _coming(session: Session, before: SopInForce, after: SopInForce, rulebook: Rulebook) -> Days:
    """Tasks that are not there, and would not come as things are."""
    anyway = _proposed(session, before, rulebook)
    found = _proposed(session, after, rulebook)
    return {customer_id: day for customer_id, day in found.items() if customer_id not in anyway}


def _proposed(session: Session, one: SopInForce, rulebook: Rulebook) -> Days:
    return {
        found.recipient.customer_id: due_on(one.timing, anchor_on=found.anchor_on, today=rulebook.on)
        for found in proposals(session, one, rulebook, reached=(), scope=Scope())
        if found.fate in (Fate.CREATED, Fate.REOPENED)
    }
