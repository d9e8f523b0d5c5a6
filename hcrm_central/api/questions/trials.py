"""The rule that a question is about, read with what is in force, and with the values that are tried."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.asking import Question
from hcrm_central.api.refusals import Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.rulebook import surroundings
from hcrm_core.errors import Rejected
from hcrm_core.rules import Lowered, Parameter, Rule, Surroundings, check, lower_rule
from hcrm_core.rules.messages import Trial
from hcrm_core.rules.model import FIRST_DAY, LAST_DAY
from hcrm_core.wire import RefusalCode
from hcrm_store.clock import business_date

QUICK_SECONDS, SLOW_SECONDS = 5.0, 20.0  # operational
_WHOLE = frozenset({"天", "个月", "岁", "个"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A sound rule that is being edited.

    Attributes:
        question: that it is asked in.
        rule: as it stands in the editor.
        within: what is in force, with the values tried.
        lowered: who would belong to its segment.
    """

    question: Question
    rule: Rule
    within: Surroundings
    lowered: Lowered

    @property
    def session(self) -> Session:
        return self.question.session


@contextmanager
def asked(here: Centre, who: SignedIn, *, ask: UUID, seconds: float) -> Iterator[Question]:
    """A question of a manager.

    Raises:
        Refused: as `Questions.asked`; ``invalid_request`` with codes where what it asks cannot be read.
    """
    with here.questions.asked(here.store.service, who.principal, ask=ask, seconds=seconds) as question, unsound():
        yield question


@contextmanager
def asked_about(here: Centre, who: SignedIn, trial: Trial, *, seconds: float) -> Iterator[Tried]:
    """A question of a manager about a rule.

    Raises:
        Refused: as `asked`.
    """
    with asked(here, who, ask=trial.ask, seconds=seconds) as question:
        on = _day(trial.on or business_date(here.clock.now()))
        within = trying(surroundings(question.session, on=on), values=trial.parameters)
        rule = _sound(trial.definition, within)
        yield Tried(question=question, rule=rule, within=within, lowered=lower_rule(rule, within=within))


def trying(within: Surroundings, *, values: Mapping[str, Decimal]) -> Surroundings:
    """With other values of some parameters.

    Raises:
        Rejected: ``parameter_unknown``, ``value_unsuitable``.
    """
    tried = {key: _tried(within.parameters.get(key), value) for key, value in values.items()}
    return replace(within, parameters={**within.parameters, **tried})


def _tried(parameter: Parameter | None, value: Decimal) -> Parameter:
    if parameter is None:
        raise Rejected("parameter_unknown", "a value is tried of a parameter that is not there")
    try:
        tried = Parameter.model_validate(parameter.model_dump() | {"value": value})
    except ValidationError:
        raise Rejected("value_unsuitable", f"{parameter.key} is tried outside its range") from None
    if tried.unit in _WHOLE and value % 1:
        raise Rejected("value_unsuitable", f"{parameter.key} is tried at a value that is not whole")
    return tried


def _day(on: date) -> date:
    if not FIRST_DAY <= on <= LAST_DAY:
        raise Rejected("day_unsuitable", f"a rule is tried between {FIRST_DAY} and {LAST_DAY}")
    return on


def _sound(definition: Any, within: Surroundings) -> Rule:  # why Any: JSON
    try:
        rule = Rule.model_validate(definition)
    except ValidationError:
        raise Rejected("rule_unreadable", "the definition is not a rule") from None
    codes = dict.fromkeys(problem.code for problem in check(rule.where, parameters=within.parameters))
    if codes:
        raise Refused(RefusalCode.INVALID_REQUEST, codes=tuple(codes))
    return rule


@contextmanager
def unsound() -> Iterator[None]:
    """What the core rejects inside the block is refused with its code."""
    try:
        yield
    except Refused:
        raise
    except Rejected as rejected:
        raise Refused(RefusalCode.INVALID_REQUEST, codes=(rejected.code,)) from None
