"""Rules as SQL: a lowered tree becomes one boolean expression over `customer_facts`.

SQL's own three values are Kleene's, so an open condition may stay NULL through and, or and not; every other
condition says with `coalesce` what its unknown counts as. Without that, NOT over a missing fact would silently
lose customers.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true
from sqlalchemy.sql.elements import Grouping

from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.rules.lowering import Certain, Comparison, Lowered, Negation, Some
from hcrm_core.rules.model import NO_OPERAND, Operator, Unknown

Column = ColumnElement[Any]  # why Any: a fact's column has the fact's own type


def predicate(rule: Lowered) -> ColumnElement[bool]:
    """True: matches; false: does not; NULL: needs a measurement. Dates are bound as constants."""
    if isinstance(rule, Comparison):
        return _comparison(rule)
    if isinstance(rule, Negation):
        return opposite(predicate(rule.part))
    if isinstance(rule, Certain):
        return predicate(rule.part).is_(True)
    parts = [predicate(part) for part in rule.parts]
    return or_(false(), *parts) if isinstance(rule, Some) else and_(true(), *parts)


def opposite(part: ColumnElement[bool]) -> ColumnElement[bool]:
    """NOT in brackets: of `not_(x).is_(None)` SQLAlchemy makes NOT x IS NULL, which is true wherever x is known."""
    return Grouping(not_(part))


def _comparison(test: Comparison) -> ColumnElement[bool]:
    column = CUSTOMER_FACTS.c[test.fact.name]
    found = _SQL[test.op](column, test.constants)
    if test.op in NO_OPERAND or test.unknown is Unknown.NEEDS_MEASUREMENT:
        return found
    return func.coalesce(found, test.unknown is Unknown.YES)


_SQL: dict[Operator, Callable[[Column, tuple[Any, ...]], ColumnElement[bool]]] = {
    Operator.EQ: lambda column, constants: column == constants[0],
    Operator.NE: lambda column, constants: column != constants[0],
    Operator.LT: lambda column, constants: column < constants[0],
    Operator.LE: lambda column, constants: column <= constants[0],
    Operator.GT: lambda column, constants: column > constants[0],
    Operator.GE: lambda column, constants: column >= constants[0],
    Operator.BETWEEN: lambda column, constants: column.between(constants[0], constants[1]),
    Operator.IN: lambda column, constants: column.in_(constants),
    Operator.IS_KNOWN: lambda column, _: column.is_not(None),
    Operator.IS_UNKNOWN: lambda column, _: column.is_(None),
}
