"""Why two refractions may not be compared: the reasons agree with the series that decides."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm_core.facts.comparability import Obstacle, comparability
from hcrm_core.facts.growth import MeasurementInput, child_growth
from hcrm_core.terms import ExamStatus, Eye, LensState, RefractionMethod

METHODS, LENSES = RefractionMethod, LensState


def measured(
    day: int = 0,
    *,
    method: RefractionMethod = METHODS.AUTOREFRACTION,
    cycloplegic: bool | None = True,
    lens_state: LensState = LENSES.SPECTACLES,
    washout_days: int | None = None,
    cylinder: Decimal | None = Decimal(0),
    status: ExamStatus = ExamStatus.FINAL,
) -> MeasurementInput:
    return MeasurementInput(
        exam_id=uuid4(),
        eye=Eye.OD,
        examined_on=date(2026, 1, 1) + timedelta(days=day),
        method=method,
        cycloplegic=cycloplegic,
        lens_state=lens_state,
        washout_days=washout_days,
        sphere=Decimal(-1),
        cylinder=cylinder,
        status=status,
    )


@pytest.mark.parametrize(
    ("other", "obstacle"),
    [
        (measured(cycloplegic=False), Obstacle.CYCLOPLEGIA_DIFFERS),
        (measured(cycloplegic=None), Obstacle.CYCLOPLEGIA_UNKNOWN),
        (measured(method=METHODS.SUBJECTIVE), Obstacle.METHOD_DIFFERS),
        (measured(method=METHODS.UNKNOWN), Obstacle.METHOD_UNKNOWN),
        (measured(lens_state=LENSES.OK_LENS), Obstacle.OK_WEAR),
        (measured(lens_state=LENSES.OK_WASHOUT, washout_days=27), Obstacle.OK_WEAR),
        (measured(lens_state=LENSES.OK_WASHOUT), Obstacle.OK_WEAR),
        (measured(lens_state=LENSES.SOFT_LENS), Obstacle.LENS_DIFFERS),
        (measured(lens_state=LENSES.UNKNOWN), Obstacle.LENS_UNKNOWN),
        (measured(cylinder=None), Obstacle.NOT_MEASURED),
        (measured(status=ExamStatus.VOID), Obstacle.NOT_VALID),
    ],
)
def test_the_reason_is_told(other: MeasurementInput, obstacle: Obstacle) -> None:
    assert comparability(measured(), other).obstacles == (obstacle,)


@pytest.mark.parametrize(
    "other",
    [
        measured(),
        measured(lens_state=LENSES.NONE),
        measured(lens_state=LENSES.OK_WASHOUT, washout_days=28),
    ],
)
def test_equal_conditions_are_comparable(other: MeasurementInput) -> None:
    assert comparability(measured(), other).comparable


def test_a_dispensed_power_is_no_refraction() -> None:
    assert Obstacle.LENS_POWER in comparability(measured(), measured(method=METHODS.LENS_POWER)).obstacles


MEASURED = st.builds(
    measured,
    st.just(0),
    method=st.sampled_from(METHODS),
    cycloplegic=st.sampled_from((True, False, None)),
    lens_state=st.sampled_from(LENSES),
    washout_days=st.sampled_from((None, 0, 27, 28)),
    cylinder=st.sampled_from((Decimal(0), None)),
    status=st.sampled_from((ExamStatus.FINAL, ExamStatus.VOID)),
)


@settings(max_examples=60, deadline=None)
@given(MEASURED, MEASURED)
def test_nothing_stands_against_it_exactly_when_both_are_of_one_series(
    one: MeasurementInput, other: MeasurementInput
) -> None:
    series = [reading.series for reading in child_growth([one, other]).readings]
    of_one = len(series) == 2 and None not in series and len(set(series)) == 1

    assert comparability(one, other).comparable is of_one
