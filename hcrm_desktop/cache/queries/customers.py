"""Finding customers: the global search, the customer list and the segments."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from hcrm_core.wire import Json
from hcrm_desktop.cache.queries.beside import guardians_of, worn_by
from hcrm_desktop.cache.rows import CustomerHit, SegmentCount
from hcrm_desktop.cache.tables import CUSTOMER, GUARDIAN, MEMBERSHIP, SEGMENT, SITE

_PHONE_TAIL = 4


def search_customers(session: Session, text: str, *, limit: int = 20) -> list[CustomerHit]:
    """The global search: part of a name, pinyin or its initials, or the end of a phone number."""
    return list_customers(session, text=text, limit=limit) if text.strip() else []


def list_customers(
    session: Session, *, text: str = "", segment: str | None = None, limit: int = 200, offset: int = 0
) -> list[CustomerHit]:
    """A page of customers in the order of their names."""
    columns = select(CUSTOMER, SITE.c.name.label("site_name")).outerjoin(SITE, SITE.c.id == CUSTOMER.c.site_id)
    page = _narrowed(columns, text=text, segment=segment).order_by(CUSTOMER.c.name_pinyin, CUSTOMER.c.id)
    found = session.execute(page.limit(limit).offset(offset)).mappings().all()
    return _hits(session, [dict(row) for row in found])


def count_customers(session: Session, *, text: str = "", segment: str | None = None) -> int:
    """How many customers the list holds."""
    counted = _narrowed(select(func.count()).select_from(CUSTOMER), text=text, segment=segment)
    return int(session.execute(counted).scalar_one())


def segments(session: Session) -> list[SegmentCount]:
    """Segments in their order, with how many customers of this reader are in each."""
    size = (
        select(MEMBERSHIP.c.segment_key, func.count().label("customers"))
        .where(MEMBERSHIP.c.left_on.is_(None))
        .group_by(MEMBERSHIP.c.segment_key)
        .subquery()
    )
    statement = (
        select(SEGMENT, size.c.customers)
        .outerjoin(size, size.c.segment_key == SEGMENT.c.key)
        .order_by(SEGMENT.c.rank, SEGMENT.c.key)
    )
    return [
        SegmentCount(key=row.key, label=row.label or row.key, tone=row.tone or "neutral", customers=row.customers or 0)
        for row in session.execute(statement)
        if row.key
    ]


def matching(text: str) -> ColumnElement[bool]:
    """Customers that a person means by what he typed."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if plain.isdigit():
        return CUSTOMER.c.family_id.in_(select(GUARDIAN.c.family_id).where(_phone(plain)))
    named = CUSTOMER.c.name.contains(plain, autoescape=True)
    spelled = plain.replace(" ", "").replace("'", "")
    if not spelled:
        return named
    return or_(
        named,
        CUSTOMER.c.name_initials.startswith(spelled, autoescape=True),
        func.replace(CUSTOMER.c.name_pinyin, " ", "").startswith(spelled, autoescape=True),
    )


def _phone(digits: str) -> ColumnElement[bool]:
    if len(digits) <= _PHONE_TAIL:
        return GUARDIAN.c.phone_tail.contains(digits)
    return GUARDIAN.c.phone.contains(digits)


def _narrowed(statement: Select[Any], *, text: str, segment: str | None) -> Select[Any]:
    if text.strip():
        statement = statement.where(matching(text))
    if segment is None:
        return statement
    current = MEMBERSHIP.c.left_on.is_(None) & (MEMBERSHIP.c.segment_key == segment)
    return statement.where(CUSTOMER.c.id.in_(select(MEMBERSHIP.c.customer_id).where(current)))


def _hits(session: Session, customers: Sequence[Json]) -> list[CustomerHit]:
    guardians = guardians_of(session, {row["family_id"] for row in customers if row["family_id"]})
    worn = worn_by(session, {row["id"] for row in customers})
    return [
        CustomerHit(
            id=row["id"],
            name=row["name"] or "",
            sex=row["sex"],
            birth_date=row["birth_date"],
            guardian_name=guardian.name if (guardian := guardians.get(row["family_id"])) else "",
            phone_tail=guardian.phone_tail if guardian else None,
            product=wear.product if (wear := worn.get(row["id"])) else None,
            site_name=row["site_name"] or "",
        )
        for row in customers
    ]
