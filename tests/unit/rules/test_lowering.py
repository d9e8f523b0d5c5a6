"""Relative dates become constants; the calendar's edges are where rules go wrong."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hcrm_core.errors import Rejected
from hcrm_core.eye.age import add_months, months_before, years_and_months, years_before
from hcrm_core.rules import Condition, Parameter, Surroundings, lower
from hcrm_core.rules.lowering import Comparison, Constant
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
