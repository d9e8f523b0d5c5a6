"""Changes of rights at an instant of the tests' clock.

The histories take their instants from the database, whatever clock a program has. A test whose clock stands still
moves what it just changed to the instant at which it meant to change it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account
from hcrm_store.organisation import Staff
from hcrm_store.people import Customer
from tests.factories import Clinic
from tests.fakes import FakeClock

HISTORIES = {"account_history": "account_id", "customer_history": "customer_id"}


@contextmanager
def changing_rights(store: Store, clock: FakeClock) -> Iterator[None]:
    """What the block changes was changed now, by the tests' clock."""
    with store.owner.connect() as connection:
        before = _current(connection)
    yield
    with store.owner.begin() as connection:
        for history, subject, since in _current(connection) - before:
            _move(connection, history, subject=subject, since=since, to=clock.now())


def _current(connection: Connection) -> set[tuple[str, UUID, datetime]]:
    return {
        (history, subject, since)
        for history, key in HISTORIES.items()
        for subject, since in connection.execute(text(f"SELECT {key}, since FROM {history} WHERE until IS NULL"))
    }


def _move(connection: Connection, history: str, *, subject: UUID, since: datetime, to: datetime) -> None:
    values: dict[str, Any] = {"subject": subject, "since": since, "to": to}
    of = f"{HISTORIES[history]} = :subject"
    former = f"SELECT max(since) + interval '1 microsecond' FROM {history} WHERE {of} AND since < :since"
    values["to"] = connection.execute(text(f"SELECT greatest(:to, ({former}))"), values).scalar_one()
    connection.execute(text(f"UPDATE {history} SET until = :to WHERE {of} AND until = :since"), values)
    connection.execute(text(f"UPDATE {history} SET since = :to WHERE {of} AND since = :since"), values)


def give(store: Store, clock: FakeClock, customer_id: UUID, **values: object) -> None:
    """Give a customer to others: `assistant_id`, `optometrist_id`, `site_id`."""
    with changing_rights(store, clock), transaction(store.jobs) as session:
        customer = session.get_one(Customer, customer_id)
        for name, value in values.items():
            setattr(customer, name, value)


def change_account(store: Store, clock: FakeClock, account_id: UUID, **values: object) -> None:
    """Change what an account is: `role`, `active` …"""
    with changing_rights(store, clock), transaction(store.jobs) as session:
        account = session.get_one(Account, account_id)
        for name, value in values.items():
            setattr(account, name, value)


def move_staff(store: Store, clock: FakeClock, clinic: Clinic, code: str, *, site_id: UUID) -> None:
    """A member of staff goes to work at another site."""
    with changing_rights(store, clock), transaction(store.jobs) as session:
        session.get_one(Staff, clinic.staff[code]).site_id = site_id
