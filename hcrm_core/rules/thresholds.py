"""One condition's threshold dragged: counted once at the centre, then read without any further question.

Of a rule in which one threshold moves, each customer matches always, never, or as the deciding value of the fact
says: with one eye its value, with two the greater or the smaller one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate

from hcrm_core.errors import Rejected
from hcrm_core.facts.catalogue import Fact, FactType
from hcrm_core.rules.editing import at, replaced
from hcrm_core.rules.lowering import (
    DEGREE,
    NEVER,
    RELATIVE,
    Certain,
    Comparison,
    Constant,
    Every,
    Lowered,
    Negation,
    Some,
    Surroundings,
    facts_of,
    lower_with_leaf,
    plain,
    relative_day,
)
from hcrm_core.rules.messages import Histogram
from hcrm_core.rules.model import Condition, Eyes, NotOf, Operator, Parameter, Path, Rule, Unknown

_ORDER = (Operator.LT, Operator.LE, Operator.GT, Operator.GE)
_OPPOSITE = dict(zip(_ORDER, (Operator.GE, Operator.GT, Operator.LE, Operator.LT), strict=True))
_HIGH = (Operator.GT, Operator.GE)
_MEASURED = (FactType.DECIMAL, FactType.INTEGER)


def is_draggable(condition: Condition) -> bool:
    """Whether a condition has one number that can be moved: of a measure, or counting days, months or years."""
    return condition.op in RELATIVE or (condition.op in _ORDER and facts_of(condition)[0].kind in _MEASURED)


def threshold_of(condition: Condition, *, parameters: Mapping[str, Parameter]) -> Decimal:
    """The number of a draggable condition, its own or its parameter's: in the fact's unit, so 50 度 are 0.50 (D); of
    relative operators in days, months or years."""
    if condition.parameter is None:
        return Decimal(str(condition.value))
    parameter = parameters[condition.parameter]
    return parameter.value * (DEGREE if parameter.unit == "度" else 1)


def with_threshold(rule: Rule, path: Path, *, value: Decimal) -> Rule:
    """The rule with another number in a draggable condition, no longer a parameter's; units as `threshold_of`.

    Raises:
        Rejected: ``value_unsuitable`` if the number has to be a whole one.
    """
    condition = _draggable(rule, path)
    whole = condition.op in RELATIVE or facts_of(condition)[0].kind is FactType.INTEGER
    if whole and value % 1:
        raise Rejected("value_unsuitable", f"{value} is not whole")
    number = int(value) if whole else f"{value:f}"
    moved = condition.model_copy(update={"value": number, "parameter": None})
    where, _ = replaced(rule.where, path, moved)
    return rule.model_copy(update={"where": where})


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSplit:
    """What to count for a `Histogram`.

    Attributes:
        always: who matches whatever the threshold.
        decided: for whom it decides, by `facts`: one of them is known at least.
        facts: one, or both eyes'.
        greatest: whether the greatest known of them decides, or the least.
    """

    always: Lowered
    decided: Lowered
    facts: tuple[str, ...]
    greatest: bool


def threshold_split(rule: Rule, path: Path, *, within: Surroundings) -> ThresholdSplit:
    """How the match of a rule hangs on the threshold of one of its conditions.

    Raises:
        Rejected: ``not_draggable``, and as `lower_rule`.
    """
    condition, negated = _draggable(rule, path), _is_negated(rule, path)
    facts = facts_of(condition)
    best = Certain(lower_with_leaf(rule, path, met=not negated, within=within))
    base = Certain(lower_with_leaf(rule, path, met=negated, within=within))
    every = len(facts) == 1 or (condition.eyes is Eyes.BOTH) is not negated  # all eyes have to do, or one
    helps = condition.unknown is (Unknown.NO if negated else Unknown.YES)  # an eye not measured does
    unknown = _joined([_is(fact, Operator.IS_UNKNOWN, condition) for fact in facts], every=every) if helps else NEVER
    known = _joined([_is(fact, Operator.IS_KNOWN, condition) for fact in facts], every=every is not helps)
    return ThresholdSplit(
        always=Some((base, Every((best, unknown)))),
        decided=Every((best, Negation(base), known)),
        facts=tuple(fact.name for fact in facts),
        greatest=(_favourable(condition, negated=negated) in _HIGH) is not every,
    )


class HistogramReader:
    """Reads a histogram at any threshold.

    Args:
        histogram: as the centre counted it for `rule`.
        rule: as it was asked about; the threshold that stands in it does not matter.
        on: the business date.
    """

    def __init__(self, histogram: Histogram, *, rule: Rule, on: date) -> None:
        self._condition, self._on = _draggable(rule, histogram.path), on
        self._fact = facts_of(self._condition)[0]
        self._op = _favourable(self._condition, negated=_is_negated(rule, histogram.path))
        self._always = histogram.always
        values = sorted((_read(text, self._fact), many) for text, many in histogram.values)
        self._values = [value for value, _ in values]
        self._below = [0, *accumulate(many for _, many in values)]

    def matching(self, value: Decimal) -> int:
        """How many customers match at a threshold; units as `threshold_of`."""
        constant = self._constant(value)
        beside = bisect_left if self._op in (Operator.LT, Operator.GE) else bisect_right
        below = self._below[beside(self._values, constant)]
        return self._always + (self._below[-1] - below if self._op in _HIGH else below)

    def _constant(self, value: Decimal) -> Constant:
        if self._condition.op in RELATIVE:
            return relative_day(self._condition.op, int(value), on=self._on)
        return value


def _draggable(rule: Rule, path: Path) -> Condition:
    condition = at(rule.where, path)
    if not isinstance(condition, Condition) or not is_draggable(condition):
        raise Rejected("not_draggable", "the line has no threshold to move")
    return condition


def _is_negated(rule: Rule, path: Path) -> bool:
    above = [at(rule.where, path[:length]) for length in range(len(path))]
    return sum(isinstance(node, NotOf) for node in above) % 2 == 1


def _favourable(condition: Condition, *, negated: bool) -> Operator:
    """How the deciding value has to stand to the threshold for the rule to match."""
    return _OPPOSITE[plain(condition.op)] if negated else plain(condition.op)


def _joined(parts: list[Lowered], *, every: bool) -> Lowered:
    return Every(tuple(parts)) if every else Some(tuple(parts))


def _is(fact: Fact, op: Operator, condition: Condition) -> Lowered:
    return Comparison(fact=fact, op=op, constants=(), unknown=Unknown.NO, condition=condition, threshold="", unit="")


def _read(text: str, fact: Fact) -> date | Decimal:
    return date.fromisoformat(text) if fact.kind is FactType.DATE else Decimal(text)
