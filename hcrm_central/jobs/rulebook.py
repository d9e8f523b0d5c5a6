"""What is in force: published rules, latest parameters and SOPs, lowered to one business date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_core.errors import Rejected
from hcrm_core.rules import Lowered, Parameter, Rule, lower
from hcrm_core.sop import Sop
from hcrm_store.journeys import RuleParameter, RuleVersion
from hcrm_store.journeys import Sop as SopRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInForce:
    version_id: UUID
    segment_key: str
    where: Lowered


@dataclass(frozen=True, slots=True, kw_only=True)
class SopInForce:
    sop: Sop
    when: Lowered | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """Rules by the segment they mark, SOPs most urgent first.

    Attributes:
        failed: keys of rules and SOPs that cannot be used; their memberships and tasks are left as they are.
    """

    on: date
    rules: dict[str, RuleInForce]
    sops: Sequence[SopInForce]
    failed: tuple[str, ...]


def read_rulebook(session: Session, *, on: date) -> Rulebook:
    """The rulebook for a business date."""
    parameters = _parameters(session)
    failed: list[str] = []
    rules: dict[str, RuleInForce] = {}
    versions = select(RuleVersion).where(RuleVersion.state == "published").order_by(RuleVersion.rule_key)
    for version in session.scalars(versions):
        where = _lowered_rule(version, parameters, on=on)
        if where is None or version.segment_key in rules:  # a segment is marked by one rule
            failed.append(version.rule_key)
        else:
            rules[version.segment_key] = RuleInForce(
                version_id=version.id, segment_key=version.segment_key, where=where
            )
    sops: list[SopInForce] = []
    for row in session.scalars(select(SopRow).order_by(SopRow.key)):
        sop = _lowered_sop(row, parameters, on=on)
        if sop is None or (sop.sop.segment is not None and sop.sop.segment not in rules):
            failed.append(row.key)
        else:
            sops.append(sop)
    sops.sort(key=lambda one: (one.sop.priority, one.sop.key))
    return Rulebook(on=on, rules=rules, sops=sops, failed=tuple(failed))


def _parameters(session: Session) -> dict[str, Parameter]:
    rows = session.scalars(select(RuleParameter).order_by(RuleParameter.key, RuleParameter.number))
    return {row.key: Parameter.model_validate(row.definition) for row in rows}


def _lowered_rule(version: RuleVersion, parameters: dict[str, Parameter], *, on: date) -> Lowered | None:
    try:
        return lower(Rule.model_validate(version.definition).where, parameters=parameters, on=on)
    except (ValidationError, Rejected):
        return None


def _lowered_sop(row: SopRow, parameters: dict[str, Parameter], *, on: date) -> SopInForce | None:
    try:
        sop = Sop.model_validate(row.definition)
        when = None if sop.when is None else lower(sop.when, parameters=parameters, on=on)
    except (ValidationError, Rejected):
        return None
    return SopInForce(sop=sop, when=when)
