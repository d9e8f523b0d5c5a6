"""What is in force: published rules, latest parameters and SOPs, lowered to one business date."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import Text, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from hcrm_core.errors import Rejected
from hcrm_core.rules import Lowered, Parameter, Rule, Surroundings, lower, lower_rule
from hcrm_core.sop import Sop, Timing, timing, windowed
from hcrm_store.journeys import RuleParameter, RuleVersion
from hcrm_store.journeys import Sop as SopRow
from hcrm_store.organisation import Site

ReadAs = TypeVar("ReadAs", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInForce:
    version_id: UUID
    segment_key: str
    where: Lowered


@dataclass(frozen=True, slots=True, kw_only=True)
class SopInForce:
    sop: Sop
    when: Lowered | None
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """Rules by the segment they mark, SOPs most urgent first.

    Attributes:
        failed: keys of rules and SOPs that cannot be used; their memberships and tasks are left as they are.
        capacity: tasks a person is given a day, None without limit.
        escalation_days: after so many days without a beginning a task goes to the supervisors; None: never.
    """

    on: date
    rules: dict[str, RuleInForce]
    sops: Sequence[SopInForce]
    failed: tuple[str, ...]
    capacity: int | None = None
    escalation_days: int | None = None


def read_rulebook(session: Session, *, on: date) -> Rulebook:
    """The rulebook for a business date."""
    within = surroundings(session, on=on)
    rules: dict[str, RuleInForce] = {}
    failed: dict[str, str] = {}  # segments by rule
    for version in session.scalars(_PUBLISHED):
        where = _lowered_rule(version, within)
        if where is None or version.segment_key in rules:  # a segment is marked by one rule
            failed[version.rule_key] = version.segment_key
        else:
            rules[version.segment_key] = RuleInForce(
                version_id=version.id, segment_key=version.segment_key, where=where
            )
    found = {row.key: _lowered_sop(row, within) for row in session.scalars(select(SopRow))}
    # A segment whose rule was retired has no members: its SOPs propose nothing, and close what nobody had begun.
    unreadable = set(failed.values()) - set(rules)
    sops = [one for one in found.values() if one is not None and one.sop.segment not in unreadable]
    sops.sort(key=lambda one: (one.sop.priority, one.sop.key))
    usable = {one.sop.key for one in sops}
    return Rulebook(
        on=on,
        rules=rules,
        sops=sops,
        failed=(*failed, *sorted(found.keys() - usable)),
        capacity=_whole(within, "daily_capacity"),
        escalation_days=_whole(within, "escalation_days"),
    )


def _whole(within: Surroundings, key: str) -> int | None:
    return int(within.parameters[key].value) if key in within.parameters else None


def surroundings(session: Session, *, on: date) -> Surroundings:
    """Parameters and rules in force, and sites, for a business date. What cannot be read is not among them."""
    latest = {key: _read_again(Parameter, told) for key, told in session.execute(_LATEST)}
    published = [_read_again(Rule, told) for told in session.scalars(_DEFINITIONS)]
    return Surroundings(
        parameters={key: one for key, one in latest.items() if one is not None},
        on=on,
        rules={rule.key: rule for rule in published if rule is not None},
        sites=dict(session.execute(_SITES).all()),
    )


_PUBLISHED = select(RuleVersion).where(RuleVersion.state == "published").order_by(RuleVersion.rule_key)
_DEFINITIONS = _PUBLISHED.with_only_columns(sql_cast(RuleVersion.definition, Text))
_LATEST = (
    select(RuleParameter.key, sql_cast(RuleParameter.definition, Text))
    .ext(distinct_on(RuleParameter.key))
    .order_by(RuleParameter.key, RuleParameter.number.desc())
)
_SITES = select(Site.code, Site.id)


@lru_cache(maxsize=1_000)  # by its text: many times what a group has in force
def _read_again(model: type[ReadAs], told: str) -> ReadAs | None:
    """A definition is read anew by every question, and seldom another than before."""
    return _read(model, json.loads(told))


def _read(model: type[ReadAs], definition: Any) -> ReadAs | None:  # why Any: JSON
    try:
        return model.model_validate(definition)
    except ValidationError:
        return None


def _lowered_rule(version: RuleVersion, within: Surroundings) -> Lowered | None:
    rule = within.rules.get(version.rule_key)
    try:
        return None if rule is None else lower_rule(rule, within=within)
    except Rejected:
        return None


def _lowered_sop(row: SopRow, within: Surroundings) -> SopInForce | None:
    sop = _read(Sop, row.definition)
    if sop is None:
        return None
    try:
        return sop_in_force(sop, within=within)
    except Rejected:
        return None


def sop_in_force(sop: Sop, *, within: Surroundings) -> SopInForce:
    """An SOP with the parameters of its surroundings.

    Raises:
        Rejected: as `lower` and `timing`.
    """
    when = timing(sop, parameters=within.parameters)
    where = windowed(sop, when)
    return SopInForce(sop=sop, when=None if where is None else lower(where, within=within), timing=when)
