"""One customer against one rule: three-valued, with every reason.

The SQL compiler (hcrm_central.jobs.compile) says the same of everybody; a property test holds the two together.
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
    Comparison,
    Constant,
    Lowered,
    Negation,
    Some,
    relative_unit,
)
from hcrm_core.rules.model import NO_OPERAND, Operator, Unknown

FactsRow = Mapping[str, Any]  # why Any: a fact's value is of its own type, or None


class Verdict(StrEnum):
    """What a rule says of a customer."""

    MATCH = "match"
    NO_MATCH = "no_match"
    NEEDS_MEASUREMENT = "needs_measurement"


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
    truth = _truth(rule, row)
    if truth is None:
        return Verdict.NEEDS_MEASUREMENT
    return Verdict.MATCH if truth else Verdict.NO_MATCH


def explain(rule: Lowered, row: FactsRow, *, on: date) -> list[Evidence]:
    """Every condition with the value it saw, in reading order.

    Args:
        rule: a lowered tree.
        row: facts by name.
        on: the business date it was lowered for.
    """
    return [_evidence(test, row, on=on, negated=negated) for test, negated in _tests(rule, negated=False)]


def names_in(rule: Lowered) -> set[str]:
    """The facts that an explanation of a tree reads, with those that date them."""
    facts = [test.fact for test, _ in _tests(rule, negated=False)]
    return {fact.name for fact in facts} | {fact.dated_by for fact in facts if fact.dated_by}


def _truth(node: Lowered, row: FactsRow) -> bool | None:
    """Kleene's logic: an open part leaves the whole open unless the other parts decide it."""
    if isinstance(node, Comparison):
        return _holds(node, row)
    if isinstance(node, Negation):
        inner = _truth(node.part, row)
        return None if inner is None else not inner
    deciding = isinstance(node, Some)
    parts = [_truth(part, row) for part in node.parts]
    if deciding in parts:
        return deciding
    return None if None in parts else not deciding


def _holds(test: Comparison, row: FactsRow) -> bool | None:
    value = row.get(test.fact.name)
    if test.op in NO_OPERAND:
        return (value is None) == (test.op is Operator.IS_UNKNOWN)
    if value is None:
        return {Unknown.NO: False, Unknown.YES: True}.get(test.unknown)
    return _COMPARE[test.op](value, test.constants)


_COMPARE: dict[Operator, Callable[[Any, tuple[Any, ...]], bool]] = {
    Operator.EQ: lambda value, constants: bool(value == constants[0]),
    Operator.NE: lambda value, constants: bool(value != constants[0]),
    Operator.LT: lambda value, constants: bool(value < constants[0]),
    Operator.LE: lambda value, constants: bool(value <= constants[0]),
    Operator.GT: lambda value, constants: bool(value > constants[0]),
    Operator.GE: lambda value, constants: bool(value >= constants[0]),
    Operator.BETWEEN: lambda value, constants: bool(constants[0] <= value <= constants[1]),
    Operator.IN: lambda value, constants: value in constants,
}


def _tests(node: Lowered, *, negated: bool) -> Iterator[tuple[Comparison, bool]]:
    if isinstance(node, Comparison):
        yield node, negated
    elif isinstance(node, Negation):
        yield from _tests(node.part, negated=not negated)
    else:
        for part in node.parts:
            yield from _tests(part, negated=negated)


def _evidence(test: Comparison, row: FactsRow, *, on: date, negated: bool) -> Evidence:
    value, fact = row.get(test.fact.name), test.fact
    measured_on = row.get(fact.dated_by) if fact.dated_by else None
    return Evidence(
        fact=fact.name,
        label=fact.label,
        eye=fact.eye.value if fact.eye else "",
        value=None if value is None else _text(value),
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
    return _holds(test, {test.fact.name: value})


def _text(value: Constant) -> str:
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
