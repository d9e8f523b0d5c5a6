"""The rules of the shelf in a list: drafts first, then what is in force, then what was taken out of it."""

from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.rules.messages import RuleHead, Shelf
from hcrm_desktop.views.rules.wording import RuleWords

KEY_ROLE = int(Qt.ItemDataRole.UserRole)
INDENT_PX, MARGIN_PX = 12, 6


class Stage(StrEnum):
    """A group of the list, in its order."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


def stage_of(head: RuleHead) -> Stage:
    """A draft of a rule in force stands among the drafts: somebody has to do something about it."""
    if head.draft is not None:
        return Stage.DRAFT
    return Stage.RETIRED if head.published is None else Stage.PUBLISHED


class WrappedLines(QStyledItemDelegate):
    """As high as its words need: a tree does not wrap by itself."""

    def __init__(self, tree: QTreeWidget) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        depth = 2 if index.parent().isValid() else 1
        width = self._tree.viewport().width() - depth * self._tree.indentation() - 2 * MARGIN_PX
        flags = int(Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextWrapAnywhere)
        room = self._tree.fontMetrics().boundingRect(QRect(0, 0, width, 1_000), flags, str(index.data()))
        return QSize(width, room.height() + MARGIN_PX)


class RuleList(QWidget):
    """Name, customers and state of each rule.

    Signals:
        chosen: the key of a rule to open.
        new_requested: begin a new one.
        duplicate_requested, export_requested: of the rule that is open.
        import_requested: from a file.
    """

    chosen = Signal(str)
    new_requested = Signal()
    duplicate_requested = Signal()
    export_requested = Signal()
    import_requested = Signal()

    def __init__(self, words: RuleWords) -> None:
        super().__init__()
        self._words = words
        self._filter = QLineEdit(placeholderText=self.tr("筛选：名称、草稿…"), clearButtonEnabled=True)
        self._tree, self._nothing = QTreeWidget(), QLabel(wordWrap=True)
        self._heads: Sequence[RuleHead] = ()
        self._marked = ""
        self._folded = {Stage.RETIRED}
        self.new, self.versions = QPushButton(self.tr("新建规则")), QPushButton(self.tr("版本与停用…"))
        self.parameters, self.scans = QPushButton(self.tr("参数表")), QPushButton(self.tr("扫描…"))
        self.more = QPushButton(self.tr("复制、导出、导入"))
        self.more.setMenu(self._menu())
        self._build()
        self._connect()

    def _build(self) -> None:
        title = QLabel(self.tr("规则清单"))
        title.setProperty("role", "section")
        self._filter.setAccessibleName(self.tr("筛选：名称、草稿…"))
        self._tree.setAccessibleName(self.tr("规则清单"))
        self._tree.setHeaderHidden(True)
        self._tree.setWordWrap(True)
        self._tree.setExpandsOnDoubleClick(False)
        self._tree.setIndentation(INDENT_PX)
        self._tree.setItemDelegate(WrappedLines(self._tree))
        self._tree.header().sectionResized.connect(self._tree.scheduleDelayedItemsLayout)
        self._tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._nothing.setProperty("role", "small")
        self._nothing.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (title, self._filter, self._nothing):
            column.addWidget(widget)
        column.addWidget(self._tree, 1)
        for button in (self.new, self.more, self.versions, self.parameters, self.scans):
            column.addWidget(button)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        duplicate, take = menu.addAction(self.tr("复制为新规则")), menu.addAction(self.tr("导入…"))
        give = menu.addAction(self.tr("导出…"))
        for action, signal in (
            (duplicate, self.duplicate_requested),
            (take, self.import_requested),
            (give, self.export_requested),
        ):
            action.triggered.connect(signal)
        self._writing = (duplicate, take)
        return menu

    def _connect(self) -> None:
        self._tree.itemActivated.connect(self._on_activated)
        self._tree.itemClicked.connect(self._on_clicked)
        self._tree.itemExpanded.connect(self._on_unfolded)
        self._tree.itemCollapsed.connect(self._on_folded)
        self._filter.textChanged.connect(self._show)
        self.new.clicked.connect(self.new_requested)

    def set_read_only(self, *, read_only: bool) -> None:
        """Nothing can be begun or taken in."""
        self.new.setEnabled(not read_only)
        for action in self._writing:
            action.setEnabled(not read_only)

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    def show_shelf(self, shelf: Shelf) -> None:
        self._heads = shelf.rules
        self._show()

    def mark(self, key: str) -> None:
        """Which rule is open; its group unfolds."""
        self._marked = key
        self._folded -= {stage_of(head) for head in self._heads if head.key == key}
        self._show()

    @Slot()
    def _show(self) -> None:
        """Rules with the filter's words in their lines, e.g. of a name or "草稿"; groups stay folded as they were."""
        shown = [head for head in self._heads if self._is_wanted(head)]
        place = self._tree.verticalScrollBar().value()
        self._tree.blockSignals(True)
        self._tree.clear()
        for stage in Stage:
            self._add_group(stage, [head for head in shown if stage_of(head) is stage])
        self._tree.blockSignals(False)
        self._tree.verticalScrollBar().setValue(place)
        text = self.tr("没有符合筛选的规则。") if self._heads else self.tr("还没有规则。新建一条，或从文件导入。")
        self._nothing.setText(text)
        self._nothing.setVisible(not shown)

    def _is_wanted(self, head: RuleHead) -> bool:
        return all(word in self._text(head) for word in self._filter.text().split())

    def _add_group(self, stage: Stage, heads: Sequence[RuleHead]) -> None:
        if not heads:
            return
        group = QTreeWidgetItem(self._tree, [self._title(stage).format(n=len(heads))])
        group.setData(0, KEY_ROLE, stage)
        font = group.font(0)
        font.setBold(True)
        group.setFont(0, font)
        for head in heads:
            item = QTreeWidgetItem(group, [self._text(head)])
            item.setData(0, KEY_ROLE, head.key)
            if head.key == self._marked:
                self._tree.setCurrentItem(item)
        group.setExpanded(stage not in self._folded or bool(self._filter.text().strip()))

    def _title(self, stage: Stage) -> str:
        return {
            Stage.DRAFT: self.tr("草稿与待复核（{n}）"),
            Stage.PUBLISHED: self.tr("已发布（{n}）"),
            Stage.RETIRED: self.tr("已停用（{n}）"),
        }[stage]

    def _text(self, head: RuleHead) -> str:
        lines = [head.label, self.tr(" · ").join([*self._states(head), *self._figures(head)])]
        if head.failed:
            lines.append(self.tr("⚠ 上次扫描没能使用"))
        elif head.published is not None and head.customers == 0 and not head.reevaluating:
            lines.append(self.tr("⚠ 没有人符合"))
        elif head.has_jumped and not head.reevaluating:
            lines.append(self.tr("⚠ 人数突变：上次全部扫描前 {n} 人").format(n=f"{head.before:,}"))
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

    # ── what a person does ───────────────────────────────────────────────────────────────────────────────

    @Slot(QTreeWidgetItem)
    def _on_clicked(self, item: QTreeWidgetItem) -> None:
        """A group folds by a click too, not only by its arrow and by `←` and `→`."""
        if item.parent() is None:
            item.setExpanded(not item.isExpanded())
        self._on_activated(item)

    @Slot(QTreeWidgetItem)
    def _on_activated(self, item: QTreeWidgetItem) -> None:
        if item.parent() is not None:
            self.chosen.emit(item.data(0, KEY_ROLE))

    @Slot(QTreeWidgetItem)
    def _on_unfolded(self, item: QTreeWidgetItem) -> None:
        self._folded.discard(Stage(item.data(0, KEY_ROLE)))

    @Slot(QTreeWidgetItem)
    def _on_folded(self, item: QTreeWidgetItem) -> None:
        self._folded.add(Stage(item.data(0, KEY_ROLE)))
