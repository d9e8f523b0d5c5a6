"""Which values a rule may hold: as they are written, within the calendar, no larger than a database compares."""

from datetime import date
from typing import Any

import pytest

from hcrm_core.rules import Rule, Surroundings, check, flips
from hcrm_core.rules.linting import lint
from hcrm_core.rules.lowering import lower_rule

ON = date(2026, 11, 22)
_NO_NUMBERS = [
    "1000000000",
    "0.1234567891",
    "1e3",
    "1e999999",
    "NaN",
    "sNaN",
    "-Infinity",
    "1_0",
    "１２",
    "1,5",
    "1.",
    ".5",
    "0x1",
]
_NO_DAYS = [
    "1899-12-31",
    "2200-01-01",
    "0001-01-01",
    "9999-12-31",
    "2023-02-29",
    "2024-W05-1",
    "20240229",
    "2024-2-29",
    "２０24-02-29",
]
WITHIN = Surroundings(parameters={}, on=ON, rules={})


def rule(where: dict[str, Any], **more: Any) -> Rule:
    return Rule.model_validate(
        {"key": "r", "label": "试", "segment": {"key": "r", "label": "试"}, "citation": "-", "where": where, **more}
    )


def is_readable(fact: str, op: str, value: Any) -> bool:
    where = rule({"fact": fact, "op": op, "value": value}).where
    codes = [problem.code for problem in check(where, parameters={})]
    assert codes in ([], ["value_unsuitable"])
    return not codes


@pytest.mark.parametrize("value", ["-0.50", "+0.75", "0", "999999999", "-999999999.999999999", 3, 10**9 - 1, "-0.00"])
def test_a_number_is_written_in_plain_digits(value: str | int) -> None:
    assert is_readable("se_od", "lt", value)


@pytest.mark.parametrize(
    "value",
    [*_NO_NUMBERS, "", " 1", "1\n", 10**9, -(10**30), True],
)
def test_what_is_written_otherwise_or_is_larger_is_no_number(value: Any) -> None:
    assert not is_readable("se_od", "lt", value)


@pytest.mark.parametrize("value", ["1900-01-01", "2199-12-31", "2024-02-29"])
def test_a_day_is_of_a_time_in_which_people_live(value: str) -> None:
    assert is_readable("filed_on", "ge", value)


@pytest.mark.parametrize(
    "value",
    [*_NO_DAYS, "2024-02-29\n", "", 20240229],
)
def test_another_day_is_none(value: Any) -> None:
    assert not is_readable("filed_on", "ge", value)


def test_a_list_is_no_longer_than_there_are_words() -> None:
    assert is_readable("sex", "in", ["female", "male"])
    assert not is_readable("sex", "in", ["female"] * 70_000)
    assert not is_readable("sex", "in", [])


def test_a_site_named_many_times_is_asked_for_once() -> None:
    known = Surroundings(parameters={}, on=ON, rules={}, sites={"north": 1})  # type: ignore[dict-item] # any id
    once, often = (rule({"fact": "sex", "op": "is_known"}, sites=["north"] * many) for many in (1, 70_000))
    assert str(lower_rule(often, within=known)).count("constants=(1,)") == 1
    assert lower_rule(once, within=known) != lower_rule(rule({"fact": "sex", "op": "is_known"}), within=known)


@pytest.mark.parametrize("value", ["", "sNaN", True, "2023-02-29", 10**30])
def test_what_cannot_be_read_is_found_and_not_calculated_with(value: Any) -> None:
    for fact, op in (("se_od", "lt"), ("filed_on", "days_ago_gt"), ("filed_on", "eq")):
        found = lint(rule({"fact": fact, "op": op, "value": value}), within=WITHIN)
        assert [one.code for one in found] == ["value_unsuitable"]


# Some records write the last day of the calendar for never, and the first for unknown.
@pytest.mark.parametrize("day", [date.min, date(9998, 1, 1), date.max])
@pytest.mark.parametrize(
    ("op", "value"),
    [
        ("days_ago_gt", 36_500),
        ("days_ago_le", 0),
        ("in_days_le", 36_500),
        ("in_days_gt", 0),
        ("months_ago_ge", 1_200),
        ("months_ago_lt", 1),
        ("age_ge", 120),
        ("age_lt", 1),
    ],
)
def test_nobody_waits_beyond_the_calendar(op: str, value: int, day: date) -> None:
    asked = rule({"fact": "recheck_due_on", "op": op, "value": value})
    assert all(step.on is None for step in flips(asked, {"recheck_due_on": day}, within=WITHIN))


def test_a_rule_may_be_valid_until_the_last_day_and_nobody_waits_for_its_end() -> None:
    asked = rule({"fact": "sex", "op": "is_known"}, valid_from="0001-01-01", valid_until="9999-12-31")
    assert flips(asked, {"sex": "female"}, within=WITHIN) == []


def test_a_wait_is_as_long_as_a_life_at_most() -> None:
    def waits(days: int) -> bool:
        asked = rule({"fact": "sex", "op": "is_known"}, valid_from=date.fromordinal(ON.toordinal() + days).isoformat())
        return any(step.on is not None for step in flips(asked, {"sex": "female"}, within=WITHIN))

    assert (waits(36_500), waits(36_501)) == (True, False)
