"""同步: one sentence, then only what needs a person."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.terms import Source
from hcrm_core.wire import OperationKind
from hcrm_desktop.cache.rows import Changes, Delivery, SyncStatus, UnsentItem
from hcrm_desktop.models.rows import Column, RowsModel
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.widgets.table import in_card, quiet_table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WIDTHS = (110, 120, 110, 160)


def read_sync(session: "Session") -> tuple[SyncStatus, list[UnsentItem]]:
    """The connection and what is not at the centre yet. Runs in a reader."""
    from hcrm_desktop.cache.queries import sync_status, unsent_items

    return sync_status(session), unsent_items(session)


def _oldest_by_source(feeds: dict[str, datetime]) -> dict[str, datetime]:
    """A source is as old as the oldest of its feeds ("his:exams", "his:visits" …)."""
    oldest: dict[str, datetime] = {}
    for feed, at in feeds.items():
        source = feed.partition(":")[0]
        oldest[source] = min(at, oldest.get(source, at))
    return oldest


class SyncPage(QWidget):
    """The page."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._failures = desk, Failures(self)
        self._model = RowsModel[UnsentItem](self._columns(), self)
        self._table = quiet_table(self._model, self.tr("未完成上传的录入"))
        self._build()
        desk.tasks.data_changed.connect(self._on_data_changed)
        desk.tasks.sync_state_changed.connect(self._on_state_changed)
        self._table.selectionModel().currentChanged.connect(self._offer_dismissal)
        self._states.retry_requested.connect(self.reload)

    def _columns(self) -> list[Column[UnsentItem]]:
        words = self._desk.words
        return [
            Column(title=self.tr("状态"), text=lambda item: words.delivery(item.delivery)),
            Column(title=self.tr("内容"), text=lambda item: self._kind(item.kind)),
            Column(title=self.tr("客户"), text=lambda item: item.customer_name or self.tr("不在本机")),
            Column(title=self.tr("录入时间"), text=lambda item: words.moment(item.captured_at)),
            Column(title=self.tr("原因"), text=self._reason),
        ]

    def _kind(self, kind: str) -> str:
        return {
            OperationKind.RECORD_OUTCOME: self.tr("任务结果"),
            OperationKind.SNOOZE_TASK: self.tr("任务推迟"),
            OperationKind.RECORD_EXAM: self.tr("检查"),
            OperationKind.RECORD_FOLLOW_UP: self.tr("跟进"),
        }.get(OperationKind(kind), kind)

    def _reason(self, item: UnsentItem) -> str:
        if item.delivery is Delivery.CONFLICT:
            return self.tr("同事已先处理这条任务；您的联系记录已保留。")
        if item.delivery is Delivery.HELD:
            return self.tr("中心未能应用，已保留待处理（{code}）").format(code=item.reason)
        return self.tr("等待上传")

    def _build(self) -> None:
        self._sentence, self._detail = QLabel(), QLabel(wordWrap=True)
        self._sentence.setProperty("role", "display")
        self._detail.setProperty("role", "muted")
        head = QHBoxLayout()
        head.addWidget(self._sentence, 1)
        self._dismiss = self._button(self.tr("移出列表"), self._on_dismiss_clicked)
        self._dismiss.setToolTip(self.tr("看过了：不再提醒；中心仍保留这条录入"))
        head.addWidget(self._dismiss)
        head.addWidget(self._button(self.tr("立即同步 F5"), self._desk.tasks.sync_now))
        for column, width in enumerate(WIDTHS):
            self._table.setColumnWidth(column, width)
        empty = EmptyState(self._desk.theme, self.tr("没有需要处理的录入"), self.tr("所有录入都已在中心。"))
        self._states = StateStack(self._desk.theme, self._table, empty)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(20, 14, 20, 16)
        column_layout.setSpacing(10)
        column_layout.addLayout(head)
        column_layout.addWidget(self._detail)
        column_layout.addWidget(in_card(self._states), 1)

    def _button(self, text: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.clicked.connect(slot)
        return button

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def reload(self) -> None:
        """Read how things stand."""
        self._desk.tasks.query(self, read_sync, done=self._on_read, failed=self._states.show_error)

    @Slot(object)
    def _on_read(self, read: tuple[SyncStatus, list[UnsentItem]]) -> None:
        status, items = read
        self._sentence.setText(self._say(status))
        self._detail.setText(self._freshness(status))
        self._model.replace(items)
        if items:
            self._states.show_content()
            self._table.selectRow(0)
        else:
            self._states.show_empty()
        self._offer_dismissal()

    def _say(self, status: SyncStatus) -> str:
        today = self._desk.tasks.today()
        if status.needs_person:
            return self.tr("{n} 条录入需要处理").format(n=status.needs_person)
        if status.unsent:
            return self.tr("{n} 条录入还在本机，恢复连接后自动上传").format(n=status.unsent)
        if status.last_success_at is None:
            return self.tr("还没有同步过")
        at = self._desk.words.clock_time(status.last_success_at, today)
        if status.online:
            return self.tr("全部已上传 · {at}").format(at=at)
        return self.tr("离线，没有未上传的录入 · 上次同步 {at}").format(at=at)

    def _freshness(self, status: SyncStatus) -> str:
        words = self._desk.words
        parts = [self.tr("任务扫描 {at}").format(at=words.moment(status.scanned_at))]
        parts += [
            self.tr("{source}数据截至 {at}").format(source=self._source(source), at=words.moment(at))
            for source, at in sorted(_oldest_by_source(status.feeds).items())
        ]
        return "   ".join(parts)

    def _source(self, name: str) -> str:
        return next((self._desk.words.source(source) for source in Source if source.value == name), name)

    @Slot(object)
    def _on_data_changed(self, changes: Changes) -> None:
        if "outbox" in changes.kinds and self.isVisible():
            self.reload()

    @Slot(object)
    def _on_state_changed(self, _: SyncStatus) -> None:
        if self.isVisible():
            self.reload()

    def showEvent(self, event: object) -> None:
        self.reload()

    def _for_a_person(self) -> UnsentItem | None:
        """The chosen entry, if a person must see to it. What is still to be uploaded cannot be taken off."""
        item = self._model.row(self._table.currentIndex())
        return item if item is not None and item.delivery in (Delivery.HELD, Delivery.CONFLICT) else None

    @Slot()
    def _offer_dismissal(self) -> None:
        self._dismiss.setVisible(self._for_a_person() is not None)

    @Slot()
    def _on_dismiss_clicked(self) -> None:
        from hcrm_desktop.cache.commands import dismiss

        item = self._for_a_person()
        if item is not None:
            self._desk.tasks.command(self, dismiss, op_id=item.op_id, done=self._on_dismissed, failed=self._on_failed)

    @Slot(object)
    def _on_dismissed(self, _: Changes) -> None:
        self.reload()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._detail.setText(self._failures.sentence(error))
