"""重叠: how many are in two segments at once."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from hcrm_core.rules.messages import Overlap
from hcrm_desktop.models.rule_questions import LATER_MS, Question, RuleQuestions
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.panels.asking import Panel


class OverlapPanel(Panel):
    """A matrix; the darker, the more of the smaller segment are in the other one, too."""

    def __init__(self, theme: Theme, questions: RuleQuestions) -> None:
        self._theme, self._draft = theme, questions.draft
        question = Question(
            questions.tasks, "overlap", Overlap, make=questions.trial, parent=questions, pause_ms=LATER_MS
        )
        super().__init__(question)
        self.headed(self.tr("重叠"), self.tr("同时在两个客群里的人数；“互斥”的两个客群，一个客户只进一个。"))
        self._table = QTableWidget()
        self._table.setAccessibleName(self.tr("客群重叠人数"))
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.setTabKeyNavigation(False)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.column.addWidget(self._table, 1)
        questions.old.connect(self.renew)
        theme.changed.connect(self._repaint)

    def _repaint(self) -> None:
        if self.question.answer is not None:
            self.show_answer(self.question.answer)

    def show_answer(self, answer: object) -> None:
        assert isinstance(answer, Overlap)
        many = len(answer.segments)
        self._table.setRowCount(many)
        self._table.setColumnCount(many)
        self._table.setHorizontalHeaderLabels(answer.labels)
        self._table.setVerticalHeaderLabels(answer.labels)
        for row in range(many):
            for column in range(many):
                self._table.setItem(row, column, self._cell(answer, row, column=column))

    def _cell(self, overlap: Overlap, row: int, *, column: int) -> QTableWidgetItem:
        number, own = overlap.both[row][column], row == column
        excluded = not own and self._exclude_each_other(overlap, row, column)
        item = QTableWidgetItem(self.tr("互斥") if excluded and not number else f"{number:,}")
        item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        smaller = min(overlap.both[row][row], overlap.both[column][column])
        text = self.tr("{a} 和 {b}：同时在的有 {n} 人，占较小一个的 {share}%")
        if own:
            text = self.tr("{a}：共 {n} 人")
        share = round(100 * number / smaller) if smaller else 0
        labels = overlap.labels
        item.setToolTip(text.format(a=labels[row], b=labels[column], n=f"{number:,}", share=share))
        item.setBackground(self._tint(0.0 if own else share / 100))
        return item

    def _exclude_each_other(self, overlap: Overlap, row: int, column: int) -> bool:
        sets = self._sets()
        a, b = sets.get(overlap.segments[row], ""), sets.get(overlap.segments[column], "")
        return bool(a) and a == b

    def _sets(self) -> dict[str, str]:
        """The exclusive set of each segment; the rule as it stands has the last word on its own."""
        workshop, rule = self._draft.workshop, self._draft.rule
        heads = [] if workshop is None else workshop.shelf.rules
        return {head.segment_key: head.exclusive for head in heads} | {rule.segment.key: rule.exclusive}

    def _tint(self, share: float) -> QColor:
        """From the ground to the theme's colour, never so dark that the number cannot be read."""
        tokens = self._theme.tokens
        return mixed(QColor(tokens.surface), QColor(tokens.band[2]), share=min(1.0, share))


def mixed(one: QColor, other: QColor, *, share: float) -> QColor:
    """A colour between two."""
    a, b = (one.red(), one.green(), one.blue()), (other.red(), other.green(), other.blue())
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return QColor(red, green, blue)
