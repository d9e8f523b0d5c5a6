"""What an outcome does to a task."""

from datetime import date, timedelta

import pytest

from hcrm_core.errors import Rejected
from hcrm_core.tasks import CLOSED, FURTHEST_DAYS, CloseReason, TaskChange, after_outcome, after_snooze, awake_state
from hcrm_core.terms import Outcome, TaskState

TODAY = date(2026, 11, 22)
TOMORROW = TODAY + timedelta(days=1)
WORKABLE = sorted(set(TaskState) - CLOSED)


def _after(outcome: Outcome, *, next_on: date | None = None, attempts: int = 0) -> TaskChange:
    return after_outcome(TaskState.OPEN, outcome, next_on=next_on, today=TODAY, attempts=attempts)


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        (Outcome.ARRIVED, TaskState.DONE, CloseReason.ARRIVED),
        (Outcome.SATISFIED, TaskState.DONE, CloseReason.SATISFIED),
        (Outcome.DECLINED, TaskState.CANCELLED, CloseReason.DECLINED),
        (Outcome.WRONG_NUMBER, TaskState.CANCELLED, CloseReason.WRONG_NUMBER),
        (Outcome.MOVED_AWAY, TaskState.CANCELLED, CloseReason.MOVED_AWAY),
    ],
)
@pytest.mark.parametrize("before", WORKABLE)
def test_a_settling_outcome_closes_the_task_with_its_reason(
    before: TaskState, outcome: Outcome, state: TaskState, reason: CloseReason
) -> None:
    after = after_outcome(before, outcome, next_on=TOMORROW, today=TODAY, attempts=1)
    assert after == TaskChange(state=state, next_on=None, attempts=2, close_reason=reason)


@pytest.mark.parametrize("outcome", [Outcome.BOOKED, Outcome.NO_ANSWER, Outcome.CONSIDERING, Outcome.DISCOMFORT])
@pytest.mark.parametrize("before", WORKABLE)
def test_an_open_outcome_puts_the_task_to_sleep_until_the_named_day(before: TaskState, outcome: Outcome) -> None:
    after = after_outcome(before, outcome, next_on=TOMORROW, today=TODAY, attempts=0)
    assert after == TaskChange(state=TaskState.SNOOZED, next_on=TOMORROW, attempts=1)


def test_every_outcome_is_decided() -> None:
    assert {_after(outcome, next_on=TOMORROW).attempts for outcome in Outcome} == {1}


@pytest.mark.parametrize(("attempts", "days"), [(0, 1), (1, 3), (2, 7)])
def test_an_unanswered_call_is_tried_again_after_a_growing_pause(attempts: int, days: int) -> None:
    assert _after(Outcome.NO_ANSWER, attempts=attempts).next_on == TODAY + timedelta(days=days)


def test_the_fourth_unanswered_call_closes_the_task_unless_staff_name_a_day() -> None:
    assert _after(Outcome.NO_ANSWER, attempts=3).close_reason == CloseReason.UNREACHABLE
    assert _after(Outcome.NO_ANSWER, attempts=3, next_on=TOMORROW).state is TaskState.SNOOZED


def test_a_family_that_considers_is_asked_again_in_a_week_and_discomfort_the_next_day() -> None:
    assert _after(Outcome.CONSIDERING).next_on == TODAY + timedelta(days=7)
    assert _after(Outcome.DISCOMFORT).next_on == TOMORROW


def test_a_booking_needs_its_day() -> None:
    with pytest.raises(Rejected) as refused:
        _after(Outcome.BOOKED)
    assert refused.value.code == "visit_date_needed"


@pytest.mark.parametrize("day", [TODAY, TODAY - timedelta(days=3)])
def test_a_day_that_has_come_leaves_the_task_awake(day: date) -> None:
    assert _after(Outcome.BOOKED, next_on=day) == TaskChange(state=TaskState.IN_PROGRESS, next_on=None, attempts=1)


@pytest.mark.parametrize(("days", "accepted"), [(FURTHEST_DAYS, True), (FURTHEST_DAYS + 1, False)])
def test_a_day_in_another_year_is_a_slip(days: int, *, accepted: bool) -> None:
    far = TODAY + timedelta(days=days)
    if accepted:
        assert _after(Outcome.CONSIDERING, next_on=far).next_on == far
        return
    with pytest.raises(Rejected) as refused:
        _after(Outcome.CONSIDERING, next_on=far)
    assert refused.value.code == "date_too_far"


@pytest.mark.parametrize("state", sorted(CLOSED))
def test_a_closed_task_takes_no_outcome_and_no_snooze(state: TaskState) -> None:
    with pytest.raises(Rejected) as refused:
        after_outcome(state, Outcome.ARRIVED, next_on=None, today=TODAY, attempts=1)
    assert refused.value.code == "task_already_closed"
    with pytest.raises(Rejected, match="already closed"):
        after_snooze(state, until=TOMORROW, today=TODAY, attempts=1)


def test_a_snooze_is_no_attempt() -> None:
    after = after_snooze(TaskState.OPEN, until=TOMORROW, today=TODAY, attempts=0)
    assert after == TaskChange(state=TaskState.SNOOZED, next_on=TOMORROW, attempts=0)


def test_a_task_wakes_as_not_started_unless_somebody_was_contacted() -> None:
    assert awake_state(0) is TaskState.OPEN
    assert awake_state(1) is TaskState.IN_PROGRESS
    assert after_snooze(TaskState.OPEN, until=TODAY, today=TODAY, attempts=0).state is TaskState.OPEN
