"""人数: how many the rule matches as it stands, seen before anything else, and how each line narrows them down."""

from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.rules.editing import at
from hcrm_core.rules.messages import Counts, Diff, NodeCount
from hcrm_core.rules.model import AllOf, Path, Rule
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_questions import RuleQuestions
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.panels.asking import AskLine, BusyBar, headed
from hcrm_desktop.views.rules.wording import RuleWords, is_group

BAR_ROLE = int(Qt.ItemDataRole.UserRole)
LINE_PX, BAR_PX, STEP_PX = 40, 8, 14


class CountStrip(QFrame):
    """The count above the editor: how many, of how many, who needs a measurement, and what would change today."""

    def __init__(self, draft: RuleDraft, questions: RuleQuestions) -> None:
        super().__init__()
        self._draft, self._questions = draft, questions
        self.setProperty("role", "card")
        self._many, self._of, self._open = QLabel("—"), QLabel(), QLabel()
        self._change, self._line, self._busy = QLabel(), AskLine(), BusyBar()
        self._build()
        self._connect()

    def _build(self) -> None:
        self._many.setProperty("role", "display")
        self._many.setAccessibleName(self.tr("符合的人数"))
        self._of.setProperty("role", "muted")
        policy = self._busy.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the strip stays as high and wide as it is
        self._busy.setSizePolicy(policy)
        self._open.setProperty("role", "warn")
        self._open.setToolTip(self.tr("缺一项检查，补测以后才知道是否符合"))
        self._change.setToolTip(self.tr("和现在的客群相比：会进入、会离开的人数"))
        row = QHBoxLayout()
        row.setSpacing(12)
        for widget in (self._many, self._of, self._open, self._change):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._busy)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 4)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self._line)

    def _connect(self) -> None:
        counts, difference = self._questions.counts, self._questions.difference
        self._questions.old.connect(self._on_old)
        self._line.again_requested.connect(counts.ask)
        counts.asked.connect(self._on_asked)
        counts.answered.connect(self._on_counted)
        counts.failed.connect(self._on_failed)
        counts.nothing.connect(self._on_nothing)
        difference.answered.connect(self._on_compared)

    @Slot()
    def _on_old(self) -> None:
        self._change.clear()
        if self._draft.counts is None:
            self._clear()
        self._questions.difference.drop()
        if self.isVisible():
            self._questions.counts.want()

    def showEvent(self, event: object) -> None:
        self._on_old()

    def hideEvent(self, event: object) -> None:
        self._questions.counts.drop()
        self._questions.difference.drop()

    @Slot()
    def _on_asked(self) -> None:
        self._busy.show()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._busy.hide()
        self._line.show_error(error)

    @Slot()
    def _on_nothing(self) -> None:
        self._clear()
        self._line.show_text(self.tr("条件填完整后，这里就有人数"))
        self._draft.tell_counts(None)

    def _clear(self) -> None:
        """Nothing is known of this rule; the numbers of another one would mislead."""
        self._busy.hide()
        self._many.setText("—")
        for label in (self._of, self._open, self._change):
            label.clear()

    @Slot(object)
    def _on_counted(self, counts: Counts) -> None:
        self._busy.hide()
        self._many.setText(self.tr("{n} 人").format(n=f"{counts.matching:,}"))
        self._of.setText(self.tr("全部 {n} 人").format(n=f"{counts.customers:,}"))
        self._open.setText(self.tr("待补检查 {n} 人").format(n=f"{counts.open:,}") if counts.open else "")
        tried = self._questions.tried
        self._line.show_text(self.tr("按试的参数值") if tried else "")
        self._questions.difference.want()

    @Slot(object)
    def _on_compared(self, diff: Diff) -> None:
        same = not (diff.enter or diff.leave)
        text = self.tr("和现在的客群一样") if same else self.tr("＋{enter} / −{leave}")
        self._change.setText(text.format(enter=f"{diff.enter:,}", leave=f"{diff.leave:,}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of the funnel.

    Attributes:
        share: of all customers, 0 to 1.
        narrowing: it is one of the steps of the whole rule, rather than a part inside a step.
    """

    path: Path
    text: str
    hint: str
    many: int
    share: float
    narrowing: bool


class FunnelPanel(QWidget):
    """How many are left after each line, in reading order.

    Signals:
        chosen: the path of a line.
    """

    chosen = Signal(object)

    def __init__(self, theme: Theme, words: RuleWords, draft: RuleDraft) -> None:
        super().__init__()
        self._words, self._draft = words, draft
        self._list = QListWidget()
        self._list.setItemDelegate(BarDelegate(theme, self._list))
        self._list.setAccessibleName(self.tr("每个条件之后还剩的人数"))
        self._list.itemActivated.connect(self._on_activated)
        self._list.itemClicked.connect(self._on_activated)
        column = headed(self, self.tr("漏斗"), self.tr("从上到下，每个条件之后还剩多少人；里层的条件单独数。"))
        column.addWidget(self._list, 1)
        draft.counted.connect(self._on_counted)
        self._on_counted()

    @Slot()
    def _on_counted(self) -> None:
        self._list.clear()
        counts = self._draft.counts
        for bar in [] if counts is None else self._bars(counts):
            item = QListWidgetItem(self.tr("{text}：{n} 人").format(text=bar.text, n=f"{bar.many:,}"))
            item.setData(BAR_ROLE, bar)
            item.setToolTip(bar.hint)
            self._list.addItem(item)

    def _bars(self, counts: Counts) -> list[Bar]:
        rule = self._draft.rule
        out = fallen_out(counts, rule)
        return [self._bar(node, counts, rule, out.get(node.path)) for node in counts.nodes]

    def _bar(self, node: NodeCount, counts: Counts, rule: Rule, out: int | None) -> Bar:
        line = at(rule.where, node.path)
        text = self._words.group(line) if is_group(line) else self._words.node(line)
        hints = [] if out is None else [self.tr("这一步减少 {n} 人").format(n=f"{out:,}")]
        hints.append(self.tr("只看这一条，符合 {n} 人").format(n=f"{node.matching:,}"))
        hints += [self.tr("待补检查 {n} 人").format(n=f"{node.open:,}")] if node.open else []
        narrowing = len(node.path) <= 1
        many = node.left if narrowing else node.matching
        share = many / counts.customers if counts.customers else 0.0
        hint = "\n".join([text, *hints])
        return Bar(path=node.path, text=text, hint=hint, many=many, share=share, narrowing=narrowing)

    @Slot(QListWidgetItem)
    def _on_activated(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(BAR_ROLE).path)


def fallen_out(counts: Counts, rule: Rule) -> dict[Path, int]:
    """How many each step of the whole rule loses, if the rule asks for all of its parts."""
    if not isinstance(rule.where, AllOf):
        return {}
    steps = [node for node in counts.nodes if len(node.path) == 1]
    left = [counts.customers, *(node.left for node in steps)]
    lost = (before - after for before, after in pairwise(left))
    return {node.path: many for node, many in zip(steps, lost, strict=True)}


class BarDelegate(QStyledItemDelegate):
    """Words and number above, the bar below; a part inside a step stands further right, in a softer colour."""

    def __init__(self, theme: Theme, parent: QListWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, LINE_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        bar, tokens = index.data(BAR_ROLE), self._theme.tokens
        rect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.surface2))
        room = rect.adjusted(8 + STEP_PX * len(bar.path), 4, -8, -4)
        number = f"{bar.many:,}"
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(number)
        text = metrics.elidedText(bar.text, Qt.TextElideMode.ElideRight, room.width() - width - 12)
        top = QRect(room.left(), room.top(), room.width(), metrics.height())
        painter.setPen(QColor(tokens.text))
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.drawText(top, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        track = QRect(room.left(), room.bottom() - BAR_PX, room.width(), BAR_PX)
        painter.fillRect(track, QColor(tokens.surface2))
        track.setWidth(round(track.width() * bar.share))
        painter.fillRect(track, QColor(tokens.primary if bar.narrowing else tokens.band[2]))
