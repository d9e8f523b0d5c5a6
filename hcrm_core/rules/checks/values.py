"""Numbers: units, signs, ranges, parameters, and what counts where nothing is known."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from hcrm_core.facts.catalogue import Fact, FactType
from hcrm_core.rules.checks.mending import altered, without
from hcrm_core.rules.evaluation import Verdict, evaluate
from hcrm_core.rules.linting import Finding, Level, Looked
from hcrm_core.rules.lowering import facts_of
from hcrm_core.rules.model import NO_OPERAND, Condition, NotOf, Operator, Path, Scalar, Unknown

_SLIPS = (
    ("degrees_for_diopters", Decimal("0.01")),  # 50 度 written as 50 D
    ("sign_slip", Decimal(-1)),  # myopia written as 3.00
    ("unit_slip", Decimal("0.001")),  # µm for mm
    ("unit_slip", Decimal(1000)),
)


def outside_the_range(looked: Looked) -> Iterator[Finding]:
    """A number that the fact cannot have; with the unit or sign that was probably meant."""
    for path, node in looked.conditions:
        fact = facts_of(node)[0]
        if fact.span is None or not any(not _inside(one, fact) for one in _numbers(node, fact)):
            continue
        code, factor = next(((code, by) for code, by in _SLIPS if _would_fit(node, fact, by)), ("out_of_range", None))
        fix = None if factor is None else altered(looked.rule, path, node, value=_scaled(node, factor))
        low, high = fact.span
        args = {"fact": node.fact, "low": f"{low:f}", "high": f"{high:f}", "unit": fact.unit}
        yield Finding(code=code, level=Level.ERROR if factor is None else Level.WARNING, path=path, args=args, fix=fix)


def reversed_range(looked: Looked) -> Iterator[Finding]:
    """Between 5 and 3."""
    for path, node in looked.conditions:
        if node.op is Operator.BETWEEN and isinstance(node.value, tuple):
            low, high = node.value
            if _is_above(low, high, facts_of(node)[0]):
                fix = altered(looked.rule, path, node, value=(high, low))
                yield Finding(code="range_reversed", level=Level.ERROR, path=path, fix=fix)


def list_of_one(looked: Looked) -> Iterator[Finding]:
    """One of a list of one word; or of all the words there are."""
    for path, node in looked.conditions:
        if node.op is not Operator.IN or not isinstance(node.value, tuple):
            continue
        words = facts_of(node)[0].words
        if len(set(node.value)) == 1:
            fix = altered(looked.rule, path, node, op=Operator.EQ, value=node.value[0])
            yield Finding(code="list_of_one", level=Level.HINT, path=path, fix=fix)
        elif words is not None and set(node.value) >= {word.value for word in words}:
            fix = altered(looked.rule, path, node, op=Operator.IS_KNOWN, value=None)
            yield Finding(code="list_of_all", level=Level.WARNING, path=path, fix=fix)


def exactly_equal(looked: Looked) -> Iterator[Finding]:
    """A measured number is hardly ever exactly something."""
    for path, node in looked.conditions:
        if node.op in (Operator.EQ, Operator.NE) and facts_of(node)[0].kind is FactType.DECIMAL:
            yield Finding(code="exactly_equal", level=Level.HINT, path=path, args={"fact": node.fact})


def fixed_day(looked: Looked) -> Iterator[Finding]:
    """A calendar day in a rule that runs every day; what is meant is usually "so many days ago"."""
    plain = (Operator.LT, Operator.LE, Operator.GT, Operator.GE, Operator.BETWEEN)
    for path, node in looked.conditions:
        if facts_of(node)[0].kind is FactType.DATE and node.op in plain and node.parameter is None:
            yield Finding(code="fixed_day", level=Level.HINT, path=path, args={"fact": node.fact})


def number_of_a_parameter(looked: Looked) -> Iterator[Finding]:
    """A number that stands in the parameter table too: changed there, it would not change here."""
    for path, node in looked.conditions:
        found = [key for key, one in looked.within.parameters.items() if _is_its_number(node, one.unit, one.value)]
        if node.parameter is None and len(found) == 1:
            fix = altered(looked.rule, path, node, value=None, parameter=found[0])
            yield Finding(code="parameter_exists", level=Level.HINT, path=path, args={"parameter": found[0]}, fix=fix)


def unsourced(looked: Looked) -> Iterator[Finding]:
    """A clinical number without a source."""
    for path, node in looked.conditions:
        fact = facts_of(node)[0]
        cited = node.citation.strip() or looked.rule.citation.strip()
        if fact.kind in (FactType.DECIMAL, FactType.INTEGER) and fact.unit and node.value is not None and not cited:
            yield Finding(code="source_missing", level=Level.HINT, path=path, args={"fact": node.fact})


def unknown_under_not(looked: Looked) -> Iterator[Finding]:
    """Not (thinner than 480) holds of everybody who was never measured."""
    for path, node in looked.conditions:
        turned = sum(isinstance(above, NotOf) for above in _above(looked, path)) % 2
        measured = facts_of(node)[0].kind in (FactType.DECIMAL, FactType.INTEGER)
        if turned and measured and node.unknown is Unknown.NO and node.op not in NO_OPERAND:
            fix = altered(looked.rule, path, node, unknown=Unknown.NEEDS_MEASUREMENT)
            yield Finding(code="unknown_under_not", level=Level.WARNING, path=path, args={"fact": node.fact}, fix=fix)


def unknown_without_effect(looked: Looked) -> Iterator[Finding]:
    """Is-known is never unknown: what unknown counts as does nothing."""
    for path, node in looked.conditions:
        if node.op in NO_OPERAND and node.unknown is not Unknown.NO:
            fix = altered(looked.rule, path, node, unknown=Unknown.NO)
            yield Finding(code="unknown_without_effect", level=Level.HINT, path=path, fix=fix)


def unknown_counts_as_met(looked: Looked) -> Iterator[Finding]:
    """A record of which nothing is known matches, and the rule does not ask for what is missing."""
    asks_for_gaps = any(node.op is Operator.IS_UNKNOWN for _, node in looked.conditions)
    counts_as_met = any(node.unknown is Unknown.YES for _, node in looked.conditions)
    if counts_as_met and not asks_for_gaps and evaluate(looked.whole, {}) is Verdict.MATCH:
        yield Finding(code="empty_record_matches", level=Level.WARNING, path=())


def known_and_more(looked: Looked) -> Iterator[Finding]:
    """Is-known beside a comparison of the same fact that unknown does not meet anyway."""
    for path, node in looked.conditions:
        if node.op is not Operator.IS_KNOWN:
            continue
        siblings = [other for own, other in looked.conditions if own[:-1] == path[:-1] and own != path]
        same = [other for other in siblings if (other.fact, other.eyes) == (node.fact, node.eyes)]
        if any(other.op not in NO_OPERAND and other.unknown is Unknown.YES for other in same):
            yield Finding(
                code="known_contradicts_unknown", level=Level.WARNING, path=path, fix=without(looked.rule, path)
            )


def _above(looked: Looked, path: Path) -> Iterator[object]:
    by_path = dict(looked.nodes)
    return (by_path[path[:length]] for length in range(len(path)))


def _numbers(node: Condition, fact: Fact) -> Iterator[Decimal]:
    """The numbers written in a condition, in the fact's unit."""
    if fact.kind not in (FactType.DECIMAL, FactType.INTEGER) or node.value is None:
        return
    for one in node.value if isinstance(node.value, tuple) else (node.value,):
        try:
            yield Decimal(str(one))
        except InvalidOperation:
            continue


def _inside(number: Decimal, fact: Fact) -> bool:
    return fact.span is None or fact.span[0] <= number <= fact.span[1]


def _would_fit(node: Condition, fact: Fact, factor: Decimal) -> bool:
    if factor != -1 and fact.unit not in ("D", "mm"):
        return False
    return all(_inside(number * factor, fact) for number in _numbers(node, fact))


def _scaled(node: Condition, factor: Decimal) -> object:
    value = node.value
    if isinstance(value, tuple):
        scaled = [f"{Decimal(str(one)) * factor:f}" for one in value]
        return tuple(sorted(scaled, key=Decimal)) if node.op is Operator.BETWEEN else tuple(scaled)
    return f"{Decimal(str(value)) * factor:f}"


def _is_above(one: Scalar, other: Scalar, fact: Fact) -> bool:
    if fact.kind is FactType.DATE:
        return str(one) > str(other)
    return Decimal(str(one)) > Decimal(str(other))


def _is_its_number(node: Condition, unit: str, value: Decimal) -> bool:
    fact = facts_of(node)[0]
    if fact.kind not in (FactType.DECIMAL, FactType.INTEGER) or isinstance(node.value, (tuple, bool, type(None))):
        return False
    factor = Decimal("0.01") if (unit, fact.unit) == ("度", "D") else Decimal(1)
    return (unit == fact.unit or factor != 1) and Decimal(str(node.value)) == value * factor


CHECKS = (
    outside_the_range,
    reversed_range,
    list_of_one,
    exactly_equal,
    fixed_day,
    number_of_a_parameter,
    unsourced,
    unknown_under_not,
    unknown_without_effect,
    unknown_counts_as_met,
    known_and_more,
)
