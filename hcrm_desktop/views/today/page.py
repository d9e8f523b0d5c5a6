"""今日任务: who next, why, what to say, what happened; then the next one. All of it by keyboard."""

from datetime import date
from functools import partial
from uuid import UUID

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.tasks import CLOSED
from hcrm_core.terms import Outcome, Role
from hcrm_desktop.cache.rows import Changes, DueItem, TaskCase, TaskFilter, TaskRow
from hcrm_desktop.models.contact import offered_by
from hcrm_desktop.models.task_list import TaskListModel, TodayRead, read_more, read_today
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.today.case import CasePanel
from hcrm_desktop.views.today.lines import TaskLine
from hcrm_desktop.views.today.outcomes import OutcomeBar
from hcrm_desktop.views.today.recording import Contact, Recording
from hcrm_desktop.views.widgets.flow import FlowLayout
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.states import EmptyState, StateStack

CONCERNS = frozenset({"task", "follow_up", "customer", "guardian", "sop", "lens_order", "exam"})
PAUSE_MS = 150  # changes and keys that come close together are read once
CASE_WIDTH = (500, 860)  # narrower cuts the outcome keys, wider makes lines too long to read

TICK_KEYS = 9
BREATH_MS = 1000  # as cache.commands.DOUBLE_PRESS
ESCALATED = "escalated?"  # among the chips; no SOP's key


class TodayPage(QWidget):
    """The page.

    Signals:
        customer_requested: open this customer's record.
        recorded: what was done, for the toast; it can be undone.
        said: a word for the toast.
    """

    customer_requested = Signal(object)
    recorded = Signal(str)
    said = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._failures = desk, Failures(self)
        self._chosen = TaskFilter()
        self._current: TaskRow | None = None
        self._stale = True
        self._line = TaskLine(desk.theme, desk.words, self)
        self._model = TaskListModel(self._line.describe, self)
        self._act: Outcome | None = None  # what was done last; None: put off
        self._breath = QTimer(self, singleShot=True, interval=BREATH_MS)
        self._begun: tuple[UUID, date] | None = None  # the contact that a note and ticks belong to
        self._case, self._outcomes = CasePanel(desk.theme, desk.words), OutcomeBar(desk.words)
        self._recording = Recording(desk.tasks, desk.words, self)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._chips: dict[str, QPushButton] = {}
        self._chip_row = FlowLayout()
        self._build()
        self._connect()

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 14, 20, 16)
        column.setSpacing(10)
        column.addLayout(self._build_head())
        column.addLayout(self._chip_row)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._build_list(), 1)
        row.addWidget(self._build_case(), 1)
        column.addLayout(row, 1)

    def _build_head(self) -> QVBoxLayout:
        self._title, self._summary, self._progress = QLabel(), QLabel(), QProgressBar(textVisible=False)
        self._title.setProperty("role", "h1")
        self._summary.setProperty("role", "muted")
        self._progress.setFixedWidth(140)
        self._progress.setAccessibleName(self.tr("今日完成进度"))
        self._done = QLabel()
        self._done.setProperty("role", "small")
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self._title)
        row.addStretch(1)
        row.addWidget(self._done)
        row.addWidget(self._progress)
        row.addLayout(self._build_filters())
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self._summary)
        return column

    def _build_filters(self) -> QHBoxLayout:
        self._text = QLineEdit(placeholderText=self.tr("筛选姓名 / 首字母 / 尾号"), clearButtonEnabled=True)
        self._text.setAccessibleName(self.tr("筛选任务"))
        self._text.setFixedWidth(190)
        self._overdue = QCheckBox(self.tr("仅超期"))
        self._closed = QCheckBox(self.tr("含今日已办"))
        row = QHBoxLayout()
        row.setSpacing(12)
        for widget in (self._overdue, self._closed, self._text):
            row.addWidget(widget)
        if self._desk.person.role is Role.MANAGER:
            row.addWidget(self._build_absences())
        return row

    def _build_absences(self) -> QPushButton:
        button = QPushButton(self.tr("请假…"))
        button.setToolTip(self.tr("登记谁不在，把到期的任务交给同事"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self._on_absences_requested)
        return button

    @Slot()
    def _on_absences_requested(self) -> None:
        from hcrm_desktop.views.absences import AbsencesDialog

        AbsencesDialog(self._desk, parent=self.window()).open()

    def _build_list(self) -> QFrame:
        self._list = QListView()
        self._list.setModel(self._model)
        self._list.setItemDelegate(self._line)
        self._list.setUniformItemSizes(True)
        self._list.setMouseTracking(True)
        self._list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._list.setAccessibleName(self.tr("任务列表"))
        empty = EmptyState(self._desk.theme, self.tr("没有待办"), self.tr("今天的任务都办完了；新任务由每日扫描生成。"))
        self._states = StateStack(self._desk.theme, self._list, empty)
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self._states)
        return card

    def _build_case(self) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        card.setMinimumWidth(CASE_WIDTH[0])
        card.setMaximumWidth(CASE_WIDTH[1])
        column = QVBoxLayout(card)
        column.setContentsMargins(1, 1, 1, 12)
        column.addWidget(self._case, 1)
        around = QHBoxLayout()
        around.setContentsMargins(12, 0, 12, 0)
        around.addWidget(self._outcomes)
        column.addLayout(around)
        self._case_card = card
        card.setVisible(False)
        return card

    def _connect(self) -> None:
        tasks = self._desk.tasks
        tasks.data_changed.connect(self._on_data_changed)
        self._pause.timeout.connect(self.reload)
        self._model.page_wanted.connect(self._on_page_wanted)
        self._list.selectionModel().currentChanged.connect(self._on_current_changed)
        self._list.doubleClicked.connect(self._on_open_requested)
        self._states.retry_requested.connect(self.reload)
        self._text.textChanged.connect(self._on_filter_changed)
        self._overdue.toggled.connect(self._on_filter_changed)
        self._closed.toggled.connect(self._on_filter_changed)
        self._case.record_requested.connect(self._on_open_requested)
        self._case.said.connect(self._on_said)
        self._outcomes.outcome_chosen.connect(self._on_outcome_chosen)
        self._outcomes.snooze_chosen.connect(self._on_snooze_chosen)
        self._outcomes.refused.connect(self._on_said)
        self._recording.recorded.connect(self._on_recorded)
        self._recording.refused.connect(self._on_refused)
        self._outcomes.left.connect(self._list.setFocus)
        self._outcomes.add_shortcuts(self._list)
        for key, slot in (("C", self._case.copy_script), ("?", self._case.toggle_why), ("/", self._text.setFocus)):
            QShortcut(QKeySequence(key), self._list, slot)
        for place in range(TICK_KEYS):
            QShortcut(QKeySequence(f"Ctrl+{place + 1}"), self._list, partial(self._case.items.toggle_tick, place))
        # Enter means the record only on the list: in a field it ends typing.
        for key in ("Return", "Enter"):
            on_key(self._list, key, self._on_open_requested)
        self._text.returnPressed.connect(self._list.setFocus)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def reload(self) -> None:
        """Read what the filter chooses, as much as is held now."""
        self._stale = False
        today = self._desk.tasks.today()
        self._line.today = today
        self._states.show_loading()
        limit = max(self._model.held(), 200)
        self._desk.tasks.query(
            self, read_today, today=today, chosen=self._chosen, limit=limit, done=self._on_read, failed=self._on_failed
        )

    @Slot(object)
    def _on_read(self, read: TodayRead) -> None:
        self._show_counts(read)
        kept, place = self._current, self._list.currentIndex().row()
        self._model.replace(read.rows, read.total, today=self._line.today)
        if not read.rows:
            self._leave_case()
            self._states.show_empty(*self._why_empty())
            return
        self._states.show_content()
        found = self._model.place(kept.id) if kept else None
        # The task that stood here was settled: the next one has moved up into its place.
        self._select(found if found is not None else min(max(place, 0), len(read.rows) - 1))

    def _why_empty(self) -> tuple[str, str]:
        if self._chosen != TaskFilter():
            return self.tr("没有符合筛选的任务"), self.tr("换一个筛选条件试试。")
        return self.tr("没有待办"), self.tr("今天的任务都办完了；新任务由每日扫描生成。")

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._states.show_error(error)

    @Slot(int)
    def _on_page_wanted(self, held: int) -> None:
        today = self._desk.tasks.today()
        self._desk.tasks.query(self, read_more, today=today, chosen=self._chosen, offset=held, done=self._model.append)

    @Slot(object)
    def _on_data_changed(self, changes: Changes) -> None:
        if not changes.kinds & CONCERNS:
            return
        self._stale = True
        if self.isVisible():
            self._pause.start()

    def showEvent(self, event: object) -> None:
        self._list.setFocus()
        if self._stale:
            self.reload()

    # ── counts and filters ───────────────────────────────────────────────────────────────────────────────

    def _show_counts(self, read: TodayRead) -> None:
        to_do, done = sum(one.open for one in read.counts), sum(one.done for one in read.counts)
        self._title.setText(self.tr("今日任务 {n}").format(n=to_do))
        sentences = [one.summary.format(n=one.open) for one in read.counts if one.open]
        if read.contacts < to_do:
            sentences.insert(0, self.tr("{n} 次联系、{items} 项").format(n=read.contacts, items=to_do))
        self._summary.setText(" · ".join(sentences[:4]) or self.tr("今天没有待办。"))
        self._summary.setToolTip("\n".join(sentences))
        self._done.setText(self.tr("已办 {done} / {all}").format(done=done, all=to_do + done))
        self._progress.setMaximum(max(1, to_do + done))
        self._progress.setValue(done)
        if self._desk.person.role is Role.MANAGER:
            self._show_chip(ESCALATED, self.tr("已升级 {n}").format(n=read.escalated), shown=bool(read.escalated))
        for one in read.counts:
            text = self.tr("{label} {n}").format(label=one.label, n=one.open)
            self._show_chip(one.sop_key, text, shown=bool(one.open or one.done))

    def _show_chip(self, key: str, text: str, *, shown: bool) -> None:
        chip = self._chips.get(key)
        if chip is None:
            chip = QPushButton()
            chip.setCheckable(True)
            chip.setProperty("kind", "chip")
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            chip.toggled.connect(self._on_filter_changed)
            self._chips[key] = chip
            self._chip_row.addWidget(chip)
        chip.setText(text)
        chip.setVisible(shown or chip.isChecked())

    @Slot()
    def _on_filter_changed(self) -> None:
        checked = [key for key, chip in self._chips.items() if chip.isChecked()]
        self._chosen = TaskFilter(
            sop_keys=tuple(key for key in checked if key != ESCALATED),
            escalated_only=ESCALATED in checked,
            text=self._text.text().strip(),
            overdue_only=self._overdue.isChecked(),
            include_closed=self._closed.isChecked(),
        )
        self._pause.start()

    # ── the case ─────────────────────────────────────────────────────────────────────────────────────────

    def _select(self, place: int) -> None:
        index = self._model.index(place)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self._list.selectionModel().setCurrentIndex(index, flags)
        self._list.scrollTo(index)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, index: QModelIndex, _: QModelIndex) -> None:
        row = self._model.row(index)
        if row is not None:
            self._ask_case(row)

    def _ask_case(self, row: TaskRow) -> None:
        from hcrm_desktop.cache.queries import task_case

        self._current = row
        today = self._desk.tasks.today()
        show = partial(self._on_case, row.id, today)
        self._desk.tasks.query(self, task_case, row.id, today=today, done=show, failed=self._on_failed)

    def _on_case(self, task_id: UUID, today: date, case: TaskCase | None) -> None:
        """The answer may be late: only the case of the line that is chosen now is shown."""
        if case is None or self._current is None or self._current.id != task_id:
            return
        if self._begun != (task_id, today):
            self._begun = (task_id, today)
            self._case.items.begin()
            self._outcomes.prepare(today)
        self._case.show_case(case, today)
        workable = any(one.workable for one in case.items)
        self._outcomes.offer(offered_by(case.items), workable=workable, is_open=case.task.state not in CLOSED)
        self._case_card.show()

    def _leave_case(self) -> None:
        self._current = None
        self._case_card.hide()

    @Slot()
    def _on_open_requested(self) -> None:
        if self._current is not None:
            self.customer_requested.emit(self._current.customer_id)

    # ── outcomes ─────────────────────────────────────────────────────────────────────────────────────────

    def _bounced(self, act: Outcome | None) -> bool:
        """Whether a key was pressed for what was settled a moment ago, not for what is left of it."""
        return self._breath.isActive() and act is self._act

    def _to_record(self, act: Outcome | None) -> list[DueItem]:
        """What is ticked of the contact that is shown; nothing while another one is being read."""
        shown, current = self._case.shown(), self._current
        if current is None or shown is None or shown.id != current.id or shown.state in CLOSED or self._bounced(act):
            return []
        self._act, ticked = act, self._case.items.ticked()
        if not ticked:
            self._on_said(self.tr("请至少勾选一项。"))
        return ticked

    @Slot(object, object)
    def _on_outcome_chosen(self, outcome: Outcome, next_on: date | None) -> None:
        items, bar = self._to_record(outcome), self._outcomes
        if items:
            contact = Contact(outcome=outcome, channel=bar.channel(), note=bar.note(), next_on=next_on)
            self._recording.record(items, contact)

    @Slot(object)
    def _on_snooze_chosen(self, until: date) -> None:
        items = self._to_record(None)
        if items:
            self._recording.put_off(items, until, note=self._outcomes.note())

    @Slot(str, object)
    def _on_recorded(self, text: str, left: tuple[TaskRow, ...]) -> None:
        """What is still to be settled of the same contact stays before the reader."""
        rest = [*left, *(one.task for one in self._case.items.unticked())]
        self._current, self._begun = (rest[0] if rest else self._current), None
        if rest:
            self._breath.start()
        self._list.setFocus()
        self.recorded.emit(text)

    @Slot(object)
    def _on_refused(self, error: Exception) -> None:
        self._on_said(self._failures.sentence(error))
        self.reload()

    @Slot(str)
    def _on_said(self, text: str) -> None:
        self.said.emit(text)
