"""Readers beside concurrent writers: the stream's counter misses nothing, a sequence and a clock do.

Each writer puts one row into a stream and one into a plain table, in one transaction, so that all three cursors are
judged by the same commits.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm_central import accounts
from hcrm_central.api.pull import pull
from hcrm_central.api.sessions import SignedIn
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account, Incarnation
from hcrm_core.wire import Cursor, PullRequest
from hcrm_store.base import new_id
from tests.factories import Clinic, add_task

WRITERS = 8
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class StreamReader:
    """Follows a stream with the service's own pull."""

    here: Any
    who: SignedIn
    epoch: UUID
    stream: str
    cursor: Cursor = field(default_factory=Cursor)
    seen: set[UUID] = field(default_factory=set)

    def read(self) -> None:
        request = PullRequest(epoch=self.epoch, cursors={self.stream: self.cursor}, limit=7)
        (page,) = pull(self.here, self.who, request).pages
        self.seen |= {row.id for row in page.rows}
        self.cursor = page.next


@dataclass(slots=True, kw_only=True)
class PlainReader:
    """Follows a plain table by a column, as one would without thinking of open transactions."""

    store: Store
    column: str
    cursor: Any
    seen: set[UUID] = field(default_factory=set)

    def read(self) -> None:
        wanted = f"SELECT id, {self.column} AS at FROM plain WHERE {self.column} > :at ORDER BY {self.column}"
        with self.store.owner.connect() as connection:
            for row in connection.execute(text(wanted), {"at": self.cursor}):
                self.seen.add(row.id)
                self.cursor = row.at


@dataclass(slots=True, kw_only=True)
class Race:
    """What the writers committed, and three readers of it."""

    store: Store
    clinic: Clinic
    by_counter: StreamReader
    by_sequence: PlainReader
    by_clock: PlainReader
    committed: list[UUID] = field(default_factory=list)

    def read(self) -> None:
        for reader in (self.by_counter, self.by_sequence, self.by_clock):
            reader.read()

    def missed(self, reader: StreamReader | PlainReader) -> int:
        return len(set(self.committed) - reader.seen)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One row for each reader, committed when the block ends and counted then."""
        row_id = new_id()
        with transaction(self.store.jobs) as session:
            child = self.clinic.mine
            where = {"customer_id": child.customer_id, "site_id": self.clinic.north}
            add_task(session, task_id=row_id, owner_id=None, subject=str(row_id), **where)
            session.flush()
            session.execute(text("INSERT INTO plain (id) VALUES (:id)"), {"id": row_id})
            yield session
        self.committed.append(row_id)


@pytest.fixture
def race(app: FastAPI, store: Store, clinic: Clinic) -> Iterator[Race]:
    with store.owner.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE plain (id uuid, by_sequence bigserial, by_clock timestamptz DEFAULT clock_timestamp());"
                "GRANT INSERT ON plain TO hcrm_jobs; GRANT USAGE ON SEQUENCE plain_by_sequence_seq TO hcrm_jobs"
            )
        )
    found = Race(
        store=store,
        clinic=clinic,
        by_counter=_follower(app, store, clinic),
        by_sequence=PlainReader(store=store, column="by_sequence", cursor=0),
        by_clock=PlainReader(store=store, column="by_clock", cursor=LONG_AGO),
    )
    yield found
    with store.owner.begin() as connection:
        connection.execute(text("DROP TABLE plain"))


def _follower(app: FastAPI, store: Store, clinic: Clinic) -> StreamReader:
    with Session(store.jobs) as session:
        account = session.get_one(Account, clinic.accounts["manager"])
        principal = accounts.principal_of(session, account)
        person = accounts.person_of(account, principal)
        epoch = session.query(Incarnation.epoch).scalar()
    who = SignedIn(principal=principal, person=person, device_id=new_id(), family_id=new_id())
    return StreamReader(here=app.state.centre, who=who, epoch=epoch, stream=f"{clinic.north}:tasks")


def test_a_row_that_is_written_first_and_committed_last_is_missed_by_a_sequence_and_a_clock_only(race: Race) -> None:
    with race.write():
        with race.write():
            pass
        race.read()
    race.read()
    assert race.missed(race.by_sequence) == 1
    assert race.missed(race.by_clock) == 1
    assert race.missed(race.by_counter) == 0


def test_a_reader_beside_eight_writers_misses_nothing(race: Race) -> None:
    _run(race, rounds=8)
    assert race.committed
    assert race.missed(race.by_counter) == 0


@pytest.mark.long
def test_a_reader_beside_eight_writers_for_minutes_misses_nothing_while_the_others_do(race: Race) -> None:
    _run(race, rounds=600)
    assert race.missed(race.by_counter) == 0
    assert race.missed(race.by_sequence) > 0
    assert race.missed(race.by_clock) > 0


def _run(race: Race, *, rounds: int) -> None:
    """Writers that work for 0–20 ms, now and then for 300, and roll back one transaction of twenty."""
    threads = [threading.Thread(target=_write, args=(race, random.Random(n), rounds)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        race.read()
    for reader in (race.by_counter, race.by_sequence, race.by_clock):
        _read_to_the_end(reader)


def _read_to_the_end(reader: StreamReader | PlainReader) -> None:
    before: Any = None
    while before != reader.cursor:
        before = reader.cursor
        reader.read()


class _ChangedMyMind(Exception):
    """Ends a transaction without a commit."""


def _write(race: Race, chance: random.Random, rounds: int) -> None:
    for _ in range(rounds):
        seconds = 0.3 if chance.random() < 0.03 else chance.uniform(0, 0.02)
        try:
            with race.write() as session:
                session.execute(text("SELECT pg_sleep(:s)"), {"s": seconds})
                _perhaps(chance.random() < 0.05)
        except _ChangedMyMind:
            continue


def _perhaps(rolled_back: bool) -> None:  # noqa: FBT001 - the one thing it is about
    if rolled_back:
        raise _ChangedMyMind
