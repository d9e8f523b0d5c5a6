"""What changed from one version of a rule to another, line by line: for history, review and roll-back.

Lines of both versions are matched first (`matching`). What is matched is compared field by field and by its place; the
rest was added or removed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hcrm_core.rules.matching import matched
from hcrm_core.rules.model import Node, Path, Rule, children, nodes

_KINDS = ("all", "any", "not")


class Change(StrEnum):
    """What kind of difference."""

    HEAD = "head"  # a field of the rule itself
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"  # into another group, or past its neighbours
    GROUP = "group"  # a group asks all, any or not instead
    FIELD = "field"  # of a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One change.

    Attributes:
        change: what kind.
        before: where the line stood; None of ADDED and HEAD.
        after: where it stands; None of REMOVED and HEAD.
        field: of HEAD a field of `Rule`, or of its segment, e.g. "segment.label"; of FIELD one of the line: "op",
            "value", "parameter", "eyes", "unknown", "citation", "muted"; of GROUP "kind".
        was: JSON: the field's value before; of REMOVED the line without what was moved out of it.
        now: JSON: the field's value; of ADDED the line without what was moved into it.
    """

    change: Change
    before: Path | None = None
    after: Path | None = None
    field: str = ""
    was: Any = None  # why Any: JSON
    now: Any = None


def differences(before: Rule, after: Rule) -> list[Difference]:
    """All that changed: the rule's head first, then its lines in the order in which they stand or stood."""
    pairs = matched(before.where, after.where)
    lines = [*_gone(before.where, pairs), *_new(after.where, pairs), *_changed(before.where, after.where, pairs)]
    return [*_heads(before, after), *sorted(lines, key=_place)]


def _place(found: Difference) -> tuple[Path, str, str]:
    here = found.before if found.after is None else found.after
    return here or (), found.change, found.field


def _heads(before: Rule, after: Rule) -> Iterator[Difference]:
    was, now = _head(before), _head(after)
    for name, value in now.items():
        if was[name] != value:
            yield Difference(change=Change.HEAD, field=name, was=was[name], now=value)


def _head(rule: Rule) -> dict[str, Any]:
    raw = rule.model_dump(mode="json", exclude={"where", "segment"})
    return raw | {f"segment.{name}": value for name, value in rule.segment.model_dump(mode="json").items()}


def _gone(tree: Node, pairs: Mapping[Path, Path]) -> Iterator[Difference]:
    for path, node in nodes(tree):
        if path not in pairs and (not path or path[:-1] in pairs):
            yield Difference(change=Change.REMOVED, before=path, was=_rest(node, path, pairs))


def _new(tree: Node, pairs: Mapping[Path, Path]) -> Iterator[Difference]:
    known = {now: was for was, now in pairs.items()}
    for path, node in nodes(tree):
        if path not in known and (not path or path[:-1] in known):
            yield Difference(change=Change.ADDED, after=path, now=_rest(node, path, known))


def _rest(node: Node, path: Path, pairs: Mapping[Path, Path]) -> Any:
    """A line as JSON without those below it that stand on the other side too."""
    below = [_rest(child, (*path, n), pairs) for n, child in enumerate(children(node)) if (*path, n) not in pairs]
    raw = node.model_dump(mode="json", by_alias=True)
    kind = _kind(raw)
    if kind is None:
        return raw
    return raw | {kind: (below[0] if below else None) if kind == "not" else below}


def _changed(before: Node, after: Node, pairs: Mapping[Path, Path]) -> Iterator[Difference]:
    olds, news = dict(nodes(before)), dict(nodes(after))
    moved = _moved(pairs)
    for was, now in pairs.items():
        if was in moved:
            yield Difference(change=Change.MOVED, before=was, after=now)
        for change, field, old, new in _fields(olds[was], news[now]):
            yield Difference(change=change, before=was, after=now, field=field, was=old, now=new)


def _fields(before: Node, after: Node) -> Iterator[tuple[Change, str, Any, Any]]:
    was, now = before.model_dump(mode="json", by_alias=True), after.model_dump(mode="json", by_alias=True)
    if _kind(was) != _kind(now):
        yield Change.GROUP, "kind", _kind(was), _kind(now)
    for field in was.keys() & now.keys() - set(_KINDS):
        if was[field] != now[field]:
            yield Change.FIELD, field, was[field], now[field]


def _kind(raw: Mapping[str, Any]) -> str | None:
    return next((kind for kind in _KINDS if kind in raw), None)


def _moved(pairs: Mapping[Path, Path]) -> set[Path]:
    """Lines whose group is another one, or that passed neighbours: as few as would explain the new order."""
    moved = {was for was, now in pairs.items() if bool(was) is not bool(now)}
    together: dict[Path, list[tuple[Path, Path]]] = {}
    for was, now in pairs.items():
        if was and now:
            same = pairs.get(was[:-1]) == now[:-1]
            if same:
                together.setdefault(was[:-1], []).append((was, now))
            else:
                moved.add(was)
    for siblings in together.values():
        by_place = [was for was, _ in sorted(siblings, key=lambda pair: pair[1])]
        moved |= set(by_place) - set(_ascending(by_place))
    return moved


def _ascending(paths: Sequence[Path]) -> list[Path]:
    """A longest part of a sequence that ascends."""
    best: list[list[Path]] = []
    for path in paths:
        before = [run for run in best if run[-1] < path]
        best.append([*max(before, key=len, default=[]), path])
    return max(best, key=len, default=[])
