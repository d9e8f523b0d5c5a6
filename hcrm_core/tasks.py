"""What an outcome does to a task. The centre and the workstation's overlay use the same functions.

A contact either settles a task or puts it to sleep until a day. The scan wakes it on that day, closes it when
the child came or bought, and never opens a closed one again: the next cycle has its own task.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from hcrm_core.errors import Rejected
from hcrm_core.terms import Outcome, Role, TaskState

CLOSED = frozenset({TaskState.DONE, TaskState.CANCELLED})

# Operational defaults, no clinical meaning: when to try again if nobody said when.
RETRY_DAYS = (1, 3, 7)  # after the first, second and third unanswered call; the fourth closes the task
CONSIDER_DAYS = 7
DISCOMFORT_DAYS = 1
FURTHEST_DAYS = 400  # a later day is a slip of the year


class CloseReason(StrEnum):
    """Why a task ended: the value of `Task.close_reason`."""

    ARRIVED = "arrived"  # the family is in the clinic, said by staff
    SATISFIED = "satisfied"
    DECLINED = "declined"
    WRONG_NUMBER = "wrong_number"
    MOVED_AWAY = "moved_away"
    UNREACHABLE = "unreachable"  # not answered on the last planned attempt
    VISITED = "visited"  # found by the scan: an examination or visit since
    PURCHASED = "purchased"  # found by the scan: new lenses since
    SUPERSEDED = "superseded"  # a more urgent task took over before anybody began
    REASON_GONE = "reason_gone"  # found by the scan: the trigger no longer holds and nobody had begun
    DO_NOT_CONTACT = "do_not_contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """The task's columns after a contact or a snooze.

    Attributes:
        state: the new state.
        next_on: the day it wakes, or the agreed visit; None when closed or awake.
        attempts: contacts tried so far.
        close_reason: a `CloseReason`, or "" while it is not closed.
    """

    state: TaskState
    next_on: date | None
    attempts: int
    close_reason: str = ""


_SETTLED: dict[Outcome, tuple[TaskState, CloseReason]] = {
    Outcome.ARRIVED: (TaskState.DONE, CloseReason.ARRIVED),
    Outcome.SATISFIED: (TaskState.DONE, CloseReason.SATISFIED),
    Outcome.DECLINED: (TaskState.CANCELLED, CloseReason.DECLINED),
    Outcome.WRONG_NUMBER: (TaskState.CANCELLED, CloseReason.WRONG_NUMBER),
    Outcome.MOVED_AWAY: (TaskState.CANCELLED, CloseReason.MOVED_AWAY),
}


def may_work_on(role: Role, *, staff_id: UUID | None, owner_id: UUID | None) -> bool:
    """Whether somebody who sees a task may record its outcome or put it off, as row security at the centre decides."""
    return role in (Role.ASSISTANT, Role.MANAGER) or (staff_id is not None and staff_id == owner_id)


_OF_THE_FAMILY = frozenset({Outcome.NO_ANSWER, Outcome.WRONG_NUMBER, Outcome.MOVED_AWAY})


def answers(outcome: Outcome, *, offered: Collection[Outcome]) -> bool:
    """Whether the outcome of a contact is an answer to a task that was spoken of among others.

    "Comfortable" answers how the lens is worn, and says nothing of a recheck; that nobody answered is true of all.

    Args:
        outcome: how the contact ended.
        offered: the outcomes that the task's SOP offers; none are all.
    """
    return not offered or outcome in offered or outcome in _OF_THE_FAMILY


def after_outcome(
    state: TaskState, outcome: Outcome, *, next_on: date | None, today: date, attempts: int
) -> TaskChange:
    """The task after a contact ended with an outcome.

    Booked, considering, discomfort and an unanswered call put the task to sleep until `next_on` (or a default
    day); the other outcomes close it. A day that has already come leaves the task awake: an outcome recorded
    off line may reach the centre after the day it names.

    Args:
        state: the task's state before.
        outcome: how the contact ended.
        next_on: the agreed visit or the day to try again, if one was named.
        today: the clinic's business date.
        attempts: contacts tried before this one.

    Raises:
        Rejected: ``task_already_closed``; ``visit_date_needed`` for a booking without a day;
            ``date_too_far`` for a day more than 400 days ahead.
    """
    _refuse_closed(state)
    attempts += 1
    if outcome in _SETTLED:
        closed, reason = _SETTLED[outcome]
        return TaskChange(state=closed, next_on=None, attempts=attempts, close_reason=reason)
    if outcome is Outcome.NO_ANSWER and next_on is None and attempts > len(RETRY_DAYS):
        return TaskChange(
            state=TaskState.CANCELLED, next_on=None, attempts=attempts, close_reason=CloseReason.UNREACHABLE
        )
    return _asleep(next_on or _default_day(outcome, today=today, attempts=attempts), today=today, attempts=attempts)


def after_snooze(state: TaskState, *, until: date, today: date, attempts: int) -> TaskChange:
    """The task after staff put it off without a contact. A day that has already come leaves it awake.

    Raises:
        Rejected: ``task_already_closed``, ``date_too_far``.
    """
    _refuse_closed(state)
    return _asleep(until, today=today, attempts=attempts)


def awake_state(attempts: int) -> TaskState:
    """The state of a task that wakes: not started, unless somebody has already been contacted."""
    return TaskState.IN_PROGRESS if attempts else TaskState.OPEN


def _asleep(until: date, *, today: date, attempts: int) -> TaskChange:
    if until > today + timedelta(days=FURTHEST_DAYS):
        raise Rejected("date_too_far", f"the next day is more than {FURTHEST_DAYS} days ahead")
    if until <= today:
        return TaskChange(state=awake_state(attempts), next_on=None, attempts=attempts)
    return TaskChange(state=TaskState.SNOOZED, next_on=until, attempts=attempts)


def _default_day(outcome: Outcome, *, today: date, attempts: int) -> date:
    if outcome is Outcome.BOOKED:
        raise Rejected("visit_date_needed", "a booking needs the agreed day")
    if outcome is Outcome.NO_ANSWER:
        return today + timedelta(days=RETRY_DAYS[attempts - 1])
    return today + timedelta(days=CONSIDER_DAYS if outcome is Outcome.CONSIDERING else DISCOMFORT_DAYS)


def _refuse_closed(state: TaskState) -> None:
    if state in CLOSED:
        raise Rejected("task_already_closed", "the task is already closed")
