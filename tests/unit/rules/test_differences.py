"""What changed between two versions: all of it, no more, and each change once."""

import random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hcrm_core.errors import Rejected
from hcrm_core.rules import Rule, editing
from hcrm_core.rules.differences import Change, Difference, differences
from hcrm_core.rules.model import AllOf, AnyOf, Condition, Path, children, nodes
from tests.rule_trees import random_tree

_SEEDS = st.integers(0, 2**32)


def _rule(where: Any, **options: Any) -> Rule:
    raw = {"key": "r", "label": "r", "segment": {"key": "r", "label": "r"}, "where": where}
    return Rule.model_validate(raw | options)


def _random(seed: int, *, distinct: bool = False) -> Rule:
    rule = _rule(random_tree(random.Random(seed), leaves=12))
    return _distinct(rule) if distinct else rule


def _distinct(rule: Rule) -> Rule:
    """No two lines alike, so that it is certain which line was edited."""
    where = rule.where
    for number, (path, node) in enumerate(nodes(where)):
        if isinstance(node, Condition):
            named = Condition.model_validate({"fact": f"fact_{number}", "op": "ge", "value": number})
            where, _ = editing.replaced(where, path, named)
        else:
            where, _ = editing.replaced(where, path, editing.at(where, path).model_copy(update={"muted": False}))
    return rule.model_copy(update={"where": where})


def _edited(rule: Rule, where: Any) -> Rule:
    return rule.model_copy(update={"where": where})


def _told(before: Any, after: Any) -> list[tuple[Any, ...]]:
    found = differences(_rule(before), _rule(after))
    return [(one.change.value, one.before, one.after, one.field) for one in found]


@given(_SEEDS)
def test_a_rule_does_not_differ_from_itself(seed: int) -> None:
    assert differences(_random(seed), _random(seed)) == []


@given(_SEEDS, _SEEDS)
def test_every_difference_is_a_real_one_and_none_is_missed(one: int, other: int) -> None:
    before, after = _random(one), _random(other)
    found = differences(before, after)
    assert bool(found) is (before != after)
    for difference in found:
        _is_real(difference, before, after)
    assert len(set(map(repr, found))) == len(found)


def _is_real(found: Difference, before: Rule, after: Rule) -> None:
    old = None if found.before is None else editing.at(before.where, found.before)
    new = None if found.after is None else editing.at(after.where, found.after)
    if found.change in (Change.FIELD, Change.GROUP):
        assert found.was != found.now
        assert old is not None
        assert new is not None
    if found.change is Change.FIELD:
        assert old is not None
        assert old.model_dump(mode="json")[found.field] == found.was
    assert (old is None) is (found.change is Change.ADDED)
    assert (new is None) is (found.change is Change.REMOVED)


@settings(max_examples=200)
@given(_SEEDS, st.data())
def test_one_edit_is_one_difference(seed: int, data: st.DataObject) -> None:
    rule = _random(seed, distinct=True)
    paths = [path for path, _ in nodes(rule.where)]
    path = data.draw(st.sampled_from(paths))
    act = data.draw(st.sampled_from([_mute, _insert, _remove, _move, _revalue]))
    try:
        after, expected = act(rule, path, data)
    except Rejected:
        assume(False)
    found = differences(rule, after)
    assert [one.change for one in found] == expected


def _mute(rule: Rule, path: Path, data: st.DataObject) -> tuple[Rule, list[Change]]:
    return _edited(rule, editing.toggled_muted(rule.where, path)[0]), [Change.FIELD]


def _insert(rule: Rule, path: Path, data: st.DataObject) -> tuple[Rule, list[Change]]:
    new = Condition.model_validate({"fact": "another", "op": "is_known"})
    index = data.draw(st.integers(0, 3))
    return _edited(rule, editing.inserted(rule.where, path, index=index, node=new)[0]), [Change.ADDED]


def _remove(rule: Rule, path: Path, data: st.DataObject) -> tuple[Rule, list[Change]]:
    return _edited(rule, editing.removed(rule.where, path)[0]), [Change.REMOVED]


def _move(rule: Rule, path: Path, data: st.DataObject) -> tuple[Rule, list[Change]]:
    """Out of a group that is still there afterwards."""
    groups = [p for p, node in nodes(rule.where) if isinstance(node, AllOf | AnyOf)]
    assume(groups and path and len(children(editing.at(rule.where, path[:-1]))) > 2)
    to = data.draw(st.sampled_from(groups))
    where, _ = editing.moved(rule.where, path, to=to, index=data.draw(st.integers(0, 3)))
    return _edited(rule, where), [] if where == rule.where else [Change.MOVED]


def _revalue(rule: Rule, path: Path, data: st.DataObject) -> tuple[Rule, list[Change]]:
    node = editing.at(rule.where, path)
    assume(isinstance(node, Condition))
    return _edited(rule, editing.replaced(rule.where, path, node.model_copy(update={"value": -1}))[0]), [Change.FIELD]


GIRL = {"fact": "sex", "op": "eq", "value": "female"}
THICK = {"fact": "cct_um_od", "op": "ge", "value": 480}
BOUGHT = {"fact": "ever_bought", "op": "eq", "value": True}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (GIRL, {"all": [GIRL, THICK]}, [("added", None, (), ""), ("moved", (), (0,), "")]),
        ({"all": [GIRL, THICK]}, GIRL, [("moved", (0,), (), ""), ("removed", (), None, "")]),
        ({"all": [GIRL, THICK]}, {"any": [GIRL, THICK]}, [("group", (), (), "kind")]),
        ({"all": [GIRL, THICK]}, {"all": [THICK, GIRL]}, [("moved", (0,), (1,), "")]),
        ({"all": [GIRL]}, {"all": [BOUGHT]}, [("added", None, (0,), ""), ("removed", (0,), None, "")]),
        (
            {"all": [THICK, {"not": BOUGHT}]},
            {"all": [{"not": BOUGHT | {"value": False}}, THICK | {"value": 500, "unknown": "yes"}]},
            [
                ("field", (1, 0), (0, 0), "value"),
                ("field", (0,), (1,), "unknown"),
                ("field", (0,), (1,), "value"),
                ("moved", (0,), (1,), ""),
            ],
        ),
        ({"rule": "a"}, {"rule": "b"}, [("added", None, (), ""), ("removed", (), None, "")]),
    ],
)
def test_differences_of_lines(before: Any, after: Any, told: list[Any]) -> None:
    assert sorted(map(str, _told(before, after))) == sorted(map(str, told))


def test_what_was_added_is_told_without_what_was_moved_into_it() -> None:
    found = differences(_rule(GIRL), _rule({"all": [GIRL, THICK]}))
    (added,) = [one.now for one in found if one.change is Change.ADDED]
    assert [line["fact"] for line in added["all"]] == ["cct_um_od"]


def test_every_field_of_the_head_is_compared() -> None:
    segment = {"key": "r", "label": "另一客群", "tone": "warn"}
    other: dict[str, Any] = {
        "label": "另一名",
        "sites": ["north"],
        "valid_from": "2026-12-01",
        "valid_until": "2027-01-01",
    }
    other |= {"exclusive": "x", "priority": 3, "citation": "c", "requirement": "R"}
    found = differences(_rule(GIRL), _rule(GIRL, segment=segment, **other))
    assert {one.field for one in found} == {*other, "segment.label", "segment.tone"}
    assert {one.change for one in found} == {Change.HEAD}
