"""What other intervals, conditions or members of an SOP's segment do to its tasks: previewed with counts, then done.

A task that somebody began, or put to sleep, stays as it is. A step that returns needs no moving: its task of the
former occurrence closes, and the present occurrence gets one of its own.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Date, and_, case, false, func, literal, null, or_, select, update
from sqlalchemy.orm import Session

from hcrm_central.jobs.calling import Belongs, in_segment, proposals
from hcrm_central.jobs.capacity import FURTHEST_DAYS
from hcrm_central.jobs.cycles import cycle_on, own_arrival_from
from hcrm_central.jobs.quarantine import quarantined
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


def preview(
    session: Session, before: SopInForce, after: SopInForce, *, rulebook: Rulebook, belongs: Belongs = in_segment
) -> Moved:
    """What a changed SOP would do were it in force now. Reads only, as whoever the session speaks for.

    What a stronger SOP takes over from a lesser one, or leaves to it, is told of the stronger one alone; a full day
    may put some of them off.

    Args:
        belongs: who would be in which segment then.
    """
    days = _moving(session, before, after, on=rulebook.on, belongs=belongs)
    anyway = _proposed(session, before, rulebook)
    coming = _proposed(session, after, rulebook, belongs=belongs)
    days |= {customer_id: day for customer_id, day in coming.items() if customer_id not in anyway}
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
    """Due on another day than its intervals say. What is due already stays due, and what a full day put off put off."""
    due = _due(one, on=on)
    return and_(Task.due_on > on, ~Task.due_on.between(due, due + FURTHEST_DAYS))


def _moving(session: Session, before: SopInForce, after: SopInForce, *, on: date, belongs: Belongs) -> Days:
    """Tasks that are there."""
    goes = or_(_is_of_another_cycle(before, after, on=on), _leaves(after, belongs))
    moves = _is_off(after, on=on) if _is_replanned(after) else false()
    query = (
        select(Task.customer_id, case((goes, null()), else_=_due(after, on=on)))
        .join_from(Task, CUSTOMER_FACTS, CUSTOMER_FACTS.c.customer_id == Task.customer_id)
        .where(Task.sop_key == before.sop.key, _UNTOUCHED, or_(goes, moves))
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _is_of_another_cycle(before: SopInForce, after: SopInForce, *, on: date) -> ColumnElement[bool]:
    """Of a step that returns: it is another occurrence then, or an arrival counts as this one's own."""
    if after.timing.every is None:
        return false()
    another = cycle_on(after, on=on).is_distinct_from(Task.anchor_on)
    own = own_arrival_from(after) if "arrival" in after.sop.settled_by else None
    came = false() if own is None else CUSTOMER_FACTS.c.last_arrival_on >= Task.anchor_on + own
    return and_(Task.anchor_on == cycle_on(before, on=on), or_(another, came))


def _leaves(after: SopInForce, belongs: Belongs) -> ColumnElement[bool]:
    """The customer is in the SOP's segment, and then is not."""
    key = after.sop.segment
    return false() if key is None else and_(in_segment(key), belongs(key).is_not(True))


def _proposed(session: Session, one: SopInForce, rulebook: Rulebook, *, belongs: Belongs = in_segment) -> Days:
    scope = Scope(aside=quarantined(session))
    return {
        found.recipient.customer_id: due_on(one.timing, anchor_on=found.anchor_on, today=rulebook.on)
        for found in proposals(session, one, rulebook, reached=(), scope=scope, belongs=belongs).given
    }
