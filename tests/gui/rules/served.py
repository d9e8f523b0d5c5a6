"""A manager's rule page in front of a served centre, and a colleague who works there at the same time."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QWidget
from pytestqt.qtbot import QtBot

from hcrm_central.app import create_app
from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.worker import Worker
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_core.terms import Role
from hcrm_desktop.cache.rows import SignedIn
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.rules.page import RulesPage
from tests.factories import PASSWORD, Clinic, Workstation, make_clinic, serving
from tests.fakes import FakeClock
from tests.gui.conftest import DeskFor
from tests.gui.office import shown
from tests.rule_desk import Desk, add_manager

PATIENCE = 20_000
D = TypeVar("D", bound=QDialog)


@dataclass(frozen=True, slots=True)
class Served:
    """A centre with the clinic and the default rules, answering at `url` until it is unplugged."""

    store: Store
    clinic: Clinic
    clock: FakeClock
    url: str
    colleague: Desk
    unplug: Callable[[], None]

    def work(self) -> None:
        """The worker does what it was asked for."""
        Worker(self.store.jobs, clock=self.clock, scan_at=self.clock.now().time()).finish()


def furnish(store: Store) -> Clinic:
    """The clinic with two managers and the default rules."""
    clinic = make_clinic(store, FakeClock())
    add_manager(store, clinic)
    install_defaults(store.jobs, clock=FakeClock())
    return clinic


@contextmanager
def served(store: Store, clock: FakeClock, *, clinic: Clinic | None = None, **settings: Any) -> Iterator[Served]:
    """Serve; a wait for news is held for a second, so that nobody waits for the end.

    Args:
        clinic: what `furnish` put into the store; it is done now if None.
    """
    clinic = clinic or furnish(store)
    app = create_app(store, Settings(wait_seconds=1, **settings), clock=clock)
    with ExitStack() as line:
        url = line.enter_context(serving(app))
        with httpx.Client(base_url=url) as http:
            colleague = Workstation(http=http, clock=clock)
            assert colleague.sign_in("second").status_code == 200
            yield Served(store, clinic, clock, url, Desk(colleague), line.close)


@dataclass(frozen=True, slots=True)
class Manager:
    """The page, and what its person does with it."""

    qtbot: QtBot
    page: RulesPage
    said: list[str]

    def wait(self, holds: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(holds()), timeout=PATIENCE)

    def open(self, key: str) -> None:
        self.page.open_rule(key)
        self.wait(lambda: self.page.draft.rule.key == key and self.page.list.isEnabled())

    def dialog(self, kind: type[D]) -> D:
        """The open dialog of this kind."""
        self.wait(lambda: self.page.findChild(kind) is not None)
        found = self.page.findChild(kind)
        assert found is not None
        return found

    def told(self, words: str) -> None:
        """Wait for a toast with these words."""
        self.wait(lambda: any(words in one for one in self.said))


def sign_in(qtbot: QtBot, tasks: Tasks, desk_for: DeskFor, centre: Served, *, owner: QObject) -> Manager:
    """A manager at the page, with the shelf read."""
    done: list[object] = []
    tasks.sign_in(
        owner, server_url=centre.url, username="manager", password=PASSWORD, done=done.append, failed=done.append
    )
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE)
    (person,) = done
    assert isinstance(person, SignedIn), person
    page, said = RulesPage(replace(desk_for(Role.MANAGER), person=person)), list[str]()
    page.said.connect(said.append)
    shown(qtbot, page)
    manager = Manager(qtbot, page, said)
    manager.wait(lambda: page.draft.workshop is not None)
    return manager


def gone(window: QWidget, kind: type[QDialog]) -> bool:
    """Whether no such dialog is open."""
    return window.findChild(kind) is None
