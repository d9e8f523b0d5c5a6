"""The cornea in D and mm, and axial length over it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm_core.eye.cornea import INDICES, axial_to_corneal, corneal_power, radius_mm, to_standard_index
from hcrm_core.eye.percentiles import Refused


@pytest.mark.parametrize(
    ("power", "radius"), [("39", "8.654"), ("42", "8.036"), ("43.25", "7.803"), ("46", "7.337"), ("48", "7.031")]
)
def test_a_power_is_its_radius_by_the_usual_index(power: str, radius: str) -> None:
    assert radius_mm(Decimal(power)) == Decimal(radius)


def test_a_device_of_another_index_shows_another_power_for_one_cornea() -> None:
    assert corneal_power(Decimal("7.80")) == Decimal("43.27")
    assert corneal_power(Decimal("7.80"), index=Decimal("1.336")) == Decimal("43.08")
    assert corneal_power(Decimal("7.80"), index=Decimal("1.332")) == Decimal("42.56")


@given(st.sampled_from(INDICES), st.integers(3000, 6000).map(lambda n: Decimal(n) / 100))
def test_the_radius_leads_back_to_the_power(index: Decimal, power: Decimal) -> None:
    assert abs(corneal_power(radius_mm(power, index=index), index=index) - power) <= Decimal("0.01")
    standard = corneal_power(radius_mm(power, index=index))
    assert abs(to_standard_index(power, index=index) - standard) <= Decimal("0.01")


def test_axial_length_stands_over_the_radius_of_the_mean_power() -> None:
    found = axial_to_corneal(Decimal("23.99"), k1=Decimal("42.50"), k2=Decimal("43.16"), under_ok=False)
    assert found == Decimal("3.04")


@pytest.mark.parametrize(
    ("length", "k1", "under_ok", "code"),
    [
        (None, Decimal(42), False, "length_unknown"),
        (Decimal(24), None, False, "k_unknown"),
        (Decimal(24), Decimal(42), True, "ok_wear"),
    ],
)
def test_without_its_values_or_under_an_ok_lens_there_is_no_ratio(
    *, length: Decimal | None, k1: Decimal | None, under_ok: bool, code: str
) -> None:
    found = axial_to_corneal(length, k1=k1, k2=Decimal(43), under_ok=under_ok)
    assert found == Refused(code=code)
