"""查看历史: every version of an examination side by side, with who, when and why. Nothing is hidden."""

from collections.abc import Sequence
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from hcrm_core.corrections import ExamVersion, family
from hcrm_desktop.cache.rows import ExamRow, FieldChangeRow
from hcrm_desktop.views.sync.contents import Contents
from hcrm_desktop.views.sync.sides import Sides
from hcrm_desktop.views.words import Words


def versions_of(exams: Sequence[ExamRow], *, exam_id: UUID) -> list[ExamRow]:
    """An examination with everything it corrects and every correction of those, oldest first."""
    versions = [ExamVersion(id=one.id, supersedes_id=one.supersedes_id, status=one.status) for one in exams]
    related = {one.id for one in family(versions, of=exam_id)}
    return sorted((one for one in exams if one.id in related), key=lambda one: one.id)  # ids grow with time


class VersionsDialog(QDialog):
    """Read only."""

    def __init__(
        self, words: Words, versions: Sequence[ExamRow], *, changes: Sequence[FieldChangeRow], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._words, self._contents = words, Contents(words)
        day = words.day(versions[-1].examined_on)
        self.setWindowTitle(self.tr("检查历史 · {day}").format(day=day))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sides = Sides()
        heads = [self._head(number, exam) for number, exam in enumerate(versions, 1)]
        sides.show_compared(self._contents.exams(versions), heads=heads)
        ids = {exam.id for exam in versions}
        told = [self._change(change) for change in changes if change.subject_id in ids]
        self._build(sides, told)

    def _build(self, sides: Sides, told: Sequence[str]) -> None:
        area = QScrollArea(widgetResizable=True)
        area.setWidget(sides)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(12)
        column.addWidget(area, 1)
        for text in told:
            column.addWidget(QLabel(text, textFormat=Qt.TextFormat.PlainText, wordWrap=True))
        close = QPushButton(self.tr("关闭 Esc"))
        close.clicked.connect(self.reject)
        column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        self.resize(860, 600)

    def _head(self, number: int, exam: ExamRow) -> str:
        words = self._words
        parts = [
            self.tr("第 {n} 版").format(n=number),
            words.exam_status(exam.status),
            exam.examiner_name or self.tr("录入人未知"),
            words.moment(exam.entered_at) if exam.entered_at else "",
            words.source(exam.source),
        ]
        return self.tr(" · ").join(part for part in parts if part)

    def _change(self, change: FieldChangeRow) -> str:
        """As of a void: who, when, what and why."""
        words = self._words
        new = words.value(change.field, change.new)
        by = change.by or self.tr("操作人未知")
        text = self.tr("{when} · {by} · {field} → {new} · {reason}")
        reason = change.reason or self.tr("没有写原因")
        return text.format(when=words.moment(change.at), by=by, field=words.field(change.field), new=new, reason=reason)
