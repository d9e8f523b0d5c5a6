"""Whom a batch of reports may be for: customers narrowed by school, site and segment."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from hcrm_core.terms import ExamStatus
from hcrm_desktop.cache.queries.customers import matching
from hcrm_desktop.cache.tables import CUSTOMER, EXAM, MEMBERSHIP, SITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which customers are meant; None or "" is all.

    Attributes:
        school: as written on the customer. Optometrists are not sent it, so for them nobody has one.
    """

    school: str = ""
    site_id: UUID | None = None
    segment: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A customer who can be chosen, with the day of the last examination that counts."""

    id: UUID
    name: str
    birth_date: date | None
    school: str
    site_name: str
    examined_on: date | None


def candidates(session: Session, choice: Choice, *, limit: int) -> list[Candidate]:
    """The chosen customers in the order of their names."""
    last = (
        select(EXAM.c.customer_id, func.max(EXAM.c.examined_on).label("examined_on"))
        .where(EXAM.c.status == ExamStatus.FINAL)
        .group_by(EXAM.c.customer_id)
        .subquery()
    )
    statement = (
        select(CUSTOMER, SITE.c.name.label("site_name"), last.c.examined_on)
        .outerjoin(SITE, SITE.c.id == CUSTOMER.c.site_id)
        .outerjoin(last, last.c.customer_id == CUSTOMER.c.id)
        .where(*_conditions(choice))
        .order_by(CUSTOMER.c.name_pinyin, CUSTOMER.c.id)
        .limit(limit)
    )
    return [
        Candidate(
            id=row.id,
            name=row.name or "",
            birth_date=row.birth_date,
            school=row.school or "",
            site_name=row.site_name or "",
            examined_on=row.examined_on,
        )
        for row in session.execute(statement)
    ]


def count_candidates(session: Session, choice: Choice) -> int:
    """How many customers are chosen."""
    return int(session.execute(select(func.count()).select_from(CUSTOMER).where(*_conditions(choice))).scalar_one())


def schools(session: Session) -> list[tuple[str, int]]:
    """Schools with how many of this reader's customers go there, the largest first."""
    known = CUSTOMER.c.school.is_not(None) & (CUSTOMER.c.school != "")
    number = func.count()
    grouped = select(CUSTOMER.c.school, number).where(known).group_by(CUSTOMER.c.school)
    return [(school, n) for school, n in session.execute(grouped.order_by(number.desc(), CUSTOMER.c.school))]


def sites(session: Session) -> list[tuple[UUID, str]]:
    """Sites of this reader's customers."""
    mine = select(CUSTOMER.c.site_id)
    found = session.execute(select(SITE.c.id, SITE.c.name).where(SITE.c.id.in_(mine)).order_by(SITE.c.name))
    return [(row.id, row.name or "") for row in found]


def _conditions(choice: Choice) -> list[ColumnElement[bool]]:
    conditions = [matching(choice.text)] if choice.text.strip() else []
    if choice.school:
        conditions.append(CUSTOMER.c.school == choice.school)
    if choice.site_id is not None:
        conditions.append(CUSTOMER.c.site_id == choice.site_id)
    if choice.segment is not None:
        current = MEMBERSHIP.c.left_on.is_(None) & (MEMBERSHIP.c.segment_key == choice.segment)
        conditions.append(CUSTOMER.c.id.in_(select(MEMBERSHIP.c.customer_id).where(current)))
    return conditions
