"""Somebody is away: what is due meanwhile goes to colleagues of the site who are there, and back afterwards.

An assistant sees the customers assigned to him, so a task moves with its customer; `stand_in` remembers whose he is.
A family goes to one person. Where nobody else is there it stays, and the managers see it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.dealing import Dealer, Recipient, assigned_entry
from hcrm_central.store.membership import among
from hcrm_central.store.tables import Absence, AuditEntry, StandIn
from hcrm_core.tasks import CLOSED
from hcrm_store.journeys import Task
from hcrm_store.organisation import Staff
from hcrm_store.people import Customer

_UNFINISHED = Task.state.not_in(CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Customers who went to a colleague, and who came back."""

    lent: int
    returned: int


def away(session: Session, *, on: date) -> list[UUID]:
    """Who is away on a day."""
    query = select(Absence.staff_id).where(
        Absence.cancelled_at.is_(None), Absence.first_on <= on, Absence.last_on >= on
    )
    return list(session.scalars(query.distinct()))


def stand_in(session: Session, *, dealer: Dealer, on: date, at: datetime) -> Moves:
    """Give back whom somebody who is there again has, then lend whom somebody who is away has and who is due."""
    absent = away(session, on=on)
    returned = _returning(session, absent)
    _assign(session, returned, by="return", at=at)
    session.execute(delete(StandIn).where(StandIn.customer_id == among(list(returned))))
    lent = _lent(session, absent, dealer=dealer, on=on)
    homes = _homes(session, lent)
    _assign(session, lent, by="absence", at=at)
    if homes:
        session.execute(
            text(
                "INSERT INTO stand_in (customer_id, home_id, since)"
                " SELECT customer_id, home_id, :on"
                " FROM unnest(CAST(:customers AS uuid[]), CAST(:homes AS uuid[])) AS lent (customer_id, home_id)"
                " ON CONFLICT (customer_id) DO NOTHING"  # lent on: he belongs to whom he belonged to first
            ),
            {"on": on, "customers": list(homes), "homes": list(homes.values())},
        )
    return Moves(lent=len(lent), returned=len(returned))


def _returning(session: Session, absent: Collection[UUID]) -> dict[UUID, UUID]:
    """Customers whose own assistant is there again. What the colleague began he finishes first."""
    begun = exists().where(Task.customer_id == StandIn.customer_id, _UNFINISHED, Task.attempts > 0)
    query = (
        select(StandIn.customer_id, StandIn.home_id)
        .join(Staff, Staff.id == StandIn.home_id)
        .where(Staff.active, StandIn.home_id.not_in(absent), ~begun)
    )
    return {row.customer_id: row.home_id for row in session.execute(query)}


def _lent(session: Session, absent: Sequence[UUID], *, dealer: Dealer, on: date) -> dict[UUID, UUID]:
    if not absent:
        return {}
    due = exists().where(Task.customer_id == Customer.id, _UNFINISHED, func.coalesce(Task.next_on, Task.due_on) <= on)
    query = (
        select(Customer.id, Customer.site_id, Customer.family_id, Customer.assistant_id)
        .where(Customer.assistant_id == among(absent), due)
        .order_by(Customer.id)
    )
    found: dict[UUID, UUID] = {}
    of_home: dict[UUID, UUID | None] = {}
    for customer_id, site_id, family_id, assistant_id in session.execute(query):
        recipient = Recipient(customer_id=customer_id, site_id=site_id, family_id=family_id, assistant_id=assistant_id)
        home = family_id or customer_id
        if home not in of_home:
            of_home[home] = dealer.colleague(recipient)
        colleague = of_home[home]
        if colleague is not None:
            found[customer_id] = colleague
    return found


def _homes(session: Session, lent: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
    query = select(Customer.id, Customer.assistant_id).where(Customer.id == among(list(lent)))
    return {customer_id: home for customer_id, home in session.execute(query) if home is not None}


def _assign(session: Session, moves: Mapping[UUID, UUID], *, by: str, at: datetime) -> None:
    """The customer and what is unfinished of his, together; noted."""
    if not moves:
        return
    pairs = {"customers": list(moves), "staff": list(moves.values())}
    dealt = "unnest(CAST(:customers AS uuid[]), CAST(:staff AS uuid[])) AS dealt (customer_id, staff_id)"
    session.execute(
        text(f"UPDATE customer c SET assistant_id = dealt.staff_id FROM {dealt} WHERE c.id = dealt.customer_id"), pairs
    )
    session.execute(
        text(
            f"UPDATE task t SET owner_id = dealt.staff_id FROM {dealt}"
            " WHERE t.customer_id = dealt.customer_id AND t.state NOT IN ('done', 'cancelled')"
        ),
        pairs,
    )
    session.execute(insert(AuditEntry), [assigned_entry(*pair, by=by, at=at) for pair in moves.items()])
