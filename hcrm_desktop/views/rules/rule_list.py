"""The rules of the shelf in a list."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from hcrm_core.rules.messages import RuleHead, Shelf
from hcrm_desktop.views.rules.wording import RuleWords


class RuleList(QWidget):
    """Name, customers and state of each rule.

    Signals:
        chosen: the key of a rule to open.
        new_requested: begin a new one.
    """

    chosen = Signal(str)
    new_requested = Signal()

    def __init__(self, words: RuleWords) -> None:
        super().__init__()
        self._words = words
        title = QLabel(self.tr("规则清单"))
        title.setProperty("role", "section")
        self._list = QListWidget()
        self._list.setAccessibleName(self.tr("规则清单"))
        self._list.setWordWrap(True)
        self.new, self.parameters = QPushButton(self.tr("新建规则")), QPushButton(self.tr("参数表"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(title)
        column.addWidget(self._list, 1)
        column.addWidget(self.new)
        column.addWidget(self.parameters)
        self._list.itemActivated.connect(self._on_activated)
        self._list.itemClicked.connect(self._on_activated)
        self.new.clicked.connect(self.new_requested)

    def show_shelf(self, shelf: Shelf) -> None:
        self._list.clear()
        for head in shelf.rules:
            item = QListWidgetItem(self._text(head))
            item.setData(Qt.ItemDataRole.UserRole, head.key)
            self._list.addItem(item)

    def mark(self, key: str) -> None:
        """Which rule is open."""
        for row in range(self._list.count()):
            if self._list.item(row).data(Qt.ItemDataRole.UserRole) == key:
                self._list.setCurrentRow(row)

    def _text(self, head: RuleHead) -> str:
        states = [] if head.draft_state is None else [self._words.state(head.draft_state, number=head.draft)]
        states += [] if head.published is None else [self.tr("v{n}").format(n=head.published)]
        joined = self.tr(" · ").join([*states, self.tr("{n} 人").format(n=f"{head.customers:,}")])
        return self.tr("{label}\n{states}").format(label=head.label, states=joined)

    @Slot(QListWidgetItem)
    def _on_activated(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))
