"""A dialog that records one thing on this computer."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QLabel, QWidget

from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.failures import Failures


class RecordingDialog(QDialog):
    """Closes once it is on disk; where that fails it stays, with what was typed, and says why.

    Signals:
        recorded: it is safe on this computer, and soon at the centre.
    """

    recorded = Signal()

    def __init__(self, tasks: Tasks, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks, self._message = tasks, QLabel(wordWrap=True)
        self._message.setProperty("role", "danger")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def _record(self, command: Callable[..., Changes], **what: Any) -> None:  # why Any: what each command takes
        self._tasks.command(self, command, **what, done=self._on_recorded, failed=self._on_failed)

    def _offer_again(self) -> None:
        """Let it be saved after a failure, as far as what was typed allows."""
        raise NotImplementedError

    @Slot(object)
    def _on_recorded(self, _: object) -> None:
        self.recorded.emit()
        self.accept()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._offer_again()
        self._message.setText(Failures(self).sentence(error))
