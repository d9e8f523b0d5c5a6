"""What is held here is compared with the centre, and what differs is read anew."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.wire import IncidentCode, StreamDigest
from hcrm_desktop.cache import incidents, meta, streams
from hcrm_desktop.cache.tables import CUSTOMER, KIND_TABLES, META, TASK
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.engine import SyncEngine
from hcrm_desktop.sync.verifying import ANEW_EVERY, VERIFY_EVERY
from hcrm_store.people import Customer
from tests.factories import Clinic
from tests.fakes import FakeClock, MissingPages
from tests.sync.desk import Desk, consider

DeskFor = Callable[[str], Desk]


def verify(desk: Desk) -> list[str]:
    client = CentreClient(desk.url, transport=desk.transport)
    try:
        return SyncEngine(desk.workspace, client, on_changes=desk.told.append).verify()
    finally:
        client.close()


def is_due(desk: Desk) -> bool:
    client = CentreClient(desk.url)
    try:
        return SyncEngine(desk.workspace, client, on_changes=desk.told.append).is_verify_due()
    finally:
        client.close()


def held(desk: Desk) -> dict[str, dict[UUID, int]]:
    """Ids and versions of every kind."""
    with desk.workspace.read() as session:
        return {
            kind: {row.id: row.ver for row in session.execute(select(table.c.id, table.c.ver))}
            for kind, table in KIND_TABLES.items()
        }


def damage(desk: Desk, how: str) -> None:
    with desk.workspace.write() as session:
        if how == "a row is missing":
            session.execute(TASK.delete())
        elif how == "a row is old":
            session.execute(CUSTOMER.update().values(ver=CUSTOMER.c.ver - 1))
        else:
            row = session.execute(select(TASK)).mappings().one()
            session.execute(TASK.insert().values({**row, "id": UUID(int=7)}))


def test_a_workstation_that_caught_up_holds_what_the_centre_would_send(desk_for: DeskFor) -> None:
    for role in ("optometrist", "manager"):
        assert verify(desk_for(role)) == []


def test_work_that_waits_here_does_not_count(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("assistant")
    before = desk.told[:]
    consider(desk.workspace, clinic.mine.task_id)
    assert verify(desk) == []
    assert desk.told == before


def test_a_copy_that_differs_is_read_anew_and_the_centre_is_told(desk_for: DeskFor, clock: FakeClock) -> None:
    desk = desk_for("assistant")
    right = held(desk)
    for how in ("a row is missing", "a row is old", "a row is too many"):
        damage(desk, how)
        assert len(verify(desk)) == 1, how
        assert held(desk) == right, how
        assert [one.code for one in incidents.waiting(desk.workspace.outbox)] == [IncidentCode.DIGEST_DIFFERS]
        clock.advance(ANEW_EVERY)
        assert verify(desk) == []
        assert incidents.waiting(desk.workspace.outbox) == []  # the hello of the comparison told it


def test_what_waits_here_is_still_there_when_a_stream_was_read_anew(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    shown = desk.task(clinic.mine.task_id)
    with desk.workspace.write() as session:
        session.execute(CUSTOMER.update().values(ver=99))
        session.execute(TASK.update().values(base=None, delivery=None, ver=99))
    verify(desk)
    assert desk.task(clinic.mine.task_id) == shown


def test_a_change_between_two_looks_is_no_difference(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("assistant")
    with transaction(store.jobs) as session:
        session.get_one(Customer, clinic.mine.customer_id).name = "改了名字"
    assert verify(desk) == []
    assert desk.tasks()[0].name == "改了名字"


def test_a_stream_that_stays_different_is_not_read_anew_for_ever(
    desk_for: DeskFor, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, purged = desk_for("assistant"), list[str]()
    true = streams.digests

    def wrong(read: streams.Reader, seqs: Mapping[str, int]) -> dict[str, StreamDigest]:
        mine = true(read, seqs)
        return {
            key: digest.model_copy(update={"digest": 1}) if key.endswith(":tasks") else digest
            for key, digest in mine.items()
        }

    monkeypatch.setattr(streams, "digests", wrong)
    original = streams.purge

    def purge(session: Session, keys: Collection[str]) -> set[str]:
        purged.extend(keys)
        return original(session, keys)

    monkeypatch.setattr(streams, "purge", purge)
    for _ in range(3):
        assert len(verify(desk)) == 1
    assert len(purged) == 1
    clock.advance(ANEW_EVERY)
    verify(desk)
    assert len(purged) == 2


def test_an_older_centre_has_no_digests_and_that_is_well(desk_for: DeskFor) -> None:
    desk = desk_for("assistant")
    desk.transport = MissingPages("/sync/digests")
    assert verify(desk) == []
    assert not is_due(desk)


def test_a_copy_is_compared_when_it_is_new_rebuilt_or_six_hours_older(desk_for: DeskFor, clock: FakeClock) -> None:
    desk = desk_for("assistant")
    assert is_due(desk)
    verify(desk)
    assert not is_due(desk)
    clock.advance(VERIFY_EVERY - timedelta(seconds=1))
    assert not is_due(desk)
    clock.advance(timedelta(seconds=1))
    assert is_due(desk)
    verify(desk)
    with desk.workspace.write() as session:  # as a cache that was built anew
        session.execute(META.delete().where(META.c.key == meta.VERIFIED))
    assert is_due(desk)
    verify(desk)
    clock.advance(-timedelta(days=365))  # a clock that was set back does not put it off
    assert is_due(desk)
