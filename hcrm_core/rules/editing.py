"""Editing a tree: each operation gives the new tree and where the node that it was about stands in it.

A tree is never left without a condition, and never grows beyond what `Rule` accepts. Codes of refusals:
``path_unknown``, ``group_unsuitable``, ``into_itself``, ``rule_empty``, ``rule_too_large``.
"""

from collections.abc import Sequence
from typing import Literal

from hcrm_core.errors import Rejected
from hcrm_core.rules.model import MAX_DEPTH, MAX_NODES, AllOf, AnyOf, Node, NotOf, Path, children, nodes

Kind = Literal["all", "any", "not"]
Edit = tuple[Node, Path]


def at(tree: Node, path: Path) -> Node:
    """The node at a path.

    Raises:
        Rejected: ``path_unknown``.
    """
    for number in path:
        below = children(tree)
        if not 0 <= number < len(below):
            raise Rejected("path_unknown", f"there is no line {number}")
        tree = below[number]
    return tree


def replaced(tree: Node, path: Path, node: Node) -> Edit:
    """Another node in the place of one."""
    return _bounded(_put(tree, path, (node,))), path


def removed(tree: Node, path: Path) -> Edit:
    """Without a node; a group left empty goes too. The path is that of the line to look at next.

    Raises:
        Rejected: ``rule_empty`` if nothing would be left.
    """
    gone = _vanishing(tree, path)
    if not gone:
        raise Rejected("rule_empty", "a rule needs a condition")
    left = _put(tree, gone, ())
    siblings = len(children(at(left, gone[:-1])))
    return left, (*gone[:-1], min(gone[-1], siblings - 1))


def inserted(tree: Node, group: Path, *, index: int, node: Node) -> Edit:
    """A node more in an "all" or "any", before the part that is number `index` now."""
    index = _within(tree, group, index)
    return _bounded(_grown(tree, (*group, index), node)), (*group, index)


def moved(tree: Node, path: Path, *, to: Path, index: int) -> Edit:
    """A node in another place.

    Args:
        tree: the whole.
        path: the node.
        to: the "all" or "any" it goes to.
        index: before which of the parts it has now.

    Raises:
        Rejected: ``into_itself`` if the group lies within the node.
    """
    if to[: len(path)] == path:
        raise Rejected("into_itself", "a group cannot be moved into itself")
    target = (*to, _within(tree, to, index))
    both = _grown(tree, target, at(tree, path))
    gone = _vanishing(both, _after_insertion(path, target))
    return _bounded(_put(both, gone, ())), _after_removal(target, gone)


def wrapped(tree: Node, path: Path, *, kind: Kind) -> Edit:
    """A group of its own around a node."""
    return _bounded(_put(tree, path, (_group(kind, (at(tree, path),)),))), (*path, 0)


def unwrapped(tree: Node, path: Path) -> Edit:
    """A group's parts in its place; what was muted as a group stays muted. The path is that of the first part.

    Raises:
        Rejected: ``group_unsuitable`` if there is no group, or its place has room for one part only.
    """
    group = at(tree, path)
    parts = tuple(_muted(part) if group.muted else part for part in children(group))
    if not parts or (len(parts) > 1 and not _has_neighbours(tree, path)):
        raise Rejected("group_unsuitable", "only one line has room there")
    return _bounded(_put(tree, path, parts)), path


def duplicated(tree: Node, path: Path) -> Edit:
    """A node twice. Where only one has room, both come into an "all"."""
    node = at(tree, path)
    if _has_neighbours(tree, path):
        return _bounded(_put(tree, path, (node, node))), (*path[:-1], path[-1] + 1)
    return _bounded(_put(tree, path, (AllOf(every=(node, node)),))), (*path, 1)


def toggled_muted(tree: Node, path: Path) -> Edit:
    """A node left out, or counted again."""
    node = at(tree, path)
    return replaced(tree, path, node.model_copy(update={"muted": not node.muted}))


def negated(tree: Node, path: Path) -> Edit:
    """The opposite asked. Asked twice, it is as before."""
    if isinstance(at(tree, path), NotOf):
        return unwrapped(tree, path)
    if path and isinstance(at(tree, path[:-1]), NotOf):
        return unwrapped(tree, path[:-1])
    return wrapped(tree, path, kind="not")


def regrouped(tree: Node, path: Path, *, kind: Kind) -> Edit:
    """Another kind of group over the same parts. More than one part under a "not" become an "any" there."""
    group = at(tree, path)
    if not children(group):
        raise Rejected("group_unsuitable", "a condition is no group")
    turned = _group(kind, children(group)).model_copy(update={"muted": group.muted})
    return _bounded(_put(tree, path, (turned,))), path


def _put(tree: Node, path: Path, instead: Sequence[Node]) -> Node:
    """Some nodes in the place of one; none or several only where there are neighbours."""
    if not path:
        (only,) = instead
        return only
    at(tree, path)
    group, number = at(tree, path[:-1]), path[-1]
    below = children(group)
    return _put(tree, path[:-1], (_with(group, (*below[:number], *instead, *below[number + 1 :])),))


def _with(group: Node, parts: tuple[Node, ...]) -> Node:
    if isinstance(group, AllOf):
        return group.model_copy(update={"every": parts})
    if isinstance(group, AnyOf):
        return group.model_copy(update={"some": parts})
    return group.model_copy(update={"negated": parts[0]})


def _group(kind: Kind, parts: tuple[Node, ...]) -> AllOf | AnyOf | NotOf:
    if kind == "all":
        return AllOf(every=parts)
    if kind == "any":
        return AnyOf(some=parts)
    return NotOf(negated=parts[0] if len(parts) == 1 else AnyOf(some=parts))


def _muted(node: Node) -> Node:
    return node.model_copy(update={"muted": True})


def _within(tree: Node, group: Path, index: int) -> int:
    found = at(tree, group)
    if not isinstance(found, AllOf | AnyOf):
        raise Rejected("group_unsuitable", "lines go into an all or an any")
    return max(0, min(index, len(children(found))))


def _grown(tree: Node, place: Path, node: Node) -> Node:
    group, index = at(tree, place[:-1]), place[-1]
    parts = children(group)
    return _put(tree, place[:-1], (_with(group, (*parts[:index], node, *parts[index:])),))


def _has_neighbours(tree: Node, path: Path) -> bool:
    return bool(path) and isinstance(at(tree, path[:-1]), AllOf | AnyOf)


def _vanishing(tree: Node, path: Path) -> Path:
    """What goes with a node: the outermost group that would be left empty, or itself."""
    at(tree, path)
    while path and len(children(at(tree, path[:-1]))) == 1:
        path = path[:-1]
    return path


def _after_insertion(path: Path, new: Path) -> Path:
    return _shifted(path, new, by=1) if _follows(path, new, itself=True) else path


def _after_removal(path: Path, gone: Path) -> Path:
    return _shifted(path, gone, by=-1) if _follows(path, gone, itself=False) else path


def _follows(path: Path, other: Path, *, itself: bool) -> bool:
    """Whether a path goes through a later sibling of another one, or through that one itself."""
    level = len(other) - 1
    if len(path) <= level or path[:level] != other[:level]:
        return False
    return path[level] > other[level] or (itself and path[level] == other[level])


def _shifted(path: Path, other: Path, *, by: int) -> Path:
    level = len(other) - 1
    return (*path[:level], path[level] + by, *path[level + 1 :])


def _bounded(tree: Node) -> Node:
    paths = [path for path, _ in nodes(tree)]
    if len(paths) > MAX_NODES or max(map(len, paths)) >= MAX_DEPTH:
        raise Rejected("rule_too_large", f"a rule may have {MAX_DEPTH} levels and {MAX_NODES} nodes")
    return tree
