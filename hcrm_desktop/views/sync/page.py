"""同步: one sentence, then what is not settled; beside it the chosen entry with everything to decide it."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from hcrm_desktop.cache.rows import Changes, ExamRow, SyncStatus, UnsentItem
from hcrm_desktop.models.rows import Column, RowsModel
from hcrm_desktop.models.sync_list import is_about_exams, read_exams
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.reasons import Reasons
from hcrm_desktop.views.sync.export import UnsentExport
from hcrm_desktop.views.sync.head import HeadWords
from hcrm_desktop.views.sync.panel import ItemPanel
from hcrm_desktop.views.widgets.chips import DELIVERY_TONES
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.pill import PillDelegate
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.widgets.table import in_card, quiet_table

if TYPE_CHECKING:
    from hcrm_desktop.cache.queries.unsettled import Unsettled

WIDTHS = (96, 84, 84, 104)
PAUSE_MS = 150  # states come fast while much is sent: read once


class SyncPage(QWidget):
    """The page.

    Signals:
        customer_requested: open this customer's record.
        said: a word for the toast.
    """

    customer_requested = Signal(object)
    said = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._failures, self._reasons = desk, Failures(self), Reasons(desk.words)
        self._head, self._panel = HeadWords(desk.words), ItemPanel(desk.theme, desk.words)
        self._export = UnsentExport(desk, self)
        self._status: SyncStatus | None = None
        self._model = RowsModel[UnsentItem](self._columns(), self)
        self._table = quiet_table(self._model, self.tr("未完成上传的录入"))
        self._table.setItemDelegateForColumn(0, PillDelegate(desk.theme, self._table))
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._build()
        self._connect()

    def _columns(self) -> list[Column[UnsentItem]]:
        words = self._desk.words
        return [
            Column(
                title=self.tr("状态"),
                text=lambda item: words.delivery(item.delivery),
                tone=lambda item: DELIVERY_TONES[item.delivery],
            ),
            Column(title=self.tr("内容"), text=lambda item: words.operation(item.kind)),
            Column(title=self.tr("客户"), text=self._whose),
            Column(
                title=self.tr("录入时间"),
                text=lambda item: words.clock_time(item.captured_at, self._desk.tasks.today()),
            ),
            Column(title=self.tr("原因"), text=self._reasons.short),
        ]

    def _whose(self, item: UnsentItem) -> str:
        return self.tr("已隐藏") if self._hidden() else item.customer_name or self.tr("不在本机")

    def _hidden(self) -> bool:
        """Whether customers may not be shown now."""
        return self._status is not None and self._status.lease_over

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        for column, width in enumerate(WIDTHS):
            self._table.setColumnWidth(column, width)
        self._panel.setFixedWidth(440)
        content = QWidget()
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(in_card(self._table), 1)
        row.addWidget(self._panel)
        empty = EmptyState(self._desk.theme, self.tr("没有需要处理的录入"), self.tr("所有录入都已在中心。"))
        self._states = StateStack(self._desk.theme, content, empty)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(20, 14, 20, 16)
        column_layout.setSpacing(10)
        column_layout.addLayout(self._build_head())
        column_layout.addWidget(self._progress)
        column_layout.addWidget(self._detail)
        column_layout.addWidget(self._states, 1)

    def _build_head(self) -> QHBoxLayout:
        self._sentence, self._detail = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._sentence.setProperty("role", "display")
        self._detail.setProperty("role", "muted")
        self._progress = QProgressBar(maximum=1000, textVisible=False)
        self._progress.hide()
        self._progress.setAccessibleName(self.tr("下载进度"))
        head = QHBoxLayout()
        head.addWidget(self._sentence, 1)
        self._export_button = self._button(self.tr("导出未上传 (&X)"), self._export.begin)
        for button in (
            self._export_button,
            self._button(self.tr("立即核对 (&V)"), self._on_verify_clicked),
            self._button(self.tr("立即同步 F5"), self._desk.tasks.sync_now),
        ):
            head.addWidget(button)
        return head

    def _button(self, text: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.clicked.connect(slot)
        return button

    def _connect(self) -> None:
        self._desk.tasks.data_changed.connect(self._on_data_changed)
        self._desk.tasks.sync_state_changed.connect(self._on_state_changed)
        self._table.selectionModel().currentChanged.connect(self._show_chosen)
        self._states.retry_requested.connect(self.reload)
        self._pause.timeout.connect(self.reload)
        self._panel.chosen.connect(self._on_chosen)
        self._panel.customer_requested.connect(self.customer_requested)
        self._export.said.connect(self.said)
        for key in ("Return", "Enter"):
            on_key(self._table, key, self._on_enter)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def reload(self) -> None:
        """Read how things stand."""
        from hcrm_desktop.cache.queries.unsettled import unsettled

        self._desk.tasks.query(self, unsettled, done=self._on_read, failed=self._states.show_error)

    @Slot(object)
    def _on_read(self, read: "Unsettled") -> None:
        kept, place = self._chosen(), self._table.currentIndex().row()
        self._show_status(read.status)
        self._model.replace(read.items)
        self._export_button.setEnabled(bool(read.items) and not read.status.lease_over)
        if not read.items:
            self._states.show_empty()
            return
        self._states.show_content()
        ids = [item.op_id for item in read.items]
        same = ids.index(kept.op_id) if kept is not None and kept.op_id in ids else None
        # What stood here was settled: the next one has moved up into its place.
        self._table.selectRow(same if same is not None else min(max(place, 0), len(ids) - 1))
        self._show_chosen()

    def _show_status(self, status: SyncStatus) -> None:
        self._status = status
        today = self._desk.tasks.today()
        self._sentence.setText(self._head.sentence(status, today))
        self._detail.setText(self._head.detail(status, today))
        self._progress.setVisible(status.progress is not None)
        self._progress.setValue(round(1000 * (status.progress or 0)))

    @Slot(object)
    def _on_data_changed(self, changes: Changes) -> None:
        if "outbox" in changes.kinds and self.isVisible():
            self._pause.start()

    @Slot(object)
    def _on_state_changed(self, status: SyncStatus) -> None:
        if self.isVisible():
            self._show_status(status)
            self._pause.start()

    def showEvent(self, event: object) -> None:
        self._table.setFocus()
        self.reload()

    # ── the chosen entry ─────────────────────────────────────────────────────────────────────────────────

    def _chosen(self) -> UnsentItem | None:
        return self._model.row(self._table.currentIndex())

    @Slot()
    def _show_chosen(self) -> None:
        item = self._chosen()
        if item is None:
            return
        if is_about_exams(item) and item.customer_id is not None and not self._hidden():
            show = partial(self._on_exams, item.op_id)
            self._desk.tasks.query(self, read_exams, item.customer_id, done=show, failed=self._on_failed)
        else:
            self._panel.show_item(item, exams={}, customers_hidden=self._hidden())

    def _on_exams(self, op_id: UUID, exams: dict[str, ExamRow]) -> None:
        """The answer may be late: only the entry that is chosen now is shown."""
        item = self._chosen()
        if item is not None and item.op_id == op_id:
            self._panel.show_item(item, exams=exams, customers_hidden=self._hidden())

    @Slot()
    def _on_enter(self) -> None:
        button = self._panel.first_button()
        if button is not None:
            button.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot(str)
    def _on_chosen(self, name: str) -> None:
        item = self._chosen()
        if item is not None:
            self._panel.settle()
            self._desk.tasks.command(
                self, commands_by_name()[name], op_id=item.op_id, done=self._on_settled, failed=self._on_failed
            )

    @Slot(object)
    def _on_settled(self, _: Changes) -> None:
        self.said.emit(self.tr("已处理"))
        self._table.setFocus()
        self.reload()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._detail.setText(self._failures.sentence(error))
        self._show_chosen()

    @Slot()
    def _on_verify_clicked(self) -> None:
        self._desk.tasks.verify_now()
        self.said.emit(self.tr("正在核对本机与中心的数据，不一致会自动重新下载"))


def commands_by_name() -> dict[str, Callable[..., Changes]]:
    """The commands of models.sync_list.choices."""
    from hcrm_desktop.cache import commands, corrections

    return {
        "keep_mine": corrections.keep_mine,
        "keep_theirs": corrections.keep_theirs,
        "keep_both": corrections.keep_both,
        "dismiss": commands.dismiss,
        "release_recovered": commands.release_recovered,
        "drop_recovered": commands.drop_recovered,
    }
