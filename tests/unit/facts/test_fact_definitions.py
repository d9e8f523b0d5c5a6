"""Each fact on the smallest history that shows it."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import polars as pl
import pytest

from hcrm_core.facts.catalogue import CATALOGUE, PER_EYE, FactType, Feed
from hcrm_core.facts.compute import Frames, facts
from hcrm_store.references import axial_length_reference

DAY = date(2026, 1, 10)

_TEXT, _DATE, _INT, _BOOL = pl.String, pl.Date, pl.Int64, pl.Boolean
SCHEMAS: dict[str, dict[str, type[pl.DataType]]] = {
    "customers": {"customer_id": _INT, "site_id": _TEXT, "birth_date": _DATE, "sex": _TEXT}
    | {"filed_on": _DATE, "do_not_contact": _BOOL},
    "eyes": {"customer_id": _INT, "exam_id": _INT, "eye": _TEXT, "examined_on": _DATE, "status": _TEXT}
    | {"method": _TEXT, "cycloplegic": _BOOL, "lens_state": _TEXT, "washout_days": _INT}
    | dict.fromkeys(("sphere_mdpt", "cylinder_mdpt", "axial_length_um", "k1_mdpt", "k2_mdpt", "cct_um"), _INT)
    | dict.fromkeys(("iop_milli", "ucva_milli", "bcva_milli"), _INT),
    "lens_orders": {"customer_id": _INT, "order_id": _INT, "eye": _TEXT, "product": _TEXT}
    | dict.fromkeys(("ordered_on", "dispensed_on", "ended_on"), _DATE)
    | {"price_milli": _INT, "department": _TEXT},
    "visits": {"customer_id": _INT, "visit_on": _DATE, "state": _TEXT},
    "recheck_plans": {"customer_id": _INT, "planned_on": _DATE, "due_on": _DATE},
    "follow_ups": {"customer_id": _INT, "contacted_on": _DATE, "outcome": _TEXT},
    "leads": {"customer_id": _INT, "state": _TEXT},
}


@dataclass
class History:
    """One customer's rows; days count from `DAY`."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in SCHEMAS})

    def exam(self, day: int, sphere: int | None = None, **options: Any) -> "History":
        values = {"eye": "OD", "status": "final", "method": "autorefraction", "cycloplegic": True}
        values |= {"lens_state": "spectacles", "sphere_mdpt": sphere, "cylinder_mdpt": 0} | options
        number = len(self.rows["eyes"])
        return self._add("eyes", exam_id=number, examined_on=DAY + timedelta(days=day), **values)

    def lens(self, day: int, product: str, *, eye: str = "OD", ended: int | None = None) -> "History":
        ended_on = None if ended is None else DAY + timedelta(days=ended)
        number = len(self.rows["lens_orders"])
        on = DAY + timedelta(days=day)
        return self._add("lens_orders", order_id=number, eye=eye, product=product, dispensed_on=on, ended_on=ended_on)

    def visit(self, day: int, state: str = "arrived") -> "History":
        return self._add("visits", visit_on=DAY + timedelta(days=day), state=state)

    def plan(self, day: int, due: int) -> "History":
        return self._add("recheck_plans", planned_on=DAY + timedelta(days=day), due_on=DAY + timedelta(days=due))

    def contact(self, day: int, outcome: str) -> "History":
        return self._add("follow_ups", contacted_on=DAY + timedelta(days=day), outcome=outcome)

    def lead(self, state: str) -> "History":
        return self._add("leads", state=state)

    def facts(self) -> dict[str, Any]:
        self._add("customers", birth_date=date(2016, 5, 1), sex="male", do_not_contact=False)
        frames = {
            name: nw.from_native(pl.DataFrame(self.rows[name], schema=schema).lazy())
            for name, schema in SCHEMAS.items()
        }
        found: dict[str, Any] = (
            facts(Frames(**frames), reference=axial_length_reference()).collect("polars").to_native().to_dicts()[0]
        )
        return found

    def _add(self, table: str, **values: Any) -> "History":
        self.rows[table].append(dict.fromkeys(SCHEMAS[table]) | {"customer_id": 0} | values)
        return self


def _on(days: int) -> date:
    return DAY + timedelta(days=days)


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


def test_the_catalogue_is_sound() -> None:
    assert len(CATALOGUE) >= 60
    assert all(fact.label and fact.doc and fact.feeds <= set(Feed) for fact in CATALOGUE.values())
    assert all(fact.dated_by is None or fact.dated_by in CATALOGUE for fact in CATALOGUE.values())
    assert all(f"{name}_os" in CATALOGUE for name in PER_EYE)
    assert all((fact.kind is FactType.WORD) == (fact.words is not None) for fact in CATALOGUE.values())


# ── lenses ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_latest_dispensed_lens_is_worn_and_its_episode_began_with_the_first_of_its_kind() -> None:
    found = History().lens(0, "single_vision").lens(100, "ok_lens").lens(500, "ok_lens").facts()
    assert found["product_od"] == "ok_lens"
    assert found["wear_start_on_od"] == _on(100)
    assert found["lens_dispensed_on_od"] == _on(500)
    assert found["product_os"] is None


def test_another_kind_in_between_begins_a_new_episode() -> None:
    found = History().lens(0, "functional").lens(100, "single_vision").lens(200, "functional").facts()
    assert found["wear_start_on_od"] == _on(200)


@pytest.mark.parametrize(("gap", "start"), [(92, 0), (93, 193)])
def test_a_stop_of_more_than_a_quarter_begins_a_new_episode(gap: int, start: int) -> None:
    found = History().lens(0, "ok_lens", ended=100).lens(100 + gap, "ok_lens").facts()
    assert found["wear_start_on_od"] == _on(start)


def test_an_ended_lens_is_not_worn_though_it_was_bought() -> None:
    found = History().lens(0, "ok_lens", ended=50).facts()
    assert (found["product"], found["product_od"], found["oldest_ok_lens_on"]) == (None, None, None)
    assert found["ever_bought"] is True


def test_replacing_one_lens_resets_that_eye_only() -> None:
    found = History().lens(0, "ok_lens").lens(0, "ok_lens", eye="OS").lens(300, "ok_lens").facts()
    assert (found["lens_dispensed_on_od"], found["lens_dispensed_on_os"]) == (_on(300), _on(0))
    assert found["oldest_ok_lens_on"] == found["oldest_lens_on"] == _on(0)


def test_the_product_is_that_of_the_lens_dispensed_last_over_both_eyes() -> None:
    found = History().lens(0, "ok_lens").lens(10, "functional", eye="OS").facts()
    assert (found["product"], found["wear_start_on"], found["oldest_lens_on"]) == ("functional", _on(10), _on(10))
    assert found["oldest_ok_lens_on"] == _on(0)


def test_an_order_not_yet_dispensed_is_a_purchase_but_not_worn() -> None:
    history = History()
    history._add("lens_orders", order_id=0, eye="OD", product="ok_lens", ordered_on=DAY)
    found = history.facts()
    assert (found["ever_bought"], found["first_bought_on"], found["product"]) == (True, DAY, None)


# ── coming and answering ─────────────────────────────────────────────────────────────────────────────────


def test_activity_is_arriving_buying_or_answering_and_not_being_called() -> None:
    found = History().exam(0).visit(5).visit(50, "missed").contact(10, "considering").contact(60, "no_answer").facts()
    assert found["last_exam_on"] == _on(0)
    assert found["last_arrival_on"] == _on(5)
    assert found["last_answered_on"] == found["last_activity_on"] == _on(10)
    assert found["last_follow_up_on"] == _on(60)


def test_a_void_exam_is_no_arrival() -> None:
    assert History().exam(0, status="void").facts()["last_arrival_on"] is None


def test_an_exam_without_measurements_is_an_arrival() -> None:
    assert History().exam(0, eye=None).facts()["last_arrival_on"] == _on(0)


@pytest.mark.parametrize(("arrival", "due"), [(None, 90), (0, 90), (44, 90), (45, None), (90, None)])
def test_a_plan_is_met_by_an_arrival_from_half_way_on(arrival: int | None, due: int | None) -> None:
    history = History().plan(0, 90)
    if arrival is not None:
        history.visit(arrival)
    assert history.facts()["recheck_due_on"] == (None if due is None else _on(due))


def test_the_plan_made_last_counts_even_if_it_is_due_earlier() -> None:
    assert History().plan(0, 300).plan(10, 100).facts()["recheck_due_on"] == _on(100)


def test_of_several_plans_of_one_day_the_next_one_not_met_is_due() -> None:
    assert History().plan(0, 1).plan(0, 7).plan(0, 30).visit(1).facts()["recheck_due_on"] == _on(7)


def test_the_appointment_is_the_latest_booked_day() -> None:
    found = History().visit(10, "booked").visit(400, "booked").visit(500, "cancelled").facts()
    assert found["next_appointment_on"] == _on(400)


@pytest.mark.parametrize(("state", "is_open"), [("started", True), ("visited", True), ("closed", False)])
def test_a_lead_is_open_until_it_is_closed(state: str, *, is_open: bool) -> None:
    assert History().lead(state).facts()["open_lead"] is is_open


# ── eyes ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_latest_refraction_under_an_ok_lens_is_passed_over() -> None:
    found = History().exam(0, -2000).exam(200, -250, lens_state="ok_lens").facts()
    assert (found["se_od"], found["se_on_od"]) == (-2000, _on(0))
    assert found["se_growth_6m_refusal_od"] == "ok_wear"


def test_the_worse_eye_is_unknown_unless_both_are_known() -> None:
    assert History().exam(0, -2000).facts()["se_worse"] is None
    assert History().exam(0, -2000).exam(0, -3000, eye="OS").facts()["se_worse"] == -3000


def test_growth_in_frames_begins_with_the_examination_that_made_them() -> None:
    found = History().exam(-400, 0).exam(-10, -1000).lens(0, "single_vision").exam(190, -1500).facts()
    assert found["se_growth_frame_od"] == 500
    assert (found["se_growth_frame_from_on_od"], found["se_growth_frame_to_on_od"]) == (_on(-10), _on(190))
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
    assert (found["se_range_2y_od"], found["se_range_2y_from_on_od"]) == (250, _on(200))


def test_axial_growth_over_a_year() -> None:
    found = History().exam(0, axial_length_um=24000).exam(365, axial_length_um=24340, lens_state="ok_lens").facts()
    assert found["al_growth_12m_od"] == 340


def test_the_flat_corneal_power_is_the_smaller_one_and_not_that_of_a_shaped_cornea() -> None:
    found = History().exam(0, k1_mdpt=43000, k2_mdpt=42500).exam(9, k1_mdpt=40000, k2_mdpt=41000, lens_state="ok_lens")
    assert found.facts()["k_flat_od"] == 42500


def test_thickness_is_the_latest_that_was_measured() -> None:
    assert History().exam(0, cct_um=540).exam(9).facts()["cct_um_od"] == 540
