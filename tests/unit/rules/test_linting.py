"""The linter: each check finds its fault, passes over its near miss, and its mend mends."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from hcrm_central.jobs.defaults import read_defaults
from hcrm_core.rules import Parameter, Rule, Surroundings, Verdict, evaluate, lower_rule
from hcrm_core.rules.linting import Finding, Level, Statistics, lint
from tests.rule_trees import World, random_rows, worlds

ON = date(2026, 11, 22)
AGE = {"fact": "birth_date", "op": "age_ge", "value": 8}
MYOPIC = {"fact": "se_od", "op": "le", "value": "-0.50"}
MYOPIC_LEFT = MYOPIC | {"fact": "se_os"}
WEARS = {"fact": "product", "op": "eq", "value": "ok_lens"}
SEEN = {"fact": "last_exam_on", "op": "days_ago_le", "value": 90}


def _parameter(key: str, unit: str, value: str) -> Parameter:
    values: dict[str, Any] = {"key": key, "label": key, "unit": unit, "value": value}
    return Parameter(minimum=Decimal(-9999), maximum=Decimal(9999), citation="test", **values)


PARAMETERS = {one.key: one for one in (_parameter("referral_cct", "µm", "480"), _parameter("growth", "度", "50"))}


def rule(where: dict[str, Any], **values: Any) -> Rule:
    key = values.pop("key", "mine")
    segment = {"key": values.pop("segment", key), "label": "客群"}
    plain = {"key": key, "label": f"规则 {key}", "citation": "test", "segment": segment, "where": where}
    return Rule.model_validate(plain | values)


def every(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"all": list(parts)}


def some(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"any": list(parts)}


def found(
    one: Rule, *others: Rule, statistics: Statistics | None = None, sites: dict[str, Any] | None = None
) -> list[Finding]:
    rules = {other.key: other for other in others}
    within = Surroundings(parameters=PARAMETERS, on=ON, rules=rules, sites=sites or {})
    return lint(one, within=within, statistics=statistics)


def codes(one: Rule, *others: Rule, **options: Any) -> set[str]:
    return {finding.code for finding in found(one, *others, **options)}


def cct(number: int, **values: Any) -> dict[str, Any]:
    return {"fact": "cct_um_od", "op": "lt", "value": number, "citation": "test"} | values


FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # code: a tree that has the fault, a near miss
    "contradiction": (
        every(AGE, {"fact": "birth_date", "op": "age_lt", "value": 8}),
        every(AGE, {"fact": "birth_date", "op": "age_lt", "value": 9}),
    ),
    "always_true": (
        some(AGE, {"not": AGE}),
        some(AGE, {"not": AGE | {"unknown": "yes"}}, WEARS | {"op": "ne"}),
    ),
    "superfluous": (
        every(WEARS, {"fact": "product", "op": "is_known"}),
        every(WEARS, {"fact": "product_od", "op": "is_known"}),
    ),
    "unreachable": (
        some(AGE, {"fact": "birth_date", "op": "age_ge", "value": 9}),
        some(AGE, {"fact": "birth_date", "op": "age_lt", "value": 7}, WEARS),
    ),
    "unreachable_branch": (
        every(AGE, some(WEARS, every(SEEN, {"fact": "birth_date", "op": "age_lt", "value": 8}))),
        every(AGE, some(WEARS, every(SEEN, {"fact": "birth_date", "op": "age_lt", "value": 9}))),
    ),
    "repeated": (every(WEARS, SEEN, WEARS), every(WEARS, SEEN, AGE)),
    "lonely_group": (every(some(WEARS), SEEN), every(some(WEARS, AGE), SEEN)),
    "nested_alike": (every(every(WEARS, AGE), SEEN), every(some(WEARS, AGE), SEEN)),
    "doubly_negated": ({"not": {"not": WEARS}}, {"not": every(WEARS, AGE)}),
    "muted": (every(WEARS, AGE | {"muted": True}), every(WEARS, AGE)),
    "one_eye_only": (every(MYOPIC, AGE), every(MYOPIC, MYOPIC_LEFT)),
    "degrees_for_diopters": (
        {"fact": "se_growth_6m_od", "op": "ge", "value": "50"},
        {"fact": "se_growth_6m_od", "op": "ge", "value": "0.50"},
    ),
    "range_reversed": (
        {"fact": "se_od", "op": "between", "value": ["-0.75", "-6.00"]},
        {"fact": "se_od", "op": "between", "value": ["-6.00", "-0.75"]},
    ),
    "list_of_one": (
        {"fact": "product", "op": "in", "value": ["ok_lens"]},
        {"fact": "product", "op": "in", "value": ["ok_lens", "functional"]},
    ),
    "list_of_all": (
        {"fact": "sex", "op": "in", "value": ["male", "female"]},
        {"fact": "product", "op": "in", "value": ["ok_lens", "functional"]},
    ),
    "exactly_equal": (MYOPIC | {"op": "eq"}, MYOPIC),
    "fixed_day": ({"fact": "last_exam_on", "op": "lt", "value": "2026-01-01"}, SEEN),
    "parameter_exists": (cct(480), cct(481)),
    "unknown_under_not": ({"not": cct(481)}, {"not": cct(481, unknown="needs_measurement")}),
    "unknown_without_effect": (
        {"fact": "product", "op": "is_known", "unknown": "yes"},
        {"fact": "product", "op": "is_known"},
    ),
    "empty_record_matches": (every(AGE | {"unknown": "yes"}), every(AGE | {"unknown": "yes"}, SEEN)),
    "known_contradicts_unknown": (
        every({"fact": "cct_um_od", "op": "is_known"}, cct(481, unknown="yes")),
        every({"fact": "cct_um_od", "op": "is_known"}, cct(481)),
    ),
    "too_many_conditions": (
        some(*[SEEN | {"value": days} for days in range(31)]),
        some(*[SEEN | {"value": days} for days in range(30)]),
    ),
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_found_and_its_near_miss_is_not(code: str) -> None:
    faulty, sound = FAULTS[code]
    assert code in codes(rule(faulty))
    assert code not in codes(rule(sound))


@pytest.mark.parametrize("code", FAULTS)
def test_a_mend_mends_and_breaks_nothing(code: str) -> None:
    faulty = rule(FAULTS[code][0])
    errors = [one for one in found(faulty) if one.level is Level.ERROR and one.code != code]
    for finding in found(faulty):
        if finding.code != code or finding.fix is None:
            continue
        after = found(finding.fix)
        assert (code, finding.path) not in [(one.code, one.path) for one in after]
        assert len([one for one in after if one.level is Level.ERROR]) <= len(errors)


def test_errors_come_first_then_reading_order() -> None:
    levels = [one.level for one in found(rule(every(MYOPIC, AGE, {"fact": "birth_date", "op": "age_lt", "value": 8})))]
    assert levels == sorted(levels, key=list(Level).index)
    assert levels[0] is Level.ERROR


@pytest.mark.parametrize(
    ("condition", "code", "fixed"),
    [
        ({"fact": "se_od", "op": "le", "value": "300"}, "degrees_for_diopters", None),
        ({"fact": "axial_length_od", "op": "ge", "value": "26000"}, "unit_slip", "26"),
        ({"fact": "cct_um_od", "op": "ge", "value": 5}, "out_of_range", None),
    ],
)
def test_a_slip_of_unit_or_sign_is_told_with_what_was_meant(
    condition: dict[str, Any], code: str, fixed: str | None
) -> None:
    (finding,) = [
        one for one in found(rule(condition)) if one.code in ("degrees_for_diopters", "unit_slip", "out_of_range")
    ]
    assert finding.code == code
    if fixed is not None:
        assert finding.fix is not None
        assert Decimal(str(finding.fix.as_json()["where"]["value"])) == Decimal(fixed)


# ── the rule as a whole ──────────────────────────────────────────────────────────────────────────────────


def test_a_rule_needs_a_name_of_its_own() -> None:
    other = rule(SEEN, key="other")
    assert "label_missing" in codes(rule(AGE, label=" "))
    assert "label_taken" in codes(rule(AGE, label=other.label), other)
    assert not {"label_missing", "label_taken"} & codes(rule(AGE), other)


def test_a_segment_is_marked_by_one_rule() -> None:
    assert "segment_taken" in codes(rule(AGE, segment="taken"), rule(SEEN, key="other", segment="taken"))
    assert "segment_taken" not in codes(rule(AGE), rule(SEEN, key="other"), rule(AGE))


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        ("2026-11-23", "2026-11-22", "validity_reversed"),
        (None, "2026-11-21", "validity_over"),
        (None, "2026-11-22", "validity_ends_soon"),
        (None, "2026-12-22", "validity_ends_soon"),
        (None, "2026-12-23", None),
        ("2026-11-22", "2027-11-22", None),
    ],
)
def test_validity_is_checked_against_the_calendar(first: str | None, last: str, code: str | None) -> None:
    told = {one for one in codes(rule(AGE, valid_from=first, valid_until=last)) if one.startswith("validity")}
    assert told == ({code} if code else set())


def test_a_set_of_one_and_a_tie_are_told() -> None:
    mine = rule(AGE, exclusive="lens", priority=1)
    assert "exclusive_alone" in codes(mine)
    assert "priority_tied" in codes(mine, rule(SEEN, key="other", exclusive="lens", priority=1))
    assert not {"priority_tied", "exclusive_alone"} & codes(mine, rule(SEEN, key="other", exclusive="lens", priority=2))


def test_the_same_question_in_two_rules_is_told() -> None:
    assert "duplicate_rule" in codes(rule(every(AGE, SEEN)), rule(every(AGE, SEEN), key="other"))
    assert "contained_in_rule" in codes(rule(every(AGE, SEEN)), rule(AGE, key="other"))
    assert not {"duplicate_rule", "contained_in_rule"} & codes(rule(AGE), rule(every(AGE, SEEN), key="other"))


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"rule": "nowhere"}, "rule_unknown"),
        ({"rule": "mine"}, "rule_cycle"),
        (AGE | {"muted": True}, "rule_empty"),
        ({"fact": "nonsense", "op": "eq", "value": 1}, "fact_unknown"),
        ({"fact": "sex", "op": "gt", "value": "male"}, "operator_unsuitable"),
        ({"fact": "sex", "op": "eq"}, "value_missing"),
        ({"fact": "sex", "op": "is_known", "value": "male"}, "value_superfluous"),
        ({"fact": "sex", "op": "eq", "value": "neither"}, "value_unsuitable"),
        ({"fact": "cct_um_od", "op": "ge", "parameter": "nowhere"}, "parameter_unknown"),
        ({"fact": "cct_um_od", "op": "ge", "parameter": "growth"}, "unit_unsuitable"),
        ({"fact": "sex", "op": "eq", "value": "male", "eyes": "both"}, "eyes_unsuitable"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_nothing_else_is_said(where: dict[str, Any], code: str) -> None:
    told = found(rule(where))
    assert {(one.code, one.level) for one in told} == {(code, Level.ERROR)}


def test_a_site_that_is_not_there_is_an_error() -> None:
    assert codes(rule(AGE, sites=["nowhere"])) == {"site_unknown"}


# ── the clinic's counts ──────────────────────────────────────────────────────────────────────────────────


def counted(**values: Any) -> Statistics:
    return Statistics(customers=100, **values)


def test_counts_speak_at_their_limits_only() -> None:
    asks = rule(cct(481))
    assert "mostly_unknown" in codes(asks, statistics=counted(unknown={"cct_um_od": 0.51}))
    assert "mostly_unknown" not in codes(asks, statistics=counted(unknown={"cct_um_od": 0.50}))
    assert "matches_nobody" in codes(asks, statistics=counted(matching=0))
    assert "matches_everybody" in codes(asks, statistics=counted(matching=100))
    assert not {"matches_nobody", "matches_everybody"} & codes(asks, statistics=counted(matching=99))
    assert "mostly_open" in codes(asks, statistics=counted(matching=10, open=11))
    assert "mostly_open" not in codes(asks, statistics=counted(matching=10, open=10))
    assert "above_capacity" in codes(asks, statistics=counted(most_tasks={"李": 41}, capacity=40))
    assert "above_capacity" not in codes(asks, statistics=counted(most_tasks={"李": 40}, capacity=40))


def test_an_overlap_with_an_exclusive_segment_is_told_with_its_size() -> None:
    mine, other = rule(AGE, exclusive="lens", priority=2), rule(SEEN, key="other", exclusive="lens", priority=1)
    (finding,) = [
        one for one in found(mine, other, statistics=counted(shared={"other": 3})) if one.code == "overlaps_exclusive"
    ]
    assert finding.args["n"] == "3"
    assert "overlaps_exclusive" not in codes(mine, other, statistics=counted(shared={"other": 0}))


# ── always ───────────────────────────────────────────────────────────────────────────────────────────────


def test_no_default_rule_has_an_error_or_a_warning() -> None:
    defaults = read_defaults()
    within = Surroundings(parameters=defaults.parameters, on=ON, rules=defaults.rules)
    told = {
        (key, finding.code)
        for key, one in defaults.rules.items()
        for finding in lint(one, within=within)
        if finding.level is not Level.HINT
    }
    assert told == set()


@settings(max_examples=50)
@given(worlds())
def test_what_is_called_impossible_or_certain_is(world: World) -> None:
    told = {finding.code for finding in lint(world.asked, within=world.within) if finding.path == ()}
    tree = lower_rule(world.asked, within=world.within)
    verdicts = {evaluate(tree, row) for row in random_rows(60, seed=len(str(world.rule)))}
    assert "contradiction" not in told or Verdict.MATCH not in verdicts
    plain = not world.asked.sites and not world.asked.exclusive and world.asked.valid_until is None
    if plain and world.asked.valid_from is None and "always_true" in told:
        assert verdicts == {Verdict.MATCH}


@settings(max_examples=50)
@given(worlds())
def test_a_mend_of_logic_changes_no_verdict(world: World) -> None:
    tree = lower_rule(world.asked, within=world.within)
    rows = random_rows(40, seed=len(str(world.rule)))
    for finding in lint(world.asked, within=world.within):
        if finding.code in ("superfluous", "unreachable", "repeated", "doubly_negated") and finding.fix is not None:
            mended = lower_rule(finding.fix, within=world.within)
            assert [evaluate(mended, row) for row in rows] == [evaluate(tree, row) for row in rows], finding.code
