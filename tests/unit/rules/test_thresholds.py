"""A dragged threshold: what the histogram tells is what counting afresh would tell, at every threshold."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hcrm_core.errors import Rejected
from hcrm_core.rules import Condition, Rule, Surroundings, lower_rule
from hcrm_core.rules.evaluation import reader
from hcrm_core.rules.messages import Histogram
from hcrm_core.rules.model import Path, nodes
from hcrm_core.rules.thresholds import HistogramReader, is_draggable, threshold_of, threshold_split, with_threshold
from tests.rule_trees import PARAMETERS, TODAY, World, random_rows, worlds

ROWS = random_rows(40, seed=7)
THRESHOLDS: dict[bool, list[int | str]] = {
    True: [0, 1, 8, 11, 12, 364, 365, 366],
    False: ["-1.00", "-0.25", "-0.125", "0.00", "0.50", "3"],
}


def _draggable(rule: Rule) -> list[Path]:
    return [path for path, node in nodes(rule.where) if isinstance(node, Condition) and is_draggable(node)]


def _counted(rule: Rule, path: Path, within: Surroundings) -> Histogram:
    """As the centre counts it."""
    split = threshold_split(rule, path, within=within)
    always, decided = reader(split.always), reader(split.decided)
    values: Counter[Any] = Counter()
    for row in ROWS:
        if decided(row):
            assert always(row) is not True
            known = [row[name] for name in split.facts if row[name] is not None]
            values[max(known) if split.greatest else min(known)] += 1
    many = sum(always(row) is True for row in ROWS)
    listed = [(str(value), values[value]) for value in sorted(values)]
    return Histogram(path=path, always=many, never=len(ROWS) - many - values.total(), values=listed)


def _thresholds(condition: Condition) -> list[Decimal]:
    if condition.fact.startswith("cct"):
        return [Decimal(number) for number in range(477, 483)]
    relative = "days" in condition.op or "months" in condition.op or "age" in condition.op
    return [Decimal(number) for number in THRESHOLDS[relative]]


@settings(deadline=None, max_examples=150)
@given(worlds(leaves=5), st.data())
def test_the_histogram_tells_what_counting_tells(world: World, data: st.DataObject) -> None:
    rule, within = world.asked, world.within
    assume(_draggable(rule) and not (rule.sites and "site_id" not in ROWS[0]))
    path = data.draw(st.sampled_from(_draggable(rule)))
    told = HistogramReader(_counted(rule, path, within), rule=rule, on=within.on)
    condition = dict(nodes(rule.where))[path]
    assert isinstance(condition, Condition)
    for value in [*_thresholds(condition), threshold_of(condition, parameters=PARAMETERS)]:
        says = reader(lower_rule(with_threshold(rule, path, value=value), within=within))
        assert told.matching(value) == sum(says(row) is True for row in ROWS)


def _rule(condition: dict[str, Any]) -> Rule:
    return Rule.model_validate({"key": "r", "label": "r", "segment": {"key": "r", "label": "r"}, "where": condition})


def test_each_threshold_on_both_sides_of_a_value() -> None:
    values = [("-0.500", 3), ("-0.250", 2)]
    for op, expected in {"lt": (0, 3, 5), "le": (3, 5, 5), "ge": (5, 2, 0), "gt": (2, 0, 0)}.items():
        told = HistogramReader(
            Histogram(path=(), always=10, never=0, values=values),
            rule=_rule({"fact": "se_od", "op": op, "value": "0"}),
            on=TODAY,
        )
        assert tuple(told.matching(Decimal(value)) - 10 for value in ("-0.5", "-0.25", "-0.24")) == expected


def test_a_number_dragged_away_from_a_parameter_is_the_rules_own() -> None:
    rule = _rule({"fact": "se_growth_6m_od", "op": "ge", "parameter": "degrees"})
    assert isinstance(rule.where, Condition)
    assert threshold_of(rule.where, parameters=PARAMETERS) == Decimal("0.50")
    moved = with_threshold(rule, (), value=Decimal("0.75")).where
    assert isinstance(moved, Condition)
    assert (moved.value, moved.parameter) == ("0.75", None)


@pytest.mark.parametrize(
    ("condition", "draggable"),
    [
        ({"fact": "se_od", "op": "ge", "value": "-1"}, True),
        ({"fact": "cct_um", "eyes": "both", "op": "lt", "value": 480}, True),
        ({"fact": "birth_date", "op": "age_ge", "value": 8}, True),
        ({"fact": "birth_date", "op": "ge", "value": "2020-01-01"}, False),
        ({"fact": "se_od", "op": "eq", "value": "-1"}, False),
        ({"fact": "se_od", "op": "between", "value": ["-1", "1"]}, False),
        ({"fact": "product", "op": "eq", "value": "ok_lens"}, False),
        ({"fact": "se_od", "op": "is_known"}, False),
    ],
)
def test_only_a_single_number_can_be_dragged(condition: dict[str, Any], *, draggable: bool) -> None:
    found = _rule(condition)
    assert isinstance(found.where, Condition)
    assert is_draggable(found.where) is draggable


@pytest.mark.parametrize("condition", [("last_exam_on", "days_ago_ge", 3), ("cct_um_od", "ge", 480)])
def test_half_a_day_is_refused(condition: tuple[str, str, int]) -> None:
    fact, op, value = condition
    with pytest.raises(Rejected) as refused:
        with_threshold(_rule({"fact": fact, "op": op, "value": value}), (), value=Decimal("3.5"))
    assert refused.value.code == "value_unsuitable"
