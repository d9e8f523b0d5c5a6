"""The fleet: every workstation with how it stands, the stuck and the silent first."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Device, DeviceIncident, Stream
from hcrm_core.fleet import DeviceState, Fleet, FleetDevice
from hcrm_core.wire import Incident, IncidentCode, OperationKind
from hcrm_store.base import new_id
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, outcome_body
from tests.fakes import FakeClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def fleet(keeper: Workstation) -> list[FleetDevice]:
    return Fleet.model_validate(keeper.get("/fleet").json()).devices


def one(keeper: Workstation, client: Workstation) -> FleetDevice:
    return next(device for device in fleet(keeper) if device.id == client.device_id)


def add_device(store: Store, **values: Any) -> UUID:
    device_id = new_id()
    with transaction(store.jobs) as session:
        session.add(Device(id=device_id, **({"secret_hash": b"", "name": "", "app_version": "1"} | values)))
    return device_id


def test_a_workstation_is_told_with_whoever_worked_there_last(client_for: SignIn, clinic: Clinic) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    client.hello(unsent=2, oldest_unsent_at=client.clock.now() - HOUR / 2)
    told = one(manager, client)
    assert (told.name, told.person, told.role, told.site) == ("test", "员工assistant", "assistant", "城北院区")
    assert (told.unsent, told.app_version, told.state) == (2, "1", DeviceState.WELL)
    assert told.seen_at == client.clock.now()
    client.sign_in("far")
    assert (one(manager, client).person, one(manager, client).site) == ("员工far", "城南院区")


def test_what_is_behind_counts_the_changes_that_were_not_read(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    client.catch_up()
    read = {key: cursor.seq for key, cursor in client.cursors.items()}
    client.hello(cursors=read)
    assert one(manager, client).behind == 0
    tasks = f"{clinic.north}:tasks"
    with Session(store.jobs) as session:
        head = session.scalars(select(Stream.seq).where(Stream.key == tasks)).one()
    client.push(client.operation(OperationKind.RECORD_OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine)))
    client.hello(cursors=read)
    assert one(manager, client).behind == 2  # the task and the follow-up
    client.hello(cursors={tasks: 0, "ref": 10**30, "nonsense": -5, "x" * 900: 7})
    assert one(manager, client).behind >= head


def test_a_workstation_too_old_to_tell_is_not_behind(client_for: SignIn) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    client.hello()
    assert one(manager, client).behind == 0


@pytest.mark.parametrize(("minutes", "state"), [(59.9, DeviceState.WELL), (60, DeviceState.STUCK)])
def test_an_entry_that_waited_an_hour_though_the_workstation_talks_is_stuck(
    client_for: SignIn, minutes: float, state: DeviceState
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    for ahead in (timedelta(0), 400 * DAY, -400 * DAY):  # whatever its clock shows
        client.clock = FakeClock(manager.clock.now() + ahead)
        client.hello(unsent=1, oldest_unsent_at=client.clock.now() - timedelta(minutes=minutes))
        assert one(manager, client).state is state
        assert one(manager, client).clock_offset_s == ahead.total_seconds()


@pytest.mark.parametrize(("hours", "state"), [(35.9, DeviceState.WELL), (36, DeviceState.SILENT)])
def test_a_workstation_that_was_not_heard_of_for_36_hours_is_silent(
    client_for: SignIn, clock: FakeClock, store: Store, hours: float, state: DeviceState
) -> None:
    then = clock.now() - timedelta(hours=hours)
    seen = add_device(store, seen_at=then, created_at=then - DAY, unsent=1, oldest_unsent_at=then)
    never = add_device(store, created_at=then)
    states = {device.id: device.state for device in fleet(client_for("admin"))}
    assert (states[seen], states[never]) == (state, state)


def test_the_stuck_and_the_silent_come_first_and_of_these_the_longest_unheard(
    client_for: SignIn, clock: FakeClock, store: Store
) -> None:
    now = clock.now()
    stuck: dict[str, Any] = {"unsent": 1, "seen_at": now}
    ids = [
        add_device(store, **stuck | {"seen_at": now - HOUR}, oldest_unsent_at=now - 3 * HOUR),
        add_device(store, **stuck, oldest_unsent_at=now - 2 * HOUR),
        add_device(store, created_at=now - 9 * DAY),
        add_device(store, seen_at=now - 3 * DAY),
        add_device(store, seen_at=now, wipe_ordered_at=now),
        add_device(store, seen_at=now - 2 * HOUR),
        add_device(store, seen_at=now - 2 * DAY, revoked_at=now),
        add_device(store, seen_at=now - 5 * DAY, revoked_at=now, wipe_ordered_at=now, surrendered_at=now),
    ]
    manager = client_for("manager")
    told = [device for device in fleet(manager) if device.id != manager.device_id]
    assert [device.id for device in told] == ids
    assert list(dict.fromkeys(device.state for device in told)) == list(DeviceState)


def test_incidents_are_kept_once_and_counted_for_a_week(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    incidents = [
        Incident(code=IncidentCode.STUCK, at=clock.now()),
        Incident(code=IncidentCode.DIGEST_DIFFERS, at=clock.now(), stream="ref", count=3),
    ]
    for _ in range(2):  # the answer to the first hello got lost
        client.hello(incidents=incidents)
    assert one(manager, client).incidents == 2
    with Session(store.jobs) as session:
        kept = session.scalars(select(DeviceIncident).where(DeviceIncident.stream == "ref")).one()
    assert (kept.code, kept.count, kept.received_at) == ("digest_differs", 3, clock.now())
    clock.advance(7 * DAY)
    manager.sign_in("manager")
    assert one(manager, client).incidents == 0


def test_what_waits_for_a_decision_is_counted(client_for: SignIn, clinic: Clinic) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    for _ in range(2):
        client.push(client.operation(OperationKind.RECORD_OUTCOME, clinic.far.task_id, outcome_body(clinic.far)))
    assert one(manager, client).held == 2


def test_instants_beyond_all_measure_break_nothing(client_for: SignIn) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    for now, oldest in (
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
    ):
        client.clock = FakeClock(datetime.fromisoformat(now))
        client.hello(unsent=2**31 - 1, oldest_unsent_at=datetime.fromisoformat(oldest))
        assert one(manager, client).unsent == 2**31 - 1


def test_the_fleet_tells_of_no_customer(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    client.push(
        client.operation(OperationKind.RECORD_OUTCOME, clinic.far.task_id, outcome_body(clinic.far, note="私话"))
    )
    told = client_for("admin").get("/fleet").text
    assert not [canary for canary in ("私话", "患者", clinic.far.phone) if canary in told]


def test_the_service_reads_incidents_for_nobody_but_keepers(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    client.hello(incidents=[Incident(code=IncidentCode.STUCK, at=client.clock.now())])
    with Session(store.service) as session:
        assert session.scalars(select(DeviceIncident)).all() == []


@pytest.mark.long
def test_sixteen_thousand_workstations_are_told_in_one_answer(
    client_for: SignIn, store: Store, clinic: Clinic, clock: FakeClock
) -> None:
    many_devices(store, clinic, clock, many=16_000)
    assert len(fleet(client_for("manager"))) == 16_001


def many_devices(store: Store, clinic: Clinic, clock: FakeClock, *, many: int) -> None:
    cursors = {"ref": 1} | {f"{clinic.north}:{area}": 0 for area in ("tasks", "people", "clinical")}
    common = {"secret_hash": b"", "name": "一台工作站", "app_version": "1", "cursors": cursors, "seen_at": clock.now()}
    with transaction(store.jobs) as session:
        accounts = list(clinic.accounts.values())
        session.execute(
            insert(Device),
            [{"id": new_id(), "account_id": accounts[n % len(accounts)], **common} for n in range(many)],
        )
        session.execute(update(Device).values(unsent=1))
