"""Why and why not: each line with its verdict, and the smallest change that turns the whole."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm_core.rules import (
    Condition,
    Rule,
    Surroundings,
    Verdict,
    evaluate,
    explain_nodes,
    flips,
    lower,
    lower_rule,
    lowering,
    plans,
)
from hcrm_core.rules.flipping import OUTSIDE, Step
from hcrm_core.rules.lowering import ALWAYS, NEVER, around
from tests.rule_trees import SITES, TODAY, World, random_rows, random_world, worlds

ROWS = random_rows(200, seed=11)
_FEW = settings(deadline=None, max_examples=200)


def _rule(where: Any, **options: Any) -> Rule:
    raw = {"key": "r", "label": "r", "segment": {"key": "r", "label": "r"}, "where": where}
    return Rule.model_validate(raw | options)


NOTHING = Surroundings(parameters={}, on=TODAY, sites=SITES)


def _verdict(rule: Rule, row: dict[str, Any], *, within: Surroundings) -> Verdict:
    return evaluate(lower_rule(rule, within=within), row)


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────

THIN = {"fact": "cct_um_od", "op": "lt", "value": 480, "unknown": "needs_measurement"}
THICK = {"fact": "cct_um_od", "op": "ge", "value": 480}
GIRL = {"fact": "sex", "op": "eq", "value": "female"}
BOUGHT = {"fact": "ever_bought", "op": "eq", "value": True}


def _lines(rule: Rule, row: dict[str, Any], **options: Any) -> list[tuple[Any, ...]]:
    within = replace(NOTHING, **options)
    return [(one.path, one.kind, one.verdict, one.decisive) for one in explain_nodes(rule, row, within=within)]


def test_every_line_says_what_it_saw_and_whether_the_whole_hangs_on_it() -> None:
    rule = _rule({"all": [GIRL, {"not": THIN}, BOUGHT | {"muted": True}]})
    assert _lines(rule, {"sex": "male"}) == [
        ((), "all", "false", True),
        ((0,), "fact", "false", True),
        ((1,), "not", "unknown", False),
        ((1, 0), "fact", "unknown", False),
    ]
    assert _lines(rule, {"sex": "female", "cct_um_od": 500})[1:] == [
        ((0,), "fact", "true", True),
        ((1,), "not", "true", True),
        ((1, 0), "fact", "false", True),
    ]


def test_of_two_alternatives_that_hold_neither_is_decisive() -> None:
    rule = _rule({"any": [GIRL, BOUGHT]})
    assert [line[3] for line in _lines(rule, {"sex": "female", "ever_bought": True})] == [True, False, False]


def test_the_evidence_of_a_line_knows_the_not_above_it() -> None:
    rule = _rule({"not": {"all": [THIN, {"not": GIRL}]}})
    evidence = [one.evidence[0].negated for one in explain_nodes(rule, {}, within=NOTHING) if one.kind == "fact"]
    assert evidence == [True, False]


def test_a_line_about_both_eyes_tells_of_each() -> None:
    rule = _rule({"fact": "cct_um", "eyes": "both", "op": "ge", "value": 480})
    (line,) = explain_nodes(rule, {"cct_um_od": 500, "cct_um_os": 470}, within=NOTHING)
    assert [(one.eye, one.value, one.verdict) for one in line.evidence] == [
        ("OD", "500", "true"),
        ("OS", "470", "false"),
    ]


def test_what_another_rule_asks_stands_below_the_reference_to_it() -> None:
    other = _rule({"any": [GIRL, BOUGHT]}, key="other", label="另一规则")
    found = explain_nodes(
        _rule({"not": {"rule": "other"}}), {"sex": "female"}, within=replace(NOTHING, rules={"other": other})
    )
    assert [(one.path, one.kind) for one in found] == [
        ((), "not"),
        ((0,), "rule"),
        ((0, 0), "any"),
        ((0, 0, 0), "fact"),
        ((0, 0, 1), "fact"),
    ]
    assert found[1].label == "另一规则"
    assert found[3].decisive


def test_who_is_kept_out_by_what_limits_the_rule_is_told_so() -> None:
    rival = _rule(GIRL, key="a", label="先行规则", exclusive="x", priority=1)
    rule = _rule(GIRL, sites=["north"], valid_until="2020-01-01", exclusive="x")
    found = explain_nodes(
        rule, {"sex": "female", "site_id": SITES["south"]}, within=replace(NOTHING, rules={"a": rival})
    )
    assert [(one.path, one.kind, one.label, one.decisive) for one in found] == [
        ((), "fact", "", False),
        ((-1,), "validity", "", False),
        ((-2,), "sites", "north", False),
        ((-3,), "exclusive", "先行规则", False),
    ]
    (_, only) = explain_nodes(
        _rule(GIRL, exclusive="x"), {"sex": "female"}, within=replace(NOTHING, rules={"a": rival})
    )
    assert only.decisive


@_FEW
@given(worlds(), st.sampled_from(ROWS))
def test_the_first_line_is_the_tree_and_limits_explain_the_rest(world: World, row: dict[str, Any]) -> None:
    found = explain_nodes(world.asked, row, within=world.within)
    tree = [one for one in found if one.path >= (0,) or not one.path]
    words = {Verdict.MATCH: "true", Verdict.NO_MATCH: "false", Verdict.NEEDS_MEASUREMENT: "unknown"}
    verdict = words[_verdict(world.asked, row, within=world.within)]
    assert verdict == (tree[0].verdict if tree == found else "false")
    assert [one.path for one in tree] == sorted(one.path for one in tree)


_OPEN = lower(
    Condition.model_validate({"fact": "axial_length_od", "op": "ge", "value": "20", "unknown": "needs_measurement"}),
    within=NOTHING,
)


@_FEW
@given(worlds(), st.sampled_from(ROWS))
def test_a_line_is_decisive_if_another_verdict_of_it_changes_the_whole(world: World, row: dict[str, Any]) -> None:
    rule, within, row = world.asked, world.within, row | {"axial_length_od": None}
    for line in explain_nodes(rule, row, within=within):
        if line.path and line.path[0] < 0:
            continue
        whole = set()
        for instead in (ALWAYS, NEVER, _OPEN):
            found = lowering._whole(rule.where, within=within, key=rule.key, fixed={line.path: instead})
            whole.add(evaluate(around(rule, tree=found[()].lowered, within=within), row))
        assert line.decisive is (len(whole) > 1)


# ── the smallest change ──────────────────────────────────────────────────────────────────────────────────


def _done(rule: Rule, row: dict[str, Any], steps: list[Step], *, within: Surroundings) -> Verdict:
    """The verdict when some steps are done."""
    changed = row | {step.fact: step.value for step in steps if step.on is None}
    on = max((step.on for step in steps if step.on is not None), default=within.on)
    return _verdict(rule, changed, within=replace(within, on=on))


def _turns_by_what_is_needed(world: World, row: dict[str, Any]) -> None:
    rule, within = world.asked, world.within
    matched = _verdict(rule, row, within=within) is Verdict.MATCH
    wanted = Verdict.NO_MATCH if matched else Verdict.MATCH
    steps = flips(rule, row, within=within)
    if steps:
        assert _done(rule, row, steps, within=within) is wanted
    for step in steps:
        assert _done(rule, row, [other for other in steps if other is not step], within=within) is not wanted
        assert step.on is None or step.value is None


@settings(deadline=None, max_examples=400)
@given(worlds(), st.sampled_from(ROWS))
def test_the_steps_turn_the_verdict_and_none_of_them_is_needless(world: World, row: dict[str, Any]) -> None:
    _turns_by_what_is_needed(world, row)


def test_where_the_search_is_cut_short_no_step_is_needless_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "BEAM", 1)
    for seed in range(300):
        _turns_by_what_is_needed(random_world(random.Random(seed), leaves=14), ROWS[seed % len(ROWS)])


@_FEW
@given(worlds(leaves=5), st.sampled_from(ROWS))
def test_where_one_other_value_would_do_a_change_is_found(world: World, row: dict[str, Any]) -> None:
    rule, within = world.asked, world.within
    lowered = lower_rule(rule, within=within)
    wanted = Verdict.NO_MATCH if evaluate(lowered, row) is Verdict.MATCH else Verdict.MATCH
    other: dict[str, list[Any]] = {
        "cct_um_od": [470, 479, 480, 490],
        "se_od": [Decimal(-3), Decimal("-0.25"), Decimal(3)],
    }
    other |= {"product": ["ok_lens", "functional"], "product_od": ["ok_lens", "functional"]}
    if any(evaluate(lowered, row | {name: value}) is wanted for name, values in other.items() for value in values):
        steps = flips(rule, row, within=within)
        assert len(steps) == 1


def _told(rule: Rule, row: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one.path, one.fact, one.now, one.needed, one.on) for one in flips(rule, row, within=NOTHING)]


def _ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_the_change_is_the_least_and_names_the_line() -> None:
    rule = _rule(
        {"all": [{"fact": "se_od", "op": "le", "value": "-0.75"}, {"fact": "cct_um_od", "op": "ge", "value": 480}]}
    )
    assert _told(rule, {"se_od": Decimal("-0.50"), "cct_um_od": 500}) == [((0,), "se_od", "-0.50", "-0.75", None)]
    assert _told(rule, {"se_od": Decimal("-1.00"), "cct_um_od": 500}) == [((0,), "se_od", "-1.00", "-0.74", None)]
    assert _told(rule, {"se_od": Decimal("-4.00"), "cct_um_od": 500}) == [((1,), "cct_um_od", "500", "479", None)]
    assert _told(rule, {"se_od": Decimal("-1.00")}) == [((1,), "cct_um_od", None, "480", None)]


def test_a_fact_that_two_lines_ask_changes_once() -> None:
    between = [{"fact": "se_od", "op": "ge", "value": "-6.00"}, {"fact": "se_od", "op": "le", "value": "-0.75"}]
    assert _told(_rule({"all": between}), {"se_od": Decimal("-8.00")}) == [((0,), "se_od", "-8.00", "-6.00", None)]


def test_of_alternatives_the_nearer_one_is_told() -> None:
    rule = _rule({"any": [{"fact": "se_od", "op": "le", "value": "-6"}, {"fact": "se_os", "op": "le", "value": "-2"}]})
    assert _told(rule, {"se_od": Decimal("-1"), "se_os": Decimal("-1")}) == [((1,), "se_os", "-1", "-2", None)]


def test_where_any_measurement_would_do_no_value_is_told() -> None:
    assert _told(_rule({"fact": "cct_um_od", "op": "is_known"}), {}) == [((), "cct_um_od", None, None, None)]


@pytest.mark.parametrize(
    ("fact", "op", "number", "value", "day"),
    [
        ("birth_date", "age_ge", 8, date(2018, 11, 23), date(2026, 11, 23)),
        ("birth_date", "age_ge", 11, date(2016, 2, 29), date(2027, 3, 1)),
        ("birth_date", "age_ge", 12, date(2016, 2, 29), date(2028, 2, 29)),
        ("wear_start_on", "months_ago_ge", 6, date(2026, 8, 31), date(2027, 2, 28)),
        ("wear_start_on", "months_ago_ge", 18, date(2026, 8, 31), date(2028, 2, 29)),
        ("last_exam_on", "days_ago_gt", 30, _ago(30), TODAY + timedelta(days=1)),
        ("last_exam_on", "days_ago_ge", 30, _ago(20), TODAY + timedelta(days=10)),
    ],
)
def test_waiting_is_told_to_the_day(fact: str, op: str, number: int, value: date, day: date) -> None:
    rule = _rule({"fact": fact, "op": op, "value": number})
    assert _told(rule, {fact: value}) == [((), fact, value.isoformat(), None, day)]
    before = replace(NOTHING, on=day - timedelta(days=1))
    assert _verdict(rule, {fact: value}, within=before) is Verdict.NO_MATCH
    assert _verdict(rule, {fact: value}, within=replace(NOTHING, on=day)) is Verdict.MATCH


def test_what_happened_is_not_moved_back_but_may_happen_again() -> None:
    recent = _rule({"fact": "last_exam_on", "op": "days_ago_le", "value": 30})
    assert _told(recent, {"last_exam_on": _ago(40)}) == [
        ((), "last_exam_on", _ago(40).isoformat(), _ago(30).isoformat(), None)
    ]
    fixed = _rule({"fact": "birth_date", "op": "age_lt", "value": 8})
    assert _told(fixed, {"birth_date": date(2010, 1, 1)}) == []


def test_waiting_and_a_change_may_go_together() -> None:
    rule = _rule(
        {"all": [{"fact": "birth_date", "op": "age_ge", "value": 8}, {"fact": "cct_um_od", "op": "ge", "value": 480}]}
    )
    assert _told(rule, {"birth_date": date(2019, 1, 10), "cct_um_od": 470}) == [
        ((0,), "birth_date", "2019-01-10", None, date(2027, 1, 10)),
        ((1,), "cct_um_od", "470", "480", None),
    ]


def test_days_of_validity_are_waited_for_too() -> None:
    rule = _rule(GIRL, valid_from="2026-12-01")
    assert _told(rule, {"sex": "female"}) == [(OUTSIDE, "", None, None, date(2026, 12, 1))]
