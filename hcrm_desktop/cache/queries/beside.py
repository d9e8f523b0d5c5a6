"""What stands beside a customer in every list: the guardian to call and the lens worn now."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.cache.tables import GUARDIAN, ORDER

_IDS_A_STATEMENT = 500  # below SQLite's limit on bound values


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to call."""

    id: UUID
    name: str
    relation: str
    phone: str | None
    phone_tail: str | None
    delivery: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """What is worn now, and since when the oldest lens of it."""

    product: ProductKind
    oldest_lens_on: date


def guardians_of(session: Session, family_ids: Collection[UUID]) -> dict[UUID, Contact]:
    """One guardian a family: the first on file with a phone number, or else the first."""
    found: dict[UUID, Contact] = {}
    for some in in_portions(family_ids):
        wanted = select(GUARDIAN).where(GUARDIAN.c.family_id.in_(some))
        for row in session.execute(wanted.order_by(GUARDIAN.c.phone.is_(None).desc(), GUARDIAN.c.id.desc())):
            found[row.family_id] = Contact(  # the last one written is the first in order
                id=row.id,
                name=row.name or "",
                relation=row.relation or "",
                phone=row.phone,
                phone_tail=row.phone_tail,
                delivery=row.delivery,
            )
    return found


def worn_by(session: Session, customer_ids: Collection[UUID]) -> dict[UUID, Wear]:
    """What customers wear now."""
    orders: dict[UUID, list[Any]] = defaultdict(list)
    columns = select(
        ORDER.c.customer_id, ORDER.c.id, ORDER.c.eye, ORDER.c.product, ORDER.c.dispensed_on, ORDER.c.ended_on
    )
    for some in in_portions(customer_ids):
        for row in session.execute(columns.where(ORDER.c.customer_id.in_(some))):
            orders[row.customer_id].append(row)
    return {customer_id: wear for customer_id, rows in orders.items() if (wear := worn_now(rows)) is not None}


def worn_now(orders: Iterable[Any]) -> Wear | None:
    """The lens worn now, as the facts `product` and `oldest_lens_on` define it (a test compares them).

    Per eye the lens dispensed last counts, unless it ended; of two eyes the product dispensed last speaks.
    """
    latest: dict[Eye, Any] = {}
    for order in sorted((one for one in orders if one.dispensed_on is not None), key=_dispensed):
        latest[order.eye] = order
    worn = [order for order in latest.values() if order.ended_on is None and order.product is not None]
    if not worn:
        return None
    product = max(worn, key=_dispensed).product
    return Wear(product=product, oldest_lens_on=min(o.dispensed_on for o in worn if o.product is product))


def in_portions(ids: Collection[UUID]) -> Iterator[list[UUID]]:
    """Ids in lists that SQLite can bind."""
    every = list(ids)
    return (every[start : start + _IDS_A_STATEMENT] for start in range(0, len(every), _IDS_A_STATEMENT))


def _dispensed(order: Any) -> tuple[date, str]:
    return (order.dispensed_on, str(order.id))
