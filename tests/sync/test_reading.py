"""The first read: today's tasks before all else, large streams as files, progress told on the way."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import pytest

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.errors import Unreachable
from hcrm_desktop.cache import queries
from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_desktop.sync import reading
from hcrm_desktop.sync.client import Busy, CentreClient
from hcrm_desktop.sync.loop import Listeners, SyncLoop
from tests.factories import Clinic, add_task
from tests.fakes import FakeClock, MissingPages
from tests.sync.desk import KEY, Desk

MANY = 1_500
NewDesk = Callable[..., Desk]


@pytest.fixture
def new_desk(tmp_path: Path, clock: FakeClock, clinic: Clinic, centre_url: str) -> Iterator[NewDesk]:
    """Workstations that have never synced, whose centre lacks some pages."""
    with ExitStack() as opened:

        def make(username: str, *missing: str) -> Desk:
            folder = tmp_path / username
            desk = Desk(folder=folder, clock=clock, url=centre_url, workspace=open_workspace(folder, KEY, clock=clock))
            opened.callback(desk.close)
            desk.sign_in(username)
            desk.transport = MissingPages(*missing)
            return desk

        yield make


@pytest.fixture
def much_to_do(store: Store, clinic: Clinic) -> None:
    with transaction(store.jobs) as session:
        for days in range(MANY):
            add_task(
                session,
                customer_id=clinic.mine.customer_id,
                site_id=clinic.north,
                owner_id=clinic.staff["assistant"],
                anchor_on=date(2020, 1, 1) + timedelta(days=days),
            )


def paths(desk: Desk) -> list[str]:
    assert isinstance(desk.transport, MissingPages)
    return [path for path in desk.transport.asked if path.startswith("/sync")]


def statuses(desk: Desk) -> list[SyncStatus]:
    """What a loop says of the connection in one step."""
    told = list[SyncStatus]()
    client = CentreClient(desk.url, transport=desk.transport)
    listeners = Listeners(
        state_changed=lambda: told.append(desk.ask(queries.sync_status)), data_changed=lambda _changes: None
    )
    SyncLoop(desk.workspace, client, listeners=listeners).step()
    client.close()
    return told


def test_a_new_workstation_shows_the_tasks_of_today_before_it_has_read_its_streams(
    new_desk: NewDesk, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, seen = new_desk("assistant"), list[list[str]]()

    def cut(_reading: reading.Reading, wanted: list[str]) -> bool:
        if wanted == ["ref"]:
            return original(_reading, wanted)
        seen.append([task.name for task in desk.tasks()])
        raise Unreachable("cut", remedy="")

    original = reading.Reading._read
    monkeypatch.setattr(reading.Reading, "_read", cut)
    with pytest.raises(Unreachable):
        desk.sync()
    assert paths(desk) == ["/sync/hello", "/sync/pull", "/sync/first"]
    assert len(seen[0]) == 1
    assert desk.task(clinic.mine.task_id).phone
    monkeypatch.undo()
    desk.sync()
    assert paths(desk)[3:] == ["/sync/hello", "/sync/pull"]


def test_an_older_centre_has_no_first_look_and_no_files(
    new_desk: NewDesk, clinic: Clinic, much_to_do: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGE", 100)
    desk = new_desk("assistant", "/sync/first", "/sync/snapshots")
    desk.sync()
    assert desk.count("task") == MANY + 1
    assert len({path for path in paths(desk) if "snapshots" in path}) == 1  # asked for once


def test_a_large_stream_comes_as_a_file_and_what_came_since_by_pages(
    new_desk: NewDesk, clinic: Clinic, store: Store, much_to_do: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGE", 100)
    desk = new_desk("assistant")
    told = statuses(desk)
    assert f"/sync/snapshots/{clinic.north}:tasks" in paths(desk)
    assert desk.count("task") == MANY + 1
    assert desk.sync().pulled == 0

    shares = [status.progress for status in told if status.progress is not None]
    assert shares == sorted(shares)
    assert {"snapshot", "verify", "idle"} <= {status.state for status in told}
    assert (told[-1].progress, told[-1].catching_up, told[-1].online) == (None, False, True)
    assert all(status.catching_up == (status.progress is not None) for status in told)


def test_a_small_clinic_is_read_without_a_file(new_desk: NewDesk) -> None:
    desk = new_desk("manager")
    desk.sync()
    assert not [path for path in paths(desk) if "snapshots" in path]


def test_a_centre_too_busy_for_a_first_look_or_a_file_is_read_by_pages(
    new_desk: NewDesk, clinic: Clinic, much_to_do: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_args: object, **_options: object) -> None:
        raise Busy("later", remedy="", retry_after=5)

    monkeypatch.setattr(reading, "LARGE", 100)
    monkeypatch.setattr(CentreClient, "first", busy)
    monkeypatch.setattr(CentreClient, "snapshot", busy)
    desk = new_desk("assistant")
    desk.sync()
    assert desk.count("task") == MANY + 1
