"""Relative dates become constants; the calendar's edges are where rules go wrong."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hcrm_core.errors import Rejected
from hcrm_core.eye.age import add_months, months_before, years_and_months, years_before
from hcrm_core.rules import Condition, Parameter, Rule, Surroundings, Verdict, evaluate, lower, lower_rule
from hcrm_core.rules.lowering import Comparison, Constant, lower_lines, lower_nodes, lower_with_leaf
from hcrm_core.rules.model import Operator

DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2060, 12, 31))


@given(DAYS, st.integers(0, 60))
def test_months_before_is_the_latest_day_whose_anniversary_has_come(on: date, months: int) -> None:
    found = months_before(on, months=months)
    assert add_months(found, months=months) <= on
    assert add_months(found + timedelta(days=1), months=months) > on


@pytest.mark.parametrize(
    ("on", "latest"),
    [
        (date(2026, 11, 22), date(2026, 5, 22)),
        (date(2027, 2, 28), date(2026, 8, 31)),  # the month's last day answers for the 29th to 31st
        (date(2028, 2, 29), date(2027, 8, 31)),
        (date(2028, 2, 28), date(2027, 8, 28)),
        (date(2026, 8, 30), date(2026, 2, 28)),
    ],
)
def test_six_months_before(on: date, latest: date) -> None:
    assert months_before(on, months=6) == latest


@pytest.mark.parametrize(
    ("born", "adult_on"),
    [
        (date(2008, 11, 22), date(2026, 11, 22)),
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2010, 2, 28), date(2028, 2, 28)),
    ],
)
def test_the_eighteenth_birthday(born: date, adult_on: date) -> None:
    assert years_before(adult_on, years=18) >= born
    assert years_before(adult_on - timedelta(days=1), years=18) < born


@given(DAYS, st.integers(0, 100))
@example(date(2026, 2, 28), 18)
@example(date(2028, 2, 29), 18)
def test_an_age_in_a_rule_is_the_age_in_the_record(on: date, years: int) -> None:
    latest = years_before(on, years=years)
    assert years_and_months(latest, on=on)[0] == years
    assert latest + timedelta(days=1) > on or years_and_months(latest + timedelta(days=1), on=on)[0] < years


@pytest.mark.parametrize(
    ("operator", "lowered", "day"),
    [
        (Operator.DAYS_AGO_GT, Operator.LT, date(2026, 11, 12)),
        (Operator.DAYS_AGO_GE, Operator.LE, date(2026, 11, 12)),
        (Operator.DAYS_AGO_LE, Operator.GE, date(2026, 11, 12)),
        (Operator.DAYS_AGO_LT, Operator.GT, date(2026, 11, 12)),
        (Operator.IN_DAYS_LE, Operator.LE, date(2026, 12, 2)),
        (Operator.IN_DAYS_GT, Operator.GT, date(2026, 12, 2)),
    ],
)
def test_relative_days_become_one_constant(operator: Operator, lowered: Operator, day: date) -> None:
    found = _lowered(Condition(fact="last_exam_on", op=operator, value=10))
    assert (found.op, found.constants) == (lowered, (day,))


@pytest.mark.parametrize(
    ("fact", "value", "constant"),
    [
        ("se_od", "-0.50", Decimal("-0.50")),
        ("cct_um_od", 480, 480),
        ("product", "ok_lens", "ok_lens"),
        ("ever_bought", True, True),
        ("last_exam_on", "2026-02-28", date(2026, 2, 28)),
    ],
)
def test_a_constant_has_the_type_of_its_fact(fact: str, value: str | int | bool, constant: Constant) -> None:  # noqa: FBT001
    assert _lowered(Condition(fact=fact, op=Operator.EQ, value=value)).constants == (constant,)


def test_fifty_degrees_are_half_a_diopter() -> None:
    parameter = Parameter(key="p", label="l", unit="度", value=50, minimum=25, maximum=200, citation="c")
    condition = Condition(fact="se_growth_6m_od", op=Operator.GE, parameter="p")
    found = lower(condition, within=Surroundings(parameters={"p": parameter}, on=date(2026, 11, 22)))
    assert isinstance(found, Comparison)
    assert found.constants == (Decimal("0.50"),)
    assert (found.threshold, found.unit) == ("50", "度")


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        (Condition(fact="nonsense", op=Operator.IS_KNOWN), "fact_unknown"),
        (Condition(fact="se_od", op=Operator.GE, parameter="nonsense"), "parameter_unknown"),
    ],
)
def test_what_is_not_there_is_told(condition: Condition, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        _lowered(condition)
    assert refused.value.code == code


def _lowered(condition: Condition) -> Comparison:
    found = lower(condition, within=Surroundings(parameters={}, on=date(2026, 11, 22)))
    assert isinstance(found, Comparison)
    return found


# ── what surrounds a rule ────────────────────────────────────────────────────────────────────────────────

ON = date(2026, 11, 22)
GIRL = {"fact": "sex", "op": "eq", "value": "female"}
BOUGHT = {"fact": "ever_bought", "op": "eq", "value": True}
THICK = {"fact": "cct_um_od", "op": "ge", "value": 480, "unknown": "needs_measurement"}


def _rule(where: Any, **options: Any) -> Rule:
    key = options.pop("key", "r")
    raw = {"key": key, "label": key, "segment": {"key": key, "label": key}, "where": where}
    return Rule.model_validate(raw | options)


def _within(*others: Rule) -> Surroundings:
    return Surroundings(
        parameters={}, on=ON, rules={other.key: other for other in others}, sites={"north": UUID(int=1)}
    )


def _verdict(rule: Rule, *others: Rule, **row: Any) -> Verdict:
    return evaluate(lower_rule(rule, within=_within(*others)), row)


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        (None, None, Verdict.MATCH),
        ("2026-11-22", "2026-11-22", Verdict.MATCH),
        ("2026-11-23", None, Verdict.NO_MATCH),
        (None, "2026-11-21", Verdict.NO_MATCH),
    ],
)
def test_nobody_matches_outside_the_days_of_validity(first: str | None, last: str | None, verdict: Verdict) -> None:
    assert _verdict(_rule(GIRL, valid_from=first, valid_until=last), sex="female") is verdict


@pytest.mark.parametrize(
    ("site", "verdict"), [(UUID(int=1), Verdict.MATCH), (UUID(int=2), Verdict.NO_MATCH), (None, Verdict.NO_MATCH)]
)
def test_a_rule_holds_at_its_sites(site: UUID | None, verdict: Verdict) -> None:
    assert _verdict(_rule(GIRL, sites=["north"]), sex="female", site_id=site) is verdict


def test_a_muted_line_is_as_if_it_were_not_there() -> None:
    rule = _rule({"all": [GIRL, BOUGHT | {"muted": True}, {"any": [THICK | {"muted": True}]}]})
    assert _verdict(rule, sex="female", ever_bought=False) is Verdict.MATCH
    assert list(lower_nodes(rule, within=_within())) == [(), (0,)]


def test_a_reference_asks_what_the_other_rule_asks_wherever_and_whenever_that_holds() -> None:
    other = _rule(BOUGHT, key="other", sites=["north"], valid_until="2020-01-01")
    rule = _rule({"all": [GIRL, {"not": {"rule": "other"}}]})
    assert _verdict(rule, other, sex="female", ever_bought=False) is Verdict.MATCH
    assert _verdict(rule, other, sex="female", ever_bought=True) is Verdict.NO_MATCH
    assert list(lower_nodes(rule, within=_within(other))) == [(), (0,), (1,), (1, 0)]
    assert list(lower_lines(rule, within=_within(other))) == [(), (0,), (1,), (1, 0), (1, 0, 0)]


@pytest.mark.parametrize(
    ("priority", "key", "cct", "verdict"),
    [
        (1, "z", 500, Verdict.NO_MATCH),  # the other one takes the customer
        (1, "z", 470, Verdict.MATCH),
        (1, "z", None, Verdict.MATCH),  # perhaps is not certainly
        (100, "a", 500, Verdict.NO_MATCH),  # the key breaks the tie
        (100, "z", 500, Verdict.MATCH),
        (101, "a", 500, Verdict.MATCH),
    ],
)
def test_of_exclusive_segments_the_smaller_priority_takes_who_certainly_matches(
    priority: int, key: str, cct: int | None, verdict: Verdict
) -> None:
    other = _rule(THICK, key=key, exclusive="x", priority=priority)
    assert _verdict(_rule(GIRL, exclusive="x"), other, sex="female", cct_um_od=cct) is verdict
    assert _verdict(_rule(GIRL, exclusive="y"), other, sex="female", cct_um_od=cct) is Verdict.MATCH


def test_a_rules_own_published_version_does_not_exclude_it() -> None:
    rule = _rule(GIRL, exclusive="x", priority=2)
    assert _verdict(rule, rule.model_copy(update={"priority": 1}), sex="female") is Verdict.MATCH


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (_rule({"all": [GIRL | {"muted": True}]}), "rule_empty"),
        (_rule({"rule": "nobody"}), "rule_unknown"),
        (_rule({"rule": "r"}), "rule_cycle"),
        (_rule({"rule": "to_r"}), "rule_cycle"),
        (_rule({"rule": "to_itself"}), "rule_cycle"),
        (_rule({"rule": "muted"}), "rule_empty"),
        (_rule({"rule": "wide_2"}), "rule_too_large"),
        (_rule({"rule": "deep_6"}), "rule_too_large"),
        (_rule(GIRL, sites=["north", "nowhere"]), "site_unknown"),
    ],
)
def test_what_cannot_be_lowered_is_refused_by_name(rule: Rule, code: str) -> None:
    others = [_rule({"rule": "r"}, key="to_r"), _rule({"rule": "to_itself"}, key="to_itself")]
    others += [
        _rule({"any": [GIRL | {"muted": True}]}, key="muted"),
        _rule(GIRL, key="wide_0"),
        _rule(GIRL, key="deep_0"),
    ]
    for n in range(6):
        others.append(_rule({"any": [{"rule": f"wide_{n}"}] * 100}, key=f"wide_{n + 1}"))
        others.append(_rule({"not": {"not": {"not": {"not": {"not": {"rule": f"deep_{n}"}}}}}}, key=f"deep_{n + 1}"))
    with pytest.raises(Rejected) as refused:
        lower_rule(rule, within=_within(*others))
    assert refused.value.code == code


def test_one_condition_may_be_taken_for_met_or_unmet() -> None:
    rule = _rule({"all": [GIRL, THICK]})
    met, unmet = (lower_with_leaf(rule, (1,), met=met, within=_within()) for met in (True, False))
    assert evaluate(met, {"sex": "female"}) is Verdict.MATCH
    assert evaluate(unmet, {"sex": "female", "cct_um_od": 500}) is Verdict.NO_MATCH
