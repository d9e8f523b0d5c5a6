"""The right part of the page: a strip with a button for each panel, and the panel beside it, or nothing."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

PANEL_WIDTH = 360  # at least, while one is open


class SidePanels(QWidget):
    """Panels, each made when it is first opened; pressing the button of the open one folds it.

    Signals:
        unfolded: the key of the panel that is open now, "" for none.
    """

    unfolded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._panels: dict[str, QWidget] = {}
        self._buttons: dict[str, QPushButton] = {}
        self.open_key = ""
        self._stack = QStackedWidget()
        self._stack.setMinimumWidth(PANEL_WIDTH)
        self._stack.hide()
        self._strip = QVBoxLayout()
        self._strip.setContentsMargins(4, 4, 4, 4)
        self._strip.setSpacing(4)
        self._strip.addStretch(1)
        strip = QFrame()
        strip.setProperty("role", "well")
        strip.setLayout(self._strip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._stack, 1)
        row.addWidget(strip)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.hide()

    def add_panel(self, key: str, label: str, make: Callable[[], QWidget]) -> None:
        """One more panel."""
        button = QPushButton(label)
        button.setCheckable(True)
        button.setProperty("kind", "quiet")
        button.setAccessibleName(label)
        button.clicked.connect(partial(self._on_clicked, key))
        self._makers[key], self._buttons[key] = make, button
        self._strip.insertWidget(self._strip.count() - 1, button)
        self.show()

    def open_panel(self, key: str) -> None:
        """Show a panel; "" folds."""
        key = key if key in self._makers else ""
        if key and key not in self._panels:
            self._panels[key] = self._makers[key]()
            self._stack.addWidget(self._panels[key])
        if key:
            self._stack.setCurrentWidget(self._panels[key])
        self._stack.setVisible(bool(key))
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Preferred if key else policy.Fixed, policy.Preferred)  # folded, only the strip
        self.open_key = key
        for other, button in self._buttons.items():
            button.setChecked(other == key)
        self.unfolded.emit(key)

    def open_first(self) -> None:
        """Show the first panel, if there is one."""
        self.open_panel(next(iter(self._makers), ""))

    def names(self) -> list[str]:
        """All panels, in their order."""
        return list(self._makers)

    def panel(self, key: str) -> QWidget | None:
        """A panel, if it was opened before."""
        return self._panels.get(key)

    def _on_clicked(self, key: str, _: object = None) -> None:
        self.open_panel("" if key == self.open_key else key)
