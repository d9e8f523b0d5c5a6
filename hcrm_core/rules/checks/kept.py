"""Cases kept with a rule that say otherwise than the rule does."""

from collections.abc import Iterator

from hcrm_core.rules.cases import CaseResult, run_cases
from hcrm_core.rules.linting import Finding, Level, Looked
from hcrm_core.rules.model import Case, Rule


def failing(looked: Looked) -> Iterator[Finding]:
    """The rule says something else of a case than is written there. As a mend, the case says so from now on."""
    for number, one in enumerate(run_cases(looked.rule, within=looked.within)):
        if one.odd:
            args = {"case": one.case.name, "names": "、".join(one.odd)}
            yield Finding(code="case_unreadable", level=Level.ERROR, args=args, fix=_told(looked.rule, number, one))
        elif not one.holds and one.found is not None:
            args = {"case": one.case.name, "expected": one.case.expected.value, "found": one.found.value}
            yield Finding(code="case_fails", level=Level.ERROR, args=args, fix=_agreeing(looked.rule, number, one))


def _told(rule: Rule, number: int, one: CaseResult) -> Rule:
    facts = {name: value for name, value in one.case.facts.items() if name not in one.odd}
    return _with(rule, number, one.case.model_copy(update={"facts": facts}))


def _agreeing(rule: Rule, number: int, one: CaseResult) -> Rule:
    return _with(rule, number, one.case.model_copy(update={"expected": one.found}))


def _with(rule: Rule, number: int, case: Case) -> Rule:
    cases = (*rule.cases[:number], case, *rule.cases[number + 1 :])
    return rule.model_copy(update={"cases": cases})


CHECKS = (failing,)
