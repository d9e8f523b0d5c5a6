"""Cases kept with a rule: customers, real or made up, of whom it is known what its lines should say of them.

A case is read as on its own day, so that it says the same next year; parameters and other rules are those in force. It
is about the tree alone: where and when a rule holds, and who goes before it, is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from hcrm_core.errors import Rejected
from hcrm_core.rules.checking import check
from hcrm_core.rules.evaluation import FactsRow, comparisons, reader
from hcrm_core.rules.lowering import Lowered, Surroundings, lower, lower_nodes
from hcrm_core.rules.model import Case, Condition, Operator, Rule, Said

_SAID: Mapping[bool | None, Said] = {True: Said.TRUE, False: Said.FALSE, None: Said.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What became of one case.

    Attributes:
        case: as it is kept.
        found: what the rule says of it, None while the rule cannot be read.
        odd: names of its facts that the catalogue does not have, or not with such a value.
    """

    case: Case
    found: Said | None
    odd: Sequence[str]

    @property
    def holds(self) -> bool:
        return self.found is self.case.expected and not self.odd


def run_cases(rule: Rule, *, within: Surroundings) -> list[CaseResult]:
    """All cases of a rule, in their order."""
    days = {case.on: _tree(rule, within=replace(within, on=case.on)) for case in rule.cases}
    return [_result(case, days[case.on]) for case in rule.cases]


def _result(case: Case, tree: Lowered | None) -> CaseResult:
    odd = odd_facts(case)
    found = None if tree is None else _SAID[reader(tree)(_row(case, without=odd))]
    return CaseResult(case=case, found=found, odd=odd)


def facts_asked(rule: Rule, *, within: Surroundings) -> list[str]:
    """The facts that a rule's lines ask, those of references too, in reading order; none while it cannot be read."""
    tree = _tree(rule, within=within)
    return [] if tree is None else list(dict.fromkeys(one.fact.name for one in comparisons(tree)))


def odd_facts(case: Case) -> list[str]:
    """Facts of a case that the catalogue does not have, or not with such a value."""
    return [name for name, value in case.facts.items() if check(_equals(name, value), parameters={})]


def _tree(rule: Rule, *, within: Surroundings) -> Lowered | None:
    if check(rule.where, parameters=within.parameters):
        return None
    try:
        return lower_nodes(rule, within=within)[()]
    except Rejected:
        return None


def _row(case: Case, *, without: Sequence[str]) -> FactsRow:
    """A case's facts as a customer's; what is not told is unknown."""
    within = Surroundings(parameters={}, on=date.max)
    told = {
        name: lower(_equals(name, value), within=within) for name, value in case.facts.items() if name not in without
    }
    return {name: one.constants[0] for name, tree in told.items() for one in comparisons(tree)}


def _equals(name: str, value: str | int | bool) -> Condition:  # noqa: FBT001 - a fact's value, not a switch
    return Condition(fact=name, op=Operator.EQ, value=value)
