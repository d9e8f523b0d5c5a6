"""The bridge between the GUI thread and the workers."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QObject, QThread, Signal, Slot
from pytestqt.qtbot import QtBot

from hcrm_core.errors import Rejected, SignInRequired, StoreUnusable, Unreachable
from hcrm_core.terms import Role
from hcrm_core.wire import Person
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.rows import Changes, SyncStatus
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.session import SESSION
from hcrm_desktop.tasks import Tasks
from hcrm_store.base import new_id
from tests.fakes import FakeClock

KEY = bytes(32)


class Screen(QObject):
    """Asks and is answered."""

    answered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []
        self.threads: list[QThread] = []

    @Slot(object)
    def on_answer(self, answer: Any) -> None:
        self.answers.append(answer)
        self.threads.append(QThread.currentThread())
        self.answered.emit()


@pytest.fixture
def workspace(tmp_path: Path, clock: FakeClock) -> Workspace:
    opened = open_workspace(tmp_path / "profile", KEY, clock=clock)
    opened.admit(Person(account_id=new_id(), staff_id=None, name="李医助", role=Role.ASSISTANT, site_ids=[]))
    return opened


@pytest.fixture
def tasks(qapp: object, workspace: Workspace) -> Iterator[Tasks]:
    made = Tasks(workspace)
    yield made
    made.stop()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("hcrm-")]


@pytest.fixture
def screen(qapp: object) -> Screen:
    return Screen()


def wait(qtbot: QtBot, screen: Screen, ask: Callable[[], None]) -> Any:
    with qtbot.waitSignal(screen.answered, timeout=10_000):
        ask()
    return screen.answers[-1]


def test_a_query_answers_on_the_gui_thread(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    person = wait(qtbot, screen, lambda: tasks.query(screen, queries.signed_in, done=screen.on_answer))
    assert person.name == "李医助"
    assert screen.threads == [screen.thread()]


def test_a_query_runs_on_another_thread_with_its_arguments(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    def ask(_session: object, word: str, *, number: int) -> tuple[str, int, bool]:
        return word, number, threading.current_thread() is threading.main_thread()

    answer = wait(qtbot, screen, lambda: tasks.query(screen, ask, "一", done=screen.on_answer, number=2))
    assert answer == ("一", 2, False)


def test_a_command_announces_its_changes_before_it_answers(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    tasks.data_changed.connect(screen.on_answer)
    draft: dict[str, Any] = {"key": "exam", "body": {"od": "-3.25"}}
    wait(qtbot, screen, lambda: tasks.command(screen, commands.save_draft, done=screen.on_answer, **draft))
    qtbot.waitUntil(lambda: len(screen.answers) == 2)
    assert screen.answers == [Changes.of("draft"), Changes.of("draft")]
    assert screen.threads == [screen.thread()] * 2


def test_public_signals_come_on_the_gui_thread_whoever_listens_how(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    threads: list[threading.Thread] = []
    tasks.data_changed.connect(lambda _changes: threads.append(threading.current_thread()))
    draft: dict[str, Any] = {"key": "exam", "body": {}}
    wait(qtbot, screen, lambda: tasks.command(screen, commands.save_draft, done=screen.on_answer, **draft))
    assert threads == [threading.main_thread()]


def test_commands_run_one_after_the_other_in_order(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    order: list[int] = []

    def note(_workspace: object, *, number: int) -> Changes:
        order.append(number)
        return Changes.of()

    for number in range(20):
        tasks.command(screen, note, done=screen.on_answer, number=number)
    qtbot.waitUntil(lambda: len(screen.answers) == 20, timeout=10_000)
    assert order == list(range(20))


def test_a_refusal_is_told_to_the_one_who_asked(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    refusal = wait(qtbot, screen, lambda: tasks.command(screen, commands.undo_last, failed=screen.on_answer))
    assert isinstance(refusal, Rejected)


def test_a_bug_that_nobody_awaits_reaches_the_crash_handler(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    def broken(_session: object) -> None:
        raise ZeroDivisionError

    with qtbot.captureExceptions() as caught:
        tasks.query(screen, broken, done=screen.on_answer)
        qtbot.waitUntil(lambda: len(caught) == 1, timeout=10_000)
    assert caught[0][0] is ZeroDivisionError


def test_an_answer_for_a_screen_that_is_gone_is_dropped(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    gone, begun, go = Screen(), threading.Event(), threading.Event()

    def slow(_session: object) -> int:
        begun.set()
        go.wait(10)
        return 1

    tasks.query(gone, slow, done=gone.on_answer)
    assert begun.wait(10)
    shiboken6.delete(gone)
    go.set()
    wait(qtbot, screen, lambda: tasks.query(screen, queries.signed_in, done=screen.on_answer))
    assert gone.answers == []


def test_a_store_that_cannot_be_opened_is_told(qapp: object, screen: Screen, qtbot: QtBot) -> None:
    def refuse() -> Workspace:
        raise StoreUnusable("no key", remedy="bring it")

    tasks = Tasks()
    refusal = wait(qtbot, screen, lambda: tasks.open(screen, refuse, done=print, failed=screen.on_answer))
    assert isinstance(refusal, StoreUnusable)
    tasks.stop()


def test_the_workspace_is_opened_off_the_gui_thread(
    qapp: object, screen: Screen, qtbot: QtBot, tmp_path: Path, clock: FakeClock
) -> None:
    tasks, threads = Tasks(), list[threading.Thread]()

    def opener() -> Workspace:
        threads.append(threading.current_thread())
        return open_workspace(tmp_path / "profile", KEY, clock=clock)

    wait(qtbot, screen, lambda: tasks.open(screen, opener, done=screen.on_answer))
    assert tasks.today().isoformat() == "2026-11-22"
    tasks.stop()
    assert threads != [threading.main_thread()]
    open_workspace(tmp_path / "profile", KEY, clock=clock).close()  # the lock is free again


def test_a_centre_that_is_not_there_is_told_and_shown(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    states: list[SyncStatus] = []
    tasks.sync_state_changed.connect(states.append)
    tasks.start_sync(server_url="http://127.0.0.1:9")
    qtbot.waitUntil(lambda: [state.problem for state in states] == ["sign_in_required"], timeout=10_000)

    account = {"server_url": "http://127.0.0.1:9", "username": "li", "password": "x"}
    refusal = wait(qtbot, screen, lambda: tasks.sign_in(screen, done=print, failed=screen.on_answer, **account))
    assert "does not answer" in str(refusal)
    tasks.sync_now()


def test_the_centre_is_consulted_by_whoever_is_signed_in(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    def question(client: Any, headers: dict[str, str]) -> Any:
        return client.fleet(headers=headers)

    refusal = wait(qtbot, screen, lambda: tasks.consult(screen, question, done=print, failed=screen.on_answer))
    assert isinstance(refusal, SignInRequired)
    tasks.verify_now()  # nobody to compare with: nothing happens

    tasks.start_sync(server_url="http://127.0.0.1:9")
    refusal = wait(qtbot, screen, lambda: tasks.consult(screen, question, done=print, failed=screen.on_answer))
    assert isinstance(refusal, SignInRequired)

    opened = tasks._workspace
    assert opened is not None
    opened.outbox.keep(SESSION, {"access_token": "a", "refresh_token": "r"})
    refusal = wait(qtbot, screen, lambda: tasks.consult(screen, question, done=print, failed=screen.on_answer))
    assert isinstance(refusal, Unreachable)
    tasks.verify_now()


def test_an_emptied_workstation_is_told_without_its_files(tasks: Tasks, screen: Screen, qtbot: QtBot) -> None:
    tasks.sync_state_changed.connect(screen.on_answer)
    status = wait(qtbot, screen, tasks._announce_wiped)
    assert (status.problem, status.lease_over) == ("wiped", True)


def test_the_first_window_does_not_wait_for_heavy_imports() -> None:
    heavy = "{'sqlalchemy', 'httpx', 'pydantic', 'polars', 'keyring', 'numpy'}"
    program = f"import hcrm_desktop.tasks, sys; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"


def test_signing_out_works_without_the_centre(tasks: Tasks, screen: Screen, qtbot: QtBot, workspace: Workspace) -> None:
    wait(qtbot, screen, lambda: tasks.sign_out(screen, server_url="http://127.0.0.1:9", done=screen.on_answer))
    assert workspace.person() is None


def test_a_screen_that_nobody_holds_any_more_dies_on_the_gui_thread(qtbot: QtBot, workspace: Workspace) -> None:
    """A widget destroyed by a worker takes the program with it: a worker must not hold even one reference."""
    died_in: list[int] = []
    go_on = threading.Event()

    class Lingering(Tasks):
        def _work(self, ticket: int, work: Callable[[], Any]) -> None:
            super()._work(ticket, work)
            go_on.wait(10)  # the reply is on its way, and the worker still has all it was given

    class Fleeting(Screen):
        def __del__(self) -> None:
            died_in.append(threading.get_ident())

    tasks, screen = Lingering(workspace), Fleeting()
    tasks.query(screen, queries.sync_status, done=screen.on_answer)
    del screen
    try:
        qtbot.waitUntil(lambda: bool(died_in))
        assert died_in == [threading.get_ident()]
    finally:
        go_on.set()
        tasks.stop()
