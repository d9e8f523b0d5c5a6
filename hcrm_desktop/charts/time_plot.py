"""A plot that is moved along its time axis by wheel, drag, pinch and double click."""

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QGestureEvent, QPinchGesture, QSizePolicy

from hcrm_desktop.charts.axis import DirectAxis

_STEP = 1.2  # of a wheel's notch
_NOTCH = 120
REST_MS = 150  # after the last movement
_PINCH = (0.5, 2.0)  # the most that one event of a pinch may mean


class TimePlot(pg.PlotWidget):  # type: ignore[misc] # pyqtgraph ships no types
    """The plot's widget. Without the focus a wheel scrolls the page, unless Ctrl is held.

    Signals:
        zoomed: (factor, place in the widget); below 1 shows less time.
        panned: by so many pixels to the right.
        reset_requested: everything is to be shown again.
        touched: a place in the scene was pressed.
    """

    zoomed = Signal(float, QPointF)
    panned = Signal(float)
    reset_requested = Signal()
    touched = Signal(object)

    def __init__(self) -> None:
        axes = {side: DirectAxis(side) for side in ("left", "bottom")}
        super().__init__(enableMenu=False, axisItems=axes)  # menus nobody opens cost tens of milliseconds
        # A plot takes the room it is given; its own wish of 480 px would push the page off the screen.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self.viewport().grabGesture(Qt.GestureType.PinchGesture)
        self._dragged_from: float | None = None
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._on_rested)

    def hurry(self) -> None:
        """Paint roughly while it moves, and smoothly again once it rests."""
        self.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._rest.start()

    @Slot()
    def _on_rested(self) -> None:
        self.setRenderHint(QPainter.RenderHint.Antialiasing)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                self._pinch(pinch)
                return True
        return bool(super().viewportEvent(event))

    def _pinch(self, pinch: QPinchGesture) -> None:
        factor = min(max(pinch.scaleFactor(), _PINCH[0]), _PINCH[1])
        self.zoomed.emit(1 / factor, QPointF(self.viewport().mapFromGlobal(pinch.centerPoint().toPoint())))
        self.panned.emit(pinch.centerPoint().x() - pinch.lastCenterPoint().x())

    def wheelEvent(self, event: QWheelEvent) -> None:
        owner = self.parentWidget()
        held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if not held and not (owner is not None and owner.hasFocus()):
            event.ignore()
            return
        turned = event.angleDelta()
        if turned.x():
            self.panned.emit(turned.x() / _NOTCH * 40)
        if turned.y():
            self.zoomed.emit(_STEP ** (-turned.y() / _NOTCH), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        owner = self.parentWidget()
        if owner is not None:
            owner.setFocus(Qt.FocusReason.MouseFocusReason)
        self._dragged_from = event.position().x()
        self.touched.emit(self.mapToScene(event.position().toPoint()))
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged_from is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self.panned.emit(event.position().x() - self._dragged_from)
            self._dragged_from = event.position().x()
            event.accept()
            return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged_from = None
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset_requested.emit()
        event.accept()
