"""The rules of the shelf in a list."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

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
        self._filter = QLineEdit(placeholderText=self.tr("筛选：名称、草稿…"), clearButtonEnabled=True)
        self._filter.setAccessibleName(self.tr("筛选：名称、草稿…"))
        self._list = QListWidget()
        self._list.setAccessibleName(self.tr("规则清单"))
        self._list.setWordWrap(True)
        self.new, self.versions = QPushButton(self.tr("新建规则")), QPushButton(self.tr("版本与停用…"))
        self.parameters, self.scans = QPushButton(self.tr("参数表")), QPushButton(self.tr("扫描…"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(title)
        column.addWidget(self._filter)
        column.addWidget(self._list, 1)
        for button in (self.new, self.versions, self.parameters, self.scans):
            column.addWidget(button)
        self._list.itemActivated.connect(self._on_activated)
        self._list.itemClicked.connect(self._on_activated)
        self._filter.textChanged.connect(self._hide_others)
        self.new.clicked.connect(self.new_requested)

    def show_shelf(self, shelf: Shelf) -> None:
        self._list.clear()
        for head in shelf.rules:
            item = QListWidgetItem(self._text(head))
            item.setData(Qt.ItemDataRole.UserRole, head.key)
            self._list.addItem(item)
        self._hide_others()

    @Slot()
    def _hide_others(self) -> None:
        """Only rules with the filter's words in their lines, e.g. of a name or "草稿"."""
        wanted = self._filter.text().split()
        for row in range(self._list.count()):
            item = self._list.item(row)
            item.setHidden(not all(word in item.text() for word in wanted))

    def mark(self, key: str) -> None:
        """Which rule is open."""
        for row in range(self._list.count()):
            if self._list.item(row).data(Qt.ItemDataRole.UserRole) == key:
                self._list.setCurrentRow(row)

    def _text(self, head: RuleHead) -> str:
        lines = [head.label, self.tr(" · ").join([*self._states(head), *self._figures(head)])]
        if head.failed:
            lines.append(self.tr("⚠ 上次扫描没能使用"))
        if head.reevaluating:
            lines.append(self.tr("正在重新归类…"))
        return "\n".join(lines)

    def _states(self, head: RuleHead) -> list[str]:
        states = []
        if head.draft_state is not None:
            state = self._words.state(head.draft_state, number=head.draft)
            states.append(self.tr("{state} {author}").format(state=state, author=head.draft_author).strip())
        return states if head.published is None else [*states, self.tr("v{n}").format(n=head.published)]

    def _figures(self, head: RuleHead) -> list[str]:
        figures = [self.tr("{n} 人").format(n=f"{head.customers:,}")]
        if head.needs_measurement:
            figures.append(self.tr("待补检查 {n} 人").format(n=f"{head.needs_measurement:,}"))
        return figures

    @Slot(QListWidgetItem)
    def _on_activated(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))
