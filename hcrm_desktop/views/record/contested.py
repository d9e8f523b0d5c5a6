"""两份更正待裁定: a strip on the record, and the dialog in which an optometrist picks with all values side by side."""

from functools import partial
from uuid import UUID

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.terms import Role
from hcrm_desktop.cache.rows import ContestedExams, ExamRow
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.sync.contents import Contents
from hcrm_desktop.views.sync.sides import Sides
from hcrm_desktop.views.widgets.recording_dialog import RecordingDialog
from hcrm_desktop.views.words import Words


class ContestedStrip(QFrame):
    """Says that corrections met, and what that means until somebody picks.

    Signals:
        pick_requested: an optometrist wants to decide.
    """

    pick_requested = Signal()

    def __init__(self, words: Words, role: Role) -> None:
        super().__init__()
        self._words, self._judge = words, role is Role.OPTOMETRIST
        self.setProperty("role", "banner")
        self.setProperty("tone", "warn")
        self._text = QLabel(wordWrap=True)
        self._pick = QPushButton(self.tr("裁定… P"))
        self._pick.setProperty("kind", "quiet")
        self._pick.setVisible(self._judge)
        self._pick.clicked.connect(self.pick_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 8, 4)
        row.addWidget(self._text, 1)
        row.addWidget(self._pick)
        self.hide()

    def show_disputes(self, disputes: tuple[ContestedExams, ...]) -> None:
        """Appear if there is something to decide."""
        self.setVisible(bool(disputes))
        if disputes:
            text = self._sentence(disputes[0])
            self._text.setText(text if self._judge else self.tr("{text}请验光师裁定。").format(text=text))

    def _sentence(self, dispute: ContestedExams) -> str:
        day = self._words.day(dispute.exams[0].examined_on)
        if len(dispute.exams) == 1:
            return self.tr("{day} 的检查一边被作废、一边被更正，裁定前不计入增长和曲线。").format(day=day)
        text = self.tr("{day} 的检查有 {n} 份更正待裁定，裁定前都不计入增长和曲线。")
        return text.format(day=day, n=len(dispute.exams))


class PickDialog(RecordingDialog):
    """All corrections side by side; one is picked, or all are kept."""

    def __init__(
        self, tasks: Tasks, words: Words, dispute: ContestedExams, *, customer_id: UUID, parent: QWidget
    ) -> None:
        super().__init__(tasks, parent=parent)
        self._words, self._contents = words, Contents(words)
        self._dispute, self._customer_id = dispute, customer_id
        self._choice = QButtonGroup(self)
        self._reason = QLineEdit(maxLength=400, placeholderText=self.tr("依据（可不填）：例如复测、看错左右眼"))
        self._use, self._all = (
            QPushButton(self.tr("采用所选 Ctrl+S")),
            QPushButton(self.tr("都保留，是不同的检查 (&B)")),
        )
        self.setWindowTitle(self.tr("更正待裁定"))
        self._build()

    def _build(self) -> None:
        exams = self._dispute.exams
        sides = Sides()
        heads = [self._head(number, exam) for number, exam in enumerate(exams, 1)]
        shown: list[ExamRow | None] = list(exams)
        if self._dispute.of is not None:
            shown, heads = [*exams, self._dispute.of], [*heads, self.tr("原来的检查")]
        sides.show_compared(self._contents.exams(shown), heads=heads)
        area = QScrollArea(widgetResizable=True)
        area.setWidget(sides)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(12)
        column.addWidget(area, 1)
        column.addLayout(self._build_choice(heads[: len(exams)]))
        self._reason.setAccessibleName(self.tr("依据"))
        column.addWidget(self._reason)
        column.addLayout(self._build_foot())
        self.resize(860, 600)

    def _head(self, number: int, exam: ExamRow) -> str:
        parts = [self.tr("第 {n} 份").format(n=number), exam.examiner_name or self.tr("录入人未知")]
        parts.append(self._words.moment(exam.entered_at) if exam.entered_at else "")
        return " · ".join(part for part in parts if part)

    def _build_choice(self, heads: list[str]) -> QHBoxLayout:
        row = QHBoxLayout()
        for number, head in enumerate(heads):
            button = QRadioButton(self.tr("{digit}  采用{head}").format(digit=number + 1, head=head))
            button.toggled.connect(self._check)
            self._choice.addButton(button, number)
            QShortcut(QKeySequence(f"Alt+{number + 1}"), self, partial(button.setChecked, True))
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _build_foot(self) -> QHBoxLayout:
        self._use.setProperty("kind", "primary")
        self._use.setEnabled(False)
        self._use.clicked.connect(self.use_chosen)
        self._all.setVisible(len(self._dispute.exams) > 1)
        self._all.clicked.connect(self._on_all_clicked)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self, self.use_chosen)
        close = QPushButton(self.tr("取消 Esc"))
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self._message, 1)
        for button in (close, self._all, self._use):
            button.setAutoDefault(False)
            row.addWidget(button)
        return row

    @Slot()
    def _check(self) -> None:
        self._use.setEnabled(self._choice.checkedId() >= 0)

    @Slot()
    def use_chosen(self) -> None:
        """The chosen one counts from now on; the others stay readable."""
        if self._use.isEnabled():
            self._decide(self._dispute.exams[self._choice.checkedId()], keep_all=False)

    @Slot()
    def _on_all_clicked(self) -> None:
        self._decide(self._dispute.exams[0], keep_all=True)

    def _decide(self, picked: ExamRow, *, keep_all: bool) -> None:
        from hcrm_desktop.cache.corrections import pick_exam

        self._use.setEnabled(False)
        self._all.setEnabled(False)
        self._record(
            pick_exam,
            customer_id=self._customer_id,
            exam_id=picked.id,
            rejected_ids=self._dispute.rejected_by(picked.id),
            keep_all=keep_all,
            reason=self._reason.text().strip(),
        )

    def _offer_again(self) -> None:
        self._all.setEnabled(True)
        self._check()
