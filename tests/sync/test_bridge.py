"""The whole workstation below its screens, with the real centre: sign in, receive, record, send, sign out."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from hcrm_central.store.opening import Store
from hcrm_core.errors import Rejected, SignInRequired
from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import Changes, SignedIn, SyncStatus, TaskFilter
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_desktop.tasks import Tasks
from hcrm_store.care import FollowUp
from tests.factories import PASSWORD
from tests.fakes import FakeClock
from tests.sync.desk import KEY, central_count

SECONDS = 20_000


@pytest.fixture
def tasks(qapp: QObject, tmp_path: Path, clock: FakeClock) -> Iterator[Tasks]:
    made = Tasks(open_workspace(tmp_path / "profile", KEY, clock=clock))
    yield made
    made.stop()


@pytest.mark.usefixtures("clinic")
def test_a_day_at_the_workstation(tasks: Tasks, qtbot: QtBot, centre_url: str, clock: FakeClock, store: Store) -> None:
    owner, got = QObject(), list[Any]()
    states, changes = list[SyncStatus](), list[Changes]()
    tasks.sync_state_changed.connect(states.append)
    tasks.data_changed.connect(changes.append)
    account = {"server_url": centre_url, "username": "assistant"}

    tasks.sign_in(owner, **account, password="wrong", done=got.append, failed=got.append)
    qtbot.waitUntil(lambda: len(got) == 1, timeout=SECONDS)
    assert isinstance(got.pop(), SignInRequired)

    tasks.sign_in(owner, **account, password=PASSWORD, done=got.append, failed=got.append)
    qtbot.waitUntil(lambda: any(state.online for state in states), timeout=SECONDS)
    assert isinstance(got.pop(), SignedIn)
    assert any("task" in change.kinds for change in changes)

    tasks.query(owner, queries.tasks_today, today=tasks.today(), filter=TaskFilter(), done=got.append)
    qtbot.waitUntil(lambda: len(got) == 1, timeout=SECONDS)
    (row,) = got.pop()

    call: dict[str, Any] = {"task_id": row.id, "channel": Channel.PHONE, "outcome": Outcome.DECLINED, "note": "太远"}
    tasks.command(owner, commands.record_outcome, done=got.append, **call)
    qtbot.waitUntil(lambda: states[-1].unsent == 1, timeout=SECONDS)
    clock.advance(UNDO_WINDOW)
    tasks.sync_now()
    qtbot.waitUntil(lambda: states[-1].unsent == 0, timeout=SECONDS)
    assert central_count(store, FollowUp, note="太远") == 1

    tasks.sign_out(owner, server_url=centre_url, done=got.append)
    qtbot.waitUntil(lambda: len(got) == 2, timeout=SECONDS)


@pytest.mark.usefixtures("clinic")
@pytest.mark.parametrize("leaving", ["sign out", "close"])
def test_who_leaves_within_the_undo_window_leaves_no_entry_behind(
    tasks: Tasks, qtbot: QtBot, centre_url: str, store: Store, leaving: str
) -> None:
    """The clock of this test stands still: only the leaving can send it."""
    owner, got, states = QObject(), list[Any](), list[SyncStatus]()
    tasks.sync_state_changed.connect(states.append)
    tasks.sign_in(owner, server_url=centre_url, username="assistant", password=PASSWORD, done=print, failed=got.append)
    qtbot.waitUntil(lambda: any(state.online for state in states), timeout=SECONDS)
    tasks.query(owner, queries.tasks_today, today=tasks.today(), filter=TaskFilter(), done=got.append)
    qtbot.waitUntil(lambda: len(got) == 1, timeout=SECONDS)
    ((row,),) = got
    call: dict[str, Any] = {"task_id": row.id, "channel": Channel.PHONE, "outcome": Outcome.DECLINED}
    tasks.command(owner, commands.record_outcome, **call, note="先这样")
    if leaving == "sign out":
        qtbot.waitUntil(lambda: states[-1].unsent == 1, timeout=SECONDS)
        tasks.sign_out(owner, server_url=centre_url, done=got.append)
        qtbot.waitUntil(lambda: len(got) == 2, timeout=SECONDS)
    tasks.stop()
    assert central_count(store, FollowUp, note="先这样") == 1


@pytest.mark.usefixtures("clinic")
def test_a_screen_whose_query_comes_too_late_is_covered_and_nothing_breaks(
    tasks: Tasks, qtbot: QtBot, centre_url: str, clock: FakeClock
) -> None:
    owner, got, states = QObject(), list[Any](), list[SyncStatus]()
    tasks.sync_state_changed.connect(states.append)
    tasks.sign_in(owner, server_url=centre_url, username="assistant", password=PASSWORD, done=print, failed=got.append)
    qtbot.waitUntil(lambda: any(state.online and not state.catching_up for state in states), timeout=SECONDS)
    clock.advance(timedelta(days=400))
    day = tasks.today()
    tasks.query(owner, queries.tasks_today, today=day, filter=TaskFilter(), done=got.append)
    tasks.query(owner, queries.tasks_today, today=day, filter=TaskFilter(), done=got.append, failed=got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=SECONDS)
    (told,) = got
    assert isinstance(told, Rejected)
    qtbot.waitUntil(lambda: states[-1].lease_over, timeout=SECONDS)
