"""Cases of the rule being edited: made of a customer, changed, taken away. Each change is another rule."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from hcrm_core.access import Access
from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType
from hcrm_core.rules import Rule
from hcrm_core.rules.messages import Explanation
from hcrm_core.rules.model import MAX_CASES, Case, Said, Scalar


def case_of(explanation: Explanation, *, name: str, on: date) -> Case:
    """What a rule saw of a customer, and says of him today. Neither who he is nor what not everybody may be told."""
    root = next(node for node in explanation.nodes if node.path == ())
    return Case(name=name, on=on, facts=dict(_facts(explanation)), expected=Said(root.verdict))


def with_case(rule: Rule, case: Case, *, number: int | None = None) -> Rule:
    """The rule with a case more, or with another one in its place; as it is if it has as many as it may."""
    if number is None:
        return _with(rule, (*rule.cases, case)[:MAX_CASES])
    return _with(rule, (*rule.cases[:number], case, *rule.cases[number + 1 :]))


def without_case(rule: Rule, number: int) -> Rule:
    return _with(rule, (*rule.cases[:number], *rule.cases[number + 1 :]))


def _with(rule: Rule, cases: tuple[Case, ...]) -> Rule:
    return rule.model_copy(update={"cases": cases})


def _facts(explanation: Explanation) -> Iterator[tuple[str, Scalar]]:
    evidence: list[dict[str, Any]] = [one for node in explanation.nodes for one in node.evidence]
    for one in evidence:
        fact = CATALOGUE.get(str(one["fact"]))
        if fact is None or one["value"] is None or fact.kind is FactType.ID or fact.access is not Access.SUMMARY:
            continue
        yield fact.name, _value(str(one["value"]), fact)


def _value(text: str, fact: Fact) -> Scalar:
    """As conditions are written."""
    if fact.kind is FactType.BOOLEAN:
        return text == "true"
    return int(text) if fact.kind is FactType.INTEGER else text
