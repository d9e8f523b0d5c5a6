"""What only shows in the clinic's own numbers."""

from collections.abc import Iterator

from hcrm_core.rules.checks.mending import altered
from hcrm_core.rules.linting import Finding, Level, Looked
from hcrm_core.rules.lowering import facts_of
from hcrm_core.rules.model import NO_OPERAND, Unknown

MOSTLY = 0.5  # operational: of more than half the customers


def mostly_unknown(looked: Looked) -> Iterator[Finding]:
    """Asks something that is not known of most customers, and takes that for a no."""
    if looked.statistics is None:
        return
    for path, node in looked.conditions:
        share = min(looked.statistics.unknown.get(fact.name, 0.0) for fact in facts_of(node))
        if share > MOSTLY and node.unknown is Unknown.NO and node.op not in NO_OPERAND:
            fix = altered(looked.rule, path, node, unknown=Unknown.NEEDS_MEASUREMENT)
            args = {"fact": node.fact, "percent": str(round(share * 100))}
            yield Finding(code="mostly_unknown", level=Level.WARNING, path=path, args=args, fix=fix)


def nobody_or_everybody(looked: Looked) -> Iterator[Finding]:
    """Matches nobody, or everybody, today."""
    statistics = looked.statistics
    if statistics is None or statistics.matching is None or not statistics.customers:
        return
    if not statistics.matching:
        yield Finding(code="matches_nobody", level=Level.WARNING)
    elif statistics.matching == statistics.customers:
        yield Finding(code="matches_everybody", level=Level.WARNING)


def mostly_open(looked: Looked) -> Iterator[Finding]:
    """Cannot tell of more customers than it can tell it holds for."""
    statistics = looked.statistics
    if statistics is None or statistics.open is None or statistics.matching is None:
        return
    if statistics.open > statistics.matching:
        args = {"open": str(statistics.open), "matching": str(statistics.matching)}
        yield Finding(code="mostly_open", level=Level.WARNING, args=args)


def shares_with_exclusive(looked: Looked) -> Iterator[Finding]:
    """Takes customers who are in a segment that should exclude this one: they stay with the one of smaller priority."""
    if looked.statistics is None or not looked.rule.exclusive:
        return
    for other in looked.within.rules.values():
        shared = looked.statistics.shared.get(other.segment.key, 0)
        if other.key != looked.rule.key and other.exclusive == looked.rule.exclusive and shared:
            args = {"label": other.label, "n": str(shared)}
            yield Finding(code="overlaps_exclusive", level=Level.WARNING, args=args)


def too_many_tasks(looked: Looked) -> Iterator[Finding]:
    """Gives somebody more tasks tomorrow than a day has room for."""
    statistics = looked.statistics
    if statistics is None or statistics.capacity is None:
        return
    for person, tasks in statistics.most_tasks.items():
        if tasks > statistics.capacity:
            args = {"person": person, "n": str(tasks), "capacity": str(statistics.capacity)}
            yield Finding(code="above_capacity", level=Level.WARNING, args=args)


CHECKS = (mostly_unknown, nobody_or_everybody, mostly_open, shares_with_exclusive, too_many_tasks)
