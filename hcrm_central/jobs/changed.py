"""Customers whose rows changed: triggers append them (0012_scan.sql), a run takes them away.

Entries are taken in the transaction of the run, before it reads: a change that an entry stands for is then in what the
run reads, and a run that dies leaves its entries. What commits meanwhile keeps its entry for the next run.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hcrm_central.store.membership import among
from hcrm_central.store.tables import ChangedCustomer


def take_changed(session: Session, *, most: int) -> Sequence[UUID]:
    """Take away the entries of so many customers, the latest first, and name these.

    The latest first, because a family may be waiting at the desk while a feed's many thousands are worked through.
    """
    latest = (
        select(ChangedCustomer.customer_id)
        .group_by(ChangedCustomer.customer_id)
        .order_by(func.max(ChangedCustomer.n).desc())
        .limit(most)
    )
    customers = session.scalars(latest).all()
    if customers:
        session.execute(delete(ChangedCustomer).where(ChangedCustomer.customer_id == among(customers)))
    return customers


def take_all_changed(session: Session) -> None:
    """Take away every entry: everybody is looked at."""
    session.execute(delete(ChangedCustomer))


def is_somebody_waiting(session: Session) -> bool:
    return session.scalar(select(ChangedCustomer.n).limit(1)) is not None


def waiting(session: Session) -> int:
    """How many customers changed and were not looked at since."""
    return session.scalar(select(func.count(func.distinct(ChangedCustomer.customer_id)))) or 0
