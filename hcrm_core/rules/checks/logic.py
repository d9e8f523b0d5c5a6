"""What can never be, what always is, and what another line says already."""

from collections.abc import Iterator, Mapping

from hcrm_core.rules.checks.mending import without
from hcrm_core.rules.linting import Finding, Level, Looked
from hcrm_core.rules.lowering import Every, Lowered, Negation, lower_rule
from hcrm_core.rules.model import AllOf, AnyOf, Node, NotOf, Path, Reference, Rule, children
from hcrm_core.rules.reach import NOT_FALSE, NOT_TRUE, Reach, Wanted, everything, narrowed


def contradiction(looked: Looked) -> Iterator[Finding]:
    """Nobody can ever match: said of the smallest parts that nobody meets."""
    if narrowed(looked.whole, looked.reach) is not None:
        return
    never = [path for path, tree in looked.lowered.items() if narrowed(tree, looked.reach) is None]
    for path in never:
        if not any(other != path and other[: len(path)] == path for other in never):
            yield Finding(code="contradiction", level=Level.ERROR, path=path, fix=without(looked.rule, path))


def always_true(looked: Looked) -> Iterator[Finding]:
    """Everybody matches."""
    if narrowed(looked.whole, looked.reach, wanted=NOT_TRUE) is None:
        yield Finding(code="always_true", level=Level.ERROR, path=())


def superfluous(looked: Looked) -> Iterator[Finding]:
    """A part of an "all" that the other parts imply."""
    for path, node in looked.nodes:
        if isinstance(node, AllOf):
            for own, reach in _beside(looked, path, node, wanted=NOT_FALSE):
                if reach is not None and narrowed(looked.lowered[own], reach, wanted=NOT_TRUE) is None:
                    yield Finding(code="superfluous", level=Level.HINT, path=own, fix=without(looked.rule, own))


def unreachable(looked: Looked) -> Iterator[Finding]:
    """A part of an "any" that no customer meets, or none whom its neighbours do not take already."""
    if narrowed(looked.whole, looked.reach) is None:
        return  # told as a contradiction
    for path, node in looked.nodes:
        if isinstance(node, AnyOf):
            for own, reach in _beside(looked, path, node, wanted=NOT_TRUE):
                if reach is not None and narrowed(looked.lowered[own], reach, wanted=NOT_FALSE) is None:
                    yield Finding(code="unreachable", level=Level.WARNING, path=own, fix=without(looked.rule, own))


def unreachable_in_context(looked: Looked) -> Iterator[Finding]:
    """A part that contradicts what stands beside the group around it."""
    if narrowed(looked.whole, looked.reach) is None:
        return
    for path, reach in _contexts(looked, (), looked.rule.where, looked.reach):
        if narrowed(looked.lowered[path], looked.reach) is not None and narrowed(looked.lowered[path], reach) is None:
            fix = without(looked.rule, path)
            yield Finding(code="unreachable_branch", level=Level.WARNING, path=path, fix=fix)


def same_as_another(looked: Looked) -> Iterator[Finding]:
    """A published rule that asks the same, or that takes everybody whom this one takes."""
    for key, other in looked.within.rules.items():
        if key == looked.rule.key or other.segment.key == looked.rule.segment.key or _refers(looked, key):
            continue
        code = _likeness(looked.whole, lower_rule(other, within=looked.within), same=_asks_the_same(looked.rule, other))
        if code is not None:
            level = Level.WARNING if code == "duplicate_rule" else Level.HINT
            yield Finding(code=code, level=level, args={"rule": key, "label": other.label})


def _likeness(whole: Lowered, other: Lowered, *, same: bool) -> str | None:
    if same:
        return "duplicate_rule"
    outside = Every((whole, Negation(other)))
    return "contained_in_rule" if narrowed(outside, everything(outside)) is None else None


def _asks_the_same(rule: Rule, other: Rule) -> bool:
    return (rule.where, rule.sites) == (other.where, other.sites)


def _refers(looked: Looked, key: str) -> bool:
    return any(isinstance(node, Reference) and node.rule == key for _, node in looked.nodes)


def _beside(looked: Looked, path: Path, group: AllOf | AnyOf, *, wanted: Wanted) -> Iterator[tuple[Path, Reach | None]]:
    """Each part of a group with what facts may be where its neighbours come out as wanted."""
    parts = _parts(looked, path, group)
    for number in parts:
        reach: Reach | None = looked.reach
        for other, tree in parts.items():
            if other != number and reach is not None:
                reach = narrowed(tree, reach, wanted=wanted)
        if len(parts) > 1:
            yield (*path, number), reach


def _parts(looked: Looked, path: Path, group: AllOf | AnyOf) -> Mapping[int, Lowered]:
    numbered = range(len(children(group)))
    return {n: looked.lowered[(*path, n)] for n in numbered if (*path, n) in looked.lowered}


def _contexts(looked: Looked, path: Path, node: Node, reach: Reach) -> Iterator[tuple[Path, Reach]]:
    """Lines below an inner group, each with what the "all" groups further out leave. A "not" turns things round."""
    if isinstance(node, NotOf):
        return
    for number, child in enumerate(children(node)):
        own = (*path, number)
        if own not in looked.lowered:
            continue
        if path:
            yield own, reach
        inner: Reach | None = reach
        if isinstance(node, AllOf):
            for other, tree in _parts(looked, path, node).items():
                if other != number and inner is not None:
                    inner = narrowed(tree, inner)
        if inner is not None:
            yield from _contexts(looked, own, child, inner)


CHECKS = (contradiction, always_true, superfluous, unreachable, unreachable_in_context, same_as_another)
