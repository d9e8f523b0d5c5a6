"""Whose task it is: the customer's assistant, or, where there is none, the site's least loaded one.

An assistant sees only customers assigned to him, so dealing assigns the customer, not just the task; the
assignment is audited. Siblings go to one assistant, because their family is called once.
"""

import heapq
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from hcrm_central.store.tables import AuditEntry
from hcrm_core.tasks import CLOSED
from hcrm_core.terms import Role
from hcrm_store.base import new_id
from hcrm_store.journeys import Task
from hcrm_store.organisation import Staff
from hcrm_store.people import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A customer who gets a task."""

    customer_id: UUID
    site_id: UUID
    family_id: UUID | None
    assistant_id: UUID | None


class Dealer:
    """Deals tasks to assistants, evenly within a site.

    Attributes:
        assigned: customers that were given an assistant, to be written by `write`.
    """

    def __init__(self, session: Session, *, away: Collection[UUID] = ()) -> None:
        """Look at a store.

        Args:
            session: of the jobs.
            away: who is given nobody new today.
        """
        self.assigned: dict[UUID, UUID] = {}
        self._away = away
        self._active = set(session.scalars(select(Staff.id).where(Staff.active, Staff.role == Role.ASSISTANT)))
        self._session = session

    # Read when somebody is dealt: most runs of a few customers deal nobody, and both look at everybody.

    @cached_property
    def _waiting(self) -> dict[UUID, list[tuple[int, str, UUID]]]:
        return _waiting_by_site(self._session, away=self._away)

    @cached_property
    def _of_family(self) -> dict[UUID, UUID]:
        return _assistants_of_families(self._session)

    def holder(self, recipient: Recipient, *, role: Role) -> UUID | None:
        """Who has a role's task for a customer: his assistant, or a manager of his site."""
        return self._managers.get(recipient.site_id) if role is Role.MANAGER else self.owner(recipient)

    @cached_property
    def _managers(self) -> dict[UUID, UUID]:
        """One of each site, the first by code."""
        query = (
            select(Staff.site_id, Staff.id)
            .where(Staff.active, Staff.role == Role.MANAGER)
            .order_by(Staff.code.desc())  # the last one read stays
        )
        return {site_id: staff_id for site_id, staff_id in self._session.execute(query) if site_id is not None}

    def colleague(self, recipient: Recipient) -> UUID | None:
        """Somebody of the site who is there and is not the customer's own assistant; None: nobody."""
        return self._next(recipient.site_id)

    def owner(self, recipient: Recipient) -> UUID | None:
        """The assistant of a customer; None where the site has nobody, which a manager sees."""
        if recipient.assistant_id in self._active:
            return recipient.assistant_id
        if recipient.customer_id not in self.assigned:
            found = self._of_family.get(recipient.family_id) if recipient.family_id else None
            dealt = found or self._next(recipient.site_id)
            if dealt is None:
                return None
            self.assigned[recipient.customer_id] = dealt
            if recipient.family_id:
                self._of_family[recipient.family_id] = dealt
        return self.assigned[recipient.customer_id]

    def write(self, session: Session, *, at: datetime) -> int:
        """Assign the dealt customers and note it. Returns how many."""
        if self.assigned:
            session.execute(
                text(
                    "UPDATE customer c SET assistant_id = dealt.staff_id"
                    " FROM unnest(CAST(:customers AS uuid[]), CAST(:staff AS uuid[])) AS dealt (customer_id, staff_id)"
                    " WHERE c.id = dealt.customer_id"
                ),
                {"customers": list(self.assigned), "staff": list(self.assigned.values())},
            )
            session.execute(
                insert(AuditEntry), [assigned_entry(*pair, by="scan", at=at) for pair in self.assigned.items()]
            )
        return len(self.assigned)

    def _next(self, site_id: UUID) -> UUID | None:
        waiting = self._waiting.get(site_id)
        if not waiting:
            return None
        load, code, staff_id = waiting[0]
        heapq.heapreplace(waiting, (load + 1, code, staff_id))
        return staff_id


def _waiting_by_site(session: Session, *, away: Collection[UUID]) -> dict[UUID, list[tuple[int, str, UUID]]]:
    """Heaps of (open tasks, code, staff id) by site."""
    load = func.count(Task.id)
    unfinished = (Task.owner_id == Staff.id) & Task.state.not_in(CLOSED)
    query = (
        select(Staff.site_id, load, Staff.code, Staff.id)
        .join_from(Staff, Task, unfinished, isouter=True)
        .where(Staff.active, Staff.role == Role.ASSISTANT, Staff.id.not_in(away))
        .group_by(Staff.id)
    )
    heaps: dict[UUID, list[tuple[int, str, UUID]]] = {}
    for site_id, many, code, staff_id in session.execute(query):
        heapq.heappush(heaps.setdefault(site_id, []), (many, code, staff_id))
    return heaps


def _assistants_of_families(session: Session) -> dict[UUID, UUID]:
    """For families with a child that has no assistant: the one of a sibling."""
    active = select(Staff.id).where(Staff.active, Staff.role == Role.ASSISTANT)
    without = select(Customer.family_id).where(
        Customer.family_id.is_not(None), Customer.assistant_id.is_(None) | Customer.assistant_id.not_in(active)
    )
    query = (
        select(Customer.family_id, Customer.assistant_id)
        .where(Customer.family_id.in_(without), Customer.assistant_id.in_(active))
        .order_by(Customer.id)
    )
    return {family: assistant for family, assistant in session.execute(query) if family and assistant}


def assigned_entry(customer_id: UUID, staff_id: UUID, *, by: str, at: datetime) -> dict[str, object]:
    """The audit entry of a customer who was given to somebody."""
    return {
        "id": new_id(),
        "at": at,
        "action": "customer:assigned",
        "subject_kind": "customer",
        "subject_id": customer_id,
        "customer_id": customer_id,
        "detail": {"assistant_id": str(staff_id), "by": by},
    }
