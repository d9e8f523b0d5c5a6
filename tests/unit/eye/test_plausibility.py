"""Soft bounds ask, hard bounds refuse, and each number is tried on both sides."""

from decimal import Decimal

import pytest

from hcrm_core.errors import Severity
from hcrm_core.eye.plausibility import EyeValues, check_axial_length, check_eye, check_pair
from hcrm_core.terms import Eye, Sex
from hcrm_store.references import axial_length_reference


def found(**values: object) -> list[tuple[str, str, Severity]]:
    eye = EyeValues(eye=Eye.OD, **values)  # type: ignore[arg-type]
    return [(problem.code, problem.field, problem.severity) for problem in check_eye(eye)]


@pytest.mark.parametrize(
    ("name", "usual", "unusual", "impossible"),
    [
        ("sphere", ("-12", "8"), ("-12.01", "8.01", "-30", "25"), ("-30.01", "25.01")),
        ("cylinder", ("-4", "0"), ("-4.01", "-10"), ("-10.01", "0.01")),
        ("axial_length_mm", ("15", "35"), (), ("14.99", "35.01")),
        ("k1", ("39", "48"), ("38.99", "48.01", "30", "60"), ("29.99", "60.01")),
        ("k2", ("39", "48"), ("38.99", "48.01", "30", "60"), ("29.99", "60.01")),
        ("iop_mmhg", ("10", "21"), ("9.9", "21.1", "3", "60"), ("2.9", "60.1")),
        ("cct_um", ("480", "620"), ("479", "621", "350", "800"), ("349", "801")),
        ("ucva", ("4.0", "5.2"), ("3.9", "5.3", "3", "0"), ("5.31", "-1")),
        ("bcva", ("4.0", "5.2"), ("3.9", "5.3", "3", "0"), ("5.31",)),
    ],
)
def test_every_value_has_soft_and_hard_bounds(
    name: str, usual: tuple[str, ...], unusual: tuple[str, ...], impossible: tuple[str, ...]
) -> None:
    def severities(text: str) -> set[Severity]:
        return {severity for _, field, severity in found(**{name: Decimal(text)}) if field == f"OD.{name}"}

    assert [severities(text) for text in usual] == [set()] * len(usual)
    assert [severities(text) for text in unusual] == [{Severity.WARNING}] * len(unusual)
    assert all(Severity.ERROR in severities(text) for text in impossible)


def test_nothing_measured_is_nothing_to_say() -> None:
    assert found() == []


def test_degrees_in_a_diopter_field_are_named_as_such() -> None:
    assert ("degrees_not_diopters", "OD.sphere", Severity.ERROR) in found(sphere=Decimal(-300))
    assert ("out_of_range", "OD.sphere", Severity.ERROR) in found(sphere=Decimal(-310))


def test_a_decimal_acuity_in_a_five_mark_field_is_refused() -> None:
    assert ("acuity_is_decimal", "OD.ucva", Severity.ERROR) in found(ucva=Decimal("0.8"))


def test_an_axis_needs_a_cylinder_and_a_cylinder_an_axis() -> None:
    sphere = Decimal(-1)
    assert found(sphere=sphere, cylinder=Decimal("-0.5")) == [("axis_missing", "OD.axis", Severity.WARNING)]
    assert found(sphere=sphere, axis=90) == [("axis_without_cylinder", "OD.axis", Severity.WARNING)]
    assert found(sphere=sphere, cylinder=Decimal(0), axis=None) == []
    assert found(sphere=sphere, cylinder=Decimal("-0.5"), axis=180) == []


def test_axes_end_at_180() -> None:
    assert ("out_of_range", "OD.axis", Severity.ERROR) in found(sphere=Decimal(0), cylinder=Decimal(-1), axis=181)
    assert ("out_of_range", "OD.axis", Severity.ERROR) in found(sphere=Decimal(0), cylinder=Decimal(-1), axis=0)


def test_the_corrected_acuity_may_be_one_line_below_the_unaided_one() -> None:
    assert found(ucva=Decimal("4.9"), bcva=Decimal("4.8")) == []
    assert found(ucva=Decimal("4.9"), bcva=Decimal("4.79"))[0][0] == "corrected_below_unaided"


def test_flat_and_steep_meridian_keep_their_order() -> None:
    assert found(k1=Decimal("43.1"), k2=Decimal(43)) == [("k_order", "OD.k1", Severity.WARNING)]
    assert found(k1=Decimal(43), k2=Decimal(43)) == []


def test_more_than_three_diopters_between_meridians_ask_for_a_topography() -> None:
    assert found(k1=Decimal(42), k2=Decimal(45)) == []
    assert [code for code, *_ in found(k1=Decimal(42), k2=Decimal("45.01"))] == ["topography_advised"]


@pytest.mark.parametrize(
    ("left", "severity"), [("24.5", None), ("24.51", "warning"), ("27", "warning"), ("27.01", "error")]
)
def test_axial_lengths_of_two_eyes_are_compared(left: str, severity: str | None) -> None:
    right = EyeValues(eye=Eye.OD, axial_length_mm=Decimal(24))
    problems = check_pair(right, left=EyeValues(eye=Eye.OS, axial_length_mm=Decimal(left)))
    assert [problem.severity.value for problem in problems] == ([severity] if severity else [])


def test_pressure_and_thickness_of_two_eyes_are_compared() -> None:
    right = EyeValues(eye=Eye.OD, iop_mmhg=Decimal(15), cct_um=550)
    assert check_pair(right, left=EyeValues(eye=Eye.OS, iop_mmhg=Decimal("19.9"), cct_um=586)) == []
    assert len(check_pair(right, left=EyeValues(eye=Eye.OS, iop_mmhg=Decimal(20), cct_um=587))) == 2
    assert check_pair(right, left=EyeValues(eye=Eye.OS)) == []


@pytest.mark.parametrize(("length", "remarks"), [("21.10", 1), ("21.11", 0), ("25.35", 0), ("25.36", 1)])
def test_a_length_is_unusual_beyond_the_outer_percentiles_and_a_margin(length: str, remarks: int) -> None:
    # Boys of 6 y, Wuhan 2022: P3 21.41 − 0.3 … P95 24.35 + 1.0 mm.
    reference = axial_length_reference()
    problems = check_axial_length(
        Decimal(length), reference=reference, sex=Sex.MALE, age_years=Decimal(6), field="OD.axial_length_mm"
    )
    assert len(problems) == remarks


def test_without_sex_or_beyond_the_table_nothing_is_said_of_a_length() -> None:
    reference, field = axial_length_reference(), "OD.axial_length_mm"
    for sex, age in ((None, Decimal(8)), (Sex.MALE, Decimal("5.99")), (Sex.MALE, Decimal("15.01"))):
        assert check_axial_length(Decimal(30), reference=reference, sex=sex, age_years=age, field=field) == []
