"""The smallest change that would turn a rule's verdict on one customer: other values, waiting, or both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from hcrm_core.eye.age import add_months, birthday
from hcrm_core.rules.evaluation import FactsRow, as_text, comparisons, reader
from hcrm_core.rules.lowering import (
    RELATIVE,
    Comparison,
    Constant,
    Line,
    Lowered,
    Surroundings,
    going_before,
    limits_of,
    lower_lines,
    lower_rule,
)
from hcrm_core.rules.model import Condition, Operator, Path, Rule
from hcrm_core.rules.plans import DAYS_SCALE, FALSE, TRUE, Wanted, choices, ways

LONGEST_WAIT = timedelta(days=36_500)  # longer than any life a record can hold
OUTSIDE: Path = (-1,)  # of a step that turns no line of the tree but what limits the rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of a change: another value of a fact, or waiting.

    Attributes:
        path: the first line that it turns, or `OUTSIDE`.
        fact: name in the catalogue; "" where only the rule's days of validity are waited for.
        now: the value as text, None if unknown.
        needed: the nearest value that would do, as text; None if any measurement would, and of waiting.
        on: the day until which to wait, or None.
        value: a value that would do, None of waiting.
    """

    path: Path
    fact: str
    now: str | None
    needed: str | None = None
    on: date | None = None
    value: Constant | None = None


def flips(rule: Rule, row: FactsRow, *, within: Surroundings) -> list[Step]:
    """Done together, the smallest change that turns the verdict: out of the segment, or certainly into it.

    Args:
        rule: looked at.
        row: facts by name; None or absent is unknown.
        within: parameters, other rules, sites and the business date.

    Returns:
        Steps of which none could be left out; nothing if no change of what the rule asks would do.

    Raises:
        Rejected: as `lowering.lower_rule`.
    """
    matches = reader(lower_rule(rule, within=within))(row) is True
    turn = _Turn(rule=rule, row=row, within=within, wanted=FALSE if matches else TRUE)
    best = turn.cheapest(within.on)
    for day in sorted(turn.turning_days):
        if best is not None and best.cost <= turn.waiting_cost(day):
            break
        plan = turn.cheapest(day)
        best = plan if best is None or (plan is not None and plan.cost < best.cost) else best
    return [] if best is None else list(turn.steps(turn.needed(best)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Other values on a day."""

    cost: float
    day: date
    values: Mapping[str, Any]  # why Any: a fact's value is of its own type


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """A verdict to be turned."""

    rule: Rule
    row: FactsRow
    within: Surroundings
    wanted: Wanted

    @cached_property
    def lines(self) -> Mapping[Path, Line]:
        return lower_lines(self.rule, within=self.within)

    @cached_property
    def turning_days(self) -> Mapping[date, tuple[Path, str]]:
        """Days ahead on which waiting alone turns a line, with that line and its fact."""
        found: dict[date, tuple[Path, str]] = {}
        for path, test in self._tests():
            day = _turning_day(test, self.row.get(test.fact.name))
            if day is not None and self._is_ahead(day):
                found.setdefault(day, (path, test.fact.name))
        for rule in (self.rule, *going_before(self.rule, within=self.within)):
            for day in _edges(rule):
                if self._is_ahead(day):
                    found.setdefault(day, (OUTSIDE, ""))
        return found

    def _is_ahead(self, day: date) -> bool:
        return self.within.on < day <= self.within.on + LONGEST_WAIT

    def _tests(self) -> Iterator[tuple[Path, Comparison]]:
        for path, line in self.lines.items():
            if isinstance(line.node, Condition):
                yield from ((path, test) for test in comparisons(line.lowered))
        for limit in limits_of(self.rule, within=self.within):
            yield from ((OUTSIDE, test) for test in comparisons(limit.lowered))

    def waiting_cost(self, day: date) -> float:
        days = (day - self.within.on).days
        return 1 + min(days / DAYS_SCALE, 1.0) if days else 0.0

    def cheapest(self, day: date) -> _Plan | None:
        tree = self._lowered(day)
        among = choices(tree, self.row)
        found = ways(tree, among=among, wanted=self.wanted)
        if not found:
            return None
        numbers = {name: among[name].cheapest(mask) for name, mask in found[0].masks.items()}
        values = {name: among[name].values[number] for name, number in numbers.items() if number}
        return _Plan(cost=found[0].cost + self.waiting_cost(day), day=day, values=values)

    def needed(self, plan: _Plan) -> _Plan:
        """A plan without what it turns out not to need."""
        fewer = [{n: value for n, value in plan.values.items() if n != name} for name in plan.values]
        less = [replace(plan, day=self.within.on), *(replace(plan, values=values) for values in fewer)]
        for one in less:
            if one != plan and self._turns(one):
                return self.needed(one)
        return plan

    def steps(self, plan: _Plan) -> Iterator[Step]:
        if plan.day != self.within.on:
            path, fact = self.turning_days[plan.day]
            yield Step(path=path, fact=fact, now=self._told(fact), on=plan.day)
        tree = self._lowered(plan.day)
        compared = {test.fact.name for test in comparisons(tree) if test.constants}
        then = lower_lines(self.rule, within=replace(self.within, on=plan.day))
        for name, value in plan.values.items():
            needed = as_text(value) if name in compared else None
            path = self._turned(then, name, value)
            yield Step(path=path, fact=name, now=self._told(name), needed=needed, value=value)

    def _lowered(self, day: date) -> Lowered:
        return lower_rule(self.rule, within=replace(self.within, on=day))

    def _turns(self, plan: _Plan) -> bool:
        return reader(self._lowered(plan.day))({**self.row, **plan.values}) in self.wanted

    def _told(self, name: str) -> str | None:
        now = self.row.get(name)
        return None if now is None else as_text(now)

    def _turned(self, lines: Mapping[Path, Line], name: str, value: Constant) -> Path:
        other = {**self.row, name: value}
        conditions = ((path, reader(line.lowered)) for path, line in lines.items() if isinstance(line.node, Condition))
        return next((path for path, read in conditions if read(self.row) != read(other)), OUTSIDE)


def _edges(rule: Rule) -> Iterator[date]:
    if rule.valid_from is not None:
        yield rule.valid_from
    if rule.valid_until is not None and rule.valid_until < date.max:
        yield rule.valid_until + timedelta(days=1)


def _turning_day(test: Comparison, value: Any) -> date | None:
    """The day on which waiting turns a relative comparison for good; some write 9999-12-31 for never."""
    if test.condition.op not in RELATIVE or not isinstance(value, date):
        return None
    try:
        return _turned_on(test.condition.op, value, number=int(test.threshold))
    except (OverflowError, ValueError):
        return None  # after the calendar's end, or before it began


def _turned_on(op: Operator, value: date, *, number: int) -> date:
    if op in (Operator.AGE_GE, Operator.AGE_LT):
        return birthday(value, number)
    if op in (Operator.MONTHS_AGO_GE, Operator.MONTHS_AGO_LT):
        return add_months(value, months=number)
    if op in (Operator.IN_DAYS_LE, Operator.IN_DAYS_GT):
        return value - timedelta(days=number)
    beyond = op in (Operator.DAYS_AGO_GT, Operator.DAYS_AGO_LE)
    return value + timedelta(days=number + beyond)
