"""How many customers match at each step of a threshold, worked out once: a drag only looks up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate

from hcrm_core.rules.lowering import RELATIVE
from hcrm_core.rules.messages import Histogram
from hcrm_core.rules.model import Condition, Operator, Parameter, Rule
from hcrm_core.rules.thresholds import HistogramReader

MOST_STEPS = 400  # of a curve
MOST_SWEPT = 60  # values asked of a parameter
REST = 200  # one customer in so many at either end does not stretch the axis
BEYOND = 5  # steps shown past the present threshold, at least
_DAYS_OF = {"days": 1, "in": 1, "months": 30, "age": 365}  # for the axis only; matching counts the calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A threshold's range.

    Attributes:
        values: ascending, `step` apart.
        matching: how many match at each.
        count: how many match at any value.
    """

    values: tuple[Decimal, ...]
    matching: tuple[int, ...]
    step: Decimal
    count: Callable[[Decimal], int]

    def nearest(self, value: Decimal) -> Decimal:
        """The step nearest to a value, within the range."""
        number = round((value - self.values[0]) / self.step)
        return self.values[min(max(number, 0), len(self.values) - 1)]


def curve_of(histogram: Histogram, *, rule: Rule, condition: Condition, now: Decimal, step: Decimal, on: date) -> Curve:
    """Of a condition's own number.

    Args:
        rule: that was asked about; `condition` is the one in it.
        now: the present threshold, always within the range.
        step: the finest that is of use.
        on: the business date.
    """
    reader = HistogramReader(histogram, rule=rule, on=on)
    known = [(_quantity(text, condition.op, on), many) for text, many in histogram.values]
    low, high = _span(known, now=now, step=step)
    if condition.op in RELATIVE:
        low = max(low, Decimal(0))
    values = steps(low, high, step=step)
    grid = values[1] - values[0]
    return Curve(values=values, matching=tuple(map(reader.matching, values)), step=grid, count=reader.matching)


def swept_values(parameter: Parameter) -> list[Decimal]:
    """At which values a parameter is tried: within its range, the one in force as near as a step."""
    whole = all(not number % 1 for number in (parameter.minimum, parameter.maximum, parameter.value))
    step = Decimal(1) if whole else Decimal("0.01")
    return list(steps(parameter.minimum, parameter.maximum, step=step, most=MOST_SWEPT, strict=True))


def curve_of_sweep(values: Sequence[Decimal], matching: Sequence[int]) -> Curve:
    """Of a parameter; between two values asked the nearer one counts."""
    step = values[1] - values[0]
    told = dict(zip(values, matching, strict=True))

    def count(value: Decimal) -> int:
        return told[min(values, key=lambda one: abs(one - value))]

    return Curve(values=tuple(values), matching=tuple(matching), step=step, count=count)


def steps(
    low: Decimal, high: Decimal, *, step: Decimal, most: int = MOST_STEPS, strict: bool = False
) -> tuple[Decimal, ...]:
    """Even steps over a range, at most so many and at least two.

    Args:
        strict: no step may lie beyond the range.
    """
    wide = max(1, -(-int((high - low) / step) // (most - 1)))
    grid = step * wide
    many = int((high - low) / grid) + 1
    if not strict and low + grid * (many - 1) < high:
        many += 1
    return tuple(low + grid * n for n in range(max(2, many)))


def _span(known: Sequence[tuple[Decimal, int]], *, now: Decimal, step: Decimal) -> tuple[Decimal, Decimal]:
    ordered = sorted(known)
    below = list(accumulate(many for _, many in ordered))
    rest = below[-1] // REST if below else 0
    kept = [value for (value, _), many in zip(ordered, below, strict=True) if rest < many <= below[-1] - rest]
    ends = [*kept[:1], *kept[-1:], now - BEYOND * step, now + BEYOND * step]
    return _down(min(ends), step), _down(max(ends), step) + step


def _down(value: Decimal, step: Decimal) -> Decimal:
    return value // step * step - (step if value < 0 and value % step else 0)


def _quantity(text: str, op: Operator, on: date) -> Decimal:
    """A value where the threshold counts: of a date the days, months or years that lie between."""
    if op not in RELATIVE:
        return Decimal(text)
    days = (on - date.fromisoformat(text)).days
    kind = op.value.split("_")[0]
    return Decimal((-days if kind == "in" else days) // _DAYS_OF[kind])
