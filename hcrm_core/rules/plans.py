"""Which other values of facts would bring a lowered tree to a wanted verdict, cheapest first.

Every fact gets a few candidates: its value now, and those at and just beside each constant it is compared with. A way
says which candidates of which facts would do; "all" lays the ways of its parts upon each other, "any" chooses.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from hcrm_core.facts.catalogue import Fact, FactType
from hcrm_core.rules.evaluation import FactsRow, comparisons, reader
from hcrm_core.rules.lowering import Certain, Comparison, Constant, Every, Lowered, Negation

BEAM = 8  # ways kept for each part of a tree
# Operational. A change costs 1 and its size: of the fact's scale, at most 1; a measurement of what is unknown less.
MEASURING, WORD = 0.1, 0.5
SCALES = {"D": 10.0, "mm": 5.0, "µm": 200.0}
DAYS_SCALE = 3650.0

# What never changes once it is known, or once it is so.
_FIXED = {"birth_date", "sex", "filed_on", "first_bought_on"}
_FIXED_ONCE_TRUE = {"ever_bought"}
# Days that may be put forward or back. All others are of what happened: only a later one can take their place.
_PLANNED = {"recheck_due_on", "next_appointment_on"}

Wanted = frozenset[bool | None]
TRUE: Wanted = frozenset({True})
FALSE: Wanted = frozenset({False})
_NOT_TRUE: Wanted = frozenset({False, None})
_NOT_FALSE: Wanted = frozenset({True, None})
_OPPOSITE = {TRUE: FALSE, FALSE: TRUE, _NOT_TRUE: _NOT_FALSE, _NOT_FALSE: _NOT_TRUE}


@dataclass(frozen=True, slots=True)
class Choices:
    """The candidates of one fact with their costs, cheapest first: the value now leads."""

    values: tuple[Any, ...]  # why Any: a fact's value is of its own type
    costs: tuple[float, ...]

    def cheapest(self, mask: int) -> int:
        """The number of the first candidate of a set; a set is the bits of an integer."""
        return (mask & -mask).bit_length() - 1


@dataclass(frozen=True, slots=True)
class Way:
    """Sets of candidates, by fact, of which any combination does; its cost is that of the cheapest one."""

    cost: float
    masks: Mapping[str, int]


def choices(tree: Lowered, row: FactsRow) -> dict[str, Choices]:
    """The candidates of every fact that a tree compares."""
    facts: dict[str, Fact] = {}
    constants: dict[str, set[Any]] = {}
    for test in comparisons(tree):
        facts[test.fact.name] = test.fact
        constants.setdefault(test.fact.name, set()).update(test.constants)
    return {name: _choices(fact, row.get(name), constants[name]) for name, fact in facts.items()}


def ways(tree: Lowered, *, among: Mapping[str, Choices], wanted: Wanted) -> list[Way]:
    """The cheapest ways to a verdict, at most `BEAM`; none if there is none among the candidates."""
    if isinstance(tree, Comparison):
        return _compared(tree, among=among, wanted=wanted)
    if isinstance(tree, Negation):
        return ways(tree.part, among=among, wanted=_OPPOSITE[wanted])
    if isinstance(tree, Certain):
        return ways(tree.part, among=among, wanted=TRUE if True in wanted else _NOT_TRUE)
    parts = (ways(part, among=among, wanted=wanted) for part in tree.parts)
    if isinstance(tree, Every) is (True in wanted):
        return _laid_upon_each_other(parts, among=among)
    return _cheapest(way for part in parts for way in part)


def _compared(test: Comparison, *, among: Mapping[str, Choices], wanted: Wanted) -> list[Way]:
    name, read = test.fact.name, reader(test)
    found = among[name]
    mask = sum(1 << number for number, value in enumerate(found.values) if read({name: value}) in wanted)
    return [Way(found.costs[found.cheapest(mask)], {name: mask})] if mask else []


def _laid_upon_each_other(parts: Iterable[list[Way]], *, among: Mapping[str, Choices]) -> list[Way]:
    found = [Way(0.0, {})]
    for part in parts:
        both = (_both(one, other, among=among) for one in found for other in part)
        found = _cheapest(way for way in both if way is not None)
    return found


def _both(one: Way, other: Way, *, among: Mapping[str, Choices]) -> Way | None:
    masks = {**one.masks}
    for name, mask in other.masks.items():
        masks[name] = masks.get(name, mask) & mask
        if not masks[name]:
            return None
    return Way(sum(among[name].costs[among[name].cheapest(mask)] for name, mask in masks.items()), masks)


def _cheapest(found: Iterable[Way]) -> list[Way]:
    return list(islice(sorted(found, key=lambda way: way.cost), BEAM))


def _choices(fact: Fact, now: Constant | None, constants: Iterable[Any]) -> Choices:
    others = {} if _is_fixed(fact, now) else {value: _cost(fact, now, value) for value in _values(fact, constants)}
    if fact.kind is FactType.DATE and isinstance(now, date) and fact.name not in _PLANNED:
        others = {value: cost for value, cost in others.items() if value > now}
    others.pop(now, None)
    ranked = sorted(others.items(), key=lambda item: item[1])
    return Choices((now, *(value for value, _ in ranked)), (0.0, *(cost for _, cost in ranked)))


def _is_fixed(fact: Fact, now: Constant | None) -> bool:
    if fact.kind is FactType.ID:
        return True
    return (fact.name in _FIXED and now is not None) or (fact.name in _FIXED_ONCE_TRUE and now is True)


def _values(fact: Fact, constants: Iterable[Any]) -> Iterator[Any]:
    if fact.kind is FactType.BOOLEAN:
        yield from (True, False)
    elif fact.words is not None:
        yield from (word.value for word in fact.words)
    else:
        step, some = _STEPS[fact.kind]
        for constant in sorted(constants) or [some]:
            yield from (constant, constant + step, constant - step)


# How far beside a constant a candidate lies, and any value where a fact is only asked to be known.
_STEPS: dict[FactType, tuple[Any, Any]] = {
    FactType.DATE: (timedelta(days=1), date(2000, 1, 1)),
    FactType.DECIMAL: (Decimal("0.01"), Decimal(0)),
    FactType.INTEGER: (1, 0),
}


def _cost(fact: Fact, now: Any, value: Any) -> float:
    if now is None:
        return 1 + MEASURING
    if fact.kind is FactType.DATE:
        return 1.0 + min(float(abs((value - now).days)) / DAYS_SCALE, 1.0)
    if fact.kind in (FactType.DECIMAL, FactType.INTEGER):
        return 1.0 + min(float(abs(value - now)) / SCALES.get(fact.unit, 10.0), 1.0)
    return 1 + WORD
