"""A workstation without a screen, for tests: real files, real conversations, told when to act."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.store.opening import Store
from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.rows import Changes, TaskFilter, TaskRow
from hcrm_desktop.cache.tables import KIND_TABLES
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.engine import CycleReport, SyncEngine
from hcrm_desktop.sync.session import CentreSession
from hcrm_store.clock import business_date
from tests.factories import PASSWORD
from tests.fakes import FakeClock

KEY = bytes(range(32))
TODAY, NEXT_WEEK = date(2026, 11, 22), date(2026, 11, 29)  # by the clock of the tests


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
        try:
            CentreSession(self.workspace, client).sign_in(username, PASSWORD)
        finally:
            client.close()

    def sync(self) -> CycleReport:
        """One cycle, after the undo window of what was entered."""
        client = self._client()
        engine = SyncEngine(self.workspace, client, on_changes=self.told.append)
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


def central_count(store: Store, model: Any, **where: Any) -> int:
    """How many rows the centre holds, seen by the jobs."""
    with Session(store.jobs) as session:
        return session.scalar(select(func.count()).select_from(model).filter_by(**where)) or 0


def consider(workspace: Workspace, task_id: UUID, *, note: str = "再想想") -> None:
    """The family wants to think about it."""
    commands.record_outcome(
        workspace, task_id=task_id, channel=Channel.PHONE, outcome=Outcome.CONSIDERING, note=note, next_on=NEXT_WEEK
    )
