"""A table model over frozen rows: columns are functions from a row to a text. `data()` never leaves memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

ROW_ROLE = int(Qt.ItemDataRole.UserRole)
TONE_ROLE = ROW_ROLE + 2  # of a cell that is a state: "neutral", "info", "good", "warn" or "act"
Index = QModelIndex | QPersistentModelIndex
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[R]):
    """One column.

    Attributes:
        title: its heading.
        text: what stands in a cell.
        number: right-aligned.
        tone: of a cell that is a state, painted as a pill (views.widgets.pill).
    """

    title: str
    text: Callable[[R], str]
    number: bool = False
    tone: Callable[[R], str] | None = None


class RowsModel(QAbstractTableModel, Generic[R]):
    """Rows under headings, with more to come where a total is given.

    Signals:
        page_wanted: the number of rows held; the page below is wanted.
    """

    page_wanted = Signal(int)

    def __init__(self, columns: Sequence[Column[R]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns = list(columns)
        self._rows: list[R] = []
        self._total = 0
        self._asked = 0

    def replace(self, rows: Sequence[R], total: int | None = None) -> None:
        """Other rows from the top."""
        self.beginResetModel()
        self._rows, self._asked = list(rows), 0
        self._total = len(rows) if total is None else total
        self.endResetModel()

    def append(self, rows: Sequence[R]) -> None:
        """The next page came; an empty one means that there is no more."""
        if not rows:
            self._total = len(self._rows)
            return
        self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
        self._rows += rows
        self.endInsertRows()

    def held(self) -> Sequence[R]:
        """The rows in memory."""
        return self._rows

    def row(self, index: Index) -> R | None:
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as above
        return 0 if parent.isValid() else len(self._columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal or section >= len(self._columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section].title
        return self._alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        row = self.row(index)
        if row is None:
            return None
        column = self._columns[index.column()]
        if role == ROW_ROLE:
            return row
        if role == TONE_ROLE:
            return column.tone(row) if column.tone else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return column.text(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.title} {column.text(row)}"
        return self._alignment(index.column()) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _alignment(self, column: int) -> int:
        side = Qt.AlignmentFlag.AlignRight if self._columns[column].number else Qt.AlignmentFlag.AlignLeft
        return int(side | Qt.AlignmentFlag.AlignVCenter)

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and len(self._rows) < self._total and self._asked < len(self._rows)

    def fetchMore(self, parent: Index) -> None:
        self._asked = len(self._rows)
        self.page_wanted.emit(len(self._rows))
