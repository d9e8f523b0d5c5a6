"""Measures of an eye, what follows from them, and growth over each window, on both sides of every number."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hcrm_core.eye.age import exact_age
from hcrm_core.eye.crossing import Crossing, percentile_crossing
from hcrm_core.eye.percentiles import Percentile
from hcrm_core.facts.growth import PERIODS
from hcrm_core.terms import Sex
from hcrm_store.references import axial_length_reference
from tests.unit.facts.history import DAY, History, on

REFERENCE = axial_length_reference()


def _length(um: int = 24_000, *, day: int = 0, eye: str = "OD") -> History:
    return History().exam(day, axial_length_um=um, eye=eye)


# ── measures ─────────────────────────────────────────────────────────────────────────────────────────────


def test_pressure_and_corrected_acuity_are_the_latest_whatever_was_worn() -> None:
    history = History().exam(0, iop_milli=14_000, bcva_milli=5_000)
    found = history.exam(9, iop_milli=15_300, bcva_milli=4_900, lens_state="ok_lens").exam(20).facts()
    assert (found["iop_od"], found["iop_on_od"], found["iop_os"]) == (15_300, on(9), None)
    assert (found["bcva_od"], found["bcva_on_od"]) == (100, on(9))


def test_unaided_acuity_under_an_ok_lens_is_an_outcome_of_treatment() -> None:
    found = History().exam(0, ucva_milli=4_300).exam(9, ucva_milli=5_000, lens_state="ok_lens").facts()
    assert (found["ucva_od"], found["ucva_on_od"]) == (700, on(0))


@pytest.mark.parametrize(("mark", "logmar"), [(3_000, None), (2_000, None), (4_000, 1_000), (5_300, -300)])
def test_counting_fingers_is_no_acuity_but_hides_an_older_one(mark: int, logmar: int | None) -> None:
    found = History().exam(0, bcva_milli=5_000).exam(9, bcva_milli=mark).facts()
    assert (found["bcva_od"], found["bcva_on_od"]) == (logmar, on(9))


def test_the_mean_corneal_power_is_to_a_hundredth_and_of_the_same_reading_as_the_flat_one() -> None:
    history = History().exam(0, k1_mdpt=42_500, k2_mdpt=43_250).exam(5, k1_mdpt=42_000)
    found = history.exam(9, k1_mdpt=40_000, k2_mdpt=41_000, lens_state="ok_lens").facts()
    assert (found["k_mean_od"], found["k_flat_od"], found["k_flat_on_od"]) == (42_880, 42_500, on(0))


def test_refraction_under_cycloplegia_stands_beside_the_latest_one() -> None:
    found = History().exam(0, 1_000).exam(9, -250, cycloplegic=False).exam(20, 0, cycloplegic=None).facts()
    assert (found["se_cycloplegic_od"], found["se_cycloplegic_on_od"]) == (1_000, on(0))
    assert (found["se_od"], found["se_on_od"]) == (-250, on(9))


# ── ratio and reserve ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("state", "washout", "ratio", "refusal"),
    [
        ("spectacles", None, 3_060, None),  # 24.00 mm × 43.00 D / 337.5
        ("ok_lens", None, None, "ok_wear"),
        ("ok_washout", 27, None, "ok_wear"),
        ("ok_washout", 28, 3_060, None),
        ("ok_washout", None, None, "ok_wear"),
        ("unknown", None, None, "lens_unknown"),
    ],
)
def test_the_ratio_is_withheld_while_a_lens_may_shape_the_cornea(
    state: str, washout: int | None, ratio: int | None, refusal: str | None
) -> None:
    history = History().exam(0, axial_length_um=23_000, k1_mdpt=43_000, k2_mdpt=43_000)
    both = {"axial_length_um": 24_000, "k1_mdpt": 42_000, "k2_mdpt": 44_000}
    found = history.exam(9, lens_state=state, washout_days=washout, **both).exam(20, axial_length_um=24_100).facts()
    assert (found["al_cr_od"], found["al_cr_refusal_od"], found["al_cr_on_od"]) == (ratio, refusal, on(9))


def test_without_both_measures_in_one_examination_there_is_no_ratio() -> None:
    found = History().exam(0, k1_mdpt=43_000, k2_mdpt=43_000).exam(9, axial_length_um=24_000).facts()
    assert (found["al_cr_od"], found["al_cr_on_od"]) == (None, None)


@pytest.mark.parametrize(
    ("born", "told"),
    [
        (date(2023, 1, 10), True),  # three years old that day
        (date(2023, 1, 11), False),
        (date(2011, 1, 11), True),  # fifteen the day after
        (date(2011, 1, 10), False),
    ],
)
def test_the_reserve_is_told_from_three_to_fourteen_years(born: date, *, told: bool) -> None:
    found = History().exam(0, 1_250).facts(birth_date=born)
    assert (found["reserve_od"], found["reserve_refusal_od"]) == ((1_250, None) if told else (None, "age_outside"))


def test_the_reserve_needs_cycloplegia_and_a_birthday() -> None:
    assert History().exam(0, 1_250, cycloplegic=False).facts()["reserve_refusal_od"] == "not_cycloplegic"
    assert History().exam(0, 1_250).facts(birth_date=None)["reserve_refusal_od"] == "birth_unknown"
    assert History().exam(0, -250, lens_state="ok_lens").facts()["reserve_refusal_od"] == "not_cycloplegic"


# ── percentiles ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("born", "told"),
    [
        (date(2020, 1, 10), True),  # six that day
        (date(2020, 1, 11), False),  # 5.9973
        (date(2011, 1, 10), True),  # fifteen
        (date(2011, 1, 9), False),  # 15.0027
    ],
)
def test_a_percentile_is_told_from_six_to_fifteen_years(born: date, *, told: bool) -> None:
    found = _length().facts(birth_date=born)
    assert (found["al_percentile_od"] is None, found["al_z_od"] is None) == (not told, not told)
    assert found["al_percentile_refusal_od"] == (None if told else "age_outside")


@pytest.mark.parametrize(("day", "told"), [(date(2026, 2, 28), False), (date(2026, 3, 1), True)])
def test_who_was_born_on_a_leap_day_is_six_on_1_march(day: date, *, told: bool) -> None:
    found = _length(day=(day - DAY).days).facts(birth_date=date(2020, 2, 29))
    assert (found["al_percentile_od"] is not None) is told


@pytest.mark.parametrize(("sex", "um"), [("male", 24_000), ("female", 24_000), ("male", 20_510), ("female", 29_990)])
def test_a_percentile_is_the_references_own(sex: str, um: int) -> None:
    born = date(2016, 8, 3)
    found = _length(um).facts(birth_date=born, sex=sex)
    place = REFERENCE.percentile_of(Decimal(um) / 1000, sex=Sex(sex), age_years=exact_age(born, on=DAY))
    assert isinstance(place, Percentile)
    assert (found["al_percentile_od"], found["al_z_od"]) == (int(place.percentile * 1000), int(place.z * 1000))


@pytest.mark.parametrize(
    ("person", "refusal"),
    [
        ({"sex": None}, "sex_unknown"),
        ({"birth_date": None}, "birth_unknown"),
        ({"birth_date": date(2026, 1, 11)}, "birth_unknown"),
        ({"birth_date": None, "sex": None}, "birth_unknown"),
    ],
)
def test_without_sex_or_birthday_there_is_no_percentile(person: dict[str, Any], refusal: str) -> None:
    found = _length(24_000).exam(-365, axial_length_um=23_500).facts(**person)
    assert (found["al_percentile_od"], found["al_percentile_refusal_od"]) == (None, refusal)
    assert (found["al_crossing_od"], found["al_crossing_refusal_od"]) == (None, refusal)


def test_an_eye_without_lengths_has_no_percentile_and_nothing_to_withhold() -> None:
    found = _length(eye="OS").facts()
    assert found["al_percentile_os"] is not None
    assert (found["al_percentile_od"], found["al_percentile_refusal_od"]) == (None, None)


def test_under_an_ok_lens_a_length_keeps_its_percentile() -> None:
    assert History().exam(0, axial_length_um=24_000, lens_state="ok_lens").facts()["al_percentile_od"] is not None


# ── crossing ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("earlier", "later", "told"),
    [
        (date(2025, 7, 10), date(2026, 1, 10), True),
        (date(2025, 7, 11), date(2026, 1, 10), False),
        (date(2025, 8, 31), date(2026, 2, 28), True),  # the last day of a month answers for those it lacks
        (date(2025, 8, 31), date(2026, 2, 27), False),
        (date(2023, 8, 29), date(2024, 2, 29), True),
        (date(2023, 8, 30), date(2024, 2, 28), False),
    ],
)
def test_a_crossing_needs_six_calendar_months(earlier: date, later: date, *, told: bool) -> None:
    history = _length(23_500, day=(earlier - DAY).days).exam((later - DAY).days, axial_length_um=24_000)
    found = history.facts()
    assert (found["al_crossing_od"] is not None) is told
    assert found["al_crossing_refusal_od"] == (None if told else "interval_too_short")
    assert found["al_crossing_from_on_od"] == (earlier if told else None)


@pytest.mark.parametrize("old", [23_400, 23_700, 23_750, 23_800, 24_600])
def test_a_crossing_is_that_of_the_chart(old: int) -> None:
    lengths = [(on(-700), old), (on(-400), 23_790), (on(-200), 23_900), (on(-100), 23_950), (on(0), 24_010)]
    history = History()
    for day, um in lengths:
        history.exam((day - DAY).days, axial_length_um=um)
    born = date(2016, 5, 1)
    shown = percentile_crossing(
        [(day, Decimal(um) / 1000) for day, um in lengths], sex=Sex.MALE, birth=born, reference=REFERENCE
    )
    assert isinstance(shown, Crossing)
    found = history.facts(birth_date=born)
    assert (found["al_crossing_od"], found["al_crossing_from_on_od"]) == (int(shown.points * 1000), shown.from_on)


def test_one_length_crosses_nothing_and_an_earlier_age_outside_the_table_neither() -> None:
    assert _length().facts()["al_crossing_refusal_od"] == "no_pair"
    young = _length(22_500, day=-365).exam(0, axial_length_um=23_000).facts(birth_date=date(2019, 12, 1))
    assert (young["al_crossing_refusal_od"], young["al_percentile_refusal_od"]) == ("age_outside", None)


# ── growth ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", PERIODS)
def test_each_window_counts_its_first_and_its_last_day_and_no_other(key: str) -> None:
    window = PERIODS[key]
    for days in (window.at_least - 1, window.at_least, window.at_most, window.at_most + 1):
        inside = window.at_least <= days <= window.at_most
        found = History().exam(0, -1_000, axial_length_um=24_000).exam(days, -1_500, axial_length_um=24_300).facts()
        assert found[f"se_growth_{key}_od"] == (500 if inside else None)
        assert found[f"al_growth_{key}_od"] == (300 if inside else None)
        refusal = None if inside else "interval_too_short" if days < window.at_least else "no_pair"
        assert (found[f"se_growth_{key}_refusal_od"], found[f"al_growth_{key}_refusal_od"]) == (refusal, refusal)


def test_a_rate_is_the_growth_as_of_a_year_and_three_months_have_none() -> None:
    found = History().exam(0, -1_000, axial_length_um=24_000).exam(200, -1_510, axial_length_um=23_960).facts()
    assert found["se_growth_rate_6m_od"] == 930  # 0.51 D × 365.25 / 200 = 0.931
    assert found["al_growth_rate_6m_od"] == -70  # −0.04 mm: −0.073
    assert not any(name.startswith(("se_growth_rate_3m", "al_growth_rate_3m")) for name in found)


@pytest.mark.parametrize(("um", "told"), [(84, False), (85, True), (-84, False), (-85, True)])
def test_three_months_of_axial_growth_are_told_beyond_what_measuring_leaves(um: int, *, told: bool) -> None:
    found = _length(24_000).exam(90, axial_length_um=24_000 + um).facts()
    assert found["al_growth_3m_od"] == (um if told else None)
    assert found["al_growth_3m_refusal_od"] == (None if told else "interval_too_short")
    assert found["al_growth_3m_to_on_od"] == (on(90) if told else None)


def test_an_ok_wearer_grows_in_length_only() -> None:
    history = History().exam(0, -2_000, axial_length_um=24_000, lens_state="ok_lens")
    found = history.exam(365, -250, axial_length_um=24_200, lens_state="ok_lens").facts()
    assert (found["se_growth_12m_od"], found["se_growth_12m_refusal_od"]) == (None, "ok_wear")
    assert (found["al_growth_12m_od"], found["al_growth_rate_12m_od"]) == (200, 200)


# ── both eyes ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_faster_eye_is_unknown_unless_both_are_known() -> None:
    history = History().exam(0, -1_000, axial_length_um=24_000).exam(182, -1_500, axial_length_um=24_100)
    assert history.facts()["se_growth_6m_worse"] is None
    history = History().exam(0, -1_000).exam(182, -1_500)
    found = history.exam(0, -1_000, eye="OS").exam(182, -1_250, eye="OS").facts()
    assert (found["se_growth_6m_worse"], found["se_growth_rate_6m_worse"]) == (500, found["se_growth_rate_6m_od"])


def test_the_better_and_the_longer_eye() -> None:
    history = History().exam(0, -2_000, axial_length_um=24_000)
    found = history.exam(0, -3_000, eye="OS", axial_length_um=24_700).facts()
    assert (found["se_better"], found["se_worse"], found["axial_length_worse"]) == (-2_000, -3_000, 24_700)


@pytest.mark.parametrize(("day", "apart"), [(0, (1_000, 700)), (1, (None, None))])
def test_eyes_are_compared_on_one_day_only(day: int, apart: tuple[int | None, int | None]) -> None:
    history = History().exam(0, -2_000, axial_length_um=24_000)
    found = history.exam(day, -3_000, eye="OS", axial_length_um=24_700).facts()
    assert (found["se_difference"], found["axial_length_difference"]) == apart


def test_of_two_examinations_on_one_day_the_later_number_counts() -> None:
    found = History().exam(0, -2_000, iop_milli=14_000).exam(0, -2_250, iop_milli=13_000).facts()
    assert (found["se_od"], found["iop_od"]) == (-2_250, 13_000)
