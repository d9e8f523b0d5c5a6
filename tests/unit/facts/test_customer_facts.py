"""Wear told by examinations, orders and money, rechecks and contacts."""

from datetime import date

import pytest

from tests.unit.facts.history import History, on

# ── OK nights ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("washout", "washed"), [(27, False), (28, True), (90, True)])
def test_a_wash_out_is_28_days_without_the_lens(washout: int, *, washed: bool) -> None:
    history = History().exam(0, lens_state="ok_lens").exam(100, lens_state="ok_washout", washout_days=washout)
    found = history.exam(200).facts()
    assert (found["had_wash_out"], found["last_ok_night_on"]) == (washed, on(100 - washout))


def test_worn_again_after_a_wash_out_it_is_over() -> None:
    history = History().exam(0, lens_state="ok_washout", washout_days=40).exam(100, eye=None, lens_state="ok_lens")
    found = history.facts()
    assert (found["had_wash_out"], found["last_ok_night_on"]) == (False, on(100))


def test_a_stop_of_unknown_length_is_no_wash_out_and_tells_no_night() -> None:
    found = History().exam(0, lens_state="ok_washout").facts()
    assert (found["had_wash_out"], found["last_ok_night_on"]) == (False, None)


def test_who_never_wore_an_ok_lens_has_neither() -> None:
    found = History().exam(0, lens_state="soft_lens").exam(9, lens_state="ok_lens", status="void").facts()
    assert (found["had_wash_out"], found["last_ok_night_on"]) == (None, None)


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_open_until_it_is_dispensed_or_ended() -> None:
    assert History().bought(ordered_on=on(0)).facts()["open_order"] is True
    assert History().bought(ordered_on=on(0), dispensed_on=on(7)).facts()["open_order"] is False
    assert History().bought(ordered_on=on(0), ended_on=on(7)).facts()["open_order"] is False
    assert History().bought(dispensed_on=on(7)).facts()["open_order"] is False
    assert History().bought(ordered_on=on(0)).bought(dispensed_on=on(9)).facts()["open_order"] is True


def test_spending_is_the_sum_of_known_prices_and_unknown_without_one() -> None:
    assert History().bought(ordered_on=on(0)).facts()["spent_total"] is None
    assert History().bought(ordered_on=on(0), price_milli=0).facts()["spent_total"] == 0
    history = History().bought(price_milli=6_800_500).bought(price_milli=None).bought(price_milli=1_000_000)
    assert history.facts()["spent_total"] == 7_800_500


def test_the_last_bill_is_the_latest_order_and_its_department() -> None:
    history = History().bought(ordered_on=on(0), dispensed_on=on(90), department="refractive")
    history.bought(dispensed_on=on(30), department="optometry")
    found = history.facts()
    assert (found["last_bill_on"], found["last_bill_department"]) == (on(30), "optometry")
    assert (found["last_ordered_on"], found["last_bought_on"]) == (on(0), on(90))


def test_of_two_orders_of_one_day_the_later_number_is_the_bill() -> None:
    history = History().bought(ordered_on=on(0), department="optometry").bought(ordered_on=on(0), department=None)
    assert history.facts()["last_bill_department"] is None


# ── rechecks ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("arrival", "met"), [(44, False), (45, True), (90, True), (400, True)])
def test_a_recheck_is_an_arrival_from_half_way_to_the_due_day(arrival: int, *, met: bool) -> None:
    found = History().exam(0).plan(0, 90).visit(arrival).facts()
    assert found["last_recheck_on"] == (on(arrival) if met else None)


def test_an_arrival_is_measured_against_the_plan_made_last_before_it() -> None:
    history = History().plan(0, 90).exam(90).plan(90, 270).visit(100)
    assert history.facts()["last_recheck_on"] == on(90)  # ten days after the second plan: for a broken frame
    assert history.exam(200).facts()["last_recheck_on"] == on(200)


def test_of_plans_made_on_one_day_the_earliest_is_met_first() -> None:
    assert History().plan(0, 1).plan(0, 30).visit(1).facts()["last_recheck_on"] == on(1)


def test_without_a_plan_nothing_is_a_recheck() -> None:
    assert History().exam(0).visit(90).facts()["last_recheck_on"] is None


def test_the_next_recheck_is_what_is_booked_and_otherwise_what_is_due() -> None:
    assert History().plan(0, 90).facts()["next_recheck_on"] == on(90)
    assert History().plan(0, 90).visit(80, "booked").facts()["next_recheck_on"] == on(80)
    assert History().exam(0).plan(0, 90).visit(0, "booked").facts()["next_recheck_on"] == on(90)
    assert History().exam(0).visit(1, "booked").facts()["next_recheck_on"] == on(1)
    assert History().exam(0).facts()["next_recheck_on"] is None


# ── contacts ─────────────────────────────────────────────────────────────────────────────────────────────


def test_unanswered_contacts_count_since_the_latest_answered_one() -> None:
    history = History().contact(0, "no_answer").contact(5, "considering").contact(5, "no_answer")
    assert history.facts()["follow_ups_unanswered"] == 0
    assert history.contact(6, "no_answer").contact(9, "wrong_number").facts()["follow_ups_unanswered"] == 2


def test_nobody_tried_is_unknown_and_nobody_answered_counts_all() -> None:
    assert History().facts()["follow_ups_unanswered"] is None
    assert History().contact(0, "no_answer").contact(9, "no_answer").facts()["follow_ups_unanswered"] == 2


def test_the_site_is_the_customers_own() -> None:
    found = History().facts(site_id="north", filed_on=date(2025, 1, 1))
    assert (found["site_id"], found["filed_on"]) == ("north", date(2025, 1, 1))
