"""The rail at the left: a line for each page, with a number where something waits there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.terms import Role
from hcrm_desktop.theme import Theme

RAIL_WIDTH = 184


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the rail."""

    key: str
    icon: str
    label: str
    roles: frozenset[Role]
    make: Callable[[], QWidget]


class Rail(QFrame):
    """Lines, each with Alt and its number.

    Signals:
        chosen: the key of a line.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, entries: Mapping[str, Entry], *, foot: QWidget, keys: QWidget) -> None:
        """Make the rail.

        Args:
            foot: what stands below the lines.
            keys: the widget in which Alt and a number act.
        """
        super().__init__()
        self._theme, self._entries = theme, entries
        self._buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self.setProperty("role", "nav")
        self.setFixedWidth(RAIL_WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 0)
        column.setSpacing(2)
        name = QLabel(self.tr("HCRM 视光"))
        name.setProperty("role", "h1")
        name.setContentsMargins(16, 0, 0, 12)
        column.addWidget(name)
        for number, entry in enumerate(entries.values(), 1):
            column.addWidget(self._build_button(entry, number, keys))
        column.addStretch()
        column.addWidget(foot)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _build_button(self, entry: Entry, number: int, keys: QWidget) -> QPushButton:
        button = QPushButton(entry.label)
        button.setCheckable(True)
        button.setProperty("kind", "nav")
        button.setIconSize(QSize(18, 18))
        button.setToolTip(self.tr("{name}  Alt+{number}").format(name=entry.label, number=number))
        button.clicked.connect(partial(self.chosen.emit, entry.key))
        QShortcut(QKeySequence(f"Alt+{number}"), keys, partial(self.chosen.emit, entry.key))
        self._buttons[entry.key] = button
        self._group.addButton(button)
        return button

    def check(self, key: str) -> None:
        """Mark a line as the one that is shown."""
        self._buttons[key].setChecked(True)

    def count(self, key: str, number: int) -> None:
        """Say behind a line's name how many wait there."""
        label = self._entries[key].label
        self._buttons[key].setText(self.tr("{label}  {n}").format(label=label, n=number) if number else label)

    @Slot()
    def _on_theme_changed(self) -> None:
        for key, button in self._buttons.items():
            button.setIcon(self._theme.icon(self._entries[key].icon))
