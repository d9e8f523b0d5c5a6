"""Whether a lowered tree can come out as wanted at all: what the linter needs to call a rule contradictory.

A fact's values fall into few cases: each constant the tree compares it with, what lies just beside it, and unknown.
Comparisons are put to these cases by the evaluator itself. Facts are narrowed one by one, so "possible" may be wrong
where facts hang together; "impossible" never is.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hcrm_core.facts.catalogue import CATALOGUE, FactType
from hcrm_core.rules.evaluation import comparisons, reader
from hcrm_core.rules.lowering import Certain, Comparison, Every, Lowered, Negation

Cases = frozenset[Any]  # why Any: a fact's value is of its own type; None is unknown
Reach = Mapping[str, Cases]  # by fact

Wanted = frozenset[bool | None]  # None: needs a measurement

TRUE: Wanted = frozenset({True})
NOT_TRUE: Wanted = frozenset({False, None})
NOT_FALSE: Wanted = frozenset({True, None})
_FALSE: Wanted = frozenset({False})
_OPPOSITE = {TRUE: _FALSE, _FALSE: TRUE, NOT_TRUE: NOT_FALSE, NOT_FALSE: NOT_TRUE}
_WEAKEST = {TRUE, NOT_FALSE}  # an "all" is as true as its least true part


def everything(*trees: Lowered) -> Reach:
    """All cases of all facts that some trees compare."""
    constants: dict[str, set[Any]] = {}
    for tree in trees:
        for test in comparisons(tree):
            constants.setdefault(test.fact.name, set()).update(test.constants)
    return {name: frozenset(_cases(name, found)) for name, found in constants.items()}


def narrowed(tree: Lowered, reach: Reach, *, wanted: Wanted = TRUE) -> Reach | None:
    """What facts may be if the tree comes out as wanted; None if it cannot.

    Args:
        tree: a lowered tree.
        reach: what they may be so far; holds every fact of the tree, as `everything` gives it.
        wanted: `TRUE` or `NOT_TRUE`.
    """
    if isinstance(tree, Comparison):
        return _compared(tree, reach, wanted)
    if isinstance(tree, Negation):
        return narrowed(tree.part, reach, wanted=_OPPOSITE[wanted])
    if isinstance(tree, Certain):
        return narrowed(tree.part, reach, wanted=TRUE if wanted in _WEAKEST else NOT_TRUE)
    if isinstance(tree, Every) == (wanted in _WEAKEST):
        return _all_of(tree.parts, reach, wanted)
    return _any_of(tree.parts, reach, wanted)


def _compared(test: Comparison, reach: Reach, wanted: Wanted) -> Reach | None:
    name = test.fact.name
    read = reader(test)
    left = frozenset(case for case in reach[name] if read({name: case}) in wanted)
    return {**reach, name: left} if left else None


def _all_of(parts: Iterable[Lowered], reach: Reach, wanted: Wanted) -> Reach | None:
    """Twice, because a later part may narrow what an earlier one hangs on."""
    parts, found = tuple(parts), reach
    for part in parts * 2:
        step = narrowed(part, found, wanted=wanted)
        if step is None:
            return None
        found = step
    return found


def _any_of(parts: Iterable[Lowered], reach: Reach, wanted: Wanted) -> Reach | None:
    ways = [way for part in parts if (way := narrowed(part, reach, wanted=wanted)) is not None]
    if not ways:
        return None
    return {name: frozenset().union(*(way[name] for way in ways)) for name in reach}


def _cases(name: str, constants: Iterable[Any]) -> Iterator[Any]:
    fact = CATALOGUE[name]
    yield None
    if fact.kind is FactType.BOOLEAN:
        yield from (True, False)
        return
    if fact.kind is FactType.WORD:
        assert fact.words is not None
        yield from (word.value for word in fact.words)
        return
    for constant in (*constants, _SOME[fact.kind]):
        yield from _around(constant)


# A known value of facts that the tree compares with nothing.
_SOME: dict[FactType, Any] = {
    FactType.DATE: date(2000, 1, 1),
    FactType.DECIMAL: Decimal(0),
    FactType.INTEGER: 0,
    FactType.ID: UUID(int=0),
}


def _around(constant: Any) -> Iterator[Any]:
    yield constant
    if isinstance(constant, date):
        if constant > date.min:
            yield constant - timedelta(days=1)
        if constant < date.max:
            yield constant + timedelta(days=1)
    elif isinstance(constant, Decimal):
        yield from (constant - Decimal("0.001"), constant + Decimal("0.001"))
    elif isinstance(constant, int):
        yield from (constant - 1, constant + 1)
