"""Plots of the panels, painted by hand: a drag has to follow the hand on a slow computer."""

from collections.abc import Callable
from decimal import Decimal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QWidget

from hcrm_desktop.models.rule_threshold import Curve
from hcrm_desktop.theme import Theme

HEIGHT_PX, TOP_PX, SIDE_PX = 190, 20, 12
PAGE_STEPS = 10
TICKS = 4
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageDown: -PAGE_STEPS,
    Qt.Key.Key_PageUp: PAGE_STEPS,
}


class Plot(QWidget):
    """Room for a plot, with words below it.

    Attributes:
        theme: whose colours are used.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.setMinimumHeight(HEIGHT_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(320, HEIGHT_PX)

    @property
    def room(self) -> QRectF:
        """Where values are drawn."""
        foot = self.fontMetrics().height() + 8
        return QRectF(self.rect()).adjusted(SIDE_PX, TOP_PX, -SIDE_PX, -foot)

    def paint_ground(self, painter: QPainter) -> None:
        tokens = self.theme.tokens
        painter.fillRect(self.rect(), QColor(tokens.surface))
        painter.setPen(QColor(tokens.primary if self.hasFocus() else tokens.grid))
        painter.drawLine(self.room.bottomLeft(), self.room.bottomRight())

    def paint_foot(self, painter: QPainter, x: float, text: str) -> None:
        """Words below the plot, kept inside the widget."""
        width = painter.fontMetrics().horizontalAdvance(text)
        left = min(max(x - width / 2, 2.0), self.width() - width - 2.0)
        painter.setPen(QColor(self.theme.tokens.text2))
        painter.drawText(QPointF(left, self.height() - 5), text)

    def paint_top(self, painter: QPainter, text: str) -> None:
        """What the highest value is."""
        painter.setPen(QColor(self.theme.tokens.text2))
        painter.drawText(QPointF(SIDE_PX, TOP_PX - 6), text)


class ThresholdPlot(Plot):
    """How many match at each threshold, and a line to drag or to move by keys.

    Signals:
        moved: the line stands at another value; nothing is decided.
        stepped: it was moved by a key.
        released: it was let go.
    """

    moved = Signal(object)
    stepped = Signal(object)
    released = Signal(object)

    def __init__(self, theme: Theme, words: Callable[[Decimal], str]) -> None:
        super().__init__(theme)
        self._words = words
        self._curve: Curve | None = None
        self._shape = QPolygonF()
        self.value = Decimal(0)
        self.setCursor(Qt.CursorShape.SizeHorCursor)

    def show_curve(self, curve: Curve) -> None:
        self._curve = curve
        self._reshape()

    def show_value(self, value: Decimal) -> None:
        """Put the line there; nothing is told."""
        self.value = value
        self.update()

    def _reshape(self) -> None:
        if self._curve is None:
            return
        room, top = self.room, max(1, *self._curve.matching)
        points = [
            QPointF(self._x(value), room.bottom() - room.height() * many / top)
            for value, many in zip(self._curve.values, self._curve.matching, strict=True)
        ]
        ends = (QPointF(room.right(), room.bottom()), QPointF(room.left(), room.bottom()))
        self._shape = QPolygonF([*points, *ends])
        self.update()

    def _x(self, value: Decimal) -> float:
        assert self._curve is not None  # nothing is placed without one
        low, high = self._curve.values[0], self._curve.values[-1]
        return self.room.left() + self.room.width() * float((value - low) / (high - low))

    def value_at(self, x: float) -> Decimal:
        """The step nearest to a place of the widget."""
        assert self._curve is not None  # as above
        low, high = self._curve.values[0], self._curve.values[-1]
        share = Decimal((x - self.room.left()) / max(1.0, self.room.width()))
        return self._curve.nearest(low + (high - low) * share)

    # ── Qt ───────────────────────────────────────────────────────────────────────────────────────────────

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._reshape()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.paint_ground(painter)
        curve, tokens = self._curve, self.theme.tokens
        if curve is None:
            return
        painter.setPen(QPen(QColor(tokens.primary), 1.5))
        painter.setBrush(QColor(tokens.primary_soft))
        painter.drawPolygon(self._shape)
        x = min(max(self._x(self.value), self.room.left()), self.room.right())
        painter.setPen(QPen(QColor(tokens.warn), 2))
        painter.drawLine(QPointF(x, TOP_PX - 4), QPointF(x, self.room.bottom()))
        self.paint_top(painter, f"{max(curve.matching):,}")
        last = len(curve.values) - 1
        for n in range(TICKS + 1):
            value = curve.values[last * n // TICKS]
            self.paint_foot(painter, self._x(value), self._words(value))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._drag(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._curve is not None:
            self.released.emit(self.value)

    def _drag(self, x: float) -> None:
        if self._curve is not None:
            self._put(self.value_at(x))

    def _put(self, value: Decimal) -> None:
        self.show_value(value)
        self.moved.emit(value)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = _STEPS.get(Qt.Key(event.key()))
        if by is None or self._curve is None:
            super().keyPressEvent(event)
            return
        self._put(self._curve.nearest(self.value + by * self._curve.step))
        self.stepped.emit(self.value)


class DayPlot(Plot):
    """Bars and a line over days.

    Signals:
        pointed: the number of the day under the pointer, or reached by keys.
    """

    pointed = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._bars: list[int] = []
        self._line: list[int] = []
        self._feet = ("", "")
        self.day = 0

    def show_days(self, *, bars: list[int], line: list[int], feet: tuple[str, str]) -> None:
        """Bars have their own scale: they stand at the foot, a third as high as the line may be."""
        self._bars, self._line, self._feet = bars, line, feet
        self.day = len(bars) - 1
        self.update()

    def _x(self, day: float) -> float:
        return self.room.left() + self.room.width() * day / max(1, len(self._bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.paint_ground(painter)
        if not self._bars:
            return
        tokens, room = self.theme.tokens, self.room
        high, top = room.height() / 3 / max(1, *self._bars), max(1, *self._line)
        wide = max(1.0, room.width() / len(self._bars) - 0.5)
        for day, many in enumerate(self._bars):
            bar = QRectF(self._x(day), room.bottom() - many * high, wide, many * high)
            painter.fillRect(bar, QColor(tokens.band[2] if day != self.day else tokens.warn))
        painter.setPen(QPen(QColor(tokens.primary), 1.5))
        points = [
            QPointF(self._x(n + 0.5), room.bottom() - room.height() * one / top) for n, one in enumerate(self._line)
        ]
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(QPen(QColor(tokens.warn), 1))
        painter.drawLine(QPointF(self._x(self.day + 0.5), TOP_PX), QPointF(self._x(self.day + 0.5), room.bottom()))
        self.paint_top(painter, f"{top:,}")
        self.paint_foot(painter, room.left(), self._feet[0])
        self.paint_foot(painter, room.right(), self._feet[1])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(int((event.position().x() - self.room.left()) / max(1.0, self.room.width()) * len(self._bars)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = _STEPS.get(Qt.Key(event.key()))
        if by is None:
            super().keyPressEvent(event)
        else:
            self._point(self.day + by)

    @Slot(int)
    def _point(self, day: int) -> None:
        if self._bars:
            self.day = min(max(day, 0), len(self._bars) - 1)
            self.update()
            self.pointed.emit(self.day)
