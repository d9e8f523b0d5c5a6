"""What follows from the values of one eye, and why it does not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from hcrm_core.eye.percentiles import Refused
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.eye.refraction import PowerVector
from hcrm_core.facts.comparability import ok_influence
from hcrm_core.facts.derived import Derived, derived
from hcrm_core.facts.growth import WASHOUT_DAYS
from hcrm_core.record import ExamRecord
from hcrm_core.terms import ExamStatus, Eye, LensState, RefractionMethod, Source
from hcrm_store.base import new_id

RIGHT = EyeValues(
    eye=Eye.OD,
    sphere=Decimal("-3.00"),
    cylinder=Decimal("-1.00"),
    axis=180,
    axial_length_mm=Decimal("24.30"),
    k1=Decimal("42.50"),
    k2=Decimal("43.25"),
)


def exam(right: EyeValues | None = RIGHT, *, lens: LensState = LensState.NONE, days: int | None = None) -> ExamRecord:
    return ExamRecord(
        id=new_id(),
        examined_on=date(2026, 11, 1),
        method=RefractionMethod.AUTOREFRACTION,
        cycloplegic=True,
        lens_state=lens,
        washout_days=days,
        device="",
        note="",
        examiner_name="",
        source=Source.WORKSTATION,
        status=ExamStatus.FINAL,
        od=right,
        os=None,
    )


def test_everything_follows_from_a_whole_eye() -> None:
    assert derived(exam(), eye=Eye.OD) == Derived(
        vector=PowerVector(m=Decimal("-3.50"), j0=Decimal("0.50"), j45=Decimal("0.00")),
        mean_power=Decimal("42.88"),
        mean_radius=Decimal("7.871"),
        index=Decimal("1.3375"),
        ratio=Decimal("3.09"),
    )


def test_nothing_follows_from_an_eye_that_was_not_measured() -> None:
    found = derived(exam(), eye=Eye.OS)
    assert (found.vector, found.mean_power, found.mean_radius) == (None, None, None)
    assert found.ratio == Refused(code="length_unknown")


@pytest.mark.parametrize(
    ("lens", "days", "code"),
    [
        (LensState.OK_LENS, None, "ok_wear"),
        (LensState.OK_WASHOUT, None, "ok_wear"),
        (LensState.OK_WASHOUT, WASHOUT_DAYS - 1, "ok_wear"),
        (LensState.OK_WASHOUT, WASHOUT_DAYS, ""),
        (LensState.UNKNOWN, None, "lens_unknown"),
        (LensState.SPECTACLES, None, ""),
        (LensState.SOFT_LENS, None, ""),
    ],
)
def test_the_ratio_is_refused_where_an_ok_lens_shapes_the_cornea(lens: LensState, days: int | None, code: str) -> None:
    ratio = derived(exam(lens=lens, days=days), eye=Eye.OD).ratio
    assert ratio == (Refused(code=code) if code else Decimal("3.09"))


@pytest.mark.parametrize(
    ("missing", "ratio"), [("k1", "k_unknown"), ("k2", "k_unknown"), ("axial_length_mm", "length_unknown")]
)
def test_what_is_missing_is_named(missing: str, ratio: str) -> None:
    assert derived(exam(replace(RIGHT, **{missing: None})), eye=Eye.OD).ratio == Refused(code=ratio)


def test_whether_an_ok_lens_counts_is_unknown_where_the_lens_is() -> None:
    assert ok_influence(LensState.UNKNOWN, washout_days=None) is None
    assert ok_influence(LensState.NONE, washout_days=None) is False
