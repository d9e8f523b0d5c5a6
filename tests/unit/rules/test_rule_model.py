"""Rules are data: they survive JSON, say what is wrong with them, and decide in three values."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from hcrm_central.jobs.defaults import read_defaults
from hcrm_core.rules import Evidence, Node, Parameter, Rule, Surroundings, Verdict, check, evaluate, explain, lower
from hcrm_core.rules.model import MAX_DEPTH, MAX_NODES

ON = date(2026, 11, 22)
NOTHING = Surroundings(parameters={}, on=ON)
NODE: TypeAdapter[Node] = TypeAdapter(Node)
SEGMENT = {"key": "s", "label": "客群"}
KNOWN = {"fact": "sex", "op": "is_known"}


def _parameter(unit: str, value: str = "10") -> Parameter:
    values: dict[str, Any] = {"key": "p", "label": "l", "unit": unit, "value": value}
    return Parameter(minimum=Decimal(0), maximum=Decimal(9999), citation="c", **values)


def _rule(where: Any) -> Rule:
    return Rule.model_validate({"key": "r", "label": "规则", "segment": SEGMENT, "where": where})


def _verdict(where: Any, **row: Any) -> Verdict:
    return evaluate(lower(NODE.validate_python(where), within=NOTHING), row)


@pytest.mark.parametrize("rule", read_defaults().rules.values(), ids=lambda rule: str(rule.key))
def test_a_rule_survives_json(rule: Rule) -> None:
    assert Rule.model_validate(json.loads(json.dumps(rule.as_json()))) == rule


def test_rules_have_a_published_schema() -> None:
    schema = Rule.model_json_schema()
    assert {"AllOf", "AnyOf", "NotOf", "Condition"} <= set(schema["$defs"])


@pytest.mark.parametrize(
    "where", [{"all": []}, {"any": []}, {}, {"all": [{}]}, None, {"fact": "sex"}, {"nor": [KNOWN]}]
)
def test_an_empty_or_unknown_node_is_not_a_rule(where: Any) -> None:
    with pytest.raises(ValidationError):
        _rule(where)


def test_a_misspelt_field_is_told_and_not_passed_over() -> None:
    with pytest.raises(ValidationError, match="unknwon"):
        _rule(KNOWN | {"unknwon": "yes"})


def test_a_float_is_refused_because_it_is_not_exact() -> None:
    with pytest.raises(ValidationError):
        _rule({"fact": "se_od", "op": "ge", "value": 0.5})


@pytest.mark.parametrize(("depth", "fits"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False), (5_000, False)])
def test_a_rule_is_at_most_so_deep(depth: int, *, fits: bool) -> None:
    where: Any = KNOWN
    for _ in range(depth - 1):
        where = {"not": where}
    if fits:
        assert check(_rule(where).where, parameters={}) == []
        return
    with pytest.raises(ValidationError, match="levels"):
        _rule(where)


def test_a_rule_has_at_most_so_many_nodes() -> None:
    assert _rule({"all": [KNOWN] * (MAX_NODES - 1)})
    with pytest.raises(ValidationError, match="nodes"):
        _rule({"all": [KNOWN] * MAX_NODES})


@pytest.mark.parametrize("where", [{"all": 5}, {"any": {"a": 1}}, {"all": "text"}, {"not": 7}, [], 7])
def test_what_is_no_tree_is_refused_like_any_other_mistake(where: Any) -> None:
    with pytest.raises(ValidationError):
        _rule(where)


def test_a_parameter_stays_in_its_range() -> None:
    with pytest.raises(ValidationError, match="outside"):
        Parameter(key="p", label="l", unit="天", value=Decimal(-1), minimum=Decimal(0), maximum=Decimal(5), citation="")


@pytest.mark.parametrize(
    ("condition", "codes"),
    [
        ({"fact": "nonsense", "op": "is_known"}, ["fact_unknown"]),
        ({"fact": "nonsense", "op": "is_known", "eyes": "both"}, ["fact_unknown"]),
        ({"fact": "sex", "op": "is_known", "eyes": "both"}, ["eyes_unsuitable"]),
        ({"fact": "sex", "op": "ge", "value": "male"}, ["operator_unsuitable"]),
        ({"fact": "sex", "op": "eq", "value": "other"}, ["value_unsuitable"]),
        ({"fact": "sex", "op": "eq"}, ["value_missing"]),
        ({"fact": "sex", "op": "is_known", "value": "male"}, ["value_superfluous"]),
        ({"fact": "sex", "op": "in", "value": []}, ["value_unsuitable"]),
        ({"fact": "se_od", "op": "between", "value": ["-6.00"]}, ["value_unsuitable"]),
        ({"fact": "se_od", "op": "ge", "value": "NaN"}, ["value_unsuitable"]),
        ({"fact": "se_od", "op": "ge", "value": "minus one"}, ["value_unsuitable"]),
        ({"fact": "se_od", "op": "ge", "value": True}, ["value_unsuitable"]),
        ({"fact": "ever_bought", "op": "eq", "value": 1}, ["value_unsuitable"]),
        ({"fact": "cct_um_od", "op": "ge", "value": "480"}, ["value_unsuitable"]),
        ({"fact": "last_exam_on", "op": "eq", "value": "2026-02-30"}, ["value_unsuitable"]),
        ({"fact": "last_exam_on", "op": "days_ago_ge", "value": -1}, ["value_unsuitable"]),
        ({"fact": "last_exam_on", "op": "days_ago_ge", "value": 36_501}, ["value_unsuitable"]),
        ({"fact": "last_exam_on", "op": "days_ago_ge", "value": [1]}, ["value_unsuitable"]),
        ({"fact": "last_exam_on", "op": "days_ago_ge", "parameter": "q"}, ["parameter_unknown"]),
        ({"fact": "last_exam_on", "op": "months_ago_ge", "parameter": "p"}, ["unit_unsuitable"]),
        ({"fact": "se_od", "op": "ge", "parameter": "p"}, ["unit_unsuitable"]),
        ({"fact": "sex", "op": "in", "parameter": "p"}, ["operator_unsuitable"]),
        ({"fact": "sex", "op": "ge", "value": "male", "parameter": "p"}, ["operator_unsuitable", "value_superfluous"]),
        ({"fact": "se_growth_6m_from_id_od", "op": "eq", "value": "x"}, ["operator_unsuitable", "value_unsuitable"]),
        ({"fact": "last_exam_on", "op": "days_ago_ge", "parameter": "p"}, []),
    ],
)
def test_every_problem_of_a_condition_is_told(condition: dict[str, Any], codes: list[str]) -> None:
    found = check(NODE.validate_python({"all": [KNOWN, condition]}), parameters={"p": _parameter("天")})
    assert [(problem.code, problem.field) for problem in found] == [(code, f"2:{condition['fact']}") for code in codes]


def test_half_a_day_is_no_number_of_days() -> None:
    node = NODE.validate_python({"fact": "last_exam_on", "op": "days_ago_ge", "parameter": "p"})
    assert [problem.code for problem in check(node, parameters={"p": _parameter("天", "0.5")})] == ["unit_unsuitable"]


# ── three values ─────────────────────────────────────────────────────────────────────────────────────────

THIN = {"fact": "cct_um_od", "op": "lt", "value": 480}


@pytest.mark.parametrize(
    ("unknown", "plain", "negated"),
    [
        ("no", Verdict.NO_MATCH, Verdict.MATCH),
        ("yes", Verdict.MATCH, Verdict.NO_MATCH),
        ("needs_measurement", Verdict.NEEDS_MEASUREMENT, Verdict.NEEDS_MEASUREMENT),
    ],
)
def test_each_condition_says_what_its_unknown_counts_as(unknown: str, plain: Verdict, negated: Verdict) -> None:
    condition = THIN | {"unknown": unknown}
    assert _verdict(condition) is plain
    assert _verdict({"not": condition}) is negated


def test_an_open_condition_leaves_the_rule_open_only_where_it_decides() -> None:
    still_open = THIN | {"unknown": "needs_measurement"}
    male = {"fact": "sex", "op": "eq", "value": "male"}
    assert _verdict({"all": [still_open, male]}, sex="male") is Verdict.NEEDS_MEASUREMENT
    assert _verdict({"all": [still_open, male]}, sex="female") is Verdict.NO_MATCH
    assert _verdict({"any": [still_open, male]}, sex="male") is Verdict.MATCH
    assert _verdict({"any": [still_open, male]}, sex="female") is Verdict.NEEDS_MEASUREMENT


@pytest.mark.parametrize(
    ("eyes", "od", "os", "verdict"),
    [
        ("either", 470, 520, Verdict.MATCH),
        ("both", 470, 520, Verdict.NO_MATCH),
        ("both", 470, 475, Verdict.MATCH),
        ("either", 470, None, Verdict.MATCH),
        ("either", 520, None, Verdict.NEEDS_MEASUREMENT),
        ("both", 470, None, Verdict.NEEDS_MEASUREMENT),
        ("both", 520, None, Verdict.NO_MATCH),
    ],
)
def test_a_condition_may_ask_either_or_both_eyes(eyes: str, od: int | None, os: int | None, verdict: Verdict) -> None:
    condition = {"fact": "cct_um", "eyes": eyes, "op": "lt", "value": 480, "unknown": "needs_measurement"}
    assert _verdict(condition, cct_um_od=od, cct_um_os=os) is verdict


# ── why ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_explanation_names_value_day_threshold_and_verdict_of_every_condition() -> None:
    node = NODE.validate_python(
        {
            "all": [
                {"fact": "se_od", "op": "le", "value": "-0.50"},
                {"fact": "lens_dispensed_on_od", "op": "days_ago_gt", "parameter": "p"},
                {"not": {"fact": "cct_um_os", "op": "lt", "value": 480, "unknown": "yes"}},
            ]
        }
    )
    lowered = lower(node, within=Surroundings(parameters={"p": _parameter("天", "550")}, on=ON))
    row = {"se_od": Decimal("-3.250"), "se_on_od": date(2026, 8, 1), "lens_dispensed_on_od": date(2025, 5, 20)}
    first, second, third = explain(lowered, row, on=ON)
    assert first == Evidence(
        fact="se_od",
        label="右眼等效球镜",
        eye="OD",
        value="-3.250",
        unit="D",
        on="2026-08-01",
        operator="le",
        threshold="-0.50",
        threshold_unit="D",
        quantity=None,
        verdict="true",
        negated=False,
    )
    assert (second.value, second.quantity, second.threshold, second.threshold_unit) == ("2025-05-20", 551, "550", "天")
    assert (third.value, third.verdict, third.negated) == (None, "unknown", True)
    assert all(json.dumps(one.as_json()) for one in (first, second, third))


@pytest.mark.parametrize(
    ("op", "day", "quantity"),
    [
        ("months_ago_ge", date(2026, 5, 22), 6),
        ("months_ago_ge", date(2026, 5, 23), 5),
        ("age_ge", date(2008, 11, 22), 18),
        ("age_ge", date(2008, 11, 23), 17),
        ("in_days_le", date(2026, 11, 25), 3),
        ("days_ago_le", date(2026, 11, 25), -3),
    ],
)
def test_the_explanation_counts_in_the_operators_unit(op: str, day: date, quantity: int) -> None:
    lowered = lower(NODE.validate_python({"fact": "birth_date", "op": op, "value": 6}), within=NOTHING)
    assert explain(lowered, {"birth_date": day}, on=ON)[0].quantity == quantity
