"""Lowering: a rule, its parameters and a business date become plain comparisons of facts with constants.

Both readers of a rule, the SQL compiler and the Python evaluator, read the lowered tree and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import cast

from hcrm_core.errors import Rejected
from hcrm_core.eye.age import months_before, years_before
from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType
from hcrm_core.rules.model import (
    NO_OPERAND,
    AllOf,
    AnyOf,
    Condition,
    Eyes,
    Node,
    NotOf,
    Operator,
    Parameter,
    Reference,
    Scalar,
    Unknown,
)

Constant = date | Decimal | int | str | bool

_DEGREE = Decimal("0.01")  # 1 度 = 0.01 D


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One fact against constants.

    Attributes:
        fact: what is compared.
        op: one of the operators that need no business date.
        constants: none, one, two (between) or many (in).
        unknown: what an unknown fact counts as.
        condition: where it came from.
        threshold: the number as written or set, e.g. 550, with `unit`; for explanations.
    """

    fact: Fact
    op: Operator
    constants: tuple[Constant, ...]
    unknown: Unknown
    condition: Condition
    threshold: str
    unit: str


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: tuple["Lowered", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple["Lowered", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold."""

    part: "Lowered"


Lowered = Comparison | Every | Some | Negation


def lower(node: Node, *, parameters: Mapping[str, Parameter], on: date) -> Lowered:
    """A tree for one business date.

    Args:
        node: a tree that `check` found sound.
        parameters: by key.
        on: the clinic's business date; relative dates count back from it.

    Raises:
        Rejected: ``parameter_unknown`` if a parameter is missing, ``fact_unknown`` if a fact is.
    """
    if isinstance(node, NotOf):
        return Negation(lower(node.negated, parameters=parameters, on=on))
    if isinstance(node, AllOf):
        return Every(tuple(lower(child, parameters=parameters, on=on) for child in node.every))
    if isinstance(node, AnyOf):
        return Some(tuple(lower(child, parameters=parameters, on=on) for child in node.some))
    if isinstance(node, Reference):
        raise Rejected("rule_unknown", f"there is no rule {node.rule}")
    tests = tuple(_comparison(node, fact, parameters=parameters, on=on) for fact in facts_of(node))
    if len(tests) == 1:
        return tests[0]
    return Some(tests) if node.eyes is Eyes.EITHER else Every(tests)


def facts_of(condition: Condition) -> tuple[Fact, ...]:
    """The facts a condition asks: one, or one for each eye.

    Raises:
        Rejected: ``fact_unknown``.
    """
    names = [condition.fact] if condition.eyes is None else [f"{condition.fact}_od", f"{condition.fact}_os"]
    if any(name not in CATALOGUE for name in names):
        raise Rejected("fact_unknown", f"there is no fact {names[0]}")
    return tuple(CATALOGUE[name] for name in names)


_RELATIVE: dict[Operator, Operator] = {
    Operator.DAYS_AGO_GT: Operator.LT,
    Operator.DAYS_AGO_GE: Operator.LE,
    Operator.DAYS_AGO_LE: Operator.GE,
    Operator.DAYS_AGO_LT: Operator.GT,
    Operator.MONTHS_AGO_GE: Operator.LE,
    Operator.MONTHS_AGO_LT: Operator.GT,
    Operator.IN_DAYS_LE: Operator.LE,
    Operator.IN_DAYS_GT: Operator.GT,
    Operator.AGE_GE: Operator.LE,
    Operator.AGE_LT: Operator.GT,
}
RELATIVE = frozenset(_RELATIVE)
_RELATIVE_UNITS = {"days": "天", "in": "天", "months": "个月", "age": "岁"}


def relative_unit(op: Operator) -> str:
    """The unit in which a relative operator counts."""
    return _RELATIVE_UNITS[op.value.split("_")[0]]


def _comparison(condition: Condition, fact: Fact, *, parameters: Mapping[str, Parameter], on: date) -> Comparison:
    operands, unit = _operands(condition, fact, parameters=parameters)
    if condition.op in RELATIVE:
        op = _RELATIVE[condition.op]
        constants: tuple[Constant, ...] = (_relative(condition.op, int(cast("str", operands[0])), on=on),)
    else:
        op, constants = condition.op, tuple(_constant(one, fact, unit=unit) for one in operands)
    return Comparison(
        fact=fact,
        op=op,
        constants=constants,
        unknown=condition.unknown,
        condition=condition,
        threshold="–".join(str(one) for one in operands) if op is Operator.BETWEEN else _listed(operands),
        unit=unit,
    )


def _listed(operands: tuple[Scalar, ...]) -> str:
    return "、".join(str(one) for one in operands)


def _operands(
    condition: Condition, fact: Fact, *, parameters: Mapping[str, Parameter]
) -> tuple[tuple[Scalar, ...], str]:
    if condition.parameter is not None:
        if condition.parameter not in parameters:
            raise Rejected("parameter_unknown", f"there is no parameter {condition.parameter}")
        parameter = parameters[condition.parameter]
        return (f"{parameter.value.normalize():f}",), parameter.unit
    unit = relative_unit(condition.op) if condition.op in RELATIVE else fact.unit
    if condition.op in NO_OPERAND:
        return (), ""
    value = condition.value
    return (value if isinstance(value, tuple) else (cast("Scalar", value),)), unit


def _relative(op: Operator, number: int, *, on: date) -> date:
    if op in (Operator.AGE_GE, Operator.AGE_LT):
        return years_before(on, years=number)
    if op in (Operator.MONTHS_AGO_GE, Operator.MONTHS_AGO_LT):
        return months_before(on, months=number)
    ahead = op in (Operator.IN_DAYS_LE, Operator.IN_DAYS_GT)
    return on + timedelta(days=number if ahead else -number)


def _constant(value: Scalar, fact: Fact, *, unit: str) -> Constant:
    if fact.kind is FactType.DATE:
        return date.fromisoformat(str(value))
    if fact.kind is FactType.DECIMAL:
        return Decimal(str(value)) * (_DEGREE if unit == "度" else 1)
    if fact.kind is FactType.INTEGER:
        return int(value)
    return value
