"""Choosing a fact: type part of its name or its pinyin initials, or look through the groups."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QWidget

from hcrm_core.facts.catalogue import CATALOGUE, PER_EYE, Fact, FactType
from hcrm_core.facts.spoken import stands_behind, without_eye
from hcrm_core.people import pinyin_of

LINE_HEIGHT, MOST_LINES, WIDTH = 31, 12, 340


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One fact to choose, both eyes' as one.

    Attributes:
        name: in the catalogue, without its eye.
        sided: whether both eyes have it.
        aside: only found by typing.
        found_by: the label and its initials, for the search.
    """

    name: str
    label: str
    group: str
    sided: bool
    aside: bool
    found_by: str


@cache
def choices() -> tuple[Choice, ...]:
    """All facts that a rule may ask, in the catalogue's order, groups together."""
    found = [_choice(fact) for fact in CATALOGUE.values() if fact.kind is not FactType.ID and not _is_left(fact)]
    order = list(dict.fromkeys(choice.group for choice in found))
    return tuple(sorted(found, key=lambda choice: order.index(choice.group)))


def _is_left(fact: Fact) -> bool:
    return fact.name.endswith("_os") and fact.name.removesuffix("_os") in PER_EYE


def _choice(fact: Fact) -> Choice:
    base = fact.name.removesuffix("_od")
    sided = base in PER_EYE and fact.name.endswith("_od")
    label = without_eye(fact.label) if sided else fact.label
    if sided and base in CATALOGUE:
        label += QCoreApplication.translate("FactPicker", "（分眼）")  # beside the one over both eyes
    name = base if sided else fact.name
    found_by = f"{label} {pinyin_of(label)[1]}"
    return Choice(
        name=name,
        label=label,
        group=fact.group,
        sided=sided,
        aside=stands_behind(fact),
        found_by=found_by,
    )


class FactPicker(QLineEdit):
    """A field with the facts below it.

    Signals:
        picked: a Choice.
    """

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("要看的数据"))
        self.setPlaceholderText(self.tr("数据名或拼音首字母"))
        self.setMinimumWidth(200)
        self._label = ""
        self._list = QListWidget()
        self._list.setObjectName("answers")
        self._list.setAccessibleName(self.tr("数据清单"))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.itemClicked.connect(self._on_clicked)
        self._list.hide()
        self.destroyed.connect(self._list.deleteLater)
        self.textEdited.connect(self._unfold)
        self.installEventFilter(self)

    def show_label(self, label: str) -> None:
        """What is chosen now."""
        self._label = label
        self.setText(label)
        self.setCursorPosition(0)

    @Slot()
    def _unfold(self) -> None:
        typed = self.text().strip().casefold()
        self._fill("" if self.text() == self._label else typed)
        window = self.window()
        self._list.setParent(window)
        below = self.mapTo(window, QPoint(0, self.height() + 2))
        height = min(MOST_LINES, self._list.count()) * LINE_HEIGHT + 12
        if below.y() + height > window.height():
            below = QPoint(below.x(), max(0, window.height() - height))
        left = max(0, min(below.x(), window.width() - WIDTH))
        self._list.setGeometry(left, below.y(), WIDTH, height)
        self._list.show()
        self._list.raise_()

    def _fill(self, typed: str) -> None:
        self._list.clear()
        for item in _items(typed):
            self._list.addItem(item)
        if not self._list.count():
            nothing = QListWidgetItem(self.tr("没有这样的数据，换个词试试。"))
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(nothing)
        self._list.setCurrentRow(self._next(-1, 1))

    def _next(self, row: int, by: int) -> int:
        """The next line that can be chosen, or the same."""
        for other in range(row + by, self._list.count() if by > 0 else -1, by):
            if self._list.item(other).flags() & Qt.ItemFlag.ItemIsSelectable:
                return other
        return row

    @Slot(QListWidgetItem)
    def _on_clicked(self, item: QListWidgetItem) -> None:
        choice = item.data(Qt.ItemDataRole.UserRole)
        if choice is not None:
            self._list.hide()
            self.show_label(choice.label)
            self.picked.emit(choice)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.FocusOut:
            self._list.hide()
            self.setText(self._label)
        elif event.type() is QEvent.Type.MouseButtonPress and self.hasFocus():
            self._unfold()
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self._steer(event.key()):
            return True
        return super().eventFilter(watched, event)

    def _steer(self, key: int) -> bool:
        """Arrow keys, Enter and Escape belong to the list while it is shown; Down opens it."""
        if not self._list.isVisible():
            opens = key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if opens:
                self._unfold()
            return opens
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._list.setCurrentRow(self._next(self._list.currentRow(), 1 if key == Qt.Key.Key_Down else -1))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if (item := self._list.currentItem()) is not None:
                self._on_clicked(item)
        elif key == Qt.Key.Key_Escape:
            self._list.hide()
            self.setText(self._label)
        else:
            return False
        return True


def _items(typed: str) -> Iterator[QListWidgetItem]:
    """Matching facts under the names of their groups."""
    group = None
    for choice in choices():
        if typed not in choice.found_by.casefold() or (choice.aside and not typed):
            continue
        if choice.group != group:
            group = choice.group
            heading = QListWidgetItem(group)
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            yield heading
        item = QListWidgetItem(f"    {choice.label}")
        item.setData(Qt.ItemDataRole.UserRole, choice)
        yield item
