"""更正检查: the slip, filled with what was recorded; what is saved is another examination that takes its place."""

import dataclasses
from decimal import Decimal
from uuid import UUID

from PySide6.QtWidgets import QLineEdit, QWidget

from hcrm_core.eye.keying import PARSERS
from hcrm_core.wire import Json
from hcrm_desktop.cache.rows import ExamEntry, ExamRow, EyeRow
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.exam_entry.reading import Conditions, SlipReading, changed_places
from hcrm_desktop.views.exam_entry.slip import ExamSlip
from hcrm_desktop.views.exam_entry.state_row import to_json
from hcrm_desktop.views.record.study import RecordStudy, study
from hcrm_desktop.views.words import Words

_SIGNED = frozenset({"sphere", "cylinder"})  # written with their sign, or the slip asks about it


class ExamCorrection(ExamSlip):
    """Corrects one examination. The former one stays readable."""

    def __init__(
        self,
        tasks: Tasks,
        theme: Theme,
        words: Words,
        shown: RecordStudy,
        exam: ExamRow,
        *,
        draft: Json | None,
        parent: QWidget,
    ) -> None:
        self._exam = exam
        self._reason = QLineEdit(maxLength=400)
        others = tuple(one for one in shown.record.exams if one.id != exam.id)
        without = study(dataclasses.replace(shown.record, exams=others), today=shown.eyes.today)
        self._recorded = recorded_conditions(exam)
        super().__init__(tasks, theme, words, without, draft=draft or as_draft(exam), parent=parent)
        day = words.day(exam.examined_on)
        self.setWindowTitle(self.tr("更正检查 {day} · {name}").format(day=day, name=shown.record.header.name))
        if draft is None:
            self._say(self.tr("改好数值，写明原因再保存。"), role="muted")

    def _asides(self) -> list[QWidget]:
        self._reason.setPlaceholderText(self.tr("更正原因（必填）：例如看错读数、左右眼颠倒"))
        self._reason.setAccessibleName(self.tr("更正原因"))
        return [self._reason]

    def _begin(self, draft: Json | None) -> None:
        self._grid.compare_with(self._exam)
        super()._begin(draft)

    def _show_reading(self, reading: SlipReading) -> None:
        super()._show_reading(reading)
        self._save.setText(self.tr("保存更正（改动 {n} 处）Ctrl+S").format(n=self._changes(reading)))

    def _changes(self, reading: SlipReading) -> int:
        """In how many places the slip says something else than what was recorded."""
        conditions = self._state.conditions()
        other = [
            one.name
            for one in dataclasses.fields(Conditions)
            if getattr(conditions, one.name) != getattr(self._recorded, one.name)
        ]
        return len(changed_places(reading.eyes, recorded=self._exam)) + len(other)

    def _draft_key(self) -> str:
        return correction_key(self._shown.record.header.id, exam_id=self._exam.id)

    def _entry(self, reading: SlipReading) -> ExamEntry:
        entry, reason = super()._entry(reading), self._reason.text().strip()
        return dataclasses.replace(entry, note=self._exam.note, supersedes_id=self._exam.id, amend_reason=reason)

    def _refuse(self, reading: SlipReading) -> bool:
        if super()._refuse(reading):
            return True
        if not self._changes(reading):
            self._say(self.tr("没有改动，不用更正。"), role="danger")
            return True
        unexplained = not self._reason.text().strip()
        if unexplained:
            self._say(self.tr("请写更正原因，它会留在历史里。"), role="danger")
            self._reason.setFocus()
        return unexplained


def correction_key(customer_id: UUID, *, exam_id: UUID) -> str:
    """Under which name the outbox keeps the draft of a correction."""
    return f"exam:{customer_id}:{exam_id}"


def recorded_conditions(exam: ExamRow) -> Conditions:
    """Under which an examination was recorded."""
    return Conditions(
        examined_on=exam.examined_on,
        cycloplegic=exam.cycloplegic,
        method=exam.method,
        lens_state=exam.lens_state,
        washout_days=exam.washout_days,
        device=exam.device,
    )


def as_draft(exam: ExamRow) -> Json:
    """An examination as the draft of a slip that would record it."""
    texts = [
        [eye.eye.value, name, _text(eye, name)]
        for eye in (exam.od, exam.os)
        if eye is not None
        for name in PARSERS
        if getattr(eye, name) is not None
    ]
    return {"conditions": to_json(recorded_conditions(exam)), "texts": texts}


def _text(eye: EyeRow, name: str) -> str:
    value: Decimal | int = getattr(eye, name)
    return f"{value:+}" if name in _SIGNED and value else str(value)
