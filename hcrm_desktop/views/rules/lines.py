"""A rule's lines as cards in a tree, with what is said beside them. Looking only: `tree.py` edits."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem, QTreeView

from hcrm_core.rules.linting import Finding
from hcrm_core.rules.messages import Counts, NodeCount
from hcrm_core.rules.model import Node, Path
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_tree import LINE_ROLE, RuleTreeModel, TreeLine
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.brackets import paint_brackets
from hcrm_desktop.views.rules.cards import Beside, Cards
from hcrm_desktop.views.rules.finding_words import FindingWords
from hcrm_desktop.views.rules.wording import RuleWords

INDENT = 26
SIDE = 8  # free at the right
WIDEST = 1200  # pixels: nobody reads a line across a large screen


class RuleLines(QTreeView):
    """The lines of a draft."""

    def __init__(self, theme: Theme, words: RuleWords, draft: RuleDraft) -> None:
        super().__init__()
        self._theme, self._words, self._draft = theme, words, draft
        self.finding_words = FindingWords(words)
        self._cards = Cards(theme, words, self.finding_words)
        self._findings: dict[Path, list[Finding]] = {}
        self._counts: dict[Path, NodeCount] = {}
        self._counted_for: object = None
        self._model = RuleTreeModel(draft.rule.where, self._spoken, self)
        self._build()
        draft.changed.connect(self._on_draft_changed)
        draft.chosen.connect(self._follow)
        theme.changed.connect(self._retell)

    def _build(self) -> None:
        self.setModel(self._model)
        self.setItemDelegate(_LineDelegate(self))
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setExpandsOnDoubleClick(False)
        self.setIndentation(INDENT)
        self.setUniformRowHeights(False)
        self.setAccessibleName(self.tr("规则的条件"))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.expandAll()
        self._follow()

    # ── what is shown ────────────────────────────────────────────────────────────────────────────────────

    def show_counts(self, counts: Counts | None) -> None:
        """Numbers beside the lines of the rule as it stands now; they turn grey when it changes."""
        self._counts = {} if counts is None else {node.path: node for node in counts.nodes}
        self._counted_for = self._draft.rule
        self._retell()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """What the linter says of the rule as it stands now, each below its line; of the whole, below the first."""
        found: dict[Path, list[Finding]] = {}
        for finding in findings:
            if finding.path is not None:
                found.setdefault(finding.path, []).append(finding)
        if found != self._findings:
            self._findings = found
            self._retell()

    @Slot()
    def _retell(self) -> None:
        """What stands beside the lines has changed: their heights may be others."""
        self._model.retell()

    @Slot()
    def _on_draft_changed(self) -> None:
        before = {line.path: line.node for line in self._model.held()}
        place = self.verticalScrollBar().value()
        if self._model.show(self._draft.rule.where):
            self._on_lines_altered()
            return
        self._on_lines_replaced()
        self._keep_beside(before)
        self.expandAll()
        self.updateGeometries()
        self.verticalScrollBar().setValue(place)

    def _on_lines_altered(self) -> None:
        """The same lines say something else."""

    def _on_lines_replaced(self) -> None:
        """There are other lines."""

    def _keep_beside(self, before: dict[Path, Node]) -> None:
        """Findings and numbers stay beside lines that are where and what they were, until there are new ones."""
        same = {line.path for line in self._model.held() if before.get(line.path) == line.node}
        self._findings = {path: found for path, found in self._findings.items() if path in same}
        self._counts = {path: count for path, count in self._counts.items() if path in same}

    @Slot()
    def _follow(self) -> None:
        """The chosen line is the draft's."""
        index = self._model.index_of(self._draft.path)
        if index.isValid() and index != self.currentIndex():
            self.setCurrentIndex(index)
        if index.isValid():
            self.scrollTo(index)

    def _line(self, path: Path) -> TreeLine:
        line = self._model.line(self._model.index_of(path))
        assert line is not None
        return line

    def _spoken(self, line: TreeLine) -> str:
        return self._cards.spoken(line, self.beside(line))

    def beside(self, line: TreeLine) -> Beside:
        """What is said beside a line."""
        above = (self._line(line.path[:length]) for length in range(len(line.path)))
        return Beside(
            findings=self._findings.get(line.path, ()),
            count=self._counts.get(line.path),
            counted=bool(self._counts),
            stale=self._counted_for is not self._draft.rule,
            muted=line.node.muted or any(group.node.muted for group in above),
        )

    # ── geometry ─────────────────────────────────────────────────────────────────────────────────────────

    def room(self, path: Path) -> int:
        """How wide a line's card is."""
        return min(self.viewport().width() - SIDE, WIDEST) - len(path) * INDENT

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._retell()

    def hint(self, line: TreeLine) -> QSize:
        """A line's size."""
        return self._cards.hint(line, self.beside(line), width=self.room(line.path), font=self.font())

    # ── painting ─────────────────────────────────────────────────────────────────────────────────────────

    def paint_line(self, painter: QPainter, rect: QRect, line: TreeLine) -> None:
        """A line within the rectangle that Qt gives it."""
        place = QRect(rect.left(), rect.top(), self.room(line.path), rect.height())
        painter.setFont(self.font())
        self._cards.paint(painter, place, line, self.beside(line), chosen=line.path == self._draft.path)

    def drawBranches(self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        line = index.data(LINE_ROLE)
        groups = [self._line(line.path[:length]) for length in range(len(line.path))]
        paint_brackets(painter, rect, line, groups, tokens=self._theme.tokens, indent=INDENT)


class _LineDelegate(QStyledItemDelegate):
    """Hands painting and sizes to the tree."""

    def __init__(self, lines: RuleLines) -> None:
        super().__init__(lines)
        self._lines = lines

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        self._lines.paint_line(painter, option.rect, index.data(LINE_ROLE))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return self._lines.hint(index.data(LINE_ROLE))
