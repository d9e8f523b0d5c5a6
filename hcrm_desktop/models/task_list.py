"""The task list as a Qt model: rows in memory, fetched by pages; sorting and filtering happen in SQL."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from hcrm_core.tasks import CLOSED
from hcrm_core.terms import TaskState
from hcrm_desktop.cache.rows import SopCount, TaskFilter, TaskRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PAGE = 200
ROW_ROLE = int(Qt.ItemDataRole.UserRole)
OTHERS_ROLE = ROW_ROLE + 1  # what else the same contact is about
Index = QModelIndex | QPersistentModelIndex
Rows = tuple[TaskRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayRead:
    """What one reading of 今日任务 gives.

    Attributes:
        counts: by SOP.
        contacts: with how many families there is something to settle.
        escalated: how many tasks nobody took up in time.
        total: how many tasks the filter chooses.
        rows: the first of them.
    """

    counts: list[SopCount]
    contacts: int
    escalated: int
    total: int
    rows: list[TaskRow]


def read_today(session: "Session", *, today: date, chosen: TaskFilter, limit: int) -> TodayRead:
    """Counts and lines from one snapshot. Runs in a reader."""
    from hcrm_desktop.cache.queries import count_contacts, count_escalated, count_tasks, sop_counts, tasks_today

    return TodayRead(
        counts=sop_counts(session, today=today),
        contacts=count_contacts(session, today=today),
        escalated=count_escalated(session, today=today),
        total=count_tasks(session, today=today, filter=chosen),
        rows=tasks_today(session, today=today, filter=chosen, limit=limit),
    )


def read_more(session: "Session", *, today: date, chosen: TaskFilter, offset: int) -> list[TaskRow]:
    """The next page. Runs in a reader."""
    from hcrm_desktop.cache.queries import tasks_today

    return tasks_today(session, today=today, filter=chosen, limit=PAGE, offset=offset)


class TaskListModel(QAbstractListModel):
    """Lines of the list: one for each contact, that is for all that is due of a family. Any other task has its own.

    Signals:
        page_wanted: the number of tasks held; the page below is wanted.
    """

    page_wanted = Signal(int)

    def __init__(self, describe: Callable[[TaskRow, Rows], str], parent: QObject | None = None) -> None:
        """Make an empty model.

        Args:
            describe: a line in words, for screen readers: its first task, and the others.
        """
        super().__init__(parent)
        self._describe = describe
        self._lines: list[Rows] = []
        self._today = date.min
        self._held = self._total = self._asked = 0

    def replace(self, rows: list[TaskRow], total: int, *, today: date) -> None:
        """Other lines from the top."""
        self.beginResetModel()
        self._today, self._lines = today, self._grouped(rows)
        self._held, self._total, self._asked = len(rows), total, 0
        self.endResetModel()

    def append(self, rows: list[TaskRow]) -> None:
        """The next page came; a family may go on from the one before. Nothing more: the list got shorter meanwhile."""
        if not rows:
            self._total = self._held
            return
        self._held += len(rows)
        lines = self._grouped(rows)
        if self._lines and self._is_same_contact(self._lines[-1][0], lines[0][0]):
            self._lines[-1] += lines.pop(0)
            last = self.index(len(self._lines) - 1)
            self.dataChanged.emit(last, last)
        if lines:
            self.beginInsertRows(QModelIndex(), len(self._lines), len(self._lines) + len(lines) - 1)
            self._lines += lines
            self.endInsertRows()

    def _grouped(self, rows: list[TaskRow]) -> list[Rows]:
        lines: list[Rows] = []
        for row in rows:
            if lines and self._is_same_contact(lines[-1][0], row):
                lines[-1] += (row,)
            else:
                lines.append((row,))
        return lines

    def _is_same_contact(self, one: TaskRow, other: TaskRow) -> bool:
        return _home(one) == _home(other) and self._is_due(one) and self._is_due(other)

    def _is_due(self, row: TaskRow) -> bool:
        asleep = row.state is TaskState.SNOOZED and (row.next_on is None or row.next_on > self._today)
        return row.state not in CLOSED and not asleep

    def row(self, index: Index) -> TaskRow | None:
        """The most urgent task of a line."""
        held = index.isValid() and index.row() < len(self._lines)
        return self._lines[index.row()][0] if held else None

    def place(self, task_id: UUID) -> int | None:
        """On which line a task stands, if it is among those held."""
        return next((n for n, line in enumerate(self._lines) if any(row.id == task_id for row in line)), None)

    def held(self) -> int:
        """How many tasks are in memory."""
        return self._held

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        row = self.row(index)
        if row is None:
            return None
        if role == ROW_ROLE:
            return row
        others = self._lines[index.row()][1:]
        if role == OTHERS_ROLE:
            return others
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._describe(row, others)
        return None

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and self._asked < self._held < self._total

    def fetchMore(self, parent: Index) -> None:
        self._asked = self._held
        self.page_wanted.emit(self._held)


def _home(row: TaskRow) -> UUID:
    return row.family_id or row.customer_id
