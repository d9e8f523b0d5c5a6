"""The task list as a Qt model: rows in memory, fetched by pages; sorting and filtering happen in SQL."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from hcrm_core.tasks import CLOSED
from hcrm_desktop.cache.rows import SopCount, TaskFilter, TaskRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PAGE = 200
ROW_ROLE = int(Qt.ItemDataRole.UserRole)
SIBLING_ROLE = ROW_ROLE + 1  # whether another child of the same family is among the lines
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayRead:
    """What one reading of 今日任务 gives: counts, how many lines, and the first of them."""

    counts: list[SopCount]
    total: int
    rows: list[TaskRow]


def read_today(session: "Session", *, today: date, chosen: TaskFilter, limit: int) -> TodayRead:
    """Counts and lines from one snapshot. Runs in a reader."""
    from hcrm_desktop.cache.queries import count_tasks, sop_counts, tasks_today

    return TodayRead(
        counts=sop_counts(session, today=today),
        total=count_tasks(session, today=today, filter=chosen),
        rows=tasks_today(session, today=today, filter=chosen, limit=limit),
    )


def read_more(session: "Session", *, today: date, chosen: TaskFilter, offset: int) -> list[TaskRow]:
    """The next page. Runs in a reader."""
    from hcrm_desktop.cache.queries import tasks_today

    return tasks_today(session, today=today, filter=chosen, limit=PAGE, offset=offset)


class TaskListModel(QAbstractListModel):
    """Lines of the list.

    Signals:
        page_wanted: the number of lines held; the page below is wanted.
    """

    page_wanted = Signal(int)

    def __init__(self, describe: Callable[[TaskRow], str], parent: QObject | None = None) -> None:
        """Make an empty model.

        Args:
            describe: a line in words, for screen readers.
        """
        super().__init__(parent)
        self._describe = describe
        self._rows: list[TaskRow] = []
        self._families: dict[UUID, set[UUID]] = {}  # the children due, by family
        self._total = 0
        self._asked = 0

    def replace(self, rows: list[TaskRow], total: int) -> None:
        """Other lines from the top."""
        self.beginResetModel()
        self._rows, self._total, self._asked = list(rows), total, 0
        self._families = {}
        self._note_families(rows)
        self.endResetModel()

    def append(self, rows: list[TaskRow]) -> None:
        """The next page came. Nothing more means that the list got shorter meanwhile."""
        if not rows:
            self._total = len(self._rows)
            return
        self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
        self._rows += rows
        self._note_families(rows)
        self.endInsertRows()

    def _note_families(self, rows: list[TaskRow]) -> None:
        for row in rows:
            if row.family_id is not None and row.state not in CLOSED:
                self._families.setdefault(row.family_id, set()).add(row.customer_id)

    def _has_sibling(self, row: TaskRow) -> bool:
        return row.family_id is not None and len(self._families.get(row.family_id, ())) > 1

    def row(self, index: Index) -> TaskRow | None:
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def place(self, task_id: UUID) -> int | None:
        """Where a task stands, if it is among the lines held."""
        return next((n for n, row in enumerate(self._rows) if row.id == task_id), None)

    def held(self) -> int:
        """How many lines are in memory."""
        return len(self._rows)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        row = self.row(index)
        if row is None:
            return None
        if role == ROW_ROLE:
            return row
        if role == SIBLING_ROLE:
            return self._has_sibling(row)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._describe(row)
        return None

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and len(self._rows) < self._total and self._asked < len(self._rows)

    def fetchMore(self, parent: Index) -> None:
        self._asked = len(self._rows)
        self.page_wanted.emit(len(self._rows))
