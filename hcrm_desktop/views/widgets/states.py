"""What a page shows instead of its content: loading, nothing there, or an error with a way on."""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from hcrm_desktop.theme import Theme
from hcrm_desktop.views.failures import Failures

SKELETON_AFTER_MS = 150  # a quicker answer needs no sign that something is on its way


class _Message(QWidget):
    """An icon, a sentence and a hint, centred."""

    def __init__(self, theme: Theme, icon: str, title: str, hint: str) -> None:
        super().__init__()
        self._theme, self._icon_name = theme, icon
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.title = QLabel(title, alignment=Qt.AlignmentFlag.AlignCenter)
        self.title.setProperty("role", "title")
        self.hint = QLabel(hint, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.hint.setProperty("role", "muted")
        self.column = QVBoxLayout(self)
        self.column.setSpacing(8)
        self.column.addStretch(2)
        for widget in (self._icon, self.title, self.hint):
            self.column.addWidget(widget)
        self.column.addStretch(3)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    @Slot()
    def _on_theme_changed(self) -> None:
        self._icon.setPixmap(self._theme.pixmap(self._icon_name, size=40))


class EmptyState(_Message):
    """There is nothing here, and what would fill it."""

    def __init__(self, theme: Theme, title: str, hint: str = "") -> None:
        super().__init__(theme, "empty", title, hint)


class ErrorState(_Message):
    """Something failed: what, and what to do.

    Signals:
        retry_requested: the person wants to try again.
    """

    retry_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "warn", "", "")
        self._retry = QPushButton(self.tr("重试"))
        self._retry.setProperty("kind", "primary")
        self._retry.clicked.connect(self.retry_requested)
        self.column.insertWidget(4, self._retry, alignment=Qt.AlignmentFlag.AlignCenter)

    def show_error(self, error: Exception) -> None:
        """Say what happened and what to do."""
        self.title.setText(self.tr("没有读到数据"))
        self.hint.setText(Failures(self).sentence(error))


class LoadingState(QLabel):
    """Says that something is on its way."""

    def __init__(self) -> None:
        super().__init__(alignment=Qt.AlignmentFlag.AlignCenter)
        self.setText(self.tr("正在读取…"))
        self.setProperty("role", "muted")


class StateStack(QStackedWidget):
    """A page's content, or the state that stands in for it.

    Signals:
        retry_requested: from the error state.
    """

    retry_requested = Signal()

    def __init__(self, theme: Theme, content: QWidget, empty: EmptyState) -> None:
        super().__init__()
        self._theme, self._content, self._empty = theme, content, empty
        self._error: ErrorState | None = None
        self._loading: LoadingState | None = None
        self.addWidget(content)  # the others join when they are needed: most never are, and styling them costs
        self._patience = QTimer(self, singleShot=True, interval=SKELETON_AFTER_MS)
        self._patience.timeout.connect(self._on_patience_timeout)

    def show_loading(self) -> None:
        """Say so after a moment; what stands there stays until then."""
        self._patience.start()

    def show_content(self) -> None:
        self._show(self._content)

    def show_empty(self, title: str | None = None, hint: str | None = None) -> None:
        """Show the empty state, with other words if given."""
        if title is not None:
            self._empty.title.setText(title)
        if hint is not None:
            self._empty.hint.setText(hint)
        self._show(self._empty)

    def show_error(self, error: Exception) -> None:
        if self._error is None:
            self._error = ErrorState(self._theme)
            self._error.retry_requested.connect(self.retry_requested)
        self._error.show_error(error)
        self._show(self._error)

    def _show(self, widget: QWidget) -> None:
        self._patience.stop()
        if self.indexOf(widget) < 0:
            self.addWidget(widget)
        self.setCurrentWidget(widget)

    @Slot()
    def _on_patience_timeout(self) -> None:
        self._loading = self._loading or LoadingState()
        self._show(self._loading)
