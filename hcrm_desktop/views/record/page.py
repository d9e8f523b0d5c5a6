"""客户档案: a page that answers one question, is this eye growing too fast, and then shows what it rests on."""

from functools import partial
from pathlib import Path
from uuid import UUID

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from hcrm_core.source import SourceKind
from hcrm_core.terms import Role
from hcrm_core.wire import Json
from hcrm_desktop.cache.rows import Changes, CustomerForm, ExamRow, SignedIn, TimelineEntry
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.display.strip import DisplayStrip
from hcrm_desktop.views.record.contested import ContestedStrip
from hcrm_desktop.views.record.curves import Curves
from hcrm_desktop.views.record.header import RecordHeader
from hcrm_desktop.views.record.latest import LatestSlip
from hcrm_desktop.views.record.segments import SegmentsTab
from hcrm_desktop.views.record.study import RecordStudy, read_study
from hcrm_desktop.views.record.tables import RecordTabs
from hcrm_desktop.views.record.timeline import Timeline
from hcrm_desktop.views.record.verdict_card import VerdictCard
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.words import Words

SLIP_WIDTHS = (352, 384)
CONCERNS = frozenset(
    {"customer", "guardian", "family", "exam", "eye_measurement", "lens_order", "follow_up", "visit", "task"}
    | {"membership", "segment", "recheck_plan", "lead", "medication", "staff", "site", "sop", "field_change"}
)


class RecordPage(QWidget):
    """One customer.

    Signals:
        customer_requested: a brother or sister, by id.
        back_requested: where the person came from.
        report_requested: the parents' report of a customer, by id.
        recorded: something was entered, in words; it can still be undone.
        said: something was entered that is changed by entering it anew, not by undoing.
    """

    customer_requested = Signal(object)
    back_requested = Signal()
    report_requested = Signal(object)
    recorded = Signal(str)
    said = Signal(str)

    def __init__(
        self, tasks: Tasks, theme: Theme, person: SignedIn, *, words: Words, folder: Path | None = None
    ) -> None:
        super().__init__()
        self._tasks, self._theme, self._person, self._words = tasks, theme, person, words
        self._customer_id: UUID | None = None
        self._study: RecordStudy | None = None
        self._curves = Curves(tasks, theme, words, folder=folder)
        self._dialog: QDialog | None = None
        self._stale = False  # something changed while the page was hidden
        self._header = RecordHeader(theme, words, person.role)
        self._verdict = VerdictCard(words)
        self._slip = LatestSlip(words)
        self._strip = ContestedStrip(words, person.role)
        self.display = DisplayStrip(words, folder=folder)
        self._tabs = RecordTabs(theme, words, person.role)
        self._timeline = Timeline(tasks, theme, words)
        self._tabs.addTab(self._timeline, self.tr("时间轴"))
        self._segments = SegmentsTab(tasks, theme, words, person.role)
        self._tabs.addTab(self._segments, self.tr("所在客群"))
        nobody = EmptyState(
            theme, self.tr("还没有选择客户"), self.tr("按 Ctrl+K 搜索，或从任务、客户列表按 Enter 打开。")
        )
        self._states = StateStack(theme, self._scrolling(self._build_content()), nobody)
        self._build()
        self._connect()

    def show_customer(self, customer_id: UUID) -> None:
        """Read and show a customer's record."""
        if customer_id != self._customer_id:
            self.display.leave()
        self._customer_id = customer_id
        self._states.show_loading()
        self._read()

    def prepare(self) -> None:
        """Make the charts before anybody asks for a record."""
        self._curves.prepare()

    def study(self) -> RecordStudy | None:
        """What is shown."""
        return self._study

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(self._states)
        self._states.show_empty()

    def _scrolling(self, content: QWidget) -> QScrollArea:
        """On a window too low for everything the page scrolls."""
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(content)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _build_content(self) -> QWidget:
        content = QWidget()
        curves = QFrame()
        curves.setProperty("role", "card")
        QVBoxLayout(curves).addWidget(self._curves)
        self._slip.setMinimumWidth(SLIP_WIDTHS[0])
        self._slip.setMaximumWidth(SLIP_WIDTHS[1])
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self._verdict)
        left.addWidget(curves, 1)
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addLayout(left, 3)
        middle.addWidget(self._slip, 1)
        tabs = QFrame()
        tabs.setProperty("role", "card")
        inside = QVBoxLayout(tabs)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self._tabs)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._header)
        column.addWidget(self.display)
        column.addWidget(self._strip)
        column.addLayout(middle, 3)
        column.addWidget(tabs, 2)
        return content

    def _connect(self) -> None:
        self._header.back_requested.connect(self.back_requested)
        self._header.customer_requested.connect(self.customer_requested)
        self._header.exam_requested.connect(self._on_exam_requested)
        self._header.follow_up_requested.connect(self._on_follow_up_requested)
        self._header.edit_requested.connect(self._on_edit_requested)
        self._header.report_requested.connect(self._on_report_requested)
        self._header.display_requested.connect(self._on_display_requested)
        self._header.share_requested.connect(self._on_share_requested)
        self._header.medication_requested.connect(self._on_medication_requested)
        self._strip.pick_requested.connect(self._on_pick_requested)
        self._tabs.correct_requested.connect(self._on_correct_requested)
        self._tabs.void_requested.connect(self._on_void_requested)
        self._tabs.history_requested.connect(self._on_history_requested)
        self._tabs.source_requested.connect(self._on_source_requested)
        self._timeline.source_requested.connect(self._on_source_requested)
        self._timeline.opened.connect(self._on_entry_opened)
        self._curves.said.connect(self.said)
        self._curves.reference_changed.connect(self._read)
        self._curves.pointed.connect(self.display.point)
        self._states.retry_requested.connect(self._read)
        self._tasks.data_changed.connect(self._on_data_changed)
        for keys, slot in (
            ("E", self._on_exam_requested),
            ("F", self._on_follow_up_requested),
            ("P", self._on_pick_requested),
            ("M", self._on_medication_requested),
            ("H", self._tabs.ask_history),
            ("Ctrl+I", self._on_edit_requested),
            ("T", self._on_share_requested),
            ("F9", self._on_display_requested),
            ("F8", self.display.leave),
            ("Ctrl+P", self._on_report_requested),
            ("Esc", self.back_requested.emit),
        ):
            on_key(self, keys, slot, children=True)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _read(self) -> None:
        self._stale = False
        if self._customer_id is not None:
            today = self._tasks.today()
            self._tasks.query(
                self, read_study, self._customer_id, today=today, done=self._on_read, failed=self._on_read_failed
            )

    @Slot(object)
    def _on_read(self, study: RecordStudy | None) -> None:
        if study is None:
            self._study = None
            hint = self.tr("可能已转给同事，或不在您的名下。按 Esc 返回。")
            self._states.show_empty(self.tr("这位客户已不在本机"), hint)
        elif study.record.header.id == self._customer_id:  # a later choice may have overtaken this answer
            self._show(study)

    def _show(self, study: RecordStudy) -> None:
        self._study = study
        self._header.show_record(study.record, study.eyes.today)
        self._verdict.show_study(study.eyes)
        self._slip.show_study(study.eyes)
        self._strip.show_disputes(study.contested)
        self._tabs.show_study(study)
        self._timeline.show_customer(study.record.header.id)
        self._segments.show_segments(study.record.header.id, study.record.segments)
        self._curves.show_study(study.eyes)
        self._states.show_content()

    @Slot(object)
    def _on_read_failed(self, error: Exception) -> None:
        self._states.show_error(error)

    @Slot(object)
    def _on_data_changed(self, changes: Changes) -> None:
        if self._customer_id is not None and changes.kinds & CONCERNS:
            self._stale = True
            if self.isVisible():
                self._read()

    # ── entering ─────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_exam_requested(self) -> None:
        """Open the slip, with what was left unfinished."""
        from hcrm_desktop.cache.queries import draft
        from hcrm_desktop.views.exam_entry.slip import draft_key

        if self._study is not None and self._person.role is Role.OPTOMETRIST and self._dialog is None:
            self._tasks.query(self, draft, draft_key(self._study.record), done=self._on_draft_read)

    @Slot()
    def _on_medication_requested(self) -> None:
        from hcrm_desktop.views.record.medication import MedicationDialog

        if self._study is None or self._person.role is not Role.OPTOMETRIST or self._dialog is not None:
            return
        dialog = MedicationDialog(self._tasks, self._words, self._study.record, parent=self.window())
        dialog.recorded.connect(self._on_medication_recorded)
        self._open(dialog)

    @Slot()
    def _on_medication_recorded(self) -> None:
        self.recorded.emit(self.tr("用药已保存在本机，稍后自动上传"))

    @Slot(object)
    def _on_draft_read(self, draft: Json | None) -> None:
        from hcrm_desktop.views.exam_entry.slip import ExamSlip

        if self._study is None or self._dialog is not None:
            return
        slip = ExamSlip(self._tasks, self._theme, self._words, self._study, draft=draft, parent=self.window())
        slip.recorded.connect(self._on_exam_recorded)
        self._open(slip)

    @Slot()
    def _on_follow_up_requested(self) -> None:
        from hcrm_desktop.views.record.follow_up import FollowUpDialog

        if self._study is None or self._dialog is not None:
            return
        head = self._study.record.header
        dialog = FollowUpDialog(self._tasks, self._words, head.id, name=head.name, parent=self.window())
        dialog.recorded.connect(self._on_follow_up_recorded)
        self._open(dialog)

    @Slot()
    def _on_edit_requested(self) -> None:
        from hcrm_desktop.views.customer_edit import read_form

        if self._study is not None and self._dialog is None:
            self._tasks.query(self, read_form, self._study.record.header.id, done=self._on_form_read)

    @Slot(object)
    def _on_form_read(self, form: CustomerForm | None) -> None:
        from hcrm_desktop.views.customer_edit import CustomerEdit

        if form is None or self._dialog is not None:
            return
        dialog = CustomerEdit(self._tasks, self._words, form, role=self._person.role, parent=self.window())
        dialog.recorded.connect(self._on_edit_recorded)
        self._open(dialog)

    @Slot()
    def _on_report_requested(self) -> None:
        if self._study is not None and self._dialog is None:
            self.report_requested.emit(self._study.record.header.id)

    @Slot()
    def _on_share_requested(self) -> None:
        """Ask the centre to open this child's page to a tablet."""
        from hcrm_desktop.views.record.share import ShareDialog

        if self._study is None or self._dialog is not None:
            return
        head = self._study.record.header
        self._open(ShareDialog(self._tasks, head.id, name=head.name, parent=self.window()))

    @Slot()
    def _on_pick_requested(self) -> None:
        from hcrm_desktop.views.record.contested import PickDialog

        shown = self._study
        if shown is None or not shown.contested or self._person.role is not Role.OPTOMETRIST or self._dialog:
            return
        head = shown.record.header
        dialog = PickDialog(self._tasks, self._words, shown.contested[0], customer_id=head.id, parent=self.window())
        dialog.recorded.connect(self._on_pick_recorded)
        self._open(dialog)

    @Slot(object)
    def _on_correct_requested(self, exam: ExamRow) -> None:
        """Open the slip with what was recorded, or with what was left unfinished of correcting it."""
        from hcrm_desktop.cache.queries import draft
        from hcrm_desktop.views.exam_entry.correction import correction_key

        if self._study is not None and self._dialog is None:
            key = correction_key(self._study.record.header.id, exam_id=exam.id)
            self._tasks.query(self, draft, key, done=partial(self._on_correction_read, exam))

    def _on_correction_read(self, exam: ExamRow, draft: Json | None) -> None:
        from hcrm_desktop.views.exam_entry.correction import ExamCorrection

        if self._study is None or self._dialog is not None:
            return
        slip = ExamCorrection(
            self._tasks, self._theme, self._words, self._study, exam, draft=draft, parent=self.window()
        )
        slip.recorded.connect(self._on_exam_recorded)
        self._open(slip)

    @Slot(object)
    def _on_void_requested(self, exam: ExamRow) -> None:
        from hcrm_desktop.views.record.void import VoidDialog

        if self._study is None or self._dialog is not None:
            return
        customer_id = self._study.record.header.id
        dialog = VoidDialog(self._tasks, self._words, exam, customer_id=customer_id, parent=self.window())
        dialog.recorded.connect(self._on_void_recorded)
        self._open(dialog)

    @Slot(object)
    def _on_history_requested(self, exam: ExamRow) -> None:
        self._show_versions(exam.id)

    @Slot(object)
    def _on_entry_opened(self, entry: TimelineEntry) -> None:
        """An examination, or the correction of one, in all its versions; anything else in its own tab."""
        if self._study is not None and any(exam.id == entry.id for exam in self._study.record.exams):
            self._show_versions(entry.id)
        else:
            self._tabs.reveal(entry)

    @Slot(object, object)
    def _on_source_requested(self, kind: SourceKind, row_id: UUID) -> None:
        from hcrm_desktop.views.record.source import SourceDialog

        if self._study is not None and self._dialog is None:
            self._open(SourceDialog(self._tasks, self._theme, self._words, kind, row_id, parent=self.window()))

    def _show_versions(self, exam_id: UUID) -> None:
        from hcrm_desktop.views.record.versions import VersionsDialog, versions_of

        if self._study is None or self._dialog is not None:
            return
        versions = versions_of(self._study.record.exams, exam_id=exam_id)
        self._open(VersionsDialog(self._words, versions, changes=self._study.changes, parent=self.window()))

    def _open(self, dialog: QDialog) -> None:
        """One at a time, over this window only."""
        self._dialog = dialog
        dialog.finished.connect(self._on_dialog_finished)
        dialog.open()

    @Slot()
    def _on_dialog_finished(self) -> None:
        self._dialog = None

    @Slot()
    def _on_display_requested(self) -> None:
        """Show this child, and nobody else, on the display."""
        if self._study is not None and self._study.record.header.id == self._customer_id and self._dialog is None:
            self.display.present(self._study)

    @Slot()
    def _on_exam_recorded(self) -> None:
        self.recorded.emit(self.tr("检查已保存在本机，稍后自动上传"))

    @Slot()
    def _on_follow_up_recorded(self) -> None:
        self.recorded.emit(self.tr("跟进已保存在本机，稍后自动上传"))

    @Slot()
    def _on_edit_recorded(self) -> None:
        self.said.emit(self.tr("资料已改，保存在本机，稍后自动上传"))

    @Slot()
    def _on_pick_recorded(self) -> None:
        self.said.emit(self.tr("裁定已保存在本机，稍后自动上传"))

    @Slot()
    def _on_void_recorded(self) -> None:
        self.said.emit(self.tr("检查已作废，稍后自动上传"))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._read()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.display.leave()
