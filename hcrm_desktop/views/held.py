"""待裁决: entries that the centre keeps because they could not apply; a manager tries them again or dismisses them."""

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from hcrm_core.fleet import DecisionResponse, HeldItem, HeldQueue
from hcrm_core.wire import Decision, ResultStatus
from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.models.fleet import ask_held, decide
from hcrm_desktop.models.rows import Column, RowsModel
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.reasons import Reasons
from hcrm_desktop.views.sync.contents import Contents, Line
from hcrm_desktop.views.sync.sides import Sides
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.widgets.table import in_card, quiet_table

WIDTHS = (84, 96, 84, 96, 104)
REFRESH_MS = 60_000


class HeldPage(QWidget):
    """The page.

    Signals:
        customer_requested: open this customer's record.
        counted: how many wait, for the rail.
        said: what became of a decision, for the toast.
    """

    customer_requested = Signal(object)
    counted = Signal(int)
    said = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._failures = desk, Failures(self)
        self._reasons, self._contents = Reasons(desk.words), Contents(desk.words)
        self._answered = False
        self._model = RowsModel[HeldItem](self._columns(), self)
        self._table = quiet_table(self._model, self.tr("待裁决的录入"))
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._build()
        self._connect()

    def _columns(self) -> list[Column[HeldItem]]:
        words, tasks = self._desk.words, self._desk.tasks
        return [
            Column(title=self.tr("内容"), text=lambda item: words.operation(item.kind)),
            Column(title=self.tr("客户"), text=lambda item: item.customer_name or self.tr("未知")),
            Column(title=self.tr("录入人"), text=lambda item: item.author),
            Column(title=self.tr("院区"), text=lambda item: item.site),
            Column(title=self.tr("录入时间"), text=lambda item: words.clock_time(item.captured_at, tasks.today())),
            Column(title=self.tr("为什么没有生效"), text=lambda item: self._reasons.held(item.reason)),
        ]

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        for column, width in enumerate(WIDTHS):
            self._table.setColumnWidth(column, width)
        content = QWidget()
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(in_card(self._table), 1)
        row.addWidget(self._build_panel())
        empty = EmptyState(
            self._desk.theme, self.tr("没有待裁决的录入"), self.tr("中心没能应用的录入会出现在这里，等您决定。")
        )
        self._states = StateStack(self._desk.theme, content, empty)
        self._title, self._message = QLabel(self.tr("待裁决")), QLabel(wordWrap=True)
        self._title.setProperty("role", "h1")
        self._message.setProperty("role", "warn")
        self._message.hide()
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(20, 14, 20, 16)
        column_layout.setSpacing(10)
        for widget in (self._title, self._message):
            column_layout.addWidget(widget)
        column_layout.addWidget(self._states, 1)

    def _build_panel(self) -> QFrame:
        self._what, self._why, self._lines = QLabel(wordWrap=True), QLabel(wordWrap=True), Sides()
        self._what.setProperty("role", "h1")
        self._what.setTextFormat(Qt.TextFormat.PlainText)
        self._note = QLineEdit(maxLength=400, placeholderText=self.tr("给录入人的说明（驳回时必填）"))
        self._note.setAccessibleName(self.tr("给录入人的说明"))
        inner = QWidget()
        inside = QVBoxLayout(inner)
        inside.setContentsMargins(0, 0, 8, 0)
        inside.addWidget(self._lines)
        inside.addStretch(1)
        area = QScrollArea(widgetResizable=True)
        area.setWidget(inner)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        panel = QFrame()
        panel.setProperty("role", "card")
        panel.setFixedWidth(384)
        column = QVBoxLayout(panel)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        for widget in (self._what, self._why):
            column.addWidget(widget)
        column.addWidget(area, 1)
        column.addWidget(self._note)
        column.addLayout(self._build_buttons())
        return panel

    def _build_buttons(self) -> QHBoxLayout:
        self._apply = QPushButton(self.tr("让它生效 (&A)"))
        self._dismiss = QPushButton(self.tr("驳回 (&J)"))
        self._open = QPushButton(self.tr("档案 (&O)"))
        self._open.setProperty("kind", "quiet")
        self._apply.setToolTip(self.tr("按现在的情况再试一次；例如客户已转回来，或已经补好资料"))
        self._apply.clicked.connect(partial(self._decide, Decision.APPLY))
        self._dismiss.clicked.connect(partial(self._decide, Decision.DISMISS))
        self._open.clicked.connect(self._on_open_clicked)
        row = QHBoxLayout()
        for button in (self._apply, self._dismiss):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self._open)
        return row

    def _connect(self) -> None:
        self._timer.timeout.connect(self.reload)
        self._desk.tasks.sync_state_changed.connect(self._on_state_changed)
        self._states.retry_requested.connect(self.reload)
        self._table.selectionModel().currentChanged.connect(self._on_current_changed)
        for key in ("Return", "Enter"):
            on_key(self._table, key, self._note.setFocus)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def reload(self) -> None:
        """Ask the centre."""
        if not self._answered:
            self._states.show_loading()
        self._desk.tasks.consult(self, ask_held, done=self._on_read, failed=self._on_failed)

    @Slot(object)
    def _on_read(self, queue: HeldQueue) -> None:
        self._answered = True
        self._message.hide()
        kept, place = self._item(), max(self._table.currentIndex().row(), 0)
        self._model.replace(queue.items)
        self.counted.emit(len(queue.items))
        self._title.setText(self._sentence(queue))
        if not queue.items:
            self._states.show_empty()
            return
        self._states.show_content()
        ids = [item.op_id for item in queue.items]
        same = kept is not None and kept.op_id in ids
        self._table.selectRow(ids.index(kept.op_id) if kept and same else min(place, len(ids) - 1))
        self._show_item()

    def _sentence(self, queue: HeldQueue) -> str:
        if not queue.items:
            return self.tr("待裁决")
        text = self.tr("最早的 {n} 条待裁决，处理后显示其余") if queue.more else self.tr("{n} 条录入等您裁决")
        return text.format(n=len(queue.items))

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if not self._answered:
            self._states.show_error(error)
            return
        self._message.setText(self._failures.sentence(error))
        self._message.show()
        self._enable(on=False)

    # ── the chosen entry ─────────────────────────────────────────────────────────────────────────────────

    def _item(self) -> HeldItem | None:
        return self._model.row(self._table.currentIndex())

    @Slot()
    def _on_current_changed(self) -> None:
        self._note.clear()  # what was written was about another entry
        self._show_item()

    def _show_item(self) -> None:
        item = self._item()
        if item is None:
            return
        words = self._desk.words
        whose = item.customer_name or self.tr("客户未知")
        self._what.setText(self.tr("{what} · {whose}").format(what=words.operation(item.kind), whose=whose))
        self._why.setText(self._reasons.held(item.reason))
        about = [
            Line(label=self.tr("录入人"), text=f"{item.author}  {item.site}".strip()),
            Line(label=self.tr("录入时间"), text=words.moment(item.captured_at)),
            Line(label=self.tr("到达中心"), text=words.moment(item.at)),
            Line(label=self.tr("工作站"), text=item.device),
        ]
        self._lines.show_lines([*about, *self._contents.lines(item.kind, item.body)])
        self._open.setVisible(item.customer_id is not None)
        self._enable(on=True)

    def _enable(self, *, on: bool) -> None:
        for button in (self._apply, self._dismiss):
            button.setEnabled(on)

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────

    def _decide(self, decision: Decision) -> None:
        item, note = self._item(), self._note.text().strip()
        if item is None:
            return
        if decision is Decision.DISMISS and not note:
            self.said.emit(self.tr("驳回要写一句说明，录入人会看到。"))
            self._note.setFocus()
            return
        self._enable(on=False)
        question = partial(decide, op_id=item.op_id, decision=decision, note=note)
        self._desk.tasks.consult(self, question, done=partial(self._on_decided, decision), failed=self._on_failed)

    def _on_decided(self, decision: Decision, response: DecisionResponse) -> None:
        self.said.emit(self._became(decision, response))
        if response.status is not ResultStatus.HELD:
            self._note.clear()
        self._table.setFocus()
        self.reload()

    def _became(self, decision: Decision, response: DecisionResponse) -> str:
        if response.status is ResultStatus.HELD:
            return self.tr("仍然不能生效：{why}").format(why=self._reasons.held(response.reason or ""))
        if decision is Decision.DISMISS:
            return self.tr("已驳回，录入人会看到您的说明")
        if response.status is ResultStatus.CONFLICT:
            return self.tr("已处理：同事先改过，两边的值都保留在历史里")
        return self.tr("已生效，录入人会看到")

    @Slot()
    def _on_open_clicked(self) -> None:
        item = self._item()
        if item is not None:
            self.customer_requested.emit(item.customer_id)

    @Slot(object)
    def _on_state_changed(self, status: SyncStatus) -> None:
        """The centre is back: do not wait for the next minute."""
        waiting = not self._answered or not self._message.isHidden()
        if status.online and waiting and self.isVisible():
            self.reload()

    def showEvent(self, event: object) -> None:
        self._table.setFocus()
        self._timer.start()
        self.reload()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()
