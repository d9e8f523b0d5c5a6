"""Real files behind real widgets, on a screen that is the same everywhere; nothing may be left behind."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Role
from hcrm_desktop.cache.rows import SignedIn
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.words import Words
from hcrm_store.base import new_id
from tests.fakes import FakeClock
from tests.gui.filling import OWNER, open_clinic

KEY = bytes(32)
DeskFor = Callable[[Role], Desk]


@pytest.fixture(autouse=True)
def nothing_left_behind(qapp: QApplication) -> Iterator[None]:
    """A window or a thread that outlives its test would be somebody else's failure."""
    before = set(threading.enumerate())
    yield
    for widget in QApplication.topLevelWidgets():
        widget.close()
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("hcrm-")]
    assert left == []


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def workspace(tmp_path: Path, clock: FakeClock) -> Workspace:
    """A profile with a small clinic in it, an assistant signed in. Closed by `tasks`."""
    opened = open_workspace(tmp_path / "profile", KEY, clock=clock)
    open_clinic(opened)
    return opened


@pytest.fixture
def tasks(qtbot: QtBot, workspace: Workspace) -> Iterator[Tasks]:
    made = Tasks(workspace)
    yield made
    made.stop()


@pytest.fixture
def desk_for(tasks: Tasks, theme: Theme, workspace: Workspace) -> DeskFor:
    """What pages are given, for a role."""

    def make(role: Role) -> Desk:
        person = SignedIn(account_id=new_id(), staff_id=OWNER, name="李娜", role=role, site_names=("城北院区",))
        return Desk(tasks=tasks, theme=theme, words=Words(tasks), person=person, profile=workspace.folder)

    return make
