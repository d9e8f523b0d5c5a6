"""Small tables of the panels: a few columns, numbers at the right."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

Cell = str | int
MOST_ROWS_PX = 190


class SmallTable(QTableWidget):
    """Lines to read."""

    def __init__(self, name: str, columns: Sequence[str], *, wide: int = 0, tall: bool = False) -> None:
        """Empty as yet.

        Args:
            wide: the column that takes what room the others leave.
            tall: it takes what height there is; otherwise it is as high as its lines, up to a limit.
        """
        super().__init__(0, len(columns))
        self._tall = tall
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels(list(columns))
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        head = self.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)

    def show_lines(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show others."""
        self.setRowCount(len(lines))
        for row, line in enumerate(lines):
            for column, cell in enumerate(line):
                self.setItem(row, column, _item(cell))
        rows = sum(self.rowHeight(row) for row in range(len(lines)))
        frame = self.horizontalHeader().sizeHint().height() + 4
        if not self._tall:
            self.setFixedHeight(min(MOST_ROWS_PX, rows + frame))

    def colour(self, row: int, colour: str) -> None:
        """Make a line stand out."""
        for column in range(self.columnCount()):
            item = self.item(row, column)
            if item is not None:
                item.setForeground(QColor(colour))


def _item(cell: Cell) -> QTableWidgetItem:
    item = QTableWidgetItem(cell if isinstance(cell, str) else f"{cell:,}")
    side = Qt.AlignmentFlag.AlignLeft if isinstance(cell, str) else Qt.AlignmentFlag.AlignRight
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    item.setToolTip(item.text())
    return item
