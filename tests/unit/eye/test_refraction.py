"""Spherical equivalent and transposition."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hcrm_core.eye.refraction import Refraction, spherical_equivalent
from hcrm_core.facts.growth import MeasurementInput, refraction_series
from hcrm_core.terms import Eye, LensState, RefractionMethod

QUARTERS = st.integers(-48, 48).map(lambda n: Decimal(n) / 4)
REFRACTIONS = st.builds(Refraction, sphere=QUARTERS, cylinder=QUARTERS, axis=st.integers(1, 180))


def test_the_spherical_equivalent_is_the_sphere_plus_half_the_cylinder() -> None:
    assert spherical_equivalent(Decimal("-3.00"), cylinder=Decimal("-0.75")) == Decimal("-3.375")


def test_without_sphere_or_cylinder_the_spherical_equivalent_is_unknown() -> None:
    assert spherical_equivalent(Decimal("-2.50"), cylinder=None) is None
    assert spherical_equivalent(None, cylinder=Decimal("-0.50")) is None
    assert spherical_equivalent(Decimal("-2.50"), cylinder=Decimal("0.00")) == Decimal("-2.50")


def test_one_exam_has_the_same_equivalent_in_its_record_and_in_the_facts() -> None:
    for cylinder in (None, Decimal("0.00"), Decimal("-0.75")):
        exam = MeasurementInput(
            exam_id=UUID(int=1),
            eye=Eye.OD,
            examined_on=date(2026, 3, 1),
            method=RefractionMethod.AUTOREFRACTION,
            cycloplegic=True,
            lens_state=LensState.NONE,
            sphere=Decimal("-2.50"),
            cylinder=cylinder,
        )
        expected = spherical_equivalent(exam.sphere, cylinder=cylinder)
        assert [reading.value for reading in refraction_series([exam])] == ([] if expected is None else [expected])


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
    turned_se = spherical_equivalent(turned.sphere, cylinder=turned.cylinder)
    assert turned_se == spherical_equivalent(refraction.sphere, cylinder=refraction.cylinder)
