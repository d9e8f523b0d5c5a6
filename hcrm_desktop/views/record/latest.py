"""The latest examination as an OD | OS slip beside the one before, with the changes that may be told."""

from decimal import Decimal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel

from hcrm_core.record import ExamRecord
from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye
from hcrm_desktop.cache.rows import EyeRow
from hcrm_desktop.views.record.derived import DerivedTable
from hcrm_desktop.views.record.values import Values, equivalent
from hcrm_desktop.views.words import Words

_HEADS, _COLUMNS = 2, 6


class LatestSlip(QFrame):
    """Two examinations side by side. Lines without any value are left out."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.setProperty("role", "slip")
        self._words, self._values = words, Values(words)
        self._lines = self._values.lines()
        self._grid = QGridLayout(self)
        self._conditions = QLabel(wordWrap=True)
        self._derived = DerivedTable(words)
        self._cells: list[list[QLabel]] = []
        self._build()

    def show_study(self, study: EyeStudy) -> None:
        """Show the last two valid examinations."""
        exams = study.valid_exams
        latest = exams[-1] if exams else None
        before = exams[-2] if len(exams) > 1 else None
        self._show_heads(latest, before)
        for row, line in enumerate(self._lines):
            shown = [line.text(eye) for exam in (latest, before) for eye in _eyes(exam)]
            change = self._change(study, latest, before, name=line.name)
            for cell, text in zip(self._cells[row + _HEADS][1:], [*shown, change], strict=True):
                cell.setText(text)
            known = any(text != self._values.unknown for text in shown)
            for cell in self._cells[row + _HEADS]:
                cell.setVisible(known)
        self._derived.show_exam(study, latest)
        self._conditions.setText(self._condition_text(study, latest, before))

    def _build(self) -> None:
        self._grid.setContentsMargins(12, 8, 12, 8)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        labels = ["", "", *(line.label for line in self._lines)]
        for row, label in enumerate(labels):
            self._cells.append([self._cell(row, column) for column in range(_COLUMNS)])
            self._cells[row][0].setText(label)
        for column, text in enumerate((self.tr("右"), self.tr("左"), self.tr("右"), self.tr("左"), self.tr("变化")), 1):
            self._cells[1][column].setText(text)
        self._conditions.setProperty("role", "small")
        self._grid.addWidget(self._derived, len(labels), 0, 1, _COLUMNS)
        self._grid.addWidget(self._conditions, len(labels) + 1, 0, 1, _COLUMNS)
        self._grid.setRowStretch(len(labels) + 2, 1)
        self._grid.setColumnStretch(_COLUMNS - 1, 1)

    def _cell(self, row: int, column: int) -> QLabel:
        cell = QLabel()
        emphasis = "title" if column in (1, 2) and row else "small" if column in (0, 5) or row < _HEADS else "muted"
        cell.setProperty("role", emphasis)
        outer = column in (0, _COLUMNS - 1) or row == 0
        side = Qt.AlignmentFlag.AlignLeft if outer else Qt.AlignmentFlag.AlignRight
        cell.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        if row == 0 and column in (1, 3):
            self._grid.addWidget(cell, row, column, 1, 2)
        elif row or column == 0:
            self._grid.addWidget(cell, row, column)
        else:
            cell.hide()
            cell.setParent(self)
        return cell

    def _show_heads(self, latest: ExamRecord | None, before: ExamRecord | None) -> None:
        self._cells[0][0].setText(self.tr("检查"))
        self._cells[0][1].setText(self._words.day(latest.examined_on) if latest else self.tr("还没有检查"))
        self._cells[0][3].setText(self._words.day(before.examined_on) if before else "")

    def _condition_text(self, study: EyeStudy, latest: ExamRecord | None, before: ExamRecord | None) -> str:
        if latest is None:
            return ""
        told = self.condition(latest)
        if before is None or all(study.comparable(latest, before, eye=eye) for eye in Eye):
            return told
        if _worn(study, latest) or _worn(study, before):
            return self.tr("{told}。戴角塑时的度数是治疗效果，不与上次比较").format(told=told)
        return self.tr("{told}；与上次（{before}）的屈光条件不同，不比较度数").format(
            told=told, before=self.condition(before)
        )

    def condition(self, exam: ExamRecord) -> str:
        """Under which conditions an examination was made: what decides whether it may be compared."""
        parts = [self._words.cycloplegia(exam.cycloplegic), self._words.method(exam.method)]
        return " · ".join([*parts, self._words.lens_state(exam.lens_state)])

    def _change(self, study: EyeStudy, latest: ExamRecord | None, before: ExamRecord | None, *, name: str) -> str:
        """Both eyes' changes of axial length and comparable refraction; nothing else may be told as a change."""
        if latest is None or before is None or name not in ("se", "axial_length_mm"):
            return ""
        told = [
            self._eye_change(latest, before, eye=eye, name=name)
            for eye in Eye
            if name == "axial_length_mm" or study.comparable(latest, before, eye=eye)
        ]
        return " ".join(text for text in told if text)

    def _eye_change(self, latest: ExamRecord, before: ExamRecord, *, eye: Eye, name: str) -> str:
        new, old = (_value(_eyes(exam)[0 if eye is Eye.OD else 1], name) for exam in (latest, before))
        if new is None or old is None:
            return ""
        side = self.tr("右 {change}") if eye is Eye.OD else self.tr("左 {change}")
        return side.format(change=self._words.diopters(new - old))


def _worn(study: EyeStudy, exam: ExamRecord) -> bool:
    return any(reading.worn for reading in study.readings if reading.exam_id == exam.id)


def _eyes(exam: ExamRecord | None) -> tuple[EyeRow | None, EyeRow | None]:
    return (None, None) if exam is None else (exam.od, exam.os)


def _value(eye: EyeRow | None, name: str) -> Decimal | None:
    return equivalent(eye) if name == "se" else None if eye is None else eye.axial_length_mm
