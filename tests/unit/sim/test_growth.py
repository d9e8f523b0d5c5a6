"""Simulated eyes grow at the published rates, and treatments slow them by the published amounts."""

import numpy as np
import pytest

from hcrm_sim.growth import REDUCTION, Tendency, Wear, at_days, gained, untreated_rate

YEAR = 12


def _gain(*, age: float, wear: Wear, months: int = 24, tendency: Tendency = Tendency.MYOPE) -> float:
    path = gained(
        np.array([age]),
        tendency=np.array([tendency]),
        vigour=np.array([1.0]),
        wear=np.full((1, months), wear),
    )
    return float(path[0, -1])


@pytest.mark.parametrize(
    ("tendency", "age", "rate"),
    [
        (Tendency.MYOPE, 6.0, 0.58),
        (Tendency.MYOPE, 10.5, 0.34),
        (Tendency.MYOPE, 15.0, 0.13),
        (Tendency.EMMETROPE, 6.0, 0.45),
        (Tendency.EMMETROPE, 15.0, 0.06),
        (Tendency.HYPEROPE, 6.0, 0.27),
        (Tendency.HYPEROPE, 15.0, 0.05),
        (Tendency.MYOPE, 4.0, 0.58),
        (Tendency.MYOPE, 20.0, 0.0),
        (Tendency.MYOPE, 24.0, 0.0),
    ],
)
def test_an_untreated_eye_grows_at_the_anchors_of_naduvilath(tendency: Tendency, age: float, rate: float) -> None:
    assert untreated_rate(np.array([age]), tendency=np.array([tendency]))[0] == pytest.approx(rate)


def test_between_anchors_the_rate_falls_along_a_line() -> None:
    ages = np.array([6.0, 7.0, 8.25, 10.0, 12.0, 14.9])
    rates = untreated_rate(ages, tendency=np.full(6, Tendency.MYOPE))
    assert np.all(np.diff(rates) < 0)
    assert rates[2] == pytest.approx((0.58 + 0.34) / 2)


@pytest.mark.parametrize(("wear", "two_years"), [(Wear.OK_LENS, 0.27), (Wear.FUNCTIONAL, 0.34)])
def test_a_treatment_takes_off_what_its_trial_measured_in_two_years(wear: Wear, two_years: float) -> None:
    saved = _gain(age=8.0, wear=Wear.SINGLE_VISION) - _gain(age=8.0, wear=wear)
    assert saved == pytest.approx(two_years, abs=0.01)


def test_single_vision_does_not_slow_an_eye() -> None:
    assert REDUCTION[Wear.SINGLE_VISION] == 0
    assert _gain(age=9.0, wear=Wear.SINGLE_VISION) == _gain(age=9.0, wear=Wear.NOTHING)


def test_no_treatment_makes_an_eye_shrink() -> None:
    path = gained(
        np.array([16.0]),
        tendency=np.array([Tendency.HYPEROPE]),
        vigour=np.array([0.2]),
        wear=np.full((1, 5 * YEAR), Wear.FUNCTIONAL),
    )
    assert np.all(np.diff(path[0]) >= 0)


def test_a_path_is_read_between_its_months() -> None:
    path = np.array([[0.0, 1.0, 2.0, 3.0]])
    read = at_days(path, child=np.array([0, 0, 0]), days=np.array([0, 15, 61]))
    assert read == pytest.approx([0.0, 15 / 30.4375, 61 / 30.4375])
