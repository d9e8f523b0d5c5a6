"""Climbing through the percentiles: ten points, six months, one reference (Tideman 2018)."""

from datetime import date
from decimal import Decimal

import pytest

from hcrm_core.eye.age import add_months
from hcrm_core.eye.crossing import Crossing, percentile_crossing
from hcrm_core.eye.percentiles import Refused
from hcrm_core.terms import Sex
from hcrm_store.references import axial_length_reference

BIRTH, FIRST = date(2018, 3, 1), date(2026, 3, 1)  # eight years old
EARLIER = ("23.87", "24.00")  # P50 of boys at 8 years, and P56


def crossing(*lengths: tuple[int, str], sex: Sex | None = Sex.MALE, birth: date | None = BIRTH) -> Crossing | Refused:
    """Lengths by months after `FIRST`."""
    dated = [(add_months(FIRST, months=months), Decimal(mm)) for months, mm in lengths]
    return percentile_crossing(dated, sex=sex, birth=birth, reference=axial_length_reference())


def length_at(percentile: str, *, months: int) -> str:
    age = 8 + Decimal(months) / 12
    found = axial_length_reference().length_at(Decimal(percentile), sex=Sex.MALE, age_years=age)
    assert isinstance(found, Decimal)
    return str(found)


def test_who_climbs_ten_points_in_a_year_is_flagged_with_both_places() -> None:
    found = crossing((0, length_at("50", months=0)), (12, length_at("62", months=12)))

    assert isinstance(found, Crossing)
    assert found.crossed
    assert abs(found.points - 12) < 1
    assert (found.from_percentile.label, found.to_percentile.label) == ("P50", "P62")
    assert found.reference == "Wuhan 2022 v1"


@pytest.mark.parametrize(("rise", "crossed"), [("61", True), ("59", False), ("50", False), ("40", False)])
def test_less_than_ten_points_is_no_crossing(*, rise: str, crossed: bool) -> None:
    found = crossing((0, length_at("50", months=0)), (12, length_at(rise, months=12)))

    assert isinstance(found, Crossing)
    assert found.crossed is crossed


def test_exactly_ten_points_count(monkeypatch: pytest.MonkeyPatch) -> None:
    found = crossing((0, length_at("50", months=0)), (12, length_at("61", months=12)))
    assert isinstance(found, Crossing)
    for points, crossed in ((found.points, True), (found.points + Decimal("0.1"), False)):
        monkeypatch.setattr("hcrm_core.eye.crossing.POINTS", points)
        again = crossing((0, length_at("50", months=0)), (12, length_at("61", months=12)))
        assert isinstance(again, Crossing)
        assert again.crossed is crossed


@pytest.mark.parametrize(("months", "told"), [(5, False), (6, True)])
def test_visits_are_six_months_apart_at_least(*, months: int, told: bool) -> None:
    found = crossing((0, "23.87"), (months, "24.60"))

    assert isinstance(found, Crossing) is told
    assert told or found == Refused(code="interval_too_short")


def test_a_slow_climb_over_years_is_found_behind_the_nearest_visit() -> None:
    found = crossing((0, length_at("40", months=0)), (12, length_at("46", months=12)), (24, length_at("52", months=24)))

    assert isinstance(found, Crossing)
    assert (found.crossed, found.from_on) == (True, FIRST)


@pytest.mark.parametrize(
    ("sex", "birth", "code"),
    [
        (None, BIRTH, "sex_unknown"),
        (Sex.MALE, None, "birth_unknown"),
        (Sex.MALE, date(2027, 1, 1), "birth_unknown"),
        (Sex.MALE, date(2006, 3, 1), "age_outside"),
        (Sex.MALE, date(2020, 9, 1), "age_outside"),  # the first visit lies before the table's first age
    ],
)
def test_without_two_places_there_is_no_crossing(sex: Sex | None, birth: date | None, code: str) -> None:
    assert crossing((0, "22.50"), (12, "22.90"), sex=sex, birth=birth) == Refused(code=code)


def test_one_length_is_no_pair() -> None:
    assert crossing((0, "22.50")) == Refused(code="no_pair")


def test_beyond_the_table_nothing_climbs_further() -> None:
    found = crossing((0, "27.00"), (12, "29.00"))

    assert isinstance(found, Crossing)
    assert found.points == 0
