"""Random rules and random facts for property tests, and a slow, obvious reading of a rule's JSON."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import polars as pl
from hypothesis import strategies as st

from hcrm_core.eye.age import add_months
from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType
from hcrm_core.rules import Parameter, Rule, Surroundings
from hcrm_core.rules.checking import OPERATORS
from hcrm_core.rules.lowering import RELATIVE
from hcrm_core.rules.model import MAX_DEPTH, NO_OPERAND, Operator

TODAY = date(2026, 11, 22)
SITES = {"north": UUID(int=1), "south": UUID(int=2)}
FACTS = ["birth_date", "last_activity_on", "product", "product_od", "ever_bought", "se_od", "se_growth_frame_os"]
FACTS += ["cct_um_od", "se_growth_6m_refusal_od"]
EYE_FACTS = ["se", "cct_um", "product", "lens_dispensed_on"]

# Few values, so that equality and the edges of ranges are met often.
NUMBERS: dict[FactType, list[Any]] = {
    FactType.DECIMAL: [Decimal(n) / 4 for n in range(-4, 4)],
    FactType.INTEGER: [478, 479, 480, 481],
}
DAYS = [TODAY - timedelta(days=days) for days in (-1, 0, 1, 364, 365, 366, 2922, 2923)]


def _parameter(key: str, unit: str, value: str) -> Parameter:
    values: dict[str, Any] = {"key": key, "label": key, "unit": unit, "value": value}
    return Parameter(minimum=Decimal(-1000), maximum=Decimal(9999), citation="test", **values)


PARAMETERS = {
    one.key: one
    for one in (
        _parameter("days", "天", "365"),
        _parameter("months", "个月", "12"),
        _parameter("years", "岁", "8"),
        _parameter("degrees", "度", "50"),
        _parameter("diopters", "D", "-0.25"),
        _parameter("micrometres", "µm", "480"),
    )
}
_SUITING = {"D": ["degrees", "diopters"], "µm": ["micrometres"]}
_COUNTED = {"days": "days", "in": "days", "months": "months", "age": "years"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A rule as JSON among others.

    Attributes:
        rule: asked about.
        others: published ones by key.
        on: the business date.
    """

    rule: dict[str, Any]
    others: dict[str, dict[str, Any]]
    on: date = TODAY

    @property
    def asked(self) -> Rule:
        return Rule.model_validate(self.rule)

    @property
    def within(self) -> Surroundings:
        rules = {key: Rule.model_validate(raw) for key, raw in self.others.items()}
        return Surroundings(parameters=PARAMETERS, on=self.on, rules=rules, sites=SITES)


# ── facts ────────────────────────────────────────────────────────────────────────────────────────────────


def random_value(name: str, source: random.Random) -> Any:
    """A value of a fact, four times in ten unknown."""
    fact = CATALOGUE[name]
    if source.random() < 0.4:
        return None
    if fact.kind is FactType.ID:
        return source.choice(list(SITES.values())) if name == "site_id" else None
    if fact.kind is FactType.DATE:
        return source.choice(DAYS)
    if fact.kind is FactType.BOOLEAN:
        return source.random() < 0.5
    return source.choice([word.value for word in fact.words] if fact.words else NUMBERS[fact.kind])


def random_rows(count: int, *, seed: int) -> list[dict[str, Any]]:
    source = random.Random(seed)
    return [{name: random_value(name, source) for name in CATALOGUE} for _ in range(count)]


_IN_FRAME: dict[FactType, Any] = {
    FactType.DATE: pl.Date,
    FactType.BOOLEAN: pl.Boolean,
    FactType.WORD: pl.String,
    FactType.DECIMAL: pl.Int64,
    FactType.INTEGER: pl.Int64,
    FactType.ID: pl.String,
}


def frame_of(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Customers as `hcrm_core.rules.expressions` reads them."""
    columns = {name: [_in_frame(row[name], name) for row in rows] for name in CATALOGUE}
    return pl.DataFrame(columns, schema={name: _IN_FRAME[fact.kind] for name, fact in CATALOGUE.items()})


def _in_frame(value: Any, name: str) -> Any:
    if value is not None and CATALOGUE[name].kind is FactType.DECIMAL:
        return int(value * 1000)
    return str(value) if isinstance(value, UUID) else value


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────


def worlds(*, leaves: int = 8) -> st.SearchStrategy[World]:
    """A rule among three others that it may refer to or be excluded by. Drawn whole from a seed: a hundred times
    quicker than node by node, and `leaves` makes it as small as one likes."""
    return st.integers(0, 2**32).map(lambda seed: random_world(random.Random(seed), leaves=leaves))


def random_world(source: random.Random, *, leaves: int) -> World:
    others: dict[str, dict[str, Any]] = {}
    for key in ("a", "b", "c"):
        others[key] = _rule(key, source, list(others), leaves=4)
    return World(rule=_rule("r", source, list(others), leaves=leaves), others=others)


def random_tree(source: random.Random, *, rules: Sequence[str] = (), leaves: int = 8) -> dict[str, Any]:
    """A tree as JSON with at most so many conditions and references. Any node may be muted, but not all."""
    while not counts(found := _node(source, rules, leaves=source.randint(1, leaves), depth=1)):
        pass
    return found


def _rule(key: str, source: random.Random, others: Sequence[str], *, leaves: int) -> dict[str, Any]:
    raw: dict[str, Any] = {"key": key, "label": key, "segment": {"key": key, "label": key}}
    days = [None, None, None, *(day.isoformat() for day in DAYS[:3])]
    raw |= {"valid_from": source.choice(days), "valid_until": source.choice(days)}
    raw |= {"sites": source.choice([[], [], ["north"], ["north", "south"]])}
    raw |= {"exclusive": source.choice(["", "x"]), "priority": source.randint(1, 3)}
    return raw | {"where": random_tree(source, rules=others, leaves=leaves)}


def _node(source: random.Random, rules: Sequence[str], *, leaves: int, depth: int) -> dict[str, Any]:
    muted = {"muted": source.random() < 0.1}
    below = partial(_node, source, rules, depth=depth + 1)
    if depth < MAX_DEPTH and source.random() < 0.2:
        return {"not": below(leaves=leaves)} | muted
    if leaves == 1 or depth == MAX_DEPTH:
        leaf = {"rule": source.choice(rules)} if rules and source.random() < 0.2 else _condition(source)
        return leaf | muted
    cut = source.randint(1, leaves - 1)
    return {source.choice(["all", "any"]): [below(leaves=cut), below(leaves=leaves - cut)]} | muted


def _condition(source: random.Random) -> dict[str, Any]:
    """One that `check` finds sound."""
    eyes = source.choice([None, None, "either", "both"])
    name = source.choice(FACTS if eyes is None else EYE_FACTS)
    fact = CATALOGUE[name if eyes is None else f"{name}_od"]
    op = source.choice(sorted(OPERATORS[fact.kind]))
    unknown = source.choice(["no", "yes", "needs_measurement"])
    return {"fact": name, "op": op.value, "eyes": eyes, "unknown": unknown} | _operands(source, fact, op)


def _operands(source: random.Random, fact: Fact, op: Operator) -> dict[str, Any]:
    if op in NO_OPERAND:
        return {}
    suiting = [_COUNTED[op.value.split("_")[0]]] if op in RELATIVE else _SUITING.get(fact.unit, [])
    many = op in (Operator.BETWEEN, Operator.IN)
    if suiting and not many and source.random() < 0.5:
        return {"parameter": source.choice(suiting)}
    if op in RELATIVE:
        return {"value": source.choice([0, 1, 8, 12, 365]) if "days" in op else source.randint(0, 12)}
    values = [_constant(source, fact) for _ in range(2)]
    return {"value": values if many else values[0]}


def _constant(source: random.Random, fact: Fact) -> Any:
    if fact.kind is FactType.BOOLEAN:
        return source.random() < 0.5
    if fact.kind is FactType.DATE:
        return source.choice(DAYS).isoformat()
    if fact.words:
        return source.choice([word.value for word in fact.words])
    number = source.choice(NUMBERS[fact.kind])
    return str(number) if fact.kind is FactType.DECIMAL else number


def counts(raw: dict[str, Any]) -> bool:
    """Whether a line of a tree is left when muted ones are left out."""
    if raw.get("muted"):
        return False
    parts = raw.get("all") or raw.get("any") or ([raw["not"]] if "not" in raw else None)
    return parts is None or any(map(counts, parts))


# ── the oracle ───────────────────────────────────────────────────────────────────────────────────────────


def oracle(world: World, row: Mapping[str, Any]) -> bool | None:
    """What a rule says of a customer, read from its JSON word by word."""
    taken = any(_goes_before(other, world.rule) and _belongs(world, other, row) for other in world.others.values())
    found = _belongs(world, world.rule, row)
    return False if taken and found is not False else found


def _belongs(world: World, raw: dict[str, Any], row: Mapping[str, Any]) -> bool | None:
    if raw["valid_from"] and world.on.isoformat() < raw["valid_from"]:
        return False
    if raw["valid_until"] and world.on.isoformat() > raw["valid_until"]:
        return False
    if raw["sites"] and row["site_id"] not in [SITES[code] for code in raw["sites"]]:
        return False
    return _says(world, raw["where"], row)


def _goes_before(other: dict[str, Any], rule: dict[str, Any]) -> bool:
    together = bool(rule["exclusive"]) and rule["exclusive"] == other["exclusive"] and other["key"] != rule["key"]
    return together and (other["priority"], other["key"]) < (rule["priority"], rule["key"])


def _says(world: World, raw: dict[str, Any], row: Mapping[str, Any]) -> bool | None:
    if "rule" in raw:
        return _says(world, world.others[raw["rule"]]["where"], row)
    if "fact" in raw:
        return _asked(world, raw, row)
    if "not" in raw:
        inner = _says(world, raw["not"], row)
        return None if inner is None else not inner
    kind = "all" if "all" in raw else "any"
    found = [_says(world, part, row) for part in raw[kind] if counts(part)]
    if kind == "all":
        return False if False in found else None if None in found else True
    return True if True in found else None if None in found else False


def _asked(world: World, raw: dict[str, Any], row: Mapping[str, Any]) -> bool | None:
    if raw["eyes"] is None:
        return _met(world, raw, CATALOGUE[raw["fact"]], row)
    found = [_met(world, raw, CATALOGUE[f"{raw['fact']}_{eye}"], row) for eye in ("od", "os")]
    if raw["eyes"] == "either":
        return True if True in found else None if None in found else False
    return False if False in found else None if None in found else True


_UNKNOWN: dict[str, bool | None] = {"no": False, "yes": True, "needs_measurement": None}


def _met(world: World, raw: dict[str, Any], fact: Fact, row: Mapping[str, Any]) -> bool | None:
    value = row[fact.name]
    if raw["op"] in ("is_known", "is_unknown"):
        return (value is None) is bool(raw["op"] == "is_unknown")
    if value is None:
        return _UNKNOWN[raw["unknown"]]
    if Operator(raw["op"]) in RELATIVE:
        return _relative(world, raw, value)
    operands = raw.get("value") if isinstance(raw.get("value"), list) else [_operand(raw, fact)]
    typed = [_typed(one, fact) for one in operands or ()]
    return _compared(raw["op"], value, typed)


def _operand(raw: dict[str, Any], fact: Fact) -> Any:
    if "parameter" not in raw:
        return raw["value"]
    parameter = PARAMETERS[raw["parameter"]]
    return parameter.value / 100 if (parameter.unit, fact.unit) == ("度", "D") else parameter.value


def _typed(value: Any, fact: Fact) -> Any:
    if fact.kind is FactType.DATE:
        return date.fromisoformat(value)
    return Decimal(str(value)) if fact.kind in (FactType.DECIMAL, FactType.INTEGER) else value


def _compared(op: str, value: Any, given: list[Any]) -> bool:
    if op == "in":
        return value in given
    if op == "between":
        return bool(given[0] <= value <= given[1])
    return bool(
        {
            "eq": value == given[0],
            "ne": value != given[0],
            "lt": op == "lt" and value < given[0],
            "le": op == "le" and value <= given[0],
            "gt": op == "gt" and value > given[0],
            "ge": op == "ge" and value >= given[0],
        }[op]
    )


def _relative(world: World, raw: dict[str, Any], value: date) -> bool:
    number = int(PARAMETERS[raw["parameter"]].value) if "parameter" in raw else raw["value"]
    kind, _, op = raw["op"].rpartition("_")
    if kind == "months_ago":
        passed = add_months(value, months=number) <= world.on
        return passed if op == "ge" else not passed
    days = (world.on - value).days
    years = world.on.year - value.year - ((world.on.month, world.on.day) < (value.month, value.day))
    counted = {"days_ago": days, "in_days": -days, "age": years}[kind]
    return {"gt": counted > number, "ge": counted >= number, "le": counted <= number, "lt": counted < number}[op]
