"""Editing a tree: nothing is lost, nothing is left empty, every step can be taken back."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from hcrm_core.errors import Rejected
from hcrm_core.rules import editing
from hcrm_core.rules.model import MAX_DEPTH, MAX_NODES, AllOf, AnyOf, Condition, Node, NotOf, Path, children, nodes

NODE: TypeAdapter[Node] = TypeAdapter(Node)
LEAVES = st.integers(0, 9).map(lambda number: {"fact": "cct_um_od", "op": "ge", "value": 470 + number})
TREES = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(below, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        below.map(lambda part: {"not": part}),
    ),
    max_leaves=10,
).map(NODE.validate_python)


def _condition(number: int) -> dict[str, Any]:
    return {"fact": "cct_um_od", "op": "ge", "value": number}


def _tree(raw: Any) -> Node:
    return NODE.validate_python(raw)


def _paths(tree: Node) -> list[Path]:
    return [path for path, _ in nodes(tree)]


def _conditions(tree: Node) -> list[str]:
    return sorted(str(node.value) for _, node in nodes(tree) if isinstance(node, Condition))


def _sound(tree: Node) -> bool:
    return NODE.validate_python(NODE.dump_python(tree, mode="json", by_alias=True)) == tree


NEW = Condition.model_validate(_condition(999))


@given(TREES, st.data())
def test_what_is_inserted_stands_where_it_is_said_to_and_removing_it_takes_it_back(
    tree: Node, data: st.DataObject
) -> None:
    groups = [path for path, node in nodes(tree) if isinstance(node, AllOf | AnyOf)]
    assume(groups)
    group = data.draw(st.sampled_from(groups))
    index = data.draw(st.integers(0, len(children(editing.at(tree, group)))))
    assume(len(group) + 2 <= MAX_DEPTH)
    new, path = editing.inserted(tree, group, index=index, node=NEW)
    assert path == (*group, index)
    assert editing.at(new, path) == NEW
    assert len(_paths(new)) == len(_paths(tree)) + 1
    assert editing.removed(new, path)[0] == tree


@given(TREES, st.data())
def test_a_moved_node_is_where_it_is_said_to_be_and_no_condition_is_lost(tree: Node, data: st.DataObject) -> None:
    groups = [path for path, node in nodes(tree) if isinstance(node, AllOf | AnyOf)]
    assume(groups)
    path, to = data.draw(st.sampled_from(_paths(tree))), data.draw(st.sampled_from(groups))
    index = data.draw(st.integers(0, len(children(editing.at(tree, to)))))
    if to[: len(path)] == path:
        with pytest.raises(Rejected, match="into itself"):
            editing.moved(tree, path, to=to, index=index)
        return
    try:
        new, place = editing.moved(tree, path, to=to, index=index)
    except Rejected:
        return
    assert editing.at(new, place) == editing.at(tree, path)
    assert _conditions(new) == _conditions(tree)
    assert _sound(new)


@given(TREES, st.data())
def test_moved_and_moved_back_is_as_before(tree: Node, data: st.DataObject) -> None:
    groups = [path for path, node in nodes(tree) if isinstance(node, AllOf | AnyOf)]
    movable = [path for path in _paths(tree) if path and len(children(editing.at(tree, path[:-1]))) > 1]
    assume(movable)
    path, to = data.draw(st.sampled_from(movable)), data.draw(st.sampled_from(groups))
    assume(to[: len(path)] != path)
    target = (*to, data.draw(st.integers(0, len(children(editing.at(tree, to))))))
    try:
        new, place = editing.moved(tree, path, to=to, index=target[-1])
    except Rejected:
        return
    home = editing._after_insertion(path[:-1], target)
    later = place[:-1] == home and place[-1] < path[-1]
    assert editing.moved(new, place, to=home, index=path[-1] + later) == (tree, path)


def test_a_moved_node_takes_an_emptied_group_with_it() -> None:
    tree = _tree({"all": [{"any": [_condition(1)]}, {"any": [_condition(2)]}]})
    new, path = editing.moved(tree, (0, 0), to=(1,), index=1)
    assert new == _tree({"all": [{"any": [_condition(2), _condition(1)]}]})
    assert path == (0, 1)


@given(TREES, st.data())
def test_what_is_removed_takes_only_emptied_groups_with_it(tree: Node, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(_paths(tree)))
    inside = len([other for other in _paths(tree) if other[: len(path)] == path])
    try:
        new, next_path = editing.removed(tree, path)
    except Rejected:
        assert _conditions(editing.at(tree, path)) == _conditions(tree)
        return
    assert editing.at(new, next_path)
    assert _sound(new)
    assert len(_conditions(new)) == len(_conditions(tree)) - len(_conditions(editing.at(tree, path)))
    assert len(_paths(new)) <= len(_paths(tree)) - inside


@pytest.mark.parametrize(
    ("raw", "path"),
    [(_condition(1), ()), ({"not": _condition(1)}, (0,)), ({"all": [{"any": [_condition(1)]}]}, (0, 0))],
)
def test_the_last_condition_cannot_be_removed(raw: Any, path: Path) -> None:
    with pytest.raises(Rejected) as refused:
        editing.removed(_tree(raw), path)
    assert refused.value.code == "rule_empty"


@given(TREES, st.data(), st.sampled_from(["all", "any", "not"]))
def test_a_group_around_a_node_is_taken_away_again(tree: Node, data: st.DataObject, kind: editing.Kind) -> None:
    path = data.draw(st.sampled_from(_paths(tree)))
    try:
        new, inner = editing.wrapped(tree, path, kind=kind)
    except Rejected:
        return
    assert editing.at(new, inner) == editing.at(tree, path)
    assert editing.unwrapped(new, path) == (tree, path)


@given(TREES, st.data())
def test_negating_and_muting_twice_is_as_before(tree: Node, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(_paths(tree)))
    muted, _ = editing.toggled_muted(tree, path)
    assert editing.at(muted, path).muted
    assert editing.toggled_muted(muted, path) == (tree, path)
    assume(not any(_is_double(node) for _, node in nodes(tree)))
    try:
        new, turned = editing.negated(tree, path)
    except Rejected:
        return
    assert editing.negated(new, turned)[0] == tree


def _is_double(node: Node) -> bool:
    return isinstance(node, NotOf) and isinstance(node.negated, NotOf)


@given(TREES, st.data())
def test_a_duplicate_is_the_same_and_stands_beside(tree: Node, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(_paths(tree)))
    try:
        new, twin = editing.duplicated(tree, path)
    except Rejected:
        return
    before = (*twin[:-1], twin[-1] - 1)
    assert editing.at(new, twin) == editing.at(new, before) == editing.at(tree, path)
    assert editing.removed(new, twin)[0] in (tree, editing.wrapped(tree, path, kind="all")[0])


def test_the_parts_of_a_muted_group_stay_muted_without_it() -> None:
    tree = _tree({"all": [_condition(1), {"any": [_condition(2), _condition(3)], "muted": True}]})
    new, path = editing.unwrapped(tree, (1,))
    assert new == _tree({"all": [_condition(1), _condition(2) | {"muted": True}, _condition(3) | {"muted": True}]})
    assert path == (1,)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("any", {"any": [_condition(1), _condition(2)]}),
        ("not", {"not": {"any": [_condition(1), _condition(2)]}}),
    ],
)
def test_a_group_may_become_one_of_another_kind(kind: editing.Kind, expected: Any) -> None:
    tree = _tree({"all": [_condition(1), _condition(2)]})
    assert editing.regrouped(tree, (), kind=kind) == (_tree(expected), ())


def _no_room() -> Node:
    return _tree({"not": {"any": [_condition(1), _condition(2)]}})


def test_what_has_no_sense_is_refused_by_name() -> None:
    tree = _tree({"all": [_condition(1), {"not": _condition(2)}]})
    acts: list[tuple[Callable[[], object], str]] = [
        (lambda: editing.at(tree, (5,)), "path_unknown"),
        (lambda: editing.at(tree, (-1,)), "path_unknown"),
        (lambda: editing.replaced(tree, (0, 0), NEW), "path_unknown"),
        (lambda: editing.inserted(tree, (1,), index=0, node=NEW), "group_unsuitable"),
        (lambda: editing.inserted(tree, (0,), index=0, node=NEW), "group_unsuitable"),
        (lambda: editing.moved(tree, (), to=(), index=0), "into_itself"),
        (lambda: editing.unwrapped(_no_room(), (0,)), "group_unsuitable"),
        (lambda: editing.unwrapped(tree, (0,)), "group_unsuitable"),
        (lambda: editing.regrouped(tree, (0,), kind="any"), "group_unsuitable"),
    ]
    for act, code in acts:
        with pytest.raises(Rejected) as refused:
            act()
        assert refused.value.code == code


def test_a_tree_grows_no_further_than_a_rule_may() -> None:
    full = _tree({"all": [_condition(1)] * (MAX_NODES - 1)})
    acts: list[Callable[[], object]] = [
        lambda: editing.duplicated(full, (0,)),
        lambda: editing.inserted(full, (), index=0, node=NEW),
    ]
    for act in acts:
        with pytest.raises(Rejected, match="nodes"):
            act()
    deep = _tree(_condition(1))
    for _ in range(MAX_DEPTH - 1):
        deep = NotOf(negated=deep)
    assert editing.moved(full, (0,), to=(), index=3)[1] == (2,)
    with pytest.raises(Rejected, match="levels"):
        editing.wrapped(deep, (0,), kind="any")
