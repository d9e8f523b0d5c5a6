"""Whose facts a run computes, and of whom facts are known after it."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from hcrm_central.jobs.facts import compute_facts
from hcrm_central.jobs.quarantine import quarantined, set_aside
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.engine import snapshot
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_store.people import Customer
from hcrm_store.references import axial_length_reference


class Facts(StrEnum):
    """Whose facts a run computes."""

    COMPUTED = "computed"  # of all customers of its scope
    RENEWED = "renewed"  # of those who changed, of whom none are known, and who are set aside
    KNOWN = "known"  # nobody's: they are taken as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one run looks at.

    Attributes:
        scope: whom and what.
        facts: whose are computed first.
        changed: whose are to be renewed.
    """

    scope: Scope
    facts: Facts = Facts.COMPUTED
    changed: Collection[UUID] = ()

    @property
    def edition(self) -> str:
        """Which edition of the facts everybody has after it; "" if somebody's were taken as they are."""
        everybody = self.facts is Facts.COMPUTED and self.scope.only is None
        return edition() if everybody else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Of whom facts are known: `expected` = `seen` + the quarantined."""

    expected: int
    seen: int
    changed: int
    quarantined: tuple[UUID, ...]


def edition() -> str:
    """Names the facts as this program defines them: another edition is computed for everybody."""
    defined = [f"{name}: {fact.kind}, {fact.unit}, {fact.doc}" for name, fact in CATALOGUE.items()]
    told = [version("hcrm-desktop"), axial_length_reference().label, *defined]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def compute(engine: Engine, session: Session, work: Work, *, at: datetime) -> Found:
    """Compute in one snapshot and store; who cannot be computed is set aside, and let out when he can."""
    if work.facts is Facts.KNOWN:
        return _as_known(session, work.scope)
    with snapshot(engine) as reader:
        computed = work.scope if work.facts is Facts.COMPUTED else _to_renew(reader, work.changed)
        expected = reader.scalar(select(func.count()).select_from(Customer).where(work.scope.on(Customer.id))) or 0
        kept = 0 if work.facts is Facts.COMPUTED else _known(reader, Scope(aside=computed.only or ()))
        found = compute_facts(reader, session, computed.only, at=at)
    aside = tuple(found.quarantined)
    set_aside(session, found.quarantined, computed=replace(computed, aside=aside), at=at)
    return Found(expected=expected, seen=found.computed + kept, changed=len(found.changed), quarantined=aside)


def _to_renew(reader: Session, changed: Collection[UUID]) -> Scope:
    without = ~select(CUSTOMER_FACTS.c.customer_id).where(CUSTOMER_FACTS.c.customer_id == Customer.id).exists()
    strangers = reader.scalars(select(Customer.id).where(without))
    return Scope(only=list({*changed, *quarantined(reader), *strangers}))


def _known(session: Session, scope: Scope) -> int:
    facts = select(func.count()).select_from(CUSTOMER_FACTS)
    return session.scalar(facts.where(scope.on(CUSTOMER_FACTS.c.customer_id))) or 0


def _as_known(session: Session, scope: Scope) -> Found:
    seen, aside = _known(session, scope), tuple(scope.aside)
    return Found(expected=seen + len(aside), seen=seen, changed=0, quarantined=aside)
