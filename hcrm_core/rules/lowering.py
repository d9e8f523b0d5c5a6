"""Lowering: a rule and what surrounds it on a business date become plain comparisons of facts with constants.

All readers of a rule (SQL, frames, one customer's row) read the lowered tree and nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import cast
from uuid import UUID

from hcrm_core.errors import Rejected
from hcrm_core.eye.age import months_before, years_before
from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType
from hcrm_core.rules.model import (
    NO_OPERAND,
    AllOf,
    Condition,
    Eyes,
    Node,
    NotOf,
    Operator,
    Parameter,
    Path,
    Reference,
    Rule,
    Scalar,
    Unknown,
    children,
)

Constant = date | Decimal | int | str | bool | UUID

MAX_LOWERED = 1_000  # nodes, references followed; operational
MAX_LOWERED_DEPTH = 32  # operational
SITE = "site_id"  # the fact that a rule's sites are compared with

DEGREE = Decimal("0.01")  # 1 度 = 0.01 D


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


@dataclass(frozen=True, slots=True)
class Certain:
    """The part certainly holds; never unknown. What stands in it surrounds a rule and is no evidence of it."""

    part: "Lowered"


Lowered = Comparison | Every | Some | Negation | Certain
ALWAYS, NEVER = Every(()), Some(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a rule is read with.

    Attributes:
        parameters: by key.
        on: the clinic's business date; relative dates count back from it.
        rules: published ones by key, for references and exclusion.
        sites: ids by code.
    """

    parameters: Mapping[str, Parameter]
    on: date
    rules: Mapping[str, Rule] = field(default_factory=dict)
    sites: Mapping[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A node of a tree with what it was lowered to."""

    node: Node
    lowered: Lowered


def lower(node: Node, *, within: Surroundings) -> Lowered:
    """A tree for one business date, muted nodes left out.

    Args:
        node: a tree that `check` found sound.
        within: what surrounds it.

    Raises:
        Rejected: ``parameter_unknown``, ``fact_unknown``, ``rule_unknown``, ``rule_cycle``, ``rule_too_large``;
            ``rule_empty`` if everything is muted.
    """
    return _whole(node, within=within)[()].lowered


def lower_rule(rule: Rule, *, within: Surroundings) -> Lowered:
    """Who belongs to a rule's segment: its tree, at its sites, while it is valid, unless a rule that goes before it
    certainly takes the customer.

    Raises:
        Rejected: as `lower`, and ``site_unknown``.
    """
    return around(rule, tree=lower_nodes(rule, within=within)[()], within=within)


def lower_nodes(rule: Rule, *, within: Surroundings) -> dict[Path, Lowered]:
    """Each node of a rule's tree by itself, in reading order; muted ones are left out.

    Raises:
        Rejected: as `lower`.
    """
    found = _whole(rule.where, within=within, key=rule.key)
    return {path: line.lowered for path, line in found.items() if not _is_inside(path, found)}


def lower_lines(rule: Rule, *, within: Surroundings) -> dict[Path, Line]:
    """As `lower_nodes`, with what references ask below them: the tree of the reference at path p begins at p + (0,)."""
    return _whole(rule.where, within=within, key=rule.key)


def lower_with_leaf(rule: Rule, path: Path, *, met: bool, within: Surroundings) -> Lowered:
    """A rule of which one condition is taken for met, or for unmet, whatever the facts.

    Raises:
        Rejected: as `lower_rule`.
    """
    found = _whole(rule.where, within=within, key=rule.key, fixed={path: ALWAYS if met else NEVER})
    return around(rule, tree=found[()].lowered, within=within)


def around(rule: Rule, *, tree: Lowered, within: Surroundings) -> Lowered:
    """A tree with a rule's validity, sites and exclusions."""
    limits = [limit.lowered for limit in limits_of(rule, within=within)]
    return Every((tree, *limits)) if limits else tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What keeps customers out whatever a rule's tree says.

    Attributes:
        kind: "validity", "sites" or "exclusive".
        lowered: holds for those who are not kept out; never unknown.
        label: the sites' codes, or the label of the rule that goes before.
    """

    kind: str
    lowered: Lowered
    label: str = ""


def limits_of(rule: Rule, *, within: Surroundings) -> Iterator[Limit]:
    """The limits of a rule on a business date.

    Raises:
        Rejected: as `lower_rule`.
    """
    early = rule.valid_from is not None and within.on < rule.valid_from
    late = rule.valid_until is not None and within.on > rule.valid_until
    if early or late:
        yield Limit(kind="validity", lowered=NEVER)
    if rule.sites:
        yield Limit(kind="sites", lowered=_at_sites(rule, within=within), label=_listed(rule.sites))
    for other in going_before(rule, within=within):
        belongs = lower_rule(other.model_copy(update={"exclusive": ""}), within=within)  # whom it loses, others take
        yield Limit(kind="exclusive", lowered=Negation(Certain(belongs)), label=other.label)


def going_before(rule: Rule, *, within: Surroundings) -> list[Rule]:
    """The published rules that take a customer away from a rule, the first one first. The key breaks ties."""
    rivals = [
        other
        for other in within.rules.values()
        if rule.exclusive and other.exclusive == rule.exclusive and _rank(other) < _rank(rule)
    ]
    return sorted((other for other in rivals if other.key != rule.key), key=_rank)


def _rank(rule: Rule) -> tuple[int, str]:
    return rule.priority, rule.key


def _at_sites(rule: Rule, *, within: Surroundings) -> Lowered:
    if any(code not in within.sites for code in rule.sites):
        raise Rejected("site_unknown", f"{rule.key} holds for a site that is not there")
    condition = Condition(fact=SITE, op=Operator.IN, value=rule.sites)
    (fact,) = facts_of(condition)
    among = Comparison(
        fact=fact,
        op=Operator.IN,
        constants=tuple(within.sites[code] for code in dict.fromkeys(rule.sites)),
        unknown=Unknown.NO,
        condition=condition,
        threshold=_listed(rule.sites),
        unit="",
    )
    return Certain(among)


def _is_inside(path: Path, found: Mapping[Path, Line]) -> bool:
    return any(isinstance(found[path[:length]].node, Reference) for length in range(len(path)))


def _whole(
    node: Node, *, within: Surroundings, key: str | None = None, fixed: Mapping[Path, Lowered] | None = None
) -> dict[Path, Line]:
    walk = _Walk(within=within, fixed=fixed or {})
    walk.lower(node, (), chain=() if key is None else (key,))
    if () not in walk.found:
        raise Rejected("rule_empty", "every line of the rule is muted")
    return dict(sorted(walk.found.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """One lowering under way.

    Attributes:
        within: what the tree is read with.
        fixed: what stands for some nodes instead of what they ask.
        found: all lines lowered so far, by path.
    """

    within: Surroundings
    fixed: Mapping[Path, Lowered]
    found: dict[Path, Line] = field(default_factory=dict)

    def lower(self, node: Node, path: Path, *, chain: tuple[str, ...]) -> Lowered | None:
        """A node, None if nothing of it is left; `chain`: rules that led here by reference."""
        if node.muted:
            return None
        if len(self.found) >= MAX_LOWERED or len(path) >= MAX_LOWERED_DEPTH:
            raise Rejected("rule_too_large", f"more than {MAX_LOWERED} lines or {MAX_LOWERED_DEPTH} levels")
        lowered = self.fixed[path] if path in self.fixed else self._asked(node, path, chain=chain)
        if lowered is not None:
            self.found[path] = Line(node, lowered)
        return lowered

    def _asked(self, node: Node, path: Path, *, chain: tuple[str, ...]) -> Lowered | None:
        if isinstance(node, Condition):
            return _condition(node, within=self.within)
        if isinstance(node, Reference):
            return self._referred(node, path, chain=chain)
        lowered = (self.lower(child, (*path, n), chain=chain) for n, child in enumerate(children(node)))
        parts = tuple(part for part in lowered if part is not None)
        if not parts:
            return None
        if isinstance(node, NotOf):
            return Negation(parts[0])
        return Every(parts) if isinstance(node, AllOf) else Some(parts)

    def _referred(self, node: Reference, path: Path, *, chain: tuple[str, ...]) -> Lowered:
        if node.rule in chain:
            raise Rejected("rule_cycle", f"{node.rule} refers to itself")
        if node.rule not in self.within.rules:
            raise Rejected("rule_unknown", f"there is no rule {node.rule}")
        where = self.within.rules[node.rule].where
        lowered = self.lower(where, (*path, 0), chain=(*chain, node.rule))
        if lowered is None:
            raise Rejected("rule_empty", f"every line of {node.rule} is muted")
        return lowered


def _condition(condition: Condition, *, within: Surroundings) -> Lowered:
    tests = tuple(_comparison(condition, fact, within=within) for fact in facts_of(condition))
    if len(tests) == 1:
        return tests[0]
    return Some(tests) if condition.eyes is Eyes.EITHER else Every(tests)


def facts_of(condition: Condition) -> tuple[Fact, ...]:
    """The facts a condition asks: one, or one for each eye.

    Raises:
        Rejected: ``fact_unknown``.
    """
    names = [condition.fact] if condition.eyes is None else [f"{condition.fact}_od", f"{condition.fact}_os"]
    if any(name not in CATALOGUE for name in names):
        raise Rejected("fact_unknown", f"there is no fact {names[0]}")
    return tuple(CATALOGUE[name] for name in names)


def plain(op: Operator) -> Operator:
    """The operator that a relative one becomes once its number is a day; others stay as they are."""
    return _RELATIVE.get(op, op)


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


def _comparison(condition: Condition, fact: Fact, *, within: Surroundings) -> Comparison:
    operands, unit = _operands(condition, fact, parameters=within.parameters)
    if condition.op in RELATIVE:
        constants: tuple[Constant, ...] = (relative_day(condition.op, int(cast("str", operands[0])), on=within.on),)
    else:
        constants = tuple(_constant(one, fact, unit=unit) for one in operands)
    return Comparison(
        fact=fact,
        op=plain(condition.op),
        constants=constants,
        unknown=condition.unknown,
        condition=condition,
        threshold="–".join(str(one) for one in operands) if condition.op is Operator.BETWEEN else _listed(operands),
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


def relative_day(op: Operator, number: int, *, on: date) -> date:
    """The constant that a relative operator's number stands for on a business date."""
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
        return Decimal(str(value)) * (DEGREE if unit == "度" else 1)
    if fact.kind is FactType.INTEGER:
        return int(value)
    return value
