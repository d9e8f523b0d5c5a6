"""Spherical equivalent, transposition, power vectors and the power at the cornea."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm_core.eye.refraction import Refraction, at_cornea, power_vector, spherical_equivalent
from hcrm_core.facts.growth import MeasurementInput, child_growth
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
        seen = [reading.value for reading in child_growth([exam]).readings]
        assert seen == ([] if expected is None else [expected])


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


@pytest.mark.parametrize(("spectacle", "cornea"), [("-4.00", "-3.82"), ("-6.00", "-5.60"), ("-8.00", "-7.30")])
def test_the_power_at_the_cornea_allows_for_the_vertex_distance(spectacle: str, cornea: str) -> None:
    assert at_cornea(Decimal(spectacle)) == Decimal(cornea)


def test_a_lens_on_the_cornea_has_its_own_power() -> None:
    assert at_cornea(Decimal("-8.00"), vertex_mm=Decimal(0)) == Decimal("-8.00")


@pytest.mark.parametrize(
    ("cylinder", "axis", "j0", "j45"),
    [
        ("-1.00", 180, "0.50", "0.00"),
        ("-1.00", 90, "-0.50", "0.00"),
        ("-1.00", 45, "0.00", "0.50"),
        ("0", None, "0", "0"),
    ],
)
def test_astigmatism_is_a_vector(cylinder: str, axis: int | None, j0: str, j45: str) -> None:
    vector = power_vector(Refraction(sphere=Decimal("-2.00"), cylinder=Decimal(cylinder), axis=axis))

    assert vector is not None
    assert vector.m == Decimal("-2.00") + Decimal(cylinder) / 2
    assert (vector.j0, vector.j45) == (Decimal(j0), Decimal(j45))


def test_without_a_cylinder_or_its_axis_there_is_no_vector() -> None:
    assert power_vector(Refraction(sphere=Decimal("-2.00"))) is None
    assert power_vector(Refraction(sphere=Decimal("-2.00"), cylinder=Decimal("-0.50"))) is None


@given(REFRACTIONS)
def test_both_ways_of_writing_a_lens_have_one_vector(refraction: Refraction) -> None:
    written, turned = power_vector(refraction), power_vector(refraction.minus_cylinder())

    assert written is not None
    assert turned is not None
    assert written == turned
