"""Drops entered at a workstation: seen at once, off line too, and at the centre once."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.record import MedicationRow
from hcrm_core.terms import Source
from hcrm_desktop.cache import commands
from hcrm_desktop.cache.medications import begin_medication, end_medication
from tests.factories import Clinic
from tests.sync.correcting import record_of, sync
from tests.sync.desk import TODAY, Desk

DeskFor = Callable[[str], Desk]


def begin(desk: Desk, clinic: Clinic, percent: str, *, days_ago: int = 0) -> None:
    day = TODAY - timedelta(days=days_ago)
    begin_medication(
        desk.workspace, customer_id=clinic.mine.customer_id, percent=Decimal(percent), started_on=day, note="每晚"
    )


def end(desk: Desk, clinic: Clinic, *, days_ago: int = 0) -> None:
    running = next(one for one in courses(desk, clinic) if one.ended_on is None)
    end_medication(
        desk.workspace,
        customer_id=clinic.mine.customer_id,
        medication_id=running.id,
        ended_on=TODAY - timedelta(days=days_ago),
        reason="畏光",
    )


def courses(desk: Desk, clinic: Clinic) -> tuple[MedicationRow, ...]:
    return record_of(desk, clinic.mine.customer_id).medications


def told(desk: Desk, clinic: Clinic) -> list[tuple[Decimal | None, date, date | None]]:
    own = (one for one in courses(desk, clinic) if one.source is Source.WORKSTATION)
    return sorted(((one.percent, one.started_on, one.ended_on) for one in own), key=lambda one: one[1])


@pytest.fixture
def eyes(desk_for: DeskFor) -> tuple[Desk, Desk]:
    """Two optometrists of one site."""
    return desk_for("optometrist"), desk_for("optometrist2")


def test_a_course_is_seen_at_once_and_by_a_colleague_after_a_sync(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    mine, colleague = eyes
    begin(mine, clinic, "0.01", days_ago=90)
    expected = [(Decimal("0.01"), TODAY - timedelta(days=90), None)]
    assert told(mine, clinic) == expected
    sync(mine, colleague)
    assert told(mine, clinic) == told(colleague, clinic) == expected


def test_another_strength_ends_the_former_course_here_as_at_the_centre(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    mine, colleague = eyes
    begin(mine, clinic, "0.01", days_ago=90)
    begin(mine, clinic, "0.05", days_ago=10)
    changed = TODAY - timedelta(days=10)
    expected = [(Decimal("0.01"), TODAY - timedelta(days=90), changed), (Decimal("0.05"), changed, None)]
    assert told(mine, clinic) == expected
    sync(mine, colleague)
    assert told(mine, clinic) == told(colleague, clinic) == expected


def test_a_course_entered_belatedly_ends_where_the_next_one_began(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    mine, colleague = eyes
    begin(mine, clinic, "0.05", days_ago=10)
    begin(mine, clinic, "0.01", days_ago=90)
    changed = TODAY - timedelta(days=10)
    expected = [(Decimal("0.01"), TODAY - timedelta(days=90), changed), (Decimal("0.05"), changed, None)]
    assert told(mine, clinic) == expected
    sync(mine, colleague)
    assert told(mine, clinic) == told(colleague, clinic) == expected


def test_a_course_is_stopped_with_its_reason(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    mine, colleague = eyes
    begin(mine, clinic, "0.01", days_ago=30)
    sync(mine, colleague)
    end(colleague, clinic)
    assert told(colleague, clinic) == [(Decimal("0.01"), TODAY - timedelta(days=30), TODAY)]
    sync(colleague, mine)
    stopped = next(one for one in courses(mine, clinic) if one.source is Source.WORKSTATION)
    assert (stopped.ended_on, stopped.end_reason) == (TODAY, "畏光")


def test_what_was_entered_is_taken_back_within_its_moments(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    mine, _ = eyes
    before = courses(mine, clinic)
    begin(mine, clinic, "0.01")
    assert courses(mine, clinic) != before
    commands.undo_last(mine.workspace)
    assert courses(mine, clinic) == before


@pytest.mark.parametrize(
    ("percent", "days_ago", "code"),
    [("0", 0, "implausible:percent"), ("1.001", 0, "implausible:percent"), ("0.01", -1, "implausible:started_on")],
)
def test_what_cannot_be_is_not_written_down(
    eyes: tuple[Desk, Desk], clinic: Clinic, percent: str, days_ago: int, code: str
) -> None:
    mine, _ = eyes
    with pytest.raises(Rejected) as refused:
        begin(mine, clinic, percent, days_ago=days_ago)
    assert refused.value.code == code


def test_only_optometrists_enter_drops(desk_for: DeskFor, clinic: Clinic) -> None:
    with pytest.raises(NotPermitted):
        begin(desk_for("assistant"), clinic, "0.01")
