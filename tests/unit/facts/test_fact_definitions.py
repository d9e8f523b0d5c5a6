"""Each fact on the smallest history that shows it."""

from datetime import date

import pytest

from hcrm_core.facts.catalogue import CATALOGUE
from tests.unit.facts.history import DAY, History, on


def test_the_function_gives_exactly_the_catalogue() -> None:
    assert set(History().facts()) == {"customer_id", *CATALOGUE}


def test_of_a_customer_without_history_everything_is_unknown_but_what_a_feed_denies() -> None:
    known = {name: value for name, value in History().facts().items() if value is not None}
    assert known == {
        "customer_id": 0,
        "birth_date": date(2016, 5, 1),
        "sex": "male",
        "do_not_contact": False,
        "ever_bought": False,
        "open_lead": False,
        "open_order": False,
    }


# ── lenses ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_latest_dispensed_lens_is_worn_and_its_episode_began_with_the_first_of_its_kind() -> None:
    found = History().lens(0, "single_vision").lens(100, "ok_lens").lens(500, "ok_lens").facts()
    assert found["product_od"] == "ok_lens"
    assert found["wear_start_on_od"] == on(100)
    assert found["lens_dispensed_on_od"] == on(500)
    assert found["product_os"] is None


def test_another_kind_in_between_begins_a_new_episode() -> None:
    found = History().lens(0, "functional").lens(100, "single_vision").lens(200, "functional").facts()
    assert found["wear_start_on_od"] == on(200)


@pytest.mark.parametrize(("gap", "start"), [(92, 0), (93, 193)])
def test_a_stop_of_more_than_a_quarter_begins_a_new_episode(gap: int, start: int) -> None:
    found = History().lens(0, "ok_lens", ended=100).lens(100 + gap, "ok_lens").facts()
    assert found["wear_start_on_od"] == on(start)


def test_an_ended_lens_is_not_worn_though_it_was_bought() -> None:
    found = History().lens(0, "ok_lens", ended=50).facts()
    assert (found["product"], found["product_od"], found["oldest_ok_lens_on"]) == (None, None, None)
    assert found["ever_bought"] is True


def test_replacing_one_lens_resets_that_eye_only() -> None:
    found = History().lens(0, "ok_lens").lens(0, "ok_lens", eye="OS").lens(300, "ok_lens").facts()
    assert (found["lens_dispensed_on_od"], found["lens_dispensed_on_os"]) == (on(300), on(0))
    assert found["oldest_ok_lens_on"] == found["oldest_lens_on"] == on(0)


def test_the_product_is_that_of_the_lens_dispensed_last_over_both_eyes() -> None:
    found = History().lens(0, "ok_lens").lens(10, "functional", eye="OS").facts()
    assert (found["product"], found["wear_start_on"], found["oldest_lens_on"]) == ("functional", on(10), on(10))
    assert found["oldest_ok_lens_on"] == on(0)


def test_an_order_not_yet_dispensed_is_a_purchase_but_not_worn() -> None:
    found = History().bought(ordered_on=DAY).facts()
    assert (found["ever_bought"], found["first_bought_on"], found["product"]) == (True, DAY, None)


# ── coming and answering ─────────────────────────────────────────────────────────────────────────────────


def test_activity_is_arriving_buying_or_answering_and_not_being_called() -> None:
    found = History().exam(0).visit(5).visit(50, "missed").contact(10, "considering").contact(60, "no_answer").facts()
    assert found["last_exam_on"] == on(0)
    assert found["last_arrival_on"] == on(5)
    assert found["last_answered_on"] == found["last_activity_on"] == on(10)
    assert found["last_follow_up_on"] == on(60)


def test_a_void_exam_is_no_arrival() -> None:
    assert History().exam(0, status="void").facts()["last_arrival_on"] is None


def test_an_exam_without_measurements_is_an_arrival() -> None:
    assert History().exam(0, eye=None).facts()["last_arrival_on"] == on(0)


@pytest.mark.parametrize(("arrival", "due"), [(None, 90), (0, 90), (44, 90), (45, None), (90, None)])
def test_a_plan_is_met_by_an_arrival_from_half_wayon(arrival: int | None, due: int | None) -> None:
    history = History().plan(0, 90)
    if arrival is not None:
        history.visit(arrival)
    assert history.facts()["recheck_due_on"] == (None if due is None else on(due))


def test_the_plan_made_last_counts_even_if_it_is_due_earlier() -> None:
    assert History().plan(0, 300).plan(10, 100).facts()["recheck_due_on"] == on(100)


def test_of_several_plans_of_one_day_the_next_one_not_met_is_due() -> None:
    assert History().plan(0, 1).plan(0, 7).plan(0, 30).visit(1).facts()["recheck_due_on"] == on(7)


def test_the_appointment_is_the_latest_booked_day() -> None:
    found = History().visit(10, "booked").visit(400, "booked").visit(500, "cancelled").facts()
    assert found["next_appointment_on"] == on(400)


@pytest.mark.parametrize(("state", "is_open"), [("started", True), ("visited", True), ("closed", False)])
def test_a_lead_is_open_until_it_is_closed(state: str, *, is_open: bool) -> None:
    assert History().lead(state).facts()["open_lead"] is is_open


# ── eyes ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_latest_refraction_under_an_ok_lens_is_passed_over() -> None:
    found = History().exam(0, -2000).exam(200, -250, lens_state="ok_lens").facts()
    assert (found["se_od"], found["se_on_od"]) == (-2000, on(0))
    assert found["se_growth_6m_refusal_od"] == "ok_wear"


def test_the_worse_eye_is_unknown_unless_both_are_known() -> None:
    assert History().exam(0, -2000).facts()["se_worse"] is None
    assert History().exam(0, -2000).exam(0, -3000, eye="OS").facts()["se_worse"] == -3000


def test_growth_in_frames_begins_with_the_examination_that_made_them() -> None:
    found = History().exam(-400, 0).exam(-10, -1000).lens(0, "single_vision").exam(190, -1500).facts()
    assert found["se_growth_frame_od"] == 500
    assert (found["se_growth_frame_from_on_od"], found["se_growth_frame_to_on_od"]) == (on(-10), on(190))
    assert (found["se_growth_frame_from_id_od"], found["se_growth_frame_to_id_od"]) == (1, 2)


@pytest.mark.parametrize(("before", "growth"), [(30, 1000), (31, None)])
def test_an_examination_long_before_the_frame_is_not_its_baseline(before: int, growth: int | None) -> None:
    found = History().exam(-before, -1000).lens(0, "functional").exam(10, -1500).exam(170, -2000).facts()
    assert found["se_growth_frame_od"] == (growth if before == 30 else 500)


def test_there_is_no_growth_in_frames_while_an_ok_lens_is_worn() -> None:
    found = History().exam(0, -1000).lens(0, "ok_lens").exam(200, -1500).facts()
    assert found["se_growth_frame_od"] is None


@pytest.mark.parametrize(("span", "known"), [(729, False), (730, True)])
def test_stability_needs_two_years(span: int, *, known: bool) -> None:
    found = History().exam(0, -3000).exam(300, -3375).exam(span, -3125).facts()
    assert found["se_range_2y_od"] == (375 if known else None)


def test_stability_begins_at_the_newest_exam_that_is_two_years_old() -> None:
    found = History().exam(0, -1000).exam(200, -3000).exam(1000, -3250).facts()
    assert (found["se_range_2y_od"], found["se_range_2y_from_on_od"]) == (250, on(200))


def test_axial_growth_over_a_year() -> None:
    found = History().exam(0, axial_length_um=24000).exam(365, axial_length_um=24340, lens_state="ok_lens").facts()
    assert found["al_growth_12m_od"] == 340


def test_the_flat_corneal_power_is_the_smaller_one_and_not_that_of_a_shaped_cornea() -> None:
    found = History().exam(0, k1_mdpt=43000, k2_mdpt=42500).exam(9, k1_mdpt=40000, k2_mdpt=41000, lens_state="ok_lens")
    assert found.facts()["k_flat_od"] == 42500


def test_thickness_is_the_latest_that_was_measured() -> None:
    assert History().exam(0, cct_um=540).exam(9).facts()["cct_um_od"] == 540
