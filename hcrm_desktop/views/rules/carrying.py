"""A line or group carried by the mouse: where it would go, and a mark that shows it."""

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QTreeView

from hcrm_core.rules.model import AllOf, AnyOf, NotOf, Path
from hcrm_desktop.models.rule_tree import RuleTreeModel, TreeLine

EDGE = 24  # so near to the upper or lower edge a carried line makes the view scroll


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Where something would go.

    Attributes:
        group: into which group.
        index: before which of its parts.
        mark: a line between two cards, or the card of the group itself.
    """

    group: Path
    index: int
    mark: QRect


class Carrying:
    """One line on its way.

    Attributes:
        path: of the line.
        drop: where it would go now, None if it could not.
    """

    def __init__(self, view: QTreeView, model: RuleTreeModel, path: Path) -> None:
        self._view, self._model = view, model
        self.path = path
        self.drop: Drop | None = None

    @staticmethod
    def begins(pressed: QPoint, here: QPoint) -> bool:
        """Whether the mouse has gone far enough to mean it."""
        return (here - pressed).manhattanLength() >= QApplication.startDragDistance()

    def over(self, here: QPoint) -> None:
        """The mouse is here; who comes near an edge wants to see more."""
        bar, height = self._view.verticalScrollBar(), self._view.viewport().height()
        bar.setValue(bar.value() + (here.y() > height - EDGE) * EDGE - (here.y() < EDGE) * EDGE)
        index = self._view.indexAt(here)
        line = self._model.line(index)
        self.drop = None
        if line is not None and line.path[: len(self.path)] != self.path:
            self.drop = self._place(line, self._view.visualRect(index), here)

    def paint(self, painter: QPainter) -> None:
        """The mark: a line where it would stand, a frame around a group that it would go into."""
        if self.drop is None:
            return
        mark = self.drop.mark
        if mark.height() > 1:
            painter.drawRoundedRect(mark, 6, 6)
            return
        painter.drawEllipse(mark.topLeft() + QPoint(4, 0), 4, 4)
        painter.drawLine(mark.topLeft() + QPoint(8, 0), mark.topRight())

    def _place(self, line: TreeLine, rect: QRect, here: QPoint) -> Drop | None:
        lower = here.y() > rect.center().y()
        if isinstance(line.node, AllOf | AnyOf) and (lower or not line.path):
            return Drop(group=line.path, index=0, mark=rect.adjusted(1, 2, -1, -2))
        if isinstance(line.node, NotOf) and lower:
            return None  # has its one line already
        if lower:
            line, rect = self._outwards(line, rect, here)
        group = line.path[:-1]
        if not line.path or isinstance(self._above(line).node, NotOf):
            return None
        y = rect.bottom() if lower else rect.top()
        return Drop(group=group, index=line.path[-1] + lower, mark=QRect(rect.left(), y, rect.width(), 1))

    def _outwards(self, line: TreeLine, rect: QRect, here: QPoint) -> tuple[TreeLine, QRect]:
        """Below the last line of a group one may mean the group: who points left of the line does."""
        while len(line.path) > 1 and line.path[-1] == len(self._above(line).below) - 1:
            own = self._view.visualRect(self._model.index_of(line.path)).left()
            inner = isinstance(self._above(line).node, NotOf)
            if here.x() >= own and not inner:
                break
            line = self._above(line)
            left = self._view.visualRect(self._model.index_of(line.path)).left()
            rect = QRect(left, rect.top(), rect.right() - left + 1, rect.height())
        return line, rect

    def _above(self, line: TreeLine) -> TreeLine:
        return self._model.held()[line.above]
