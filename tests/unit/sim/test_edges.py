"""Whatever the seed, somebody stands on each side of every number that a default rule asks about."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from hcrm_core.terms import Eye, ProductKind, VisitState
from hcrm_sim.clinic import write_clinic
from hcrm_sim.edges import EdgeCase, edge_cases
from tests.unit.sim.extracts import read

TODAY = date(2026, 11, 22)
DAYS = [TODAY, date(2024, 2, 29), date(2025, 8, 31), date(2027, 3, 1)]


def _cases(today: date = TODAY) -> dict[str, EdgeCase]:
    return {case.key: case for case in edge_cases(today)}


def _lens_ages(case: EdgeCase) -> set[int]:
    return {(TODAY - order.on).days for order in case.orders if order.product is ProductKind.OK_LENS}


def _growth(case: EdgeCase, index: int = 0) -> float:
    first, last = case.exams[0].se[index], case.exams[-1].se[index]
    assert first is not None
    assert last is not None
    return round(first - last, 2)


@pytest.mark.parametrize("today", DAYS)
def test_every_case_has_a_key_and_a_reason_of_its_own_on_any_day(today: date) -> None:
    cases = edge_cases(today)
    assert len({case.key for case in cases}) == len(cases)
    assert all(case.why for case in cases)
    assert all(exam.on < today for case in cases for exam in case.exams)
    assert all(order.on < today for case in cases for order in case.orders)


@pytest.mark.parametrize("days", [364, 365, 366, 479, 480, 481, 549, 550, 551])
def test_ok_lenses_stand_at_each_age_that_matters(days: int) -> None:
    assert _lens_ages(_cases()[f"ok-{days}-days"]) == {days}


def test_one_eye_is_replaced_while_the_other_is_overdue() -> None:
    orders = _cases()["ok-right-replaced"].orders
    newest = {eye: max(one.on for one in orders if eye in one.eyes) for eye in Eye}
    assert [(TODAY - newest[eye]).days for eye in Eye] == [100, 560]


@pytest.mark.parametrize("growth", [0.49, 0.50, 0.51])
def test_frames_stand_at_half_a_dioptre(growth: float) -> None:
    assert _growth(_cases()[f"frame-growth-{growth:.2f}"]) == growth


def test_growth_of_one_eye_only_is_there() -> None:
    case = _cases()["frame-growth-left-only"]
    assert (_growth(case, 0), _growth(case, 1)) == (0.0, 0.75)


def test_frames_stand_at_six_calendar_months() -> None:
    cases = _cases()
    worn = [cases[f"frame-six-months{which}"].orders[0].on for which in ("-less-a-day", "", "-and-a-day")]
    assert worn == [date(2026, 5, 23), date(2026, 5, 22), date(2026, 5, 21)]


def test_six_months_before_the_31st_is_the_last_day_of_a_short_month() -> None:
    assert _cases(date(2025, 8, 31))["frame-six-months"].orders[0].on == date(2025, 2, 28)


def test_birthdays_lie_around_today() -> None:
    cases = _cases()
    born = [cases[f"adult-18-{when}"].born for when in ("tomorrow", "today", "yesterday")]
    assert born == [date(2008, 11, 23), date(2008, 11, 22), date(2008, 11, 21)]
    born = [cases[f"frame-{when}"].born for when in ("eighth-birthday-tomorrow", "eighth-birthday", "eight-and-a-day")]
    assert born == [date(2018, 11, 23), date(2018, 11, 22), date(2018, 11, 21)]
    leap = cases["frame-born-29-february"].born
    assert leap is not None
    assert (leap.month, leap.day) == (2, 29)


@pytest.mark.parametrize(("cct", "key"), [(479, "479"), (480, "480"), (481, "481"), (None, "unknown")])
def test_corneas_stand_around_480_or_are_unknown(cct: int | None, key: str) -> None:
    assert {exam.cct for exam in _cases()[f"adult-cct-{key}"].exams} == {(cct, cct)}


@pytest.mark.parametrize("days", [-4, -3, -2, -1, 0, 1, 6, 7, 8, 29, 30, 31, 90])
def test_rechecks_are_early_due_and_late(days: int) -> None:
    case = _cases()[f"recheck-{days}-days-late"]
    assert (TODAY - case.plans[-1][1]).days == days
    assert all(day <= case.plans[-1][0] for day, state in case.visits if state is VisitState.ARRIVED)


@pytest.mark.parametrize("days", [27, 28, 29])
def test_wash_outs_stand_around_four_weeks(days: int) -> None:
    assert _cases()[f"ok-washout-{days}"].exams[-1].washout_days == days


@pytest.mark.parametrize("days", [1, 2, 7, 8, 30, 31])
def test_new_wearers_were_not_seen_since_their_first_night(days: int) -> None:
    case = _cases()[f"ok-new-{days}-days"]
    assert _lens_ages(case) == {days}
    assert all(exam.on < case.orders[0].on for exam in case.exams)


@pytest.mark.parametrize("now", [-0.74, -0.75, -6.00, -6.01])
def test_frames_stand_at_the_ends_of_what_ok_lenses_fit(now: float) -> None:
    case = _cases()[f"frame-now-{now:.2f}"]
    assert (case.exams[-1].se, _growth(case)) == ((now, now), 0.5)


@pytest.mark.parametrize("k", [38.99, 39.00, 48.00, 48.01])
def test_corneas_stand_at_the_ends_of_what_ok_lenses_fit(k: float) -> None:
    assert _cases()[f"frame-k-{k:.2f}"].exams[-1].k_flat == k


@pytest.mark.parametrize("days", [74, 75, 120, 121, 149, 150, 240, 241])
def test_exams_stand_at_the_ends_of_the_growth_windows(days: int) -> None:
    first, last = _cases()[f"growth-in-{days}-days"].exams
    assert last.on - first.on == timedelta(days=days)


def test_a_clinic_of_two_hundred_holds_every_case(tmp_path: Path) -> None:
    write_clinic(tmp_path, customers=200, seed=5, today=TODAY)
    keys = set(read(tmp_path, "customers")["key"])
    assert {f"EDGE-{case.key}" for case in edge_cases(TODAY)} <= keys


def test_edge_siblings_share_one_guardian_and_one_assistant(tmp_path: Path) -> None:
    write_clinic(tmp_path, customers=200, seed=5, today=TODAY)
    customers = read(tmp_path, "customers")
    pair = customers.filter(family_key="EDGE-sibling-elder")
    assert pair.height == 2
    assert pair["assistant_code"].n_unique() == 1
    assert read(tmp_path, "guardians").filter(family_key="EDGE-sibling-elder").height == 1


def test_names_outside_the_basic_plane_survive_the_file(tmp_path: Path) -> None:
    write_clinic(tmp_path, customers=200, seed=5, today=TODAY)
    names = set(read(tmp_path, "customers")["name"])
    assert {"王𬭎", "陈㼆", "孙翀", "吕玥"} <= names


def test_drops_stand_before_and_after_the_first_recheck() -> None:
    begun = {(TODAY - _cases()[f"drops-{days}-days"].drops[0].on).days for days in (86, 87, 90, 91)}
    assert begun == {86, 87, 90, 91}


@pytest.mark.parametrize("days", [30, 31])
def test_drops_pause_for_as_long_as_does_not_interrupt_and_a_day_longer(days: int) -> None:
    former, again = _cases()[f"drops-paused-{days}"].drops
    assert former.ended_on is not None
    assert (again.on - former.ended_on).days == days


def test_drops_change_their_strength_and_end() -> None:
    former, stronger = _cases()["drops-stronger"].drops
    assert (former.ended_on, former.percent < stronger.percent) == (stronger.on, True)
    assert _cases()["drops-stopped"].drops[-1].ended_on is not None
