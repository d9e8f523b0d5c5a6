"""录入检查: the slip. Nothing pops up; problems stand beside their fields, and the curve redraws as one types."""

import dataclasses
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.errors import Severity
from hcrm_core.study import EyeStudy
from hcrm_core.terms import ExamStatus, Eye, LensState, ProductKind, RefractionMethod, Source
from hcrm_core.wire import Json
from hcrm_desktop.cache.rows import CustomerRecord, ExamEntry, ExamRow
from hcrm_desktop.charts.eye_chart import EyeChart
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme, set_property
from hcrm_desktop.views.exam_entry.doubts import DoubtPanel
from hcrm_desktop.views.exam_entry.flow import Flow
from hcrm_desktop.views.exam_entry.grid import SlipGrid
from hcrm_desktop.views.exam_entry.reading import Conditions, SlipReading, entry_of, read_slip
from hcrm_desktop.views.exam_entry.remarks import Remarks
from hcrm_desktop.views.exam_entry.state_row import StateRow, from_json, to_json
from hcrm_desktop.views.exam_entry.steps import Steps
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.record.chart_words import CurveWords
from hcrm_desktop.views.record.study import RecordStudy, study
from hcrm_desktop.views.record.verdict_words import VerdictWords
from hcrm_desktop.views.record.worn import worn_now
from hcrm_desktop.views.words import Words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PAUSE_MS = 300  # after the last key: then the curve is drawn and the draft is kept
PROVISIONAL = UUID(int=0)  # the examination on the slip, before it has an id
_WORN = {
    ProductKind.OK_LENS: LensState.OK_LENS,
    ProductKind.SINGLE_VISION: LensState.SPECTACLES,
    ProductKind.FUNCTIONAL: LensState.SPECTACLES,
}


class ExamSlip(QDialog):
    """Enters one examination of one customer.

    Signals:
        recorded: the examination is safe on this computer.
    """

    recorded = Signal()

    def __init__(
        self, tasks: Tasks, theme: Theme, words: Words, shown: RecordStudy, *, draft: Json | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._tasks, self._words, self._shown, self._saving = tasks, words, shown, False
        self._previous = shown.eyes.valid_exams[-1] if shown.eyes.valid_exams else None
        self._state, self._grid = StateRow(words), SlipGrid(words)
        self._doubts = DoubtPanel(self._grid.told)
        self._comparable = False  # refraction with the last one's, by the definition of growth
        self._remarks, self._verdicts = Remarks(words), VerdictWords(words)
        self._chart = EyeChart(theme, CurveWords(words).axial_length())
        self._sentence, self._message, self._day_problem = (QLabel(wordWrap=True) for _ in range(3))
        self._save = QPushButton(self.tr("保存 Ctrl+S"))
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self.setWindowTitle(self.tr("录入检查 · {name}").format(name=shown.record.header.name))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build()
        self._begin(draft)
        self._connect()
        self._on_previewed(shown.eyes)

    def reading(self) -> SlipReading:
        """What the slip says now."""
        record = self._shown.record
        return read_slip(
            self._grid.texts(),
            self._state.conditions(),
            head=record.header,
            previous=self._previous,
            today=self._shown.eyes.today,
        )

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self._save.setProperty("kind", "primary")
        self._day_problem.setProperty("role", "danger")
        give_up = QPushButton(self.tr("关闭 Esc（草稿保留）"))
        empty = QPushButton(self.tr("清空"))
        give_up.clicked.connect(self.reject)
        empty.clicked.connect(self._on_empty_clicked)
        exchange = QPushButton(self.tr("交换左右 Alt+X"))
        exchange.clicked.connect(self._grid.exchange)
        for button in (give_up, empty, exchange, self._save):
            button.setAutoDefault(False)
        body = QHBoxLayout()
        body.setSpacing(12)
        body.addWidget(self._card(self._grid), 1)
        body.addWidget(self._card(self._chart, self._sentence))
        foot = QHBoxLayout()
        foot.addWidget(self._message, 1)
        for button in (exchange, empty, give_up, self._save):
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(self._card(self._state, self._day_problem))
        column.addLayout(body, 1)
        for widget in (*self._asides(), self._doubts):
            column.addWidget(widget)
        column.addLayout(foot)
        self._chart.setFixedWidth(340)
        steps = Steps([*self._state.fields(), *self._grid.fields(), self._save], self)
        self._flow = Flow(steps, self._grid, self)
        self.resize(1280, 640)

    def _asides(self) -> list[QWidget]:
        """What stands between the slip and its buttons."""
        return []

    def _card(self, *widgets: QWidget) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        column = QVBoxLayout(card)
        column.setContentsMargins(12, 8, 12, 8)
        for number, widget in enumerate(widgets):
            column.addWidget(widget, 0 if number else 1)
        return card

    def _begin(self, draft: Json | None) -> None:
        self._state.set_conditions(self._usual() if draft is None else from_json(draft["conditions"]))
        if draft is not None:
            self._grid.set_texts({(Eye(eye), name): text for eye, name, text in draft["texts"]})
            self._message.setText(self.tr("已恢复上次没保存的录入。"))
        self._grid.show_previous(self._previous)
        self._state.first_field().setFocus()

    def _usual(self) -> Conditions:
        """Today, the last machine, and what is worn; whether drops were given is never assumed."""
        return Conditions(
            examined_on=self._shown.eyes.today,
            cycloplegic=None,
            method=self._previous.method if self._previous else RefractionMethod.AUTOREFRACTION,
            lens_state=self._usual_lens(),
            washout_days=None,
            device=self._previous.device if self._previous else "",
        )

    def _usual_lens(self) -> LensState:
        """What was dispensed; if nothing was, what was worn last time. One who stopped an OK lens is asked again."""
        worn = {worn_now(self._shown.record.orders, eye) for eye in Eye} - {None}
        states = {_WORN[order.product] for order in worn if order is not None}
        if len(states) == 1:
            return states.pop()
        last = self._previous.lens_state if self._previous else LensState.UNKNOWN
        return LensState.UNKNOWN if states or last is LensState.OK_WASHOUT else last

    def _connect(self) -> None:
        self._state.edited.connect(self._on_edited)
        self._state.picked.connect(self._on_picked)
        self._grid.edited.connect(self._on_edited)
        self._pause.timeout.connect(self._on_pause_timeout)
        self._save.clicked.connect(self.save)
        save = QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self, self.save)
        save.setAutoRepeat(False)  # a held key is no second answer
        QShortcut(QKeySequence("Alt+X"), self, self._grid.exchange)

    @Slot(object)
    def _on_picked(self, following: QWidget | None) -> None:
        """What stands as last time is passed over."""
        self._flow.arrive(following or self._grid.fields()[0])

    # ── while typing ─────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_edited(self) -> None:
        self._check()
        self._pause.start()

    def _check(self) -> None:
        self._show_reading(self.reading())

    def _show_reading(self, reading: SlipReading) -> None:
        self._grid.show_reading(reading, comparable=self._comparable)
        self._doubts.keep(reading.doubts)
        wrong = [self._remarks.sentence(problem) for problem in reading.problems if problem.field == "examined_on"]
        self._day_problem.setText(self.tr("；").join(wrong))
        self._day_problem.setVisible(bool(wrong))

    def _say(self, text: str, *, role: str) -> None:
        self._message.setText(text)
        set_property(self._message, "role", role)

    @Slot()
    def _on_pause_timeout(self) -> None:
        self._keep_draft()
        reading = self.reading()
        if reading.eyes and not reading.refused:
            entry = self._entry(reading)
            self._tasks.query(
                self, preview, self._shown.record, entry, today=self._shown.eyes.today, done=self._on_previewed
            )

    @Slot(object)
    def _on_previewed(self, previewed: EyeStudy) -> None:
        self._chart.show_picture(previewed.axial.projected(None))
        self._sentence.setText(self._verdicts.sentence(previewed))
        before = self._previous
        entered = next((exam for exam in previewed.valid_exams if exam.id == PROVISIONAL), None)
        self._comparable = (
            entered is not None
            and before is not None
            and any(previewed.comparable(entered, before, eye=eye) for eye in Eye)
        )
        self._check()

    # ── draft ────────────────────────────────────────────────────────────────────────────────────────────

    def _keep_draft(self) -> None:
        from hcrm_desktop.cache.commands import save_draft

        texts = [[eye.value, name, text] for (eye, name), text in self._grid.texts().items() if text.strip()]
        if texts and not self._saving:
            body = {"conditions": to_json(self._state.conditions()), "texts": texts}
            self._tasks.command(self, save_draft, key=self._draft_key(), body=body)

    def _drop_draft(self) -> None:
        from hcrm_desktop.cache.commands import drop_draft

        self._pause.stop()
        self._tasks.command(self, drop_draft, key=self._draft_key())

    def _draft_key(self) -> str:
        return draft_key(self._shown.record)

    @Slot()
    def _on_empty_clicked(self) -> None:
        self._grid.set_texts({})
        self._state.set_conditions(self._usual())
        self._drop_draft()
        self._on_previewed(self._shown.eyes)
        self._state.first_field().setFocus()

    # ── saving ───────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def save(self) -> None:
        """Record the examination, or go to the first field that cannot be kept."""
        from hcrm_desktop.cache.commands import record_exam

        reading = self.reading()
        if self._saving or self._refuse(reading) or self._asks(reading):
            return
        self._saving = True
        self._save.setEnabled(False)
        self._tasks.command(
            self, record_exam, entry=self._entry(reading), done=self._on_recorded, failed=self._on_record_failed
        )

    def _entry(self, reading: SlipReading) -> ExamEntry:
        return entry_of(reading, self._state.conditions(), head=self._shown.record.header)

    def _refuse(self, reading: SlipReading) -> bool:
        """Say why a slip cannot be saved."""
        wrong = [problem for problem in reading.problems if problem.severity is Severity.ERROR]
        if wrong:
            self._say(self.tr("有 {n} 处不能保存，请改正标红的格。").format(n=len(wrong)), role="danger")
            (self._grid.field(wrong[0].field) or self._state.day_field()).setFocus()
        elif not reading.eyes:
            self._say(self.tr("至少填写一只眼的一项数值。"), role="danger")
            self._grid.fields()[0].setFocus()
        return bool(wrong) or not reading.eyes

    def _asks(self, reading: SlipReading) -> bool:
        """Ask about what is unusual, and go to the first of it."""
        if self._doubts.is_confirmed(reading.doubts):
            return False
        self._say("", role="muted")
        field = self._grid.field(reading.doubts[0].field)
        if field is not None:
            field.setFocus()
            field.selectAll()
        return True

    @Slot(object)
    def _on_recorded(self, _: object) -> None:
        self._drop_draft()
        self.recorded.emit()
        self.accept()

    @Slot(object)
    def _on_record_failed(self, error: Exception) -> None:
        self._saving = False
        self._save.setEnabled(True)
        self._say(Failures(self).sentence(error), role="danger")

    def event(self, event: QEvent) -> bool:
        """Qt lets a window grow to the least height of its labels, not to the lines that they wrap into."""
        layout = self.layout() if event.type() is QEvent.Type.LayoutRequest else None
        handled = super().event(event)
        if layout is not None:
            self.resize(self.width(), max(self.height(), layout.totalHeightForWidth(self.width())))
        return handled

    def reject(self) -> None:
        """Close; what was typed stays as a draft."""
        if self._pause.isActive():
            self._pause.stop()
            self._keep_draft()
        super().reject()


def preview(_: "Session", record: CustomerRecord, entry: ExamEntry, *, today: date) -> EyeStudy:
    """The record as it would be with the examination on the slip. Runs in a reader."""
    exam = ExamRow(
        id=PROVISIONAL,
        examined_on=entry.examined_on,
        method=entry.method,
        cycloplegic=entry.cycloplegic,
        lens_state=entry.lens_state,
        washout_days=entry.washout_days,
        device=entry.device,
        note="",
        examiner_name="",
        source=Source.WORKSTATION,
        status=ExamStatus.FINAL,
        od=entry.od,
        os=entry.os,
    )
    exams = sorted((*record.exams, exam), key=lambda one: one.examined_on)
    return study(dataclasses.replace(record, exams=tuple(exams)), today=today).eyes


def draft_key(record: CustomerRecord) -> str:
    """Under which name the outbox keeps the draft of a customer's slip."""
    return f"exam:{record.header.id}"
