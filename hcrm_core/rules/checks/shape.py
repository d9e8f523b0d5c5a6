"""How a rule is built: repetitions, empty groups, what is switched off, and what a reader loses his way in."""

from collections.abc import Iterator
from datetime import timedelta

from hcrm_core.rules.checks.mending import instead, without
from hcrm_core.rules.linting import Finding, Level, Looked
from hcrm_core.rules.model import AllOf, AnyOf, Condition, Eyes, Node, NotOf, children

MANY_CONDITIONS = 30  # operational: more do not fit on a screen
ENDS_SOON = timedelta(days=30)  # operational


def repeated(looked: Looked) -> Iterator[Finding]:
    """The same line twice in one group."""
    for path, node in looked.nodes:
        seen: list[Node] = []
        for number, child in enumerate(children(node)):
            own = (*path, number)
            if _meaning(child) in seen:
                yield Finding(code="repeated", level=Level.WARNING, path=own, fix=without(looked.rule, own))
            seen.append(_meaning(child))


def lonely(looked: Looked) -> Iterator[Finding]:
    """A group of one part is that part."""
    for path, node in looked.nodes:
        if isinstance(node, (AllOf, AnyOf)) and len(children(node)) == 1 and not node.muted:
            fix = instead(looked.rule, path, children(node)[0])
            yield Finding(code="lonely_group", level=Level.HINT, path=path, fix=fix)


def nested(looked: Looked) -> Iterator[Finding]:
    """An "all" within an "all", or an "any" within an "any", says nothing of its own."""
    for path, node in looked.nodes:
        for number, child in enumerate(children(node)):
            if isinstance(node, (AllOf, AnyOf)) and type(child) is type(node) and not child.muted:
                parts = children(node)
                flat = [*parts[:number], *children(child), *parts[number + 1 :]]
                fix = instead(looked.rule, path, _group_like(node, flat))
                yield Finding(code="nested_alike", level=Level.HINT, path=(*path, number), fix=fix)


def doubly_negated(looked: Looked) -> Iterator[Finding]:
    """Not of a not."""
    for path, node in looked.nodes:
        if isinstance(node, NotOf) and isinstance(node.negated, NotOf) and not (node.muted or node.negated.muted):
            fix = instead(looked.rule, path, node.negated.negated)
            yield Finding(code="doubly_negated", level=Level.WARNING, path=path, fix=fix)


def muted(looked: Looked) -> Iterator[Finding]:
    """Lines that are switched off: for trying, not for publishing."""
    for path, node in looked.nodes:
        if node.muted:
            yield Finding(code="muted", level=Level.WARNING, path=path, fix=without(looked.rule, path))


def one_eyed(looked: Looked) -> Iterator[Finding]:
    """Asks one eye, and no line of the rule asks the same of the other."""
    asked = {_sided(node) for _, node in looked.conditions}
    for path, node in looked.conditions:
        base, side, *rest = _sided(node)
        other = {"od": "os", "os": "od"}.get(side)
        if other is not None and (base, other, *rest) not in asked:
            both = node.model_copy(update={"fact": base, "eyes": Eyes.EITHER})
            fix = instead(looked.rule, path, both)
            yield Finding(code="one_eye_only", level=Level.WARNING, path=path, args={"fact": node.fact}, fix=fix)


def long_winded(looked: Looked) -> Iterator[Finding]:
    """More conditions than anybody reads."""
    if len(looked.conditions) > MANY_CONDITIONS:
        yield Finding(code="too_many_conditions", level=Level.HINT, args={"n": str(len(looked.conditions))})


def nameless(looked: Looked) -> Iterator[Finding]:
    """No name, or the name of another rule."""
    others = {other.label.strip() for key, other in looked.within.rules.items() if key != looked.rule.key}
    if not looked.rule.label.strip():
        yield Finding(code="label_missing", level=Level.ERROR)
    elif looked.rule.label.strip() in others:
        yield Finding(code="label_taken", level=Level.WARNING, args={"label": looked.rule.label})
    if not looked.rule.segment.label.strip():
        yield Finding(code="segment_label_missing", level=Level.ERROR)


def segment_taken(looked: Looked) -> Iterator[Finding]:
    """Another published rule marks this segment: only one can."""
    for key, other in looked.within.rules.items():
        if key != looked.rule.key and other.segment.key == looked.rule.segment.key:
            yield Finding(code="segment_taken", level=Level.ERROR, args={"rule": key, "label": other.label})


def validity(looked: Looked) -> Iterator[Finding]:
    """Ends before it begins, has ended, or ends soon."""
    first, last, today = looked.rule.valid_from, looked.rule.valid_until, looked.within.on
    if last is None:
        return
    if first is not None and last < first:
        yield Finding(code="validity_reversed", level=Level.ERROR, args={"from": str(first), "until": str(last)})
    elif last < today:
        fix = looked.rule.model_copy(update={"valid_until": None})
        yield Finding(code="validity_over", level=Level.WARNING, args={"until": str(last)}, fix=fix)
    elif last <= today + ENDS_SOON:
        yield Finding(code="validity_ends_soon", level=Level.HINT, args={"until": str(last)})


def alone_in_its_set(looked: Looked) -> Iterator[Finding]:
    """Excludes others, but there are none; or shares its place in the order with one of them."""
    if not looked.rule.exclusive:
        return
    others = [
        other
        for key, other in looked.within.rules.items()
        if key != looked.rule.key and other.exclusive == looked.rule.exclusive
    ]
    if not others:
        fix = looked.rule.model_copy(update={"exclusive": ""})
        yield Finding(code="exclusive_alone", level=Level.HINT, args={"set": looked.rule.exclusive}, fix=fix)
    for other in others:
        if other.priority == looked.rule.priority:
            args = {"label": other.label, "priority": str(other.priority)}
            yield Finding(code="priority_tied", level=Level.WARNING, args=args)


def _meaning(node: Node) -> Node:
    return node.model_copy(update={"citation": ""}) if isinstance(node, Condition) else node


def _group_like(group: AllOf | AnyOf, parts: list[Node]) -> Node:
    key = "every" if isinstance(group, AllOf) else "some"
    return group.model_copy(update={key: tuple(parts)})


def _sided(node: Condition) -> tuple[str, str, object, object, object]:
    base, _, side = node.fact.rpartition("_")
    if node.eyes is not None or side not in ("od", "os"):
        return node.fact, "", node.op, node.value, node.parameter
    return base, side, node.op, node.value, node.parameter


CHECKS = (
    repeated,
    lonely,
    nested,
    doubly_negated,
    muted,
    one_eyed,
    long_winded,
    nameless,
    segment_taken,
    validity,
    alone_in_its_set,
)
