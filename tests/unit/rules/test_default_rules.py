"""The default rules on both sides of every number."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hcrm_central.jobs.defaults import read_defaults
from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_core.rules import Surroundings, Verdict, evaluate, lower_rule
from hcrm_core.rules.model import conditions

ON = date(2026, 11, 22)
DEFAULTS = read_defaults()
MATCH, NO_MATCH, OPEN = Verdict.MATCH, Verdict.NO_MATCH, Verdict.NEEDS_MEASUREMENT


def _ago(days: int) -> date:
    return ON - timedelta(days=days)


def _verdict(rule: str, row: dict[str, Any], *, on: date = ON) -> Verdict:
    assert set(row) <= set(CATALOGUE)
    return evaluate(lower_rule(DEFAULTS.rules[rule], within=Surroundings(parameters=DEFAULTS.parameters, on=on)), row)


def test_every_requirement_has_its_rule() -> None:
    answered = {rule.requirement for rule in DEFAULTS.rules.values()}
    assert {"R4.1a", "R4.1b", "R4.1c", "R4.1d", "R4.1e", "R4.1f"} <= answered


def test_every_parameter_is_used_and_every_number_has_a_source() -> None:
    trees = [rule.where for rule in DEFAULTS.rules.values()] + [s.when for s in DEFAULTS.sops.values() if s.when]
    used: set[object] = {condition.parameter for tree in trees for condition in conditions(tree)}
    used |= {getattr(sop, name) for sop in DEFAULTS.sops.values() for name in ("due_after", "lead", "lasts", "every")}
    assert set(DEFAULTS.parameters) <= used | {"daily_capacity", "escalation_days"}  # these plan the ledger itself
    assert all(parameter.citation for parameter in DEFAULTS.parameters.values())
    assert all(rule.citation for rule in DEFAULTS.rules.values())


# ── R4.1a–c ──────────────────────────────────────────────────────────────────────────────────────────────


def test_who_was_filed_or_examined_and_never_bought_is_potential() -> None:
    assert _verdict("potential", {"ever_bought": False, "filed_on": ON}) is MATCH
    assert _verdict("potential", {"ever_bought": False, "last_exam_on": ON}) is MATCH
    assert _verdict("potential", {"ever_bought": False}) is NO_MATCH
    assert _verdict("potential", {"ever_bought": True, "filed_on": ON}) is NO_MATCH


@pytest.mark.parametrize(
    ("days", "wearing", "overdue"), [(549, MATCH, NO_MATCH), (550, MATCH, NO_MATCH), (551, NO_MATCH, MATCH)]
)
def test_the_wearing_cycle_of_an_ok_lens_ends_after_550_days(days: int, wearing: Verdict, overdue: Verdict) -> None:
    row = {"product_od": "ok_lens", "lens_dispensed_on_od": _ago(days), "oldest_ok_lens_on": _ago(days)}
    assert _verdict("ok_lens", row) is wearing
    assert _verdict("replacement_overdue", row) is overdue


def test_each_eye_counts_for_itself() -> None:
    row = {
        "product_od": "ok_lens",
        "product_os": "ok_lens",
        "lens_dispensed_on_od": _ago(10),
        "lens_dispensed_on_os": _ago(551),
        "oldest_ok_lens_on": _ago(551),
    }
    assert _verdict("replacement_overdue", row) is MATCH
    assert _verdict("replacement_overdue", row | {"product_os": "functional"}) is NO_MATCH


@pytest.mark.parametrize("product", ["single_vision", "functional", "ok_lens", None])
def test_single_vision_and_functional_are_told_apart(product: str | None) -> None:
    assert (_verdict("frame_single_vision", {"product": product}) is MATCH) is (product == "single_vision")
    assert (_verdict("frame_functional", {"product": product}) is MATCH) is (product == "functional")


# ── R4.1d ────────────────────────────────────────────────────────────────────────────────────────────────

UPSELL = {
    "product_os": "functional",
    "wear_start_on_os": date(2026, 5, 22),
    "se_growth_frame_os": Decimal("0.50"),
    "birth_date": date(2016, 1, 1),
    "se_os": Decimal("-2.00"),
}


def test_a_frame_worn_six_months_with_fifty_degrees_of_growth_is_an_upsell() -> None:
    assert _verdict("upsell_ok", UPSELL) is MATCH


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"se_growth_frame_os": Decimal("0.495")}, NO_MATCH),
        ({"se_growth_frame_os": Decimal("0.49")}, NO_MATCH),
        ({"se_growth_frame_os": None}, NO_MATCH),
        ({"wear_start_on_os": date(2026, 5, 23)}, NO_MATCH),
        ({"wear_start_on_os": date(2026, 5, 21)}, MATCH),
        ({"product_os": "ok_lens"}, NO_MATCH),
        ({"product_os": "single_vision"}, MATCH),
        ({"birth_date": date(2018, 11, 22)}, MATCH),  # eight today
        ({"birth_date": date(2018, 11, 23)}, NO_MATCH),
        ({"birth_date": None}, OPEN),
        ({"se_os": Decimal("-0.75")}, MATCH),
        ({"se_os": Decimal("-0.74")}, NO_MATCH),
        ({"se_os": Decimal("-6.00")}, MATCH),
        ({"se_os": Decimal("-6.01")}, NO_MATCH),
        ({"k_flat_od": Decimal("39.00")}, MATCH),
        ({"k_flat_od": Decimal("38.99")}, NO_MATCH),
        ({"k_flat_os": Decimal("48.00")}, MATCH),
        ({"k_flat_os": Decimal("48.01")}, NO_MATCH),
        ({"cct_um_od": 480}, MATCH),
        ({"cct_um_od": 479}, NO_MATCH),
    ],
)
def test_the_upsell_on_both_sides_of_its_numbers(change: dict[str, Any], verdict: Verdict) -> None:
    assert _verdict("upsell_ok", UPSELL | change) is verdict


def test_growth_of_one_eye_and_wear_of_the_other_do_not_add_up() -> None:
    mixed = UPSELL | {"se_growth_frame_os": None, "se_growth_frame_od": Decimal("1.00"), "product_od": "ok_lens"}
    assert _verdict("upsell_ok", mixed) is NO_MATCH


@pytest.mark.parametrize(("on", "verdict"), [(date(2028, 2, 28), NO_MATCH), (date(2028, 2, 29), MATCH)])
def test_frames_of_the_last_of_august_are_six_months_old_on_the_last_of_february(on: date, verdict: Verdict) -> None:
    assert _verdict("upsell_ok", UPSELL | {"wear_start_on_os": date(2027, 8, 31)}, on=on) is verdict


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"se_growth_6m_od": Decimal("0.50")}, MATCH),
        ({"se_growth_6m_od": Decimal("0.49")}, NO_MATCH),
        ({"se_growth_3m_os": Decimal("0.25")}, MATCH),
        ({"se_growth_3m_os": Decimal("0.24")}, NO_MATCH),
        ({}, NO_MATCH),
    ],
)
def test_the_growth_alert_on_both_sides_of_its_numbers(row: dict[str, Any], verdict: Verdict) -> None:
    assert _verdict("growth_alert", row) is verdict


# ── R4.1e ────────────────────────────────────────────────────────────────────────────────────────────────

ADULT = {
    "birth_date": date(2008, 11, 22),
    "se_od": Decimal("-3.00"),
    "se_range_2y_od": Decimal("0.50"),
    "se_range_2y_os": Decimal("0.25"),
    "cct_um_od": 480,
    "cct_um_os": 540,
}


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, MATCH),
        ({"birth_date": date(2008, 11, 23)}, NO_MATCH),  # eighteen tomorrow
        ({"birth_date": None}, NO_MATCH),
        ({"se_od": Decimal("-0.50")}, MATCH),
        ({"se_od": Decimal("-0.49")}, NO_MATCH),
        ({"se_od": None}, NO_MATCH),
        ({"se_range_2y_os": Decimal("0.51")}, NO_MATCH),
        ({"se_range_2y_os": None}, OPEN),
        ({"cct_um_od": 479}, NO_MATCH),
        ({"cct_um_od": None}, OPEN),
        ({"cct_um_od": None, "birth_date": date(2015, 1, 1)}, NO_MATCH),
    ],
)
def test_the_lead_to_refractive_surgery_on_both_sides_of_its_numbers(change: dict[str, Any], verdict: Verdict) -> None:
    assert _verdict("referral_refractive", ADULT | change) is verdict


@pytest.mark.parametrize(("on", "verdict"), [(date(2026, 2, 28), NO_MATCH), (date(2026, 3, 1), MATCH)])
def test_who_was_born_on_29_february_is_eighteen_on_1_march(on: date, verdict: Verdict) -> None:
    assert _verdict("referral_refractive", ADULT | {"birth_date": date(2008, 2, 29)}, on=on) is verdict


# ── R4.1f ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"recheck_due_on": _ago(31), "last_activity_on": _ago(31)}, MATCH),
        ({"recheck_due_on": _ago(30), "last_activity_on": _ago(120)}, NO_MATCH),
        ({"recheck_due_on": _ago(31), "last_activity_on": _ago(30)}, NO_MATCH),
        ({"recheck_due_on": _ago(31), "last_activity_on": None}, MATCH),
        ({"recheck_due_on": None, "last_activity_on": _ago(400)}, NO_MATCH),
        ({"oldest_ok_lens_on": _ago(551), "last_activity_on": _ago(120)}, MATCH),
        ({"oldest_ok_lens_on": _ago(550), "last_activity_on": _ago(120)}, NO_MATCH),
        ({"oldest_ok_lens_on": _ago(551), "last_activity_on": _ago(119)}, NO_MATCH),
        ({"oldest_ok_lens_on": _ago(551), "last_activity_on": None}, MATCH),
    ],
)
def test_lost_contact_on_both_sides_of_its_numbers(row: dict[str, Any], verdict: Verdict) -> None:
    assert _verdict("lost_contact", row) is verdict


@pytest.mark.parametrize(("booked", "verdict"), [(_ago(1), MATCH), (ON, NO_MATCH), (_ago(-5), NO_MATCH)])
def test_who_has_an_appointment_is_not_lost(booked: date, verdict: Verdict) -> None:
    row = {"recheck_due_on": _ago(40), "last_activity_on": _ago(130), "next_appointment_on": booked}
    assert _verdict("lost_contact", row) is verdict
