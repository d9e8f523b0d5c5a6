"""Where in its cycles an SOP stands for each customer, as SQL: the counterpart of `hcrm_core.sop.occurrence_on`."""

from datetime import date
from typing import Any

from sqlalchemy import Date, Integer, and_, cast, exists, func, literal
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from hcrm_central.jobs.rulebook import SopInForce
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.tasks import CloseReason
from hcrm_store.journeys import Task

Day = ColumnElement[Any]  # why Any: a day, or NULL

_FACTS = CUSTOMER_FACTS.c
_TAKEN_UP = [CloseReason.UNREACHABLE.value, CloseReason.DECLINED.value]


def cycle_on(one: SopInForce, *, on: date) -> Day:
    """The anchor of each customer's present cycle: the anchor fact, or the latest occurrence."""
    anchor, every = _FACTS[one.sop.anchor], one.timing.every
    if every is None:
        return anchor
    # Whole periods passed; integers divide towards zero, and `is_near` keeps out what lies before the first.
    return anchor + one.timing.due_after + _passed(one, on=on) // every * every


def is_near(one: SopInForce, *, on: date) -> ColumnElement[bool]:
    """An occurrence of a step that returns is near enough, and not too long ago."""
    passed, every, lasts = _passed(one, on=on), one.timing.every, one.timing.lasts
    if every is None or lasts is None:
        return passed >= 0
    return and_(passed >= 0, passed % every <= one.timing.lead + lasts)


def own_arrival_from(one: SopInForce) -> int | None:
    """Days from the cycle's anchor from which an arrival is this step's own; half a period before an occurrence."""
    if one.timing.every is not None:
        return -(one.timing.every // 2)
    return one.sop.arrival_from


def unanswered(one: SopInForce, *, on: date) -> ColumnElement[bool]:
    """The SOP that this one follows ended without an answer, long enough ago, in the same cycle."""
    before = aliased(Task)
    closed_on = cast(func.timezone("Asia/Shanghai", before.closed_at), Date)
    return exists().where(
        before.customer_id == _FACTS.customer_id,
        before.sop_key == one.sop.follows,
        before.anchor_on == _FACTS[one.sop.anchor],
        before.close_reason.in_(_TAKEN_UP),
        closed_on + one.timing.due_after <= on,
    )


def _passed(one: SopInForce, *, on: date) -> ColumnElement[int]:
    today = literal(on, Date)
    return cast(today - _FACTS[one.sop.anchor], Integer) + (one.timing.lead - one.timing.due_after)
