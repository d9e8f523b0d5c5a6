"""A real centre that can be stopped, and a workstation whose files can be opened again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.app import create_app
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_desktop.cache import queries
from hcrm_desktop.cache.rows import Changes, TaskFilter, TaskRow
from hcrm_desktop.cache.tables import KIND_TABLES
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.engine import CycleReport, SyncEngine
from hcrm_desktop.sync.session import CentreSession
from hcrm_store.clock import business_date
from tests.factories import PASSWORD, Clinic, Stage, make_clinic, serving
from tests.fakes import FakeClock

KEY = bytes(range(32))


@dataclass(slots=True, kw_only=True)
class Desk:
    """A workstation without a screen: its files, and conversations with the centre when it is told to."""

    folder: Path
    clock: FakeClock
    url: str
    workspace: Workspace
    transport: httpx.BaseTransport | None = None
    told: list[Changes] = field(default_factory=list)

    def sign_in(self, username: str) -> None:
        client = self._client()
        CentreSession(self.workspace, client).sign_in(username, PASSWORD)
        client.close()

    def sync(self) -> CycleReport:
        """One cycle, after the undo window of what was entered."""
        client = self._client()
        engine = SyncEngine(self.workspace, client, on_changes=self.told.append, on_catching_up=lambda: None)
        try:
            return engine.cycle()
        finally:
            client.close()

    def reopen(self) -> None:
        """As after a restart of the program."""
        self.workspace.close()
        self.workspace = open_workspace(self.folder, KEY, clock=self.clock)

    def close(self) -> None:
        self.workspace.close()

    def ask(self, query: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with self.workspace.read() as session:
            return query(session, *args, **options)

    def task(self, task_id: UUID) -> TaskRow:
        found = self.ask(queries.task_case, task_id, today=business_date(self.clock.now()))
        assert found is not None
        task: TaskRow = found.task
        return task

    def tasks(self, **chosen: Any) -> list[TaskRow]:
        today = business_date(self.clock.now())
        found: list[TaskRow] = self.ask(queries.tasks_today, today=today, filter=TaskFilter(**chosen))
        return found

    def count(self, kind: str) -> int:
        counted: int = self.ask(lambda session: session.scalar(select(func.count()).select_from(KIND_TABLES[kind])))
        return counted

    def _client(self) -> CentreClient:
        return CentreClient(self.url, transport=self.transport)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    found = Stage()
    with serving(found) as url:
        found.url = url
        yield found


@pytest.fixture
def clinic(store: Store, clock: FakeClock) -> Clinic:
    return make_clinic(store, clock)


@pytest.fixture
def app(store: Store, clock: FakeClock) -> FastAPI:
    return create_app(store, Settings(), clock=clock)


@pytest.fixture
def centre_url(stage: Stage, app: FastAPI) -> Iterator[str]:
    """A served centre."""
    stage.app = app
    yield stage.url
    stage.app = None


@pytest.fixture
def workspace(tmp_path: Path, clock: FakeClock) -> Iterator[Workspace]:
    """A new profile, nobody signed in."""
    opened = open_workspace(tmp_path / "profile", KEY, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def desk_for(tmp_path: Path, clock: FakeClock, clinic: Clinic, centre_url: str) -> Iterator[Callable[[str], Desk]]:
    """Workstations signed in and caught up, each with a folder of its own."""
    with ExitStack() as opened:

        def make(username: str) -> Desk:
            folder = tmp_path / username
            desk = Desk(folder=folder, clock=clock, url=centre_url, workspace=open_workspace(folder, KEY, clock=clock))
            opened.callback(desk.close)
            desk.sign_in(username)
            desk.sync()
            return desk

        yield make


def central_count(store: Store, model: Any, **where: Any) -> int:
    """How many rows the centre holds, seen by the jobs."""
    with Session(store.jobs) as session:
        return session.scalar(select(func.count()).select_from(model).filter_by(**where)) or 0
