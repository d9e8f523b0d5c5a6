"""The centre of the model: the real application over a real PostgreSQL, and what happens to it from outside.

A run must take less than a second, so the database is not made anew: it is put back as it was, which takes
milliseconds. A backup of the centre is made and restored in the same way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Table, delete, select, text, update
from sqlalchemy.orm import Session

from hcrm_central import accounts
from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account, Device, Incarnation
from hcrm_core.tasks import CloseReason
from hcrm_core.terms import Role, TaskState
from hcrm_store.base import new_id
from hcrm_store.journeys import Task
from hcrm_store.kinds import KINDS, table_of
from hcrm_store.organisation import Site, Staff
from hcrm_store.people import Customer, Family, Guardian
from tests.factories import Clinic, add_task
from tests.fakes import FakeClock
from tests.rights import changing_rights

BEGINNING, BACKUP = "beginning", "backup"
MOMENT = timedelta(seconds=1)  # no two things happen at the same instant: what was somebody's right would be open


@dataclass(slots=True, kw_only=True)
class Centre:
    """One centre for many runs.

    Attributes:
        numbers: counts what jobs make, so that names are unique and runs repeatable.
    """

    store: Store
    clinic: Clinic
    clock: FakeClock
    numbers: int = field(default=0)
    _names: list[str] = field(default_factory=list)

    # ── copies of the whole database ─────────────────────────────────────────────────────────────────────

    def prepare(self) -> None:
        """Make room for copies; the beginning of every run is what is there now."""
        for name in (BEGINNING, BACKUP):
            made = [f"CREATE TABLE {name}.{table} AS TABLE public.{table}" for table in self._tables()]
            self.as_owner(f"CREATE SCHEMA {name}", *made)

    def back_up(self) -> None:
        """Copy everything aside."""
        self._copy("public", to=BACKUP)

    def put_back(self, name: str) -> None:
        """Everything as it was, the counters of the streams too."""
        self._copy(name, to="public")

    def _copy(self, source: str, *, to: str) -> None:
        emptied = [f"DELETE FROM {to}.{table}" for table in self._tables()]
        filled = [
            f"INSERT INTO {to}.{table} OVERRIDING SYSTEM VALUE TABLE {source}.{table}" for table in self._tables()
        ]
        self.as_owner("SET LOCAL session_replication_role = replica", *emptied, *filled)

    def renew_epoch(self) -> None:
        """Whoever restores a backup does this."""
        with self.store.owner.begin() as connection:
            connection.execute(update(Incarnation).values(epoch=new_id()))

    def as_owner(self, *statements: str) -> None:
        with self.store.owner.begin() as connection:
            connection.execute(text(";".join(statements)))

    def _tables(self) -> list[str]:
        if not self._names:
            with self.store.owner.connect() as connection:
                found = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
                self._names = sorted(found.scalars())
        return self._names

    # ── what is asked of it ──────────────────────────────────────────────────────────────────────────────

    def principal(self, username: str) -> Principal:
        """Who an account is now."""
        with Session(self.store.jobs) as session:
            account = session.get_one(Account, self.clinic.accounts[username])
            return accounts.principal_of(session, account)

    def may_work(self, username: str) -> bool:
        with Session(self.store.jobs) as session:
            return accounts.may_work(session, session.get_one(Account, self.clinic.accounts[username]))

    def may_work_with(self, username: str, customer_id: UUID) -> bool:
        """Whether an account is in use and row security shows it a customer, now."""
        with snapshot(self.store.service, self.principal(username)) as session:
            seen = session.scalar(select(Customer.id).where(Customer.id == customer_id))
        return seen is not None and self.may_work(username)

    def customers(self) -> list[UUID]:
        return [child.customer_id for child in (self.clinic.mine, self.clinic.colleagues, self.clinic.far)]

    # ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────

    def make_task(self, customer_id: UUID) -> None:
        """As the scan does."""
        with self._job() as session:
            customer = session.get_one(Customer, customer_id)
            add_task(
                session,
                customer_id=customer_id,
                site_id=customer.site_id,
                owner_id=customer.assistant_id,
                anchor_on=date(2026, 5, 1) + timedelta(days=self.numbers),
            )

    def close_tasks(self, customer_id: UUID) -> None:
        """As the scan does when the child came."""
        closed = {"state": TaskState.DONE, "close_reason": CloseReason.VISITED, "closed_at": self.clock.now()}
        with self._job() as session:
            session.execute(update(Task).where(Task.customer_id == customer_id).values(closed))

    def change_customer(self, customer_id: UUID) -> None:
        """As an import does."""
        with self._job() as session:
            session.get_one(Customer, customer_id).school = f"学校{self.numbers}"

    def delete_row(self, kind: str, customer_id: UUID, *, spared: set[UUID]) -> None:
        """As the undoing of an import does: the oldest row of a kind, but nothing that somebody entered."""
        table = table_of(kind)
        with self._job() as session:
            found = session.scalars(
                select(table.c.id)
                .where(table.c.customer_id == customer_id, table.c.id.not_in(spared))
                .order_by(table.c.id)
                .limit(1)
            ).first()
            session.execute(delete(table).where(table.c.id == found))

    def assign(self, customer_id: UUID, **staff: UUID | None) -> None:
        """To another assistant, another optometrist, or nobody."""
        with self._job() as session:
            session.execute(update(Customer).where(Customer.id == customer_id).values(**staff))

    def move_customer(self, customer_id: UUID, site_id: UUID) -> None:
        """To another site, with everything that hangs on him."""
        with self._job() as session:
            family_id = session.get_one(Customer, customer_id).family_id
            session.execute(update(Customer).where(Customer.id == customer_id).values(site_id=site_id))
            session.execute(update(Family).where(Family.id == family_id).values(site_id=site_id))
            session.execute(update(Guardian).where(Guardian.family_id == family_id).values(site_id=site_id))
            for table in _of_customers():
                session.execute(update(table).where(table.c.customer_id == customer_id).values(site_id=site_id))

    def change_role(self, username: str, role: Role) -> None:
        self._change_account(username, role=role)

    def set_active(self, username: str, *, active: bool) -> None:
        self._change_account(username, active=active)

    def move_staff(self, username: str, site_id: UUID) -> None:
        with self._job() as session:
            session.execute(update(Staff).where(Staff.id == self.clinic.staff[username]).values(site_id=site_id))

    def set_open(self, site_id: UUID, *, opened: bool) -> None:
        """A site that closed is nobody's stream any more."""
        with self._job() as session:
            session.execute(update(Site).where(Site.id == site_id).values(active=opened))

    def block(self, device_id: UUID, *, blocked: bool) -> None:
        with self._job() as session:
            revoked_at = self.clock.now() if blocked else None
            session.execute(update(Device).where(Device.id == device_id).values(revoked_at=revoked_at))

    def _change_account(self, username: str, **values: object) -> None:
        with self._job() as session:
            session.execute(update(Account).where(Account.id == self.clinic.accounts[username]).values(**values))

    @contextmanager
    def _job(self) -> Iterator[Session]:
        self.numbers += 1
        self.clock.advance(MOMENT)
        with changing_rights(self.store, self.clock), transaction(self.store.jobs) as session:
            yield session


def _of_customers() -> list[Table]:
    tables = [table_of(kind) for kind in KINDS]
    return [table for table in tables if "customer_id" in table.c]
