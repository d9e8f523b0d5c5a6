"""Spherical equivalent, transposition and power vectors."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hcrm_core.eye.refraction import Refraction, spherical_equivalent

QUARTERS = st.integers(-48, 48).map(lambda n: Decimal(n) / 4)
REFRACTIONS = st.builds(Refraction, sphere=QUARTERS, cylinder=QUARTERS, axis=st.integers(1, 180))


def test_the_spherical_equivalent_is_the_sphere_plus_half_the_cylinder() -> None:
    assert spherical_equivalent(Decimal("-3.00"), cylinder=Decimal("-0.75")) == Decimal("-3.375")


def test_a_blank_cylinder_beside_a_sphere_counts_as_none() -> None:
    assert Refraction(sphere=Decimal("-2.50")).spherical_equivalent == Decimal("-2.50")


def test_transposition_turns_the_axis_by_ninety_degrees() -> None:
    turned = Refraction(sphere=Decimal("1.00"), cylinder=Decimal("0.50"), axis=90).minus_cylinder()
    assert turned == Refraction(sphere=Decimal("1.50"), cylinder=Decimal("-0.50"), axis=180)
    turned = Refraction(sphere=Decimal("1.00"), cylinder=Decimal("0.50"), axis=91).minus_cylinder()
    assert turned.axis == 1


@given(REFRACTIONS)
def test_transposition_keeps_the_lens(refraction: Refraction) -> None:
    turned = refraction.minus_cylinder()
    assert turned.cylinder is not None
    assert turned.cylinder <= 0
    assert turned.axis is not None
    assert 1 <= turned.axis <= 180
    assert turned.spherical_equivalent == refraction.spherical_equivalent
    assert turned.power_vector == refraction.power_vector


def test_a_cylinder_without_axis_has_no_power_vector() -> None:
    assert Refraction(sphere=Decimal(-1), cylinder=Decimal(-1)).power_vector is None


def test_astigmatism_with_the_rule_has_a_positive_j0() -> None:
    vector = Refraction(sphere=Decimal(0), cylinder=Decimal(-1), axis=180).power_vector
    assert vector is not None
    assert (vector.m, vector.j0, vector.j45) == (Decimal("-0.5"), Decimal("0.5"), Decimal(0))
