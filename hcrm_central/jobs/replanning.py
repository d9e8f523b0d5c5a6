"""What a changed interval does to tasks that are there: previewed with counts, then done.

A task that somebody began, or put to sleep, stays as it is. A step that returns needs no moving: its task of the
former occurrence closes, and the present occurrence gets one of its own.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import CursorResult, Date, and_, func, literal, select, update
from sqlalchemy.orm import Session

from hcrm_central.jobs.cycles import cycle_on
from hcrm_central.jobs.rulebook import SopInForce
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.terms import TaskState
from hcrm_store.journeys import Task

_UNTOUCHED = (Task.state == TaskState.OPEN) & (Task.attempts == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How many open tasks get another day, and how many of them are then due today."""

    moved: int
    due_today: int


def preview(session: Session, before: SopInForce, after: SopInForce, *, on: date) -> Moved:
    """What an SOP's other intervals would move. Reads only, as whoever the session speaks for."""
    if before.timing == after.timing:
        return Moved(moved=0, due_today=0)
    next_ = cycle_on(after, on=on) + (0 if after.timing.every else after.timing.due_after)
    # What is due already stays due; a step that returns has another occurrence instead.
    moves = Task.anchor_on != next_ if after.timing.every else and_(Task.due_on != next_, Task.due_on > on)
    query = (
        select(func.count().filter(moves), func.count().filter(moves, next_ <= on))
        .join_from(Task, CUSTOMER_FACTS, CUSTOMER_FACTS.c.customer_id == Task.customer_id)
        .where(Task.sop_key == before.sop.key, _UNTOUCHED)
    )
    moved, due_today = session.execute(query).one()
    return Moved(moved=moved, due_today=due_today)


def replan(session: Session, one: SopInForce, *, scope: Scope, on: date) -> int:
    """Give untouched tasks of an SOP the day that its intervals say now. Returns how many moved."""
    if one.timing.every is not None or isinstance(one.sop.due_after, int):
        return 0
    due = func.greatest(Task.anchor_on + one.timing.due_after, literal(on, Date))
    statement = (
        update(Task)
        .where(Task.sop_key == one.sop.key, _UNTOUCHED, scope.on(Task.customer_id))
        .where(Task.due_on != due, Task.due_on > on)  # what is due already stays due
        .values(due_on=due)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
