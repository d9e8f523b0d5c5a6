"""A tiny curve for the corner of a card. The real ones are in charts/; this one costs nothing."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from hcrm_desktop.theme import Theme

Series = Sequence[tuple[float, float]]


class Sparkline(QWidget):
    """Right and left eye over time, without axes: a shape, to be read beside words."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._od: Series = ()
        self._os: Series = ()
        theme.changed.connect(self._on_theme_changed)

    def show_series(self, od: Series, os: Series) -> None:
        """Points as (time, value); fewer than two of an eye draw nothing for it."""
        self._od, self._os = od, os
        self.setVisible(len(od) > 1 or len(os) > 1)
        self.update()

    @Slot()
    def _on_theme_changed(self) -> None:
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, 40)

    def paintEvent(self, event: QPaintEvent) -> None:
        points = [*self._od, *self._os]
        if len(points) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        low, high = min(y for _, y in points), max(y for _, y in points)
        for series, colour in ((self._od, self._theme.tokens.od), (self._os, self._theme.tokens.os)):
            if len(series) > 1:
                placed = [self._placed(x, y, (left, right), (low, high)) for x, y in series]
                painter.setPen(QPen(QColor(colour), 1.6))
                painter.drawPolyline(QPolygonF(placed))
                painter.setBrush(QColor(colour))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.drawEllipse(placed[-1], 2.5, 2.5)

    def _placed(self, x: float, y: float, across: tuple[float, float], up: tuple[float, float]) -> QPointF:
        wide, high = self.width() - 8, self.height() - 8
        share_x = (x - across[0]) / ((across[1] - across[0]) or 1)
        share_y = (y - up[0]) / ((up[1] - up[0]) or 1)
        return QPointF(4 + share_x * wide, 4 + (1 - share_y) * high)
