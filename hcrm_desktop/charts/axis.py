"""An axis whose lines across the plot cost little, so that a chart follows the hand."""

from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QPainter, QPen


class DirectAxis(pg.AxisItem):  # type: ignore[misc] # pyqtgraph ships no types
    """Paints its ticks straight onto the plot in one opaque colour.

    pyqtgraph records an axis and plays the record, which looks up the fonts of every tick again, and its lines are
    translucent: blending one takes six times as long as drawing it.
    """

    picture: Any  # why Any: pyqtgraph's own; here what an axis is drawn from

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self._line = QPen()

    def draw_lines_in(self, pen: QPen) -> None:
        """Use a pen for the lines across the plot."""
        self._line = pen
        self.picture = None

    def paint(self, painter: QPainter, *_: Any) -> None:
        """`picture` is what pyqtgraph forgets when a tick moves."""
        painter.save()
        if self.style["tickFont"]:
            painter.setFont(self.style["tickFont"])
        if self.picture is None:
            self.picture = self.generateDrawSpecs(painter)
        if self.picture is not None:
            axis, ticks, texts = self.picture
            self.drawPicture(painter, axis, [(self._line, start, end) for _, start, end in ticks], texts)
        painter.restore()
