"""Ages on the calendar."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm_core.eye.age import add_months, exact_age, years_and_months

BIRTHS = st.dates(date(1990, 1, 1), date(2026, 1, 1))
DAYS = st.integers(0, 40 * 365)


def test_an_age_is_complete_on_the_birthday() -> None:
    assert exact_age(date(2016, 9, 9), on=date(2024, 9, 9)) == 8
    assert exact_age(date(2016, 9, 9), on=date(2024, 9, 8)) < 8


def test_half_a_year_is_about_half() -> None:
    assert exact_age(date(2018, 1, 1), on=date(2026, 7, 2)) == Decimal("8.4986")


@pytest.mark.parametrize(
    ("on", "age"),
    [
        (date(2021, 2, 28), (4, 11)),
        (date(2021, 3, 1), (5, 0)),
        (date(2020, 2, 28), (3, 11)),
        (date(2020, 2, 29), (4, 0)),
    ],
)
def test_somebody_born_on_a_leap_day_turns_older_on_1_march_of_a_common_year(on: date, age: tuple[int, int]) -> None:
    assert years_and_months(date(2016, 2, 29), on=on) == age


def test_months_end_where_the_month_ends() -> None:
    assert add_months(date(2026, 11, 30), months=3) == date(2027, 2, 28)
    assert add_months(date(2026, 1, 31), months=-2) == date(2025, 11, 30)
    assert add_months(date(2026, 12, 1), months=1) == date(2027, 1, 1)


def test_there_is_no_age_before_birth() -> None:
    with pytest.raises(ValueError, match="before birth"):
        exact_age(date(2020, 1, 2), on=date(2020, 1, 1))


@given(BIRTHS, DAYS)
def test_nobody_gets_younger_by_waiting(birth: date, days: int) -> None:
    on = birth + timedelta(days)
    assert 0 <= exact_age(birth, on=on) <= exact_age(birth, on=on + timedelta(1))


@given(BIRTHS, DAYS)
def test_both_ages_agree(birth: date, days: int) -> None:
    on = birth + timedelta(days)
    assert int(exact_age(birth, on=on)) == years_and_months(birth, on=on)[0]
