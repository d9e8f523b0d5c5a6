"""One customer against one rule: three-valued, with every reason.

SQL (hcrm_central.jobs.compile) and frames (rules.expressions) say the same of everybody; a property test holds them
together.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hcrm_core.eye.age import months_before
from hcrm_core.rules.lowering import (
    RELATIVE,
    Certain,
    Comparison,
    Constant,
    Every,
    Lowered,
    Negation,
    relative_unit,
)
from hcrm_core.rules.model import NO_OPERAND, Operator, Unknown

FactsRow = Mapping[str, Any]  # why Any: a fact's value is of its own type, or None


class Verdict(StrEnum):
    """What a rule says of a customer."""

    MATCH = "match"
    NO_MATCH = "no_match"
    NEEDS_MEASUREMENT = "needs_measurement"


VERDICTS = {True: Verdict.MATCH, False: Verdict.NO_MATCH, None: Verdict.NEEDS_MEASUREMENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One condition as it was met, plain enough for JSON.

    Attributes:
        fact: name in the catalogue.
        label: 中文.
        eye: "OD", "OS" or "".
        value: the fact as text, None if unknown.
        unit: the fact's unit.
        on: the day the value was measured, ISO, or None.
        operator: a `model.Operator`.
        threshold: the number as set, in `threshold_unit`.
        quantity: days (ahead for ``in_days``, else past), months or years between a date fact and the business
            date, for relative operators.
        verdict: "true", "false" or "unknown"; of the condition itself, before any "not" above it.
        negated: whether the tree asks for the opposite.
    """

    fact: str
    label: str
    eye: str
    value: str | None
    unit: str
    on: str | None
    operator: str
    threshold: str
    threshold_unit: str
    quantity: int | None
    verdict: str
    negated: bool

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}  # asdict() copies deeply, 40 times slower


def evaluate(rule: Lowered, row: FactsRow) -> Verdict:
    """The verdict on one customer.

    Args:
        rule: a lowered tree.
        row: facts by name; None or absent is unknown.
    """
    return VERDICTS[reader(rule)(row)]


def reader(rule: Lowered) -> Callable[[FactsRow], bool | None]:
    """A lowered tree as a function of a row: true, false or None for needs a measurement. For many rows.

    Kleene's logic: an open part leaves the whole open unless the other parts decide it.
    """
    if isinstance(rule, Comparison):
        return _test(rule)
    if isinstance(rule, Negation):
        return _negation(reader(rule.part))
    if isinstance(rule, Certain):
        part = reader(rule.part)
        return lambda row: part(row) is True
    parts = tuple(reader(one) for one in rule.parts)
    return _every(parts) if isinstance(rule, Every) else _some(parts)


def explain(rule: Lowered, row: FactsRow, *, on: date, negated: bool = False) -> list[Evidence]:
    """Every condition with the value it saw, in reading order; not what surrounds the rule.

    Args:
        rule: a lowered tree.
        row: facts by name.
        on: the business date it was lowered for.
        negated: whether what stands above the tree asks for the opposite.
    """
    return [_evidence(test, row, on=on, negated=turned) for test, turned in _tests(rule, negated=negated)]


def names_in(rule: Lowered) -> set[str]:
    """The facts that a tree and its explanation read, with those that date them."""
    facts = [test.fact for test in comparisons(rule)]
    return {fact.name for fact in facts} | {fact.dated_by for fact in facts if fact.dated_by}


def may_stay_open(rule: Lowered) -> bool:
    """Whether some customer's verdict may wait for a measurement."""
    return any(test.unknown is Unknown.NEEDS_MEASUREMENT for test in comparisons(rule))


def comparisons(rule: Lowered) -> Iterator[Comparison]:
    """All comparisons of a tree, in reading order."""
    if isinstance(rule, Comparison):
        yield rule
    elif isinstance(rule, (Negation, Certain)):
        yield from comparisons(rule.part)
    else:
        for part in rule.parts:
            yield from comparisons(part)


Reader = Callable[[FactsRow], bool | None]


def _negation(part: Reader) -> Reader:
    def read(row: FactsRow) -> bool | None:
        inner = part(row)
        return None if inner is None else not inner

    return read


def _every(parts: tuple[Reader, ...]) -> Reader:
    def read(row: FactsRow) -> bool | None:
        found: bool | None = True
        for part in parts:
            one = part(row)
            if one is False:
                return False
            if one is None:
                found = None
        return found

    return read


def _some(parts: tuple[Reader, ...]) -> Reader:
    def read(row: FactsRow) -> bool | None:
        found: bool | None = False
        for part in parts:
            one = part(row)
            if one:
                return True
            if one is None:
                found = None
        return found

    return read


def _test(test: Comparison) -> Reader:
    name, unknown = test.fact.name, _UNKNOWN[test.unknown]
    if test.op in NO_OPERAND:
        asked = test.op is Operator.IS_UNKNOWN
        return lambda row: (row.get(name) is None) is asked
    compare = _COMPARE[test.op](*test.constants) if test.op is not Operator.IN else _among(test.constants)

    def read(row: FactsRow) -> bool | None:
        value = row.get(name)
        return unknown if value is None else compare(value)

    return read


_UNKNOWN = {Unknown.NO: False, Unknown.YES: True, Unknown.NEEDS_MEASUREMENT: None}
_Compare = Callable[[Any], bool]  # why Any: a fact's value is of its own type


def _among(constants: tuple[Constant, ...]) -> _Compare:
    found = frozenset(constants)
    return lambda value: value in found


_COMPARE: dict[Operator, Callable[..., _Compare]] = {
    Operator.EQ: lambda constant: lambda value: bool(value == constant),
    Operator.NE: lambda constant: lambda value: bool(value != constant),
    Operator.LT: lambda constant: lambda value: bool(value < constant),
    Operator.LE: lambda constant: lambda value: bool(value <= constant),
    Operator.GT: lambda constant: lambda value: bool(value > constant),
    Operator.GE: lambda constant: lambda value: bool(value >= constant),
    Operator.BETWEEN: lambda low, high: lambda value: bool(low <= value <= high),
}


def _tests(node: Lowered, *, negated: bool) -> Iterator[tuple[Comparison, bool]]:
    if isinstance(node, Comparison):
        yield node, negated
    elif isinstance(node, Negation):
        yield from _tests(node.part, negated=not negated)
    elif not isinstance(node, Certain):
        for part in node.parts:
            yield from _tests(part, negated=negated)


def _evidence(test: Comparison, row: FactsRow, *, on: date, negated: bool) -> Evidence:
    value, fact = row.get(test.fact.name), test.fact
    measured_on = row.get(fact.dated_by) if fact.dated_by else None
    return Evidence(
        fact=fact.name,
        label=fact.label,
        eye=fact.eye.value if fact.eye else "",
        value=None if value is None else as_text(value),
        unit=fact.unit,
        on=measured_on.isoformat() if measured_on else None,
        operator=test.condition.op.value,
        threshold=test.threshold,
        threshold_unit=test.unit,
        quantity=_quantity(test, value, on=on),
        verdict={True: "true", False: "false", None: "unknown"}[_raw(test, value)],
        negated=negated,
    )


def _raw(test: Comparison, value: Constant | None) -> bool | None:
    """Without the rule's opinion on unknown: the reader is told what is not known."""
    if value is None and test.op not in NO_OPERAND:
        return None
    return _test(test)({test.fact.name: value})


def as_text(value: Constant) -> str:
    """A fact's value for messages."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _quantity(test: Comparison, value: Constant | None, *, on: date) -> int | None:
    if test.condition.op not in RELATIVE or not isinstance(value, date):
        return None
    if relative_unit(test.condition.op) == "天":
        past = (on - value).days
        return -past if test.condition.op.value.startswith("in_") else past
    if test.condition.op.value.startswith("age"):
        return on.year - value.year - ((on.month, on.day) < (value.month, value.day))
    months = (on.year - value.year) * 12 + on.month - value.month
    return months if value <= months_before(on, months=months) else months - 1
