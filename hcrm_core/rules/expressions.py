"""Rules over frames: a lowered tree becomes one narwhals expression, for Polars and PySpark alike.

A frame has a column for each fact the tree reads: dates as dates, DECIMAL facts as integers in 0.001 of their unit,
ids and words as text.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

import narwhals as nw

from hcrm_core.facts.catalogue import FactType
from hcrm_core.rules.lowering import Certain, Comparison, Constant, Every, Lowered, Negation
from hcrm_core.rules.model import NO_OPERAND, Operator, Unknown

THOUSANDTHS = 1000
_WIDEST = 2**31  # beyond it a constant is compared as a float: no fact comes near


def expression(rule: Lowered) -> nw.Expr:
    """True: matches; false: does not; null: needs a measurement."""
    if isinstance(rule, Comparison):
        return _comparison(rule)
    if isinstance(rule, Negation):
        return ~expression(rule.part)
    if isinstance(rule, Certain):
        return _known(expression(rule.part), otherwise=False)
    every = isinstance(rule, Every)
    return reduce(and_ if every else or_, map(expression, rule.parts), nw.lit(every))


def _comparison(test: Comparison) -> nw.Expr:
    column = nw.col(test.fact.name)
    found = _EXPRESSIONS[test.op](column, [_in_frame(one, test) for one in test.constants])
    if test.op in NO_OPERAND or test.unknown is Unknown.NEEDS_MEASUREMENT:
        return found
    return _known(found, otherwise=test.unknown is Unknown.YES)


def _known(found: nw.Expr, *, otherwise: bool) -> nw.Expr:
    return nw.coalesce(found, nw.lit(otherwise))


def _in_frame(constant: Constant, test: Comparison) -> Any:  # why Any: as the column
    if isinstance(constant, UUID):
        return str(constant)
    if isinstance(constant, bool) or not isinstance(constant, (Decimal, int)):
        return constant
    number = Decimal(constant) * (THOUSANDTHS if test.fact.kind is FactType.DECIMAL else 1)
    whole = abs(number) < _WIDEST and number == int(number)
    return int(number) if whole else float(number)


_EXPRESSIONS: dict[Operator, Callable[[nw.Expr, list[Any]], nw.Expr]] = {
    Operator.EQ: lambda column, constants: column == constants[0],
    Operator.NE: lambda column, constants: column != constants[0],
    Operator.LT: lambda column, constants: column < constants[0],
    Operator.LE: lambda column, constants: column <= constants[0],
    Operator.GT: lambda column, constants: column > constants[0],
    Operator.GE: lambda column, constants: column >= constants[0],
    Operator.BETWEEN: lambda column, constants: (column >= constants[0]) & (column <= constants[1]),
    Operator.IN: lambda column, constants: column.is_in(constants),
    Operator.IS_KNOWN: lambda column, _: ~column.is_null(),
    Operator.IS_UNKNOWN: lambda column, _: column.is_null(),
}
