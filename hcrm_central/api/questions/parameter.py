"""What another value of a parameter would change: segments of all rules that use it, and tasks of SOPs."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError
from sqlalchemy import ColumnElement, select

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.asking import Question
from hcrm_central.api.questions.moves import moves, turnover
from hcrm_central.api.questions.trials import SLOW_SECONDS, asked, trying
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.calling import in_segment
from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.replanning import preview
from hcrm_central.jobs.rulebook import SopInForce, read_rulebook, sop_in_force, surroundings
from hcrm_core.errors import Rejected
from hcrm_core.rules import Lowered, Rule, Surroundings, lower_rule
from hcrm_core.rules.messages import ParameterEffect, ParameterTrial, Replan, RuleEffect
from hcrm_core.sop import Sop
from hcrm_store.clock import business_date
from hcrm_store.journeys import Sop as SopRow


def parameter(here: Centre, who: SignedIn, trial: ParameterTrial) -> ParameterEffect:
    """Against the segments and tasks of today."""
    with asked(here, who, ask=trial.ask, seconds=SLOW_SECONDS) as question:
        on = business_date(here.clock.now())
        before = surroundings(question.session, on=on)
        after = trying(before, values={trial.key: trial.value})
        changed = dict(_changed(before, after))
        return ParameterEffect(
            rules=list(_rules(question, before, changed)), sops=list(_sops(question, before, after, changed=changed))
        )


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────


def _changed(before: Surroundings, after: Surroundings) -> Iterator[tuple[str, Lowered]]:
    """Rules that say something else then, also because a rule that they ask, or that goes before them, does."""
    for rule in before.rules.values():
        lowered = _lowered(rule, after)
        if lowered is not None and lowered != _lowered(rule, before):
            yield rule.key, lowered


def _rules(question: Question, before: Surroundings, changed: Mapping[str, Lowered]) -> Iterator[RuleEffect]:
    for rule in sorted((before.rules[key] for key in changed), key=lambda one: (one.segment.rank, one.key)):
        question.require_wanted()
        found = turnover(question.session, moves(changed[rule.key], segment_key=rule.segment.key))
        yield RuleEffect(rule_key=rule.key, label=rule.label, stay=found.stay, enter=found.enter, leave=found.leave)


def _lowered(rule: Rule, within: Surroundings) -> Lowered | None:
    try:
        return lower_rule(rule, within=within)
    except Rejected:
        return None  # it cannot be used as it is


# ── SOPs ─────────────────────────────────────────────────────────────────────────────────────────────────


def _sops(
    question: Question, before: Surroundings, after: Surroundings, *, changed: Mapping[str, Lowered]
) -> Iterator[Replan]:
    """SOPs that trigger otherwise, on other days or for other members of a segment then."""
    rulebook = read_rulebook(question.session, on=before.on)
    members = {before.rules[key].segment.key: lowered for key, lowered in changed.items()}

    def belongs(key: str) -> ColumnElement[bool]:
        return predicate(members[key]) if key in members else in_segment(key)

    for row in question.session.scalars(select(SopRow).order_by(SopRow.rank, SopRow.key)):
        was, then = _in_force(row, before), _in_force(row, after)
        if was is None or then is None or (was == then and was.sop.segment not in members):
            continue
        question.require_wanted()
        found = preview(question.session, was, then, rulebook=rulebook, belongs=belongs)
        yield Replan(sop_key=row.key, label=row.label, moved=found.moved, due_today=found.due_today)


def _in_force(row: SopRow, within: Surroundings) -> SopInForce | None:
    try:
        return sop_in_force(Sop.model_validate(row.definition), within=within)
    except (ValidationError, Rejected):
        return None  # it cannot be used as it is
