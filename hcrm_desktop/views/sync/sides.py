"""Values side by side, 我的 and 对方的, what differs standing out."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from hcrm_desktop.views.sync.contents import Compared, Line


class Sides(QWidget):
    """A grid: what, one side, the other sides."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        for column, stretch in enumerate((0, 1, 1)):
            self._grid.setColumnStretch(column, stretch)

    def show_compared(self, compared: Sequence[Compared], *, heads: Sequence[str]) -> None:
        """All sides under their headings (whose, when, where)."""
        self._clear()
        for column, head in enumerate(heads, 1):
            self._put(0, column, head, role="section")
            self._grid.setColumnStretch(column, 1)
        for row, one in enumerate(compared, 1):
            self._put(row, 0, one.label, role="muted")
            for column, text in enumerate(one.texts, 1):
                other = text != one.texts[0]
                shown = self.tr("≠ {text}").format(text=text) if other else text
                self._put(row, column, shown, role="warn" if other else "title" if one.differs else "muted")

    def show_lines(self, lines: Sequence[Line]) -> None:
        """One side alone."""
        self._clear()
        for row, line in enumerate(lines):
            self._put(row, 0, line.label, role="muted")
            self._put(row, 1, line.text, role="", span=2)

    def _put(self, row: int, column: int, text: str, *, role: str, span: int = 1) -> None:
        label = QLabel(text, wordWrap=True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("role", role)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.addWidget(label, row, column, 1, span, Qt.AlignmentFlag.AlignTop)

    def _clear(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
