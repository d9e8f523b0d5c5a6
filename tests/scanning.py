"""A library of customers for the tests of facts and scan: short calls, one row each."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.terms import (
    Channel,
    Eye,
    LensState,
    Medicine,
    Outcome,
    ProductKind,
    RefractionMethod,
    Role,
    Sex,
    Source,
    TaskState,
    VisitState,
)
from hcrm_store.base import Base, new_id
from hcrm_store.care import FollowUp, LensOrder, Medication, RecheckPlan, Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.journeys import Membership, Task
from hcrm_store.organisation import Site, Staff
from hcrm_store.people import Customer, Family
from tests.fakes import FakeClock

TODAY = date(2026, 11, 22)  # of FakeClock


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def installed(store: Store) -> Store:
    """The store with the default rules and SOPs."""
    install_defaults(store.jobs, clock=FakeClock())
    return store


def emptied(store: Store) -> Store:
    """The store without sites, people and runs; rules and SOPs stay. Quicker than a new database."""
    with store.owner.begin() as connection:
        connection.execute(
            text("TRUNCATE site, stream, stream_entry, scan_run, scan_request, changed_customer, audit_entry CASCADE")
        )
    return store


def spoil_rule(store: Store, key: str) -> None:
    """A published rule that this release cannot read. A version is never edited, so its guard is lifted for once."""
    with store.owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE rule_version SET definition = '{}' WHERE rule_key = :key"), {"key": key})


@dataclass
class Library:
    """One site with two assistants."""

    store: Store
    clock: FakeClock
    site_id: UUID = field(default_factory=new_id)
    first: UUID = field(default_factory=new_id)
    second: UUID = field(default_factory=new_id)
    code: str = "north"

    def __post_init__(self) -> None:
        self.add(Site(id=self.site_id, code=self.code, name="城北院区"))
        staff = [(self.first, "a1"), (self.second, "a2")]
        self.add(
            *[Staff(id=key, code=code, name=code, role=Role.ASSISTANT, site_id=self.site_id) for key, code in staff]
        )

    def add(self, *rows: Base) -> None:
        with transaction(self.store.jobs) as session:
            session.add_all(rows)

    def customer(self, **options: Any) -> UUID:
        values: dict[str, Any] = {
            "name": "王欣怡",
            "sex": Sex.FEMALE,
            "birth_date": date(2015, 3, 1),
            "filed_on": ago(900),
            "assistant_id": self.first,
        }
        key = new_id()
        self.add(Customer(id=key, site_id=self.site_id, **(values | options)))
        return key

    def family(self) -> UUID:
        key = new_id()
        self.add(Family(id=key, site_id=self.site_id))
        return key

    def exam(self, customer_id: UUID, examined_on: date, sphere: str = "-2.00", **options: Any) -> UUID:
        """Both eyes alike."""
        values: dict[str, Any] = {"method": RefractionMethod.AUTOREFRACTION, "cycloplegic": True}
        values |= {"lens_state": LensState.SPECTACLES, "source": Source.HIS}
        key, where = new_id(), {"customer_id": customer_id, "site_id": self.site_id}
        self.add(Exam(id=key, examined_on=examined_on, **where, **(values | options)))
        eyes = [
            EyeMeasurement(exam_id=key, eye=eye, sphere=Decimal(sphere), cylinder=Decimal("-0.50"), axis=180, **where)
            for eye in Eye
        ]
        self.add(*eyes)
        return key

    def lenses(self, customer_id: UUID, dispensed_on: date, product: ProductKind = ProductKind.OK_LENS) -> None:
        where = {"customer_id": customer_id, "site_id": self.site_id, "source": Source.SALES}
        self.add(*[LensOrder(eye=eye, product=product, dispensed_on=dispensed_on, **where) for eye in Eye])

    def drops(self, customer_id: UUID, started_on: date, percent: str = "0.05", ended_on: date | None = None) -> UUID:
        """A course of atropine."""
        key, where = new_id(), {"customer_id": customer_id, "site_id": self.site_id, "source": Source.WORKSTATION}
        course = {"medicine": Medicine.ATROPINE, "percent": Decimal(percent)}
        self.add(Medication(id=key, started_on=started_on, ended_on=ended_on, **course, **where))
        return key

    def visit(self, customer_id: UUID, visit_on: date, state: VisitState = VisitState.ARRIVED) -> None:
        where = {"customer_id": customer_id, "site_id": self.site_id, "source": Source.HIS}
        self.add(Visit(visit_on=visit_on, state=state, **where))

    def plan(self, customer_id: UUID, planned_on: date, due_on: date) -> None:
        where = {"customer_id": customer_id, "site_id": self.site_id, "source": Source.HIS}
        self.add(RecheckPlan(planned_on=planned_on, due_on=due_on, **where))

    def contact(self, customer_id: UUID, contacted_on: date, outcome: Outcome) -> None:
        where = {"customer_id": customer_id, "site_id": self.site_id, "source": Source.WORKSTATION}
        at = datetime(contacted_on.year, contacted_on.month, contacted_on.day, 4, tzinfo=UTC)
        self.add(FollowUp(contacted_at=at, outcome=outcome, channel=Channel.PHONE, **where))

    def overdue(self, days: int = 10, **options: Any) -> UUID:
        """A customer whose recheck has been due for so many days."""
        key = self.customer(**options)
        self.plan(key, ago(days + 90), ago(days))
        return key

    def change_task(self, customer_id: UUID, **values: Any) -> None:
        with transaction(self.store.jobs) as session:
            for task in session.scalars(select(Task).where(Task.customer_id == customer_id)):
                for name, value in values.items():
                    setattr(task, name, value)

    def tasks(self, customer_id: UUID | None = None) -> list[Task]:
        query = select(Task).order_by(Task.customer_id, Task.sop_key, Task.anchor_on)
        with transaction(self.store.jobs) as session:
            return list(session.scalars(query if customer_id is None else query.where(Task.customer_id == customer_id)))

    def task(self, customer_id: UUID) -> Task:
        """The one task of a customer that is not closed."""
        (found,) = [one for one in self.tasks(customer_id) if one.state not in (TaskState.DONE, TaskState.CANCELLED)]
        return found

    def ledger(self) -> list[tuple[Any, ...]]:
        """Everything that matters of every task, and of every membership."""
        tasks = [
            (t.customer_id, t.sop_key, t.subject, t.anchor_on, t.due_on, t.state, t.owner_id, t.close_reason)
            for t in self.tasks()
        ]
        with transaction(self.store.jobs) as session:
            query = select(Membership.customer_id, Membership.segment_key, Membership.entered_on, Membership.left_on)
            memberships = [tuple(row) for row in session.execute(query.order_by(*query.selected_columns[:3]))]
        return tasks + memberships

    def segments(self, customer_id: UUID) -> set[str]:
        """His segments, but for those of what is still to be measured: these children have few examinations."""
        query = select(Membership.segment_key).where(Membership.customer_id == customer_id)
        query = query.where(~Membership.segment_key.startswith("missing_"))
        with transaction(self.store.jobs) as session:
            return set(session.scalars(query.where(Membership.left_on.is_(None))))

    def count(self, table: type[Base]) -> int:
        with transaction(self.store.jobs) as session:
            return session.scalar(select(func.count()).select_from(table)) or 0
