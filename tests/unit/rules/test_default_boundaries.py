"""Every number of every default rule and SOP, from both sides, where it alone decides; every parameter has an effect.

The cases are written from the rules themselves: for each condition a customer is built for whom the rest of the rule
leaves the decision to it, and then its fact is put just below, on and just above its number. What is expected comes
from the operator's words, not from the evaluator.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hcrm_central.jobs.defaults import read_defaults
from hcrm_core.eye.age import add_months, years_before
from hcrm_core.facts.catalogue import Fact, FactType
from hcrm_core.rules import Surroundings, Verdict, evaluate, lower_rule
from hcrm_core.rules.lowering import Comparison, Every, Lowered, Some, lower_nodes
from hcrm_core.rules.model import Condition, Operator, Path, Rule, conditions, nodes
from hcrm_core.rules.reach import NOT_TRUE, Reach, comparisons, everything, narrowed
from hcrm_core.sop import Sop, due_on, occurrence_on, timing, windowed

ON = date(2026, 11, 22)
DEFAULTS = read_defaults()
WITHIN = Surroundings(parameters=DEFAULTS.parameters, on=ON, rules=DEFAULTS.rules)
PLANNING = {"daily_capacity", "escalation_days"}  # of the ledger: tests/central/test_journeys.py
DECIMAL = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Number:
    """One fact of one condition with a number, in a rule."""

    rule: Rule
    path: Path
    fact: str

    def __str__(self) -> str:
        return f"{self.rule.key}:{'.'.join(map(str, self.path))}:{self.fact}"


def as_rules() -> Iterator[Rule]:
    """The rules, and the conditions of SOPs as if they were rules."""
    yield from DEFAULTS.rules.values()
    for sop in DEFAULTS.sops.values():
        where = windowed(sop, timing(sop, parameters=DEFAULTS.parameters))
        if where is not None:
            segment = {"key": f"sop_{sop.key}", "label": sop.label}
            yield Rule(key=f"sop_{sop.key}", label=sop.label, segment=segment, where=where)  # type: ignore[arg-type] # pydantic reads it


def numbers() -> Iterator[Number]:
    for rule in as_rules():
        lowered = lower_nodes(rule, within=WITHIN)
        for path, node in nodes(rule.where):
            if isinstance(node, Condition) and _has_number(node):
                yield from (Number(rule, path, test.fact.name) for test in comparisons(lowered[path]))


def _has_number(node: Condition) -> bool:
    counted = (Operator.IN, Operator.EQ, Operator.NE, Operator.IS_KNOWN, Operator.IS_UNKNOWN)
    return node.op not in counted


NUMBERS = list(numbers())


# ── a customer for whom one condition decides ────────────────────────────────────────────────────────────


def decided_by(number: Number) -> dict[str, Any]:
    """A row of facts with which it hangs on the condition whether the rule holds."""
    tree = lower_rule(number.rule, within=WITHIN)
    leaf = lower_nodes(number.rule, within=WITHIN)[number.path]
    (test,) = [one for one in comparisons(leaf) if one.fact.name == number.fact]
    near = list(cases(test.condition, test.fact))
    met = next(value for value, told in near if told)
    unmet = next(value for value, told in near if not told)
    reach = dict(_open_to(tree, test, everything(tree)) or {})
    source = random.Random(str(number))
    for _ in range(3000):
        row = {name: source.choice(sorted(found, key=repr)) for name, found in reach.items()}
        verdicts = [evaluate(tree, row | {number.fact: value}) for value in (met, unmet)]
        if (verdicts[0] is Verdict.MATCH) != (verdicts[1] is Verdict.MATCH):
            return row
    raise AssertionError(f"nobody is decided by {number}")


def _open_to(tree: Lowered, test: Comparison, reach: Reach) -> Reach | None:
    """What the rest must be: the other parts of an "all" hold, those of an "any" do not."""
    found: Reach | None = reach
    if isinstance(tree, (Every, Some)):
        for part in tree.parts:
            holds = any(one is test or one == test for one in comparisons(part))
            if found is None:
                return None
            if holds:
                found = _open_to(part, test, found)
            elif test.fact.name not in {one.fact.name for one in comparisons(part)}:
                found = narrowed(part, found) if isinstance(tree, Every) else narrowed(part, found, wanted=NOT_TRUE)
    return found


# ── what the operator's words say ────────────────────────────────────────────────────────────────────────


def threshold(node: Condition) -> Decimal:
    if node.parameter is not None:
        parameter = DEFAULTS.parameters[node.parameter]
        return parameter.value
    assert not isinstance(node.value, tuple)
    return Decimal(str(node.value))


def cases(node: Condition, fact: Fact) -> Iterator[tuple[Any, bool]]:
    """Values just below, on and just above the number, each with what the words of the operator say."""
    if node.op is Operator.BETWEEN:
        low, high = (Decimal(str(one)) for one in node.value)  # type: ignore[union-attr] # between has two
        yield from ((low - DECIMAL, False), (low, True), (high, True), (high + DECIMAL, False))
        return
    limit = threshold(node)
    if fact.kind is FactType.DATE:
        yield from _days(node, int(limit))
        return
    if node.parameter is not None and (DEFAULTS.parameters[node.parameter].unit, fact.unit) == ("度", "D"):
        limit /= 100
    step = 1 if fact.kind is FactType.INTEGER else DECIMAL
    kind = int if fact.kind is FactType.INTEGER else Decimal
    for value, order in ((limit - step, -1), (limit, 0), (limit + step, 1)):
        yield kind(value), {"lt": order < 0, "le": order <= 0, "gt": order > 0, "ge": order >= 0}[node.op.value]


def _days(node: Condition, number: int) -> Iterator[tuple[date, bool]]:
    kind, _, word = node.op.value.rpartition("_")
    if kind == "days_ago":
        for days in (number - 1, number, number + 1):
            told = {"gt": days > number, "ge": days >= number, "le": days <= number, "lt": days < number}[word]
            yield ON - timedelta(days=days), told
    elif kind == "in_days":
        for days in (number - 1, number, number + 1):
            yield ON + timedelta(days=days), days <= number if word == "le" else days > number
    else:
        begin = years_before(ON, years=number) if kind == "age" else add_months(ON, months=-number)
        for day, passed in ((begin - timedelta(days=1), True), (begin, True), (begin + timedelta(days=1), False)):
            yield day, passed if word == "ge" else not passed


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_a_number_of_a_default_rule_decides_from_both_sides(number: Number) -> None:
    row = decided_by(number)
    tree = lower_rule(number.rule, within=WITHIN)
    (node,) = [one for path, one in nodes(number.rule.where) if path == number.path]
    assert isinstance(node, Condition)
    (fact,) = {one.fact.name: one.fact for one in comparisons(tree) if one.fact.name == number.fact}.values()
    told = [(evaluate(tree, row | {number.fact: value}) is Verdict.MATCH, said) for value, said in cases(node, fact)]
    assert len({holds == said for holds, said in told}) == 1, told  # below a "not" all are turned
    assert {said for _, said in told} == {True, False}


def test_there_are_as_many_boundaries_as_numbers() -> None:
    counted = sum(_has_number(one) for rule in as_rules() for one in conditions(rule.where))
    assert len({(one.rule.key, one.path) for one in NUMBERS}) == counted > 50


# ── parameters ───────────────────────────────────────────────────────────────────────────────────────────


def with_parameter(key: str, value: Decimal) -> Surroundings:
    changed = DEFAULTS.parameters[key].model_copy(update={"value": value})
    return replace(WITHIN, parameters={**DEFAULTS.parameters, key: changed})


def _other_value(key: str) -> Decimal:
    parameter = DEFAULTS.parameters[key]
    return parameter.maximum if parameter.value != parameter.maximum else parameter.minimum


@pytest.mark.parametrize("key", sorted(set(DEFAULTS.parameters) - PLANNING))
def test_a_parameter_changes_what_a_rule_or_an_sop_says(key: str) -> None:
    assert _changes_a_verdict(key) or _changes_a_day(key)


def _changes_a_verdict(key: str) -> bool:
    other = with_parameter(key, _other_value(key))
    for number in NUMBERS:
        node = dict(nodes(number.rule.where))[number.path]
        if isinstance(node, Condition) and node.parameter == key:
            before, after = lower_rule(number.rule, within=WITHIN), lower_rule(number.rule, within=other)
            values = everything(Every((before, after)))[number.fact]
            row = decided_by(number)
            if any(evaluate(before, row | {number.fact: v}) != evaluate(after, row | {number.fact: v}) for v in values):
                return True
    return False


def _changes_a_day(key: str) -> bool:
    other = with_parameter(key, _other_value(key)).parameters
    return any(_schedule(sop, DEFAULTS.parameters) != _schedule(sop, other) for sop in DEFAULTS.sops.values())


def _schedule(sop: Sop, parameters: Mapping[str, Any]) -> list[Any]:
    """For anchors of the last two years: whether the SOP's days are here, which occurrence, due when."""
    when = timing(sop, parameters=parameters)
    told: list[Any] = []
    for days in range(730):
        anchor = ON - timedelta(days=days)
        cycle = occurrence_on(when, anchor_on=anchor, today=ON)
        told.append((cycle, cycle and due_on(when, anchor_on=cycle, today=ON), windowed(sop, when)))
    return told
