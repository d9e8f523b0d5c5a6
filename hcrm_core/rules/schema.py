"""The JSON Schema of a rule: its form, and which operators and values suit which fact.

What a schema cannot say (that a parameter exists and has the fact's unit, that a day is in the calendar, how deep a
tree is) `checking.check` and `Rule` say. docs/rule.schema.json is this, written out.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from hcrm_core.facts.catalogue import CATALOGUE, PER_EYE, Fact, FactType
from hcrm_core.rules.checking import DAY, FURTHEST, LARGEST, NUMBER, OPERATORS
from hcrm_core.rules.lowering import RELATIVE, relative_unit
from hcrm_core.rules.model import NO_OPERAND, Operator, Rule

Schema = dict[str, Any]  # why Any: JSON

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LISTS = (Operator.BETWEEN, Operator.IN)
_NOTHING: Schema = {"type": "null"}
_PARAMETER: Schema = {"type": "string", "minLength": 1}


def rule_schema() -> Schema:
    """The schema of a rule as `Rule.as_json` writes it and resources/rules have it."""
    schema = Rule.model_json_schema(by_alias=True)
    schema["$defs"]["Condition"]["allOf"] = [{"anyOf": list(_forms())}]
    return {"$schema": _DIALECT, "title": "HCRM rule", **schema}


def _forms() -> Iterator[Schema]:
    """Each kind of fact with what may be asked of it, alone and of either or both eyes."""
    kinds: dict[tuple[FactType, str, tuple[str, ...]], list[Fact]] = {}
    for fact in CATALOGUE.values():
        kinds.setdefault((fact.kind, fact.unit, _words(fact)), []).append(fact)
    for facts in kinds.values():
        pairs = sorted({name for fact in facts if (name := fact.name.rpartition("_")[0]) in PER_EYE and fact.eye})
        for operand in _operands(facts[0]):
            yield _form([fact.name for fact in facts], operand, eyes=_NOTHING)
            if pairs:
                yield _form(pairs, operand, eyes={"enum": ["either", "both"]}, required=("eyes",))


def _form(names: Iterable[str], operand: Schema, *, eyes: Schema, required: tuple[str, ...] = ()) -> Schema:
    properties = {"fact": {"enum": sorted(names)}, "eyes": eyes} | operand["properties"]
    return {"properties": properties, "required": [*operand["required"], *required]}


def _operands(fact: Fact) -> Iterator[Schema]:
    """Operators with what stands beside them: nothing, a value or a parameter."""
    operators = OPERATORS[fact.kind]
    yield _operand(operators & NO_OPERAND, value=_NOTHING, parameter=_NOTHING)
    plain = operators - NO_OPERAND - RELATIVE - set(_LISTS)
    if plain:
        yield _operand(plain, value=_scalar(fact), parameter=_NOTHING, required="value")
    for op in sorted(operators & set(_LISTS)):
        least, most = (2, 2) if op is Operator.BETWEEN else (1, len(_words(fact)))
        listed = {"type": "array", "items": _scalar(fact), "minItems": least, "maxItems": most}
        yield _operand([op], value=listed, parameter=_NOTHING, required="value")
    for unit, furthest in FURTHEST.items():
        counting = [op for op in operators & RELATIVE if relative_unit(op) == unit]
        if counting:
            number = {"type": "integer", "minimum": 0, "maximum": furthest}
            yield _operand(counting, value=number, parameter=_NOTHING, required="value")
    numbered = (plain if fact.unit else frozenset()) | (operators & RELATIVE)
    if numbered:
        yield _operand(numbered, value=_NOTHING, parameter=_PARAMETER, required="parameter")


def _operand(operators: Iterable[Operator], *, value: Schema, parameter: Schema, required: str = "") -> Schema:
    properties = {"op": {"enum": sorted(op.value for op in operators)}, "value": value, "parameter": parameter}
    return {"properties": properties, "required": [required] if required else []}


def _words(fact: Fact) -> tuple[str, ...]:
    return tuple(word.value for word in fact.words) if fact.words is not None else ()


def _scalar(fact: Fact) -> Schema:
    if fact.words is not None:
        return {"enum": list(_words(fact))}
    return _SCALARS[fact.kind]


_INTEGER: Schema = {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST}
_SCALARS: dict[FactType, Schema] = {
    FactType.BOOLEAN: {"type": "boolean"},
    FactType.INTEGER: _INTEGER,
    FactType.DATE: {"type": "string", "pattern": DAY},
    FactType.DECIMAL: {"anyOf": [_INTEGER, {"type": "string", "pattern": NUMBER}]},
}
