"""Days, months and ages of whole frames are those of one child."""

from datetime import date
from decimal import Decimal
from statistics import NormalDist

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm_core.eye.age import exact_age, months_before
from hcrm_core.eye.percentiles import AxialLengthReference, LmsRow, Percentile, PercentileRow
from hcrm_core.facts.civil import AGES, day_number, days_between, months_apart, with_ages
from hcrm_core.facts.places import normal, placed
from hcrm_core.terms import Sex

DAYS = st.dates(date(1990, 1, 1), date(2104, 12, 31))
PAIRS = st.lists(st.tuples(DAYS, DAYS).map(sorted), min_size=1, max_size=200)


def _frame(pairs: list[list[date]]) -> nw.LazyFrame[pl.LazyFrame]:
    return nw.from_native(pl.DataFrame(pairs, schema={"birth_date": pl.Date, "day": pl.Date}, orient="row").lazy())


@settings(deadline=None, max_examples=60)
@given(pairs=PAIRS)
def test_days_months_and_ages_are_the_calendars(pairs: list[list[date]]) -> None:
    first, day = nw.col("birth_date"), nw.col("day")
    found = with_ages(_frame(pairs), on="day").with_columns(
        number=day_number(day), days=days_between(first, later=day), six=months_apart(first, later=day, months=6)
    )
    rows = found.collect("polars").to_native().rows(named=True)
    for (birth, on), row in zip(pairs, rows, strict=True):
        assert row["number"] == (on - date(1970, 1, 1)).days
        assert row["days"] == (on - birth).days
        assert row["six"] == (birth <= months_before(on, months=6))
        assert row["age"] == exact_age(birth, on=on) * AGES


@pytest.mark.parametrize("on", [date(2023, 2, 28), date(2023, 3, 1), date(2024, 2, 28), date(2024, 2, 29)])
def test_a_leap_day_is_a_birthday_on_1_march_of_common_years(on: date) -> None:
    born = date(2020, 2, 29)
    found = with_ages(_frame([[born, on]]), on="day").collect("polars")
    assert found["age"].to_list() == [exact_age(born, on=on) * AGES]


def test_before_birth_and_without_a_day_there_is_no_age() -> None:
    frame = pl.DataFrame(
        {"birth_date": [date(2020, 1, 2), None, date(2020, 1, 1)], "day": [date(2020, 1, 1), date(2020, 1, 1), None]},
        schema={"birth_date": pl.Date, "day": pl.Date},
    )
    found = with_ages(nw.from_native(frame.lazy()), on="day").collect("polars")
    assert found["age"].to_list() == [None, None, None]


def test_the_normal_distribution_is_as_exact_as_a_double() -> None:
    scores = [step / 100 for step in range(-700, 701)]
    told = nw.from_native(pl.DataFrame({"z": scores}).lazy()).select(share=normal(nw.col("z"))).collect("polars")
    shares = zip(scores, told["share"].to_list(), strict=True)
    assert max(abs(share - NormalDist().cdf(score)) for score, share in shares) < 1e-14


# ── places in tables of other shapes ─────────────────────────────────────────────────────────────────────


def _table(*skewness: float) -> AxialLengthReference:
    ages = (Decimal(6), Decimal("7.5"), Decimal(9))
    rows = tuple(
        LmsRow(sex=sex, age_years=age, l=skew, m_mm=22.5 + number, s=0.03 + number / 500)
        for sex in Sex
        for number, (age, skew) in enumerate(zip(ages, skewness, strict=True))
    )
    return AxialLengthReference(name="Table", version="1", citation="", rows=rows)


@pytest.mark.parametrize("skewness", [(1.0, 1.0, 1.0), (-1.5, -2.0, 0.5), (0.0, 0.0, 0.0), (-1.0, 0.0, 1.0)])
def test_places_are_the_references_own_for_any_skewness_and_uneven_ages(skewness: tuple[float, ...]) -> None:
    reference, born = _table(*skewness), date(2016, 2, 29)
    asked = [(date(2022, 3, 1 + n % 30), 22_000 + 130 * n) for n in range(30)]
    asked += [(date(2023, 8, 31), 24_000), (date(2025, 2, 28), 24_500), (date(2025, 3, 2), 24_500)]
    frame = pl.DataFrame(asked, schema={"day": pl.Date, "um": pl.Int64}, orient="row").with_columns(
        birth_date=pl.lit(born), sex=pl.lit("female")
    )
    told = placed(nw.from_native(frame.lazy()), reference, value="um", on="day").collect("polars")
    for (on, um), row in zip(asked, told.to_native().rows(named=True), strict=True):
        place = reference.percentile_of(Decimal(um) / 1000, sex=Sex.FEMALE, age_years=exact_age(born, on=on))
        if isinstance(place, Percentile):
            assert (row["percentile"], row["z"]) == (place.percentile * 1000, place.z * 1000)
        else:
            assert (row["percentile"], row["withheld"]) == (None, "age_outside")


def test_a_table_of_percentiles_is_not_read_for_everybody() -> None:
    row = PercentileRow(sex=Sex.MALE, age_years=Decimal(6), lengths=((5, 21.0), (95, 24.0)))
    reference = AxialLengthReference(name="Table", version="1", citation="", rows=(row,))
    with pytest.raises(ValueError, match="L, M and S"):
        placed(_frame([[date(2016, 1, 1), date(2024, 1, 1)]]), reference, value="um", on="day")
