"""What stands between a draft and its publication: its own errors, and others that would fall with it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.api.refusals import Refused
from hcrm_central.jobs.rulebook import surroundings
from hcrm_central.jobs.versions import marks_alone
from hcrm_core.errors import Rejected
from hcrm_core.rules import Node, Rule, Surroundings, lower, lower_rule
from hcrm_core.rules.linting import Level, lint
from hcrm_core.sop import Sop
from hcrm_core.wire import RefusalCode
from hcrm_store.journeys import Sop as SopRow


def require_sound(session: Session, rule: Rule, *, on: date) -> None:
    """A rule may come into force.

    Raises:
        Refused: ``rule_unsound``: it has errors, another rule marks its segment, or rules or SOPs that ask it, or are
            excluded by it, could not be used any more (a cycle of references among them).
    """
    within = surroundings(session, on=on)
    errors = (finding for finding in lint(rule, within=within) if finding.level is Level.ERROR)
    alone = marks_alone(session, rule.segment.key, rule_key=rule.key)
    if any(errors) or not alone or _falling(session, within, rules={**within.rules, rule.key: rule}):
        raise Refused(RefusalCode.RULE_UNSOUND)


def require_dispensable(session: Session, key: str, *, on: date) -> None:
    """A rule may go out of force.

    Raises:
        Refused: ``rule_unsound``: another rule or an SOP asks it.
    """
    within = surroundings(session, on=on)
    rest = {other: rule for other, rule in within.rules.items() if other != key}
    if _falling(session, within, rules=rest) - {("rule", key)}:
        raise Refused(RefusalCode.RULE_UNSOUND)


def _falling(session: Session, within: Surroundings, *, rules: Mapping[str, Rule]) -> set[tuple[str, str]]:
    """What can be used now and could not be with other rules in force."""
    asking = dict(_conditions(session))
    return _usable(within, asking) - _usable(replace(within, rules=rules), asking)


def _usable(within: Surroundings, asking: Mapping[str, Node]) -> set[tuple[str, str]]:
    rules = {("rule", key) for key, rule in within.rules.items() if _can_be_lowered(rule, within=within)}
    return rules | {("sop", key) for key, when in asking.items() if _can_be_lowered(when, within=within)}


def _can_be_lowered(tree: Rule | Node, *, within: Surroundings) -> bool:
    try:
        lower_rule(tree, within=within) if isinstance(tree, Rule) else lower(tree, within=within)
    except Rejected:
        return False
    return True


def _conditions(session: Session) -> Iterator[tuple[str, Node]]:
    """Conditions of SOPs, by the SOP's key."""
    for row in session.scalars(select(SopRow)):
        try:
            sop = Sop.model_validate(row.definition)
        except ValidationError:
            continue  # it cannot be used as it is
        if sop.when is not None:
            yield sop.key, sop.when
