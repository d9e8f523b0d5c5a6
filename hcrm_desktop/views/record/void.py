"""作废检查: an examination was entered in error. It stays readable and counts no more."""

from uuid import UUID

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hcrm_desktop.cache.rows import ExamRow
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.widgets.recording_dialog import RecordingDialog
from hcrm_desktop.views.words import Words


class VoidDialog(RecordingDialog):
    """Asks for the reason."""

    def __init__(self, tasks: Tasks, words: Words, exam: ExamRow, *, customer_id: UUID, parent: QWidget) -> None:
        super().__init__(tasks, parent=parent)
        self._exam, self._customer_id = exam, customer_id
        self._reason = QLineEdit(maxLength=400, placeholderText=self.tr("例如：录错了人；左右眼颠倒；重复录入"))
        self._void = QPushButton(self.tr("作废"))
        self.setWindowTitle(self.tr("作废检查 · {day}").format(day=words.day(exam.examined_on)))
        self._build()

    def _build(self) -> None:
        text = self.tr("作废后不再计入增长、曲线和提醒；数值仍能查看，原因留在“变更”历史里。不能撤销，录错请重新录入。")
        label = QLabel(self.tr("原因"))
        label.setBuddy(self._reason)
        self._reason.textChanged.connect(self._check)
        self._void.setProperty("kind", "primary")
        self._void.setEnabled(False)
        self._void.clicked.connect(self.void)
        close = QPushButton(self.tr("取消 Esc"))
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self._message, 1)
        for button in (close, self._void):
            button.setAutoDefault(button is self._void)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(10)
        for widget in (QLabel(text, wordWrap=True), label, self._reason):
            column.addWidget(widget)
        column.addLayout(row)
        self.setFixedWidth(520)
        self._reason.setFocus()

    @Slot()
    def _check(self) -> None:
        self._void.setEnabled(bool(self._reason.text().strip()))

    @Slot()
    def void(self) -> None:
        """Record it."""
        from hcrm_desktop.cache.corrections import void_exam

        self._void.setEnabled(False)
        self._record(
            void_exam,
            customer_id=self._customer_id,
            exam_id=self._exam.id,
            reason=self._reason.text().strip(),
        )

    def _offer_again(self) -> None:
        self._check()
