"""Whether a rule makes sense: every problem of the whole tree in one pass."""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from hcrm_core.errors import Problem
from hcrm_core.facts.catalogue import CATALOGUE, PER_EYE, Fact, FactType
from hcrm_core.rules.lowering import RELATIVE, relative_unit
from hcrm_core.rules.model import NO_OPERAND, Condition, Node, Operator, Parameter, Scalar, conditions

_EQUAL = {Operator.EQ, Operator.NE}
_ORDER = {Operator.LT, Operator.LE, Operator.GT, Operator.GE, Operator.BETWEEN}
OPERATORS: dict[FactType, frozenset[Operator]] = {
    FactType.DATE: frozenset(_ORDER | NO_OPERAND | RELATIVE | _EQUAL),
    FactType.BOOLEAN: frozenset(_EQUAL | NO_OPERAND),
    FactType.WORD: frozenset(_EQUAL | NO_OPERAND | {Operator.IN}),
    FactType.DECIMAL: frozenset(_EQUAL | _ORDER | NO_OPERAND),
    FactType.INTEGER: frozenset(_EQUAL | _ORDER | NO_OPERAND),
    FactType.ID: NO_OPERAND,
}
# Longer than any life a record can hold; also keeps date arithmetic inside the calendar.
FURTHEST = {"天": 36_500, "个月": 1_200, "岁": 120}
# As texts are written: no exponent, no other digits, no day that calculation could carry out of the calendar. Larger
# than any measure, and within what the database compares with a column.
NUMBER, LARGEST = r"^[+-]?[0-9]{1,9}(\.[0-9]{1,9})?$", 10**9 - 1
DAY = r"^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"


def check(node: Node, *, parameters: Mapping[str, Parameter]) -> list[Problem]:
    """All problems of a tree, each naming its condition by its position, e.g. ``"2:product"``.

    Codes: ``fact_unknown``, ``operator_unsuitable``, ``value_missing``, ``value_superfluous``,
    ``value_unsuitable``, ``parameter_unknown``, ``unit_unsuitable``, ``eyes_unsuitable``.
    """
    return [
        Problem(code=code, field=f"{n}:{condition.fact}")
        for n, condition in enumerate(conditions(node), start=1)
        for code in _codes(condition, parameters)
    ]


def _codes(condition: Condition, parameters: Mapping[str, Parameter]) -> Iterator[str]:
    if condition.eyes is not None and condition.fact not in PER_EYE:
        yield "eyes_unsuitable" if condition.fact in CATALOGUE else "fact_unknown"
        return
    fact = CATALOGUE.get(f"{condition.fact}_od" if condition.eyes is not None else condition.fact)
    if fact is None:
        yield "fact_unknown"
        return
    if condition.op not in OPERATORS[fact.kind]:
        yield "operator_unsuitable"
    yield from _operand_codes(condition, fact, parameters)


def _operand_codes(condition: Condition, fact: Fact, parameters: Mapping[str, Parameter]) -> Iterator[str]:
    given = (condition.value is not None) + (condition.parameter is not None)
    if condition.op in NO_OPERAND:
        if given:
            yield "value_superfluous"
    elif given != 1:
        yield "value_superfluous" if given else "value_missing"
    elif condition.parameter is not None:
        yield from _parameter_codes(condition, fact, parameters.get(condition.parameter))
    elif not _suits(condition, fact):
        yield "value_unsuitable"


def _parameter_codes(condition: Condition, fact: Fact, parameter: Parameter | None) -> Iterator[str]:
    if parameter is None:
        yield "parameter_unknown"
    elif condition.op in (Operator.BETWEEN, Operator.IN):
        yield "operator_unsuitable"
    elif condition.op in RELATIVE:
        if parameter.unit != relative_unit(condition.op) or parameter.value % 1:
            yield "unit_unsuitable"
    elif parameter.unit != fact.unit and (parameter.unit, fact.unit) != ("度", "D"):
        yield "unit_unsuitable"


def _suits(condition: Condition, fact: Fact) -> bool:
    value = condition.value
    if condition.op is Operator.BETWEEN:
        return isinstance(value, tuple) and len(value) == 2 and all(_readable(one, fact) for one in value)
    if condition.op is Operator.IN:
        most = len(fact.words or ())  # a list has an end that the database can take
        return isinstance(value, tuple) and 0 < len(value) <= most and all(_readable(one, fact) for one in value)
    if value is None or isinstance(value, tuple):
        return False
    if condition.op in RELATIVE:
        return type(value) is int and 0 <= value <= FURTHEST[relative_unit(condition.op)]
    return _readable(value, fact)


def _readable(value: Scalar, fact: Fact) -> bool:
    if fact.kind is FactType.BOOLEAN or isinstance(value, bool):
        return fact.kind is FactType.BOOLEAN and isinstance(value, bool)
    if fact.kind is FactType.WORD:
        return fact.words is not None and value in {word.value for word in fact.words}
    if fact.kind is FactType.INTEGER:
        return isinstance(value, int) and abs(value) <= LARGEST
    return _is_date(value) if fact.kind is FactType.DATE else _is_number(value)


def _is_date(value: Scalar) -> bool:
    if not isinstance(value, str) or not re.fullmatch(DAY, value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_number(value: Scalar) -> bool:
    return re.fullmatch(NUMBER, str(value)) is not None
