"""Axial length percentiles against the published comparison (clinical §1.7, ±0.5 percentile)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm_core.eye.percentiles import Percentile, Refused
from hcrm_core.terms import Sex
from hcrm_store.references import axial_length_reference

AGES = st.integers(60, 150).map(lambda n: Decimal(n) / 10)
SEXES = st.sampled_from(Sex)


def percentile(sex: Sex | None, age: str, length: str) -> Percentile | Refused:
    return axial_length_reference().percentile_of(Decimal(length), sex=sex, age_years=Decimal(age))


@pytest.mark.parametrize(
    ("sex", "age", "length", "expected", "z"),
    [
        (Sex.MALE, "8", "24.00", 56, "0.14"),
        (Sex.FEMALE, "8", "23.50", 56, "0.15"),
        (Sex.MALE, "10", "24.60", 55, "0.13"),
        (Sex.FEMALE, "12", "25.00", 79, "0.81"),
        (Sex.MALE, "15", "26.00", 82, "0.91"),
        (Sex.FEMALE, "6", "22.00", 26, "-0.64"),
    ],
)
def test_published_vectors_are_met(sex: Sex, age: str, length: str, expected: int, z: str) -> None:
    found = percentile(sex, age, length)
    assert isinstance(found, Percentile)
    assert abs(found.percentile - expected) <= Decimal("0.5")
    assert abs(found.z - Decimal(z)) <= Decimal("0.01")


@pytest.mark.parametrize(("percent", "length"), [(5, "21.61"), (50, "22.98"), (95, "24.35")])
def test_published_lengths_are_met(percent: int, length: str) -> None:
    assert axial_length_reference().length_at(percent, sex=Sex.MALE, age_years=Decimal(6)) == Decimal(length)


def test_without_sex_there_is_no_percentile() -> None:
    assert percentile(None, "8", "24") == Refused(code="sex_unknown")


@pytest.mark.parametrize(("age", "given_"), [("5.9999", False), ("6", True), ("15", True), ("15.0001", False)])
def test_outside_its_ages_the_reference_refuses(*, age: str, given_: bool) -> None:
    assert isinstance(percentile(Sex.FEMALE, age, "23"), Percentile) is given_
    length = axial_length_reference().length_at(50, sex=Sex.FEMALE, age_years=Decimal(age))
    assert isinstance(length, Decimal) is given_


@given(SEXES, AGES, st.integers(3, 97))
def test_a_length_stands_at_its_own_percentile(sex: Sex, age: Decimal, percent: int) -> None:
    reference = axial_length_reference()
    length = reference.length_at(percent, sex=sex, age_years=age)
    assert isinstance(length, Decimal)
    found = reference.percentile_of(length, sex=sex, age_years=age)
    assert isinstance(found, Percentile)
    assert abs(found.percentile - percent) < Decimal("0.4")


@given(SEXES, st.integers(60, 149).map(lambda n: Decimal(n) / 10))
def test_medians_grow_with_age_between_the_rows_too(sex: Sex, age: Decimal) -> None:
    reference = axial_length_reference()
    now = reference.length_at(50, sex=sex, age_years=age)
    later = reference.length_at(50, sex=sex, age_years=age + Decimal("0.1"))
    assert isinstance(now, Decimal)
    assert isinstance(later, Decimal)
    assert now <= later


@pytest.mark.parametrize(("length", "label"), [("20", "<P2"), ("22.98", "P50"), ("27", ">P98")])
def test_beyond_the_table_only_the_side_is_told(length: str, label: str) -> None:
    found = percentile(Sex.MALE, "6", length)
    assert isinstance(found, Percentile)
    assert found.label == label


def test_the_reference_names_its_source_and_licence() -> None:
    reference = axial_length_reference()
    assert (reference.name, len(reference.rows)) == ("Wuhan 2022", 20)
    assert "Sci Rep 2022" in reference.citation
    assert "CC BY 4.0" in reference.citation
