"""Drops on a chart: as long as they were taken, as far as they are in sight."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from hcrm_core.curves.picture import Scale, courses
from hcrm_core.record import MedicationRow
from hcrm_core.terms import Medicine, Source
from hcrm_store.base import new_id

TODAY = date(2026, 11, 22)
BIRTH = date(2016, 2, 29)
SCALE = Scale.of(BIRTH, days=[TODAY])
SIGHT = (SCALE.x(date(2025, 1, 1)), SCALE.x(date(2027, 1, 1)))


def course(started_on: date, ended_on: date | None = None, *, percent: str | None = "0.01") -> MedicationRow:
    return MedicationRow(
        id=new_id(),
        medicine=Medicine.ATROPINE,
        percent=Decimal(percent) if percent else None,
        started_on=started_on,
        ended_on=ended_on,
        end_reason="",
        note="",
        by="",
        source=Source.WORKSTATION,
    )


def drawn(*medications: MedicationRow) -> list[tuple[Decimal | None, float, float]]:
    found = courses(medications, scale=SCALE, x_range=SIGHT, today=TODAY)
    return [(one.percent, one.start, one.end) for one in found]


def test_a_course_that_runs_is_drawn_until_today() -> None:
    assert drawn(course(date(2026, 2, 28))) == [(Decimal("0.01"), SCALE.x(date(2026, 2, 28)), SCALE.x(TODAY))]


def test_a_change_of_strength_begins_where_the_former_ends() -> None:
    day = date(2026, 6, 1)
    former, later = drawn(course(day, percent="0.05"), course(date(2026, 1, 1), day))
    assert (former[0], later[0]) == (Decimal("0.01"), Decimal("0.05"))
    assert former[2] == later[1]


def test_a_course_is_cut_where_the_chart_begins_and_ends() -> None:
    assert drawn(course(date(2020, 2, 29), date(2030, 2, 28))) == [(Decimal("0.01"), *SIGHT)]


@pytest.mark.parametrize(("days", "seen"), [(0, False), (1, True)])
def test_a_course_stopped_on_its_first_day_takes_no_room(days: int, *, seen: bool) -> None:
    day = date(2026, 3, 1)
    assert bool(drawn(course(day, day + timedelta(days=days)))) is seen


def test_a_course_out_of_sight_is_not_drawn() -> None:
    assert drawn(course(date(2023, 1, 1), date(2024, 1, 1))) == []


def test_a_strength_that_is_not_told_is_drawn_without() -> None:
    assert drawn(course(date(2026, 1, 1), percent=None))[0][0] is None
