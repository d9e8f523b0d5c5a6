"""Growth is told between comparable measurements, and refused with a reason otherwise."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm_core.facts.growth import (
    HALF_YEAR,
    QUARTER,
    EyeGrowth,
    Growth,
    MeasurementInput,
    Refusal,
    Window,
    eye_growth,
    thousandths,
)
from hcrm_core.terms import ExamStatus, Eye, LensState, RefractionMethod

FIRST = date(2026, 1, 1)


def _measured(days: int, sphere: str | None = None, **options: Any) -> MeasurementInput:
    values: dict[str, Any] = {
        "exam_id": uuid4(),
        "eye": Eye.OD,
        "method": RefractionMethod.AUTOREFRACTION,
        "cycloplegic": True,
        "lens_state": LensState.SPECTACLES,
        "cylinder": Decimal(0),
    }
    examined_on = FIRST + timedelta(days=days)
    return MeasurementInput(
        examined_on=examined_on, sphere=None if sphere is None else Decimal(sphere), **(values | options)
    )


def _refraction(*measurements: MeasurementInput, **options: Any) -> Growth:
    return eye_growth(measurements, **options)[Eye.OD].refraction


def _axial(*measurements: MeasurementInput, **options: Any) -> Growth:
    return eye_growth(measurements, **options)[Eye.OD].axial


def test_growth_is_old_minus_new_with_the_exams_behind_it() -> None:
    before, after = _measured(0, "-1.00"), _measured(181, "-1.50")
    assert _refraction(after, before) == Growth(
        change=Decimal("0.50"),
        per_year=Decimal("1.01"),
        interval_days=181,
        from_on=before.examined_on,
        to_on=after.examined_on,
        from_exam_id=before.exam_id,
        to_exam_id=after.exam_id,
    )


def test_the_equivalent_counts_half_the_cylinder_exactly() -> None:
    before = _measured(0, "-1.00", cylinder=Decimal("-0.37"))
    after = _measured(200, "-1.25", cylinder=Decimal("-0.86"))
    assert _refraction(before, after).change == Decimal("0.495")


def test_without_a_cylinder_the_equivalent_is_unknown_not_the_sphere() -> None:
    assert _refraction(_measured(0, "-1.00", cylinder=None), _measured(200, "-2.00")).refusal is Refusal.NO_PAIR


def test_axial_growth_is_new_minus_old_whatever_was_worn_and_dropped() -> None:
    before = _measured(0, axial_length_mm=Decimal("24.00"), lens_state=LensState.OK_LENS, cycloplegic=None)
    after = _measured(182, axial_length_mm=Decimal("24.22"), method=RefractionMethod.UNKNOWN)
    assert _axial(before, after).change == Decimal("0.22")
    assert _axial(before, after).per_year == Decimal("0.44")


def test_eyes_are_never_mixed_and_both_are_answered() -> None:
    grown = eye_growth([_measured(0, "-1.00"), _measured(200, "-2.00", eye=Eye.OS)])
    nothing = EyeGrowth(refraction=Growth(refusal=Refusal.NO_PAIR), axial=Growth(refusal=Refusal.NO_PAIR))
    assert grown == {Eye.OD: nothing, Eye.OS: nothing}
    assert eye_growth([]) == grown


@pytest.mark.parametrize(("days", "refusal"), [(149, Refusal.INTERVAL_TOO_SHORT), (150, None), (730, None)])
def test_a_rate_needs_150_days(days: int, refusal: Refusal | None) -> None:
    assert _refraction(_measured(0, "-1.00"), _measured(days, "-1.50")).refusal is refusal


def test_an_interval_beyond_the_window_is_no_pair() -> None:
    assert _refraction(_measured(0, "-1.00"), _measured(731, "-1.50")).refusal is Refusal.NO_PAIR


@pytest.mark.parametrize(
    "other",
    [
        {"cycloplegic": False},
        {"cycloplegic": None},
        {"method": RefractionMethod.RETINOSCOPY},
        {"method": RefractionMethod.UNKNOWN},
        {"lens_state": LensState.UNKNOWN},
        {"lens_state": LensState.SOFT_LENS},
    ],
)
def test_another_state_of_the_eye_is_not_comparable(other: dict[str, Any]) -> None:
    assert _refraction(_measured(0, "-1.00"), _measured(200, "-1.50", **other)).refusal is Refusal.NOT_COMPARABLE
    assert _refraction(_measured(0, "-1.00", **other), _measured(200, "-1.50")).refusal is Refusal.NOT_COMPARABLE


@pytest.mark.parametrize("unknown", [{"cycloplegic": None}, {"method": RefractionMethod.UNKNOWN}])
def test_two_unknowns_are_not_the_same(unknown: dict[str, Any]) -> None:
    both = [_measured(0, "-1.00", **unknown), _measured(200, "-1.50", **unknown)]
    assert _refraction(*both).refusal is Refusal.NOT_COMPARABLE


def test_a_dispensed_power_never_enters() -> None:
    power = _measured(200, "-1.50", method=RefractionMethod.LENS_POWER)
    assert _refraction(_measured(0, "-1.00"), power).refusal is Refusal.NO_PAIR


@pytest.mark.parametrize("status", [ExamStatus.VOID, ExamStatus.AMENDED])
def test_a_void_or_amended_exam_never_enters(status: ExamStatus) -> None:
    assert _refraction(_measured(0, "-1.00"), _measured(200, "-1.50", status=status)).refusal is Refusal.NO_PAIR


def test_refraction_under_an_ok_lens_is_an_outcome_even_if_older_values_would_pair() -> None:
    natural = [_measured(0, "-1.00"), _measured(200, "-1.50")]
    worn = _measured(400, "-0.25", lens_state=LensState.OK_LENS)
    assert _refraction(*natural, worn).refusal is Refusal.OK_WEAR


@pytest.mark.parametrize(("washout", "refusal"), [(None, "ok_wear"), (27, "ok_wear"), (28, None)])
def test_refraction_counts_again_28_days_after_the_last_ok_night(washout: int | None, refusal: str | None) -> None:
    washed = _measured(600, "-2.00", lens_state=LensState.OK_WASHOUT, washout_days=washout)
    assert _refraction(_measured(0, "-1.00"), washed).refusal == refusal


def test_the_wash_out_is_a_parameter() -> None:
    washed = _measured(600, "-2.00", lens_state=LensState.OK_WASHOUT, washout_days=20)
    assert _refraction(_measured(0, "-1.00"), washed, washout_days=14).change == Decimal("1.00")


def test_of_several_baselines_the_one_nearest_to_half_a_year_speaks() -> None:
    measured = [
        _measured(day, sphere) for day, sphere in ((0, "-1.00"), (180, "-1.25"), (210, "-1.75"), (390, "-2.00"))
    ]
    assert _refraction(*measured).interval_days == 180


@pytest.mark.parametrize(("window", "edges"), [(QUARTER, (75, 120)), (HALF_YEAR, (150, 240))])
def test_windows_include_both_ends(window: Window, edges: tuple[int, int]) -> None:
    low, high = edges
    told = {
        days: _refraction(_measured(0, "-1.00"), _measured(days, "-1.25"), window=window).refusal
        for days in (low - 1, low, high, high + 1)
    }
    assert told == {
        low - 1: Refusal.INTERVAL_TOO_SHORT,
        low: None,
        high: None,
        high + 1: Refusal.NO_PAIR,
    }


def test_of_two_series_the_one_that_ends_last_speaks() -> None:
    dilated = [_measured(0, "-1.00"), _measured(200, "-1.25")]
    manifest = [_measured(30, "-2.00", cycloplegic=False), _measured(230, "-3.00", cycloplegic=False)]
    assert _refraction(*dilated, *manifest).change == Decimal("1.00")


def test_the_same_exam_twice_is_no_pair() -> None:
    once = _measured(0, "-1.00", axial_length_mm=Decimal(24))
    assert _refraction(once, once).refusal is Refusal.NOT_COMPARABLE


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(-2400, 400), st.booleans(), st.sampled_from(list(LensState))),
        max_size=8,
    ),
    st.randoms(),
)
def test_the_order_of_the_input_never_matters(readings: list[tuple[int, int, bool, LensState]], random: Any) -> None:
    measured = [
        _measured(day, str(Decimal(value) / 100), cycloplegic=drops, lens_state=state, exam_id=UUID(int=n))
        for n, (day, value, drops, state) in enumerate({one[0]: one for one in readings}.values())
    ]
    shuffled = list(measured)
    random.shuffle(shuffled)
    assert eye_growth(measured) == eye_growth(shuffled)


@pytest.mark.parametrize(("value", "held"), [("-1.25", -1250), ("24.31", 24310), ("0.0005", 1), (None, None)])
def test_frames_hold_thousandths(value: str | None, held: int | None) -> None:
    assert thousandths(None if value is None else Decimal(value)) == held
