"""Growth of axial length as it could be told on each day, and what measuring leaves open."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from hcrm_core.facts.growth import Growth, MeasurementInput, Refusal, child_growth, eye_growth
from hcrm_core.terms import Eye, LensState, RefractionMethod

FIRST = date(2026, 1, 1)


def length(day: int, mm: str, *, eye: Eye = Eye.OD) -> MeasurementInput:
    return MeasurementInput(
        exam_id=uuid4(),
        eye=eye,
        examined_on=FIRST + timedelta(days=day),
        method=RefractionMethod.UNKNOWN,
        cycloplegic=None,
        lens_state=LensState.UNKNOWN,
        axial_length_mm=Decimal(mm),
    )


def growths(*lengths: MeasurementInput) -> list[Growth]:
    return [one.growth for one in child_growth(lengths).lengths]


def test_each_day_tells_the_growth_over_about_half_a_year_up_to_it() -> None:
    days = [length(0, "24.00"), length(90, "24.05"), length(180, "24.16"), length(365, "24.30")]

    first, early, half, year = growths(*reversed(days))
    assert first.refusal is Refusal.NO_PAIR
    assert early.refusal is Refusal.INTERVAL_TOO_SHORT
    assert (half.from_on, half.change) == (days[0].examined_on, Decimal("0.16"))
    assert (year.from_on, year.change) == (days[2].examined_on, Decimal("0.14"))


def test_the_last_day_tells_what_the_eye_is_said_to_grow() -> None:
    days = [length(0, "24.00"), length(200, "24.10"), length(390, "24.20"), length(200, "23.80", eye=Eye.OS)]

    found = eye_growth(days)
    last = {one.eye: one.growth for one in child_growth(days).lengths}
    assert {eye: grown.axial for eye, grown in found.items()} == last


@pytest.mark.parametrize(
    ("days", "error"),
    [(150, "0.21"), (182, "0.17"), (365, "0.08"), (730, "0.04")],  # √2 × 0.06 mm over the interval, as of a year
)
def test_the_error_of_a_rate_shrinks_with_its_interval(days: int, error: str) -> None:
    *_, grown = growths(length(0, "24.00"), length(days, "24.30"))

    assert grown.error_per_year == Decimal(error)


def test_a_rate_needs_150_days() -> None:
    *_, short = growths(length(0, "24.00"), length(149, "24.30"))
    *_, enough = growths(length(0, "24.00"), length(150, "24.30"))

    assert (short.refusal, short.per_year, short.error_per_year) == (Refusal.INTERVAL_TOO_SHORT, None, None)
    assert enough.per_year == Decimal("0.73")


def test_refraction_has_no_error_of_its_own() -> None:
    assert Growth(change=Decimal("0.5")).error_per_year is None


def test_of_no_measurement_nothing_is_said() -> None:
    found = child_growth([])

    assert (found.readings, found.lengths) == ([], [])
    assert {growth.refusal for growth in found.refraction.values()} == {Refusal.NO_PAIR}
