"""A short word at the bottom after something was done, with a way back: undo before "are you sure"."""

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

SHOWN_MS = 8000


class Toast(QFrame):
    """Floats above the bottom of its parent, at the left, where it covers no key that is wanted next.

    Signals:
        undo_requested: the person wants the last entry back.
    """

    undo_requested = Signal()

    def __init__(self, parent: QWidget, *, left: int) -> None:
        super().__init__(parent)
        self._left = left
        self.setProperty("role", "toast")
        self._text = QLabel()
        self._undo = QPushButton(self.tr("撤销 Ctrl+Z"))
        self._undo.clicked.connect(self._on_undo_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 12, 8)
        row.setSpacing(16)
        row.addWidget(self._text)
        row.addWidget(self._undo)
        self._timer = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        parent.installEventFilter(self)
        self.hide()

    def say(self, text: str, *, undoable: bool = False) -> None:
        """Show a sentence for a while."""
        self._text.setText(text)
        self._undo.setVisible(undoable)
        self._place()
        self.show()
        self.raise_()
        self._timer.start()

    def _place(self) -> None:
        self.adjustSize()
        parent = self.parentWidget()
        if parent is not None:
            self.move(self._left, parent.height() - self.height() - 24)

    @Slot()
    def _on_undo_clicked(self) -> None:
        self.hide()
        self.undo_requested.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)
