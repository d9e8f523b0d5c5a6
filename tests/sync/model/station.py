"""A workstation of the model: the real client over real files, which may die at named points and is started again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from shutil import copytree
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_core.errors import HcrmError
from hcrm_core.terms import Channel, Eye, LensState, Outcome, RefractionMethod
from hcrm_core.wire import OperationKind
from hcrm_desktop.cache import commands, overlay, streams
from hcrm_desktop.cache.outbox import OpState, Outbox
from hcrm_desktop.cache.rows import ExamEntry, EyeRow
from hcrm_desktop.cache.tables import CUSTOMER, OPERATION, TASK
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.engine import CycleReport, SyncEngine
from hcrm_desktop.sync.session import SESSION
from hcrm_store.clock import business_date
from tests.fakes import FakeClock
from tests.sync.desk import KEY, Desk
from tests.sync.model.line import Line


class Killed(BaseException):
    """The process ends here. No product code may catch it."""


class Point(StrEnum):
    """Where a workstation may die."""

    ENTERED = "an entry is written down and not shown"
    NUMBERED = "operations are numbered and not sent"
    ANSWERED = "the centre has worked and its answer is not kept"
    KEPT = "the answer is kept and not shown"
    REWOUND = "the count of the centre is taken over and nothing else"
    RESTORED = "a restore is noticed and the entries are offered again, no more"
    PURGING = "rows are purged and the transaction is open"
    MID_PAGE = "rows of a page are in and its cursor is not"
    BETWEEN_PAGES = "a page is committed and the next is not"
    PULLED = "all is pulled and nothing is settled"
    SETTLED = "entries are settled and still laid over the rows"


# Point, owner, name, whether the call itself still happens.
_SEAMS: dict[Point, tuple[Any, str, bool]] = {
    Point.ENTERED: (Outbox, "add", True),
    Point.NUMBERED: (Outbox, "offer", True),
    Point.ANSWERED: (Outbox, "answer", False),
    Point.KEPT: (Outbox, "answer", True),
    Point.REWOUND: (Outbox, "rewind", True),
    Point.RESTORED: (Outbox, "reoffer", True),
    Point.PURGING: (streams, "purge", True),
    Point.MID_PAGE: (streams, "advance", False),
    Point.BETWEEN_PAGES: (overlay, "lift", True),
    Point.PULLED: (Outbox, "settle", False),
    Point.SETTLED: (Outbox, "settle", True),
}


@contextmanager
def dying_at(point: Point | None) -> Iterator[None]:
    """The process dies when it comes to a point, if it does."""
    if point is None:
        yield
        return
    owner, name, called = _SEAMS[point]
    kept = getattr(owner, name)

    def die(*args: Any, **options: Any) -> None:
        if called:
            kept(*args, **options)
        raise Killed(point)

    setattr(owner, name, die)
    try:
        yield
    finally:
        setattr(owner, name, kept)


class SkewedClock(FakeClock):
    """The clock of a workstation: that of the centre, and what it is wrong by."""

    def __init__(self, right: FakeClock) -> None:
        self._right, self.wrong_by = right, timedelta()

    def now(self) -> datetime:
        return self._right.now() + self.wrong_by

    def advance(self, by: timedelta) -> None:
        self._right.advance(by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What somebody entered and was told is saved."""

    op_id: UUID
    account_id: UUID
    kind: OperationKind
    row_id: UUID
    customer_id: UUID
    body: dict[str, Any]
    captured_at: datetime


@dataclass(slots=True, kw_only=True)
class Station:
    """A workstation, opened when it is first used.

    Attributes:
        username: whose desk it is.
        last: who was signed in last.
    """

    username: str
    folder: Path
    template: Path
    line: Line
    clock: SkewedClock
    last: str
    failures: list[HcrmError] = field(default_factory=list)
    _desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            copytree(self.template, self.folder)
            workspace = open_workspace(self.folder, KEY, clock=self.clock)
            self._desk = Desk(
                folder=self.folder, clock=self.clock, url="http://centre", workspace=workspace, transport=self.line
            )
        return self._desk

    @property
    def workspace(self) -> Workspace:
        return self.desk.workspace

    @property
    def device_id(self) -> UUID:
        return self.workspace.outbox.device().id

    @property
    def is_signed_out(self) -> bool:
        return self.workspace.outbox.kept(SESSION) is None

    @property
    def is_used(self) -> bool:
        return self._desk is not None

    def close(self) -> None:
        if self._desk is not None:
            self._desk.close()

    # ── conversation ─────────────────────────────────────────────────────────────────────────────────────

    def sync(self, *, dying: Point | None = None) -> CycleReport | None:
        """One cycle; None if it ended early. Whatever the line does, only our own errors come out of it."""
        with self._mortal(dying):
            try:
                return self.desk.sync()
            except HcrmError as error:
                self.failures.append(error)
        return None

    def verify(self) -> list[str]:
        """The streams whose digest is not the centre's. They are read anew."""
        client = CentreClient("http://centre", transport=self.line)
        return SyncEngine(self.workspace, client, on_changes=self.desk.told.append).verify()

    def sign_in(self, username: str) -> bool:
        """Whether the centre lets the person work here."""
        try:
            self.desk.sign_in(username)
        except HcrmError as error:
            self.failures.append(error)
            return False
        self.last = username
        return True

    @contextmanager
    def _mortal(self, point: Point | None) -> Iterator[None]:
        died = False
        try:
            with dying_at(point):
                yield
        except Killed:
            died = True
        if died:
            self.desk.reopen()

    # ── work ─────────────────────────────────────────────────────────────────────────────────────────────

    def contact(self, nth: int, outcome: Outcome, *, note: str, dying: Point | None = None) -> bool:
        """An outcome on the nth task that is shown here."""
        tasks = self._ids(TASK.c.id)
        if not tasks:
            return False
        return self._entering(
            dying,
            lambda: commands.record_outcome(
                self.workspace,
                task_id=tasks[nth % len(tasks)],
                channel=Channel.PHONE,
                outcome=outcome,
                note=note,
                next_on=self._next_week() if outcome in (Outcome.BOOKED, Outcome.CONSIDERING) else None,
            ),
        )

    def snooze(self, nth: int, *, note: str, dying: Point | None = None) -> bool:
        tasks = self._ids(TASK.c.id)
        if not tasks:
            return False
        task_id, until = tasks[nth % len(tasks)], self._next_week()
        return self._entering(
            dying, lambda: commands.snooze_task(self.workspace, task_id=task_id, until=until, note=note)
        )

    def follow_up(self, nth: int, *, note: str, dying: Point | None = None) -> bool:
        customers = self._ids(CUSTOMER.c.id)
        if not customers:
            return False
        return self._entering(
            dying,
            lambda: commands.record_follow_up(
                self.workspace,
                customer_id=customers[nth % len(customers)],
                channel=Channel.WECOM,
                outcome=Outcome.SATISFIED,
                note=note,
            ),
        )

    def examine(self, nth: int, *, note: str, dying: Point | None = None) -> bool:
        customers = self._ids(CUSTOMER.c.id)
        if not customers:
            return False
        entry = ExamEntry(
            customer_id=customers[nth % len(customers)],
            examined_on=self._today(),
            method=RefractionMethod.AUTOREFRACTION,
            cycloplegic=True,
            lens_state=LensState.NONE,
            note=note,
            od=EyeRow(eye=Eye.OD, sphere=Decimal("-3.75"), cylinder=Decimal("-0.50"), axis=175),
            os=EyeRow(eye=Eye.OS, axial_length_mm=Decimal("24.61")),
        )
        return self._entering(dying, lambda: commands.record_exam(self.workspace, entry=entry))

    def _entering(self, dying: Point | None, command: Callable[[], object]) -> bool:
        """Whether the person was told that it is saved."""
        told = False
        with self._mortal(dying):
            try:
                command()
                told = True
            except HcrmError as error:
                self.failures.append(error)
        return told

    def _ids(self, column: Any) -> list[UUID]:
        with self.workspace.read() as session:
            return list(session.scalars(select(column).order_by(column)))

    def _today(self) -> date:
        return business_date(self.clock.now())

    def _next_week(self) -> date:
        return self._today() + timedelta(days=7)

    # ── what it holds ────────────────────────────────────────────────────────────────────────────────────

    def entered(self) -> list[Entered]:
        """Everything in the outbox."""
        with self.workspace.read() as session:
            rows = session.execute(select(OPERATION).order_by(OPERATION.c.position))
            return [
                Entered(
                    op_id=row.op_id,
                    account_id=row.account_id,
                    kind=OperationKind(row.kind),
                    row_id=row.row_id,
                    customer_id=row.customer_id,
                    body=row.body,
                    captured_at=row.captured_at,
                )
                for row in rows
            ]

    def states(self) -> dict[UUID, OpState]:
        with self.workspace.read() as session:
            return {row.op_id: OpState(row.state) for row in session.execute(select(OPERATION))}

    @contextmanager
    def bare(self) -> Iterator[Session]:
        """The cache without what was entered here, for as long as the block runs."""
        with self.workspace.write() as session:
            overlay.lift(session)
            yield session
            session.rollback()
