"""Enter goes to the next field, ↑ ↓ to the neighbour: a slip is filled without the mouse."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Steps(QObject):
    """Walks through widgets in a given order; what is disabled is passed over."""

    def __init__(self, widgets: Sequence[QWidget], parent: QWidget) -> None:
        super().__init__(parent)
        self._widgets = list(widgets)
        for widget, following in zip(self._widgets, self._widgets[1:], strict=False):
            QWidget.setTabOrder(widget, following)
        for widget in self._widgets:
            widget.installEventFilter(self)

    def go(self, widget: QWidget, step: int) -> None:
        """To the next enabled widget in a direction, if there is one."""
        place = self._widgets.index(widget) + step
        while 0 <= place < len(self._widgets):
            if self._widgets[place].isEnabled():
                self._widgets[place].setFocus(Qt.FocusReason.TabFocusReason)
                return
            place += step

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and isinstance(watched, QWidget):
            step = self._step(watched, Qt.Key(event.key()))
            if step:
                self.go(watched, step)
                return True
        return super().eventFilter(watched, event)

    def _step(self, widget: QWidget, key: Qt.Key) -> int:
        if key in _ENTER and widget is not self._widgets[-1]:
            return 1
        if isinstance(widget, QLineEdit):  # boxes and dates use the arrows themselves
            return {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(key, 0)
        return 0
