"""A field is left by itself once nothing can follow; a key that was meant for leaving it does no harm then."""

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from hcrm_desktop.views.exam_entry.grid import SlipGrid
from hcrm_desktop.views.exam_entry.reading import LENS
from hcrm_desktop.views.exam_entry.steps import Steps

_LEAVING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)
_SEPARATORS = frozenset(" /,*x×")  # between the parts of -3.25/-0.75x5
_SIGNS = frozenset("+-−")


class Flow(QObject):
    """Watches the fields of a grid while a person types."""

    def __init__(self, steps: Steps, grid: SlipGrid, parent: QWidget) -> None:
        super().__init__(parent)
        self._steps, self._grid = steps, grid
        self._arrived: QLineEdit | None = None  # reached by itself, and nothing was typed there yet
        self._length = 0  # of the text before the last key
        for field in grid.fields():
            field.textEdited.connect(self._on_text_edited)
            field.installEventFilter(self)

    def arrive(self, widget: QWidget, *, step: int = 0) -> None:
        """Go there, or so many steps on; Enter, Tab or a separator that still follows is not counted."""
        if step:
            self._steps.go(widget, step)
        else:
            widget.setFocus(Qt.FocusReason.TabFocusReason)
        focus = QApplication.focusWidget()
        self._arrived = focus if isinstance(focus, QLineEdit) else None

    @Slot(str)
    def _on_text_edited(self, text: str) -> None:
        field = QApplication.focusWidget()
        grew, self._length = len(text) - self._length, len(text)
        self._arrived = None
        if not isinstance(field, QLineEdit) or grew <= 0 or field.cursorPosition() < len(text):
            return
        axis = self._grid.take_line(field) if grew > 1 else None
        if axis is not None:
            self.arrive(axis, step=1)
        elif self._grid.is_complete(field):
            self.arrive(field, step=1)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QLineEdit):
            if event.type() is QEvent.Type.FocusIn:
                self._arrived, self._length = None, len(watched.text())
            elif event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._takes(watched, event)
        return super().eventFilter(watched, event)

    def _takes(self, field: QLineEdit, event: QKeyEvent) -> bool:
        if field is self._arrived and self._takes_late(field, event):
            return True
        if event.key() == Qt.Key.Key_Backspace and not field.text():
            return self._go_back(field)
        if not field.text() or field.hasSelectedText() or not self._grid.reads(field):
            return False
        return self._takes_between(field, event.text())

    def _takes_late(self, field: QLineEdit, event: QKeyEvent) -> bool:
        """What belongs to the field that was left: its Enter, the separator after it, its decimals."""
        self._arrived = None
        if event.text() == ".":
            return self._go_on_before(field)
        return event.key() in _LEAVING or event.text() in _SEPARATORS

    def _takes_between(self, field: QLineEdit, typed: str) -> bool:
        """A separator or a second sign ends a power: the next one begins."""
        _, name = self._grid.place_of(field)
        if typed and name in LENS[:2] and typed in _SEPARATORS:
            self.arrive(field, step=1)
            return True
        if typed not in _SIGNS or name != LENS[0]:
            return False
        self._steps.go(field, 1)
        self._write(QApplication.focusWidget(), typed)
        return True

    def _go_on_before(self, field: QLineEdit) -> bool:
        """Only a pressure is complete and may still have decimals: 15.3 mmHg."""
        before = self._grid.before(field)
        if before is None or self._grid.place_of(before)[1] != "iop_mmhg":
            return False
        self._go_back(field)
        self._write(before, f"{before.text()}.")
        return True

    def _go_back(self, field: QLineEdit) -> bool:
        before = self._grid.before(field)
        if before is None:
            return False
        before.setFocus(Qt.FocusReason.OtherFocusReason)
        before.deselect()
        before.end(False)
        return True

    def _write(self, field: QWidget | None, text: str) -> None:
        if isinstance(field, QLineEdit):
            field.setText(text)
            self._length = len(text)
