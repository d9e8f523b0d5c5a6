"""工作站: every workstation, stuck and silent ones first, and what can be ordered of each."""

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hcrm_core.fleet import DeviceOrder, DeviceState
from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.models.fleet import PAGE, FleetLine, FleetRead, ask_fleet, is_older
from hcrm_desktop.models.rows import Column, RowsModel
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.fleet_device import DevicePanel
from hcrm_desktop.views.fleet_order import OrderDialog
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.widgets.pill import PillDelegate
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.widgets.table import in_card, quiet_table

WIDTHS = (122, 104, 72, 88, 88, 144, 64, 56)
REFRESH_MS = 60_000
PAUSE_MS = 150
STATE_TONES = {
    DeviceState.STUCK: "act",
    DeviceState.SILENT: "warn",
    DeviceState.WIPE_ORDERED: "warn",
    DeviceState.WELL: "good",
    DeviceState.BLOCKED: "neutral",
    DeviceState.WIPED: "neutral",
}


class FleetPage(QWidget):
    """The page."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._failures = desk, Failures(self)
        self._read: FleetRead | None = None
        self._chosen: list[FleetLine] = []
        self._model = RowsModel[FleetLine](self._columns(), self)
        self._table = quiet_table(self._model, self.tr("工作站列表"))
        self._table.setItemDelegateForColumn(0, PillDelegate(desk.theme, self._table))
        self._panel = DevicePanel(desk.words)
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._build()
        self._connect()

    def _columns(self) -> list[Column[FleetLine]]:
        return [
            Column(
                title=self.tr("状态"),
                text=lambda line: self._desk.words.device_state(line.device.state),
                tone=lambda line: STATE_TONES[line.device.state],
            ),
            Column(title=self.tr("工作站"), text=lambda line: line.device.name),
            Column(title=self.tr("使用人"), text=lambda line: line.device.person or self.tr("—")),
            Column(title=self.tr("院区"), text=lambda line: line.device.site or self.tr("—")),
            Column(title=self.tr("最近联系"), text=self._contact),
            Column(title=self.tr("未上传"), text=self._unsent),
            Column(title=self.tr("落后"), text=lambda line: self._count(line.device.behind), number=True),
            Column(title=self.tr("自查"), text=lambda line: self._count(line.device.incidents), number=True),
            Column(title=self.tr("版本"), text=self._version),
        ]

    def _contact(self, line: FleetLine) -> str:
        assert self._read is not None  # there are lines
        return self._desk.words.since(line.device.seen_at, self._read.as_of)

    def _unsent(self, line: FleetLine) -> str:
        device = line.device
        if not device.unsent or device.oldest_unsent_at is None or self._read is None:
            return self._count(device.unsent)
        age = self._desk.words.since(device.oldest_unsent_at, self._read.as_of)
        return self.tr("{n} 条，最早 {age}").format(n=device.unsent, age=age)

    def _count(self, number: int) -> str:
        return f"{number:,}" if number else self.tr("—")

    def _version(self, line: FleetLine) -> str:
        version = line.device.app_version
        old = self._read is not None and is_older(version, self._read.current_version)
        return self.tr("{version} 旧").format(version=version) if old else version

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        for column, width in enumerate(WIDTHS):
            self._table.setColumnWidth(column, width)
        self._panel.setFixedWidth(300)
        content = QWidget()
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(in_card(self._table), 1)
        row.addWidget(self._panel)
        empty = EmptyState(self._desk.theme, self.tr("还没有工作站"), self.tr("第一次登录的工作站会出现在这里。"))
        self._states = StateStack(self._desk.theme, content, empty)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(20, 14, 20, 16)
        column_layout.setSpacing(10)
        column_layout.addLayout(self._build_head())
        column_layout.addWidget(self._message)
        column_layout.addWidget(self._states, 1)

    def _build_head(self) -> QHBoxLayout:
        self._title, self._as_of, self._message = QLabel(self.tr("工作站")), QLabel(), QLabel(wordWrap=True)
        self._title.setProperty("role", "h1")
        self._as_of.setProperty("role", "muted")
        self._message.setProperty("role", "warn")
        self._message.hide()
        self._text = QLineEdit(placeholderText=self.tr("工作站 / 使用人 / 院区 / 版本"), clearButtonEnabled=True)
        self._text.setAccessibleName(self.tr("筛选工作站"))
        self._text.setFixedWidth(240)
        self._refresh = QPushButton(self.tr("刷新 (&R)"))
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        for widget in (self._as_of, self._text, self._refresh):
            head.addWidget(widget)
        return head

    def _connect(self) -> None:
        self._timer.timeout.connect(self.reload)
        self._desk.tasks.sync_state_changed.connect(self._on_state_changed)
        self._refresh.clicked.connect(self.reload)
        self._pause.timeout.connect(self._show_lines)
        self._text.textChanged.connect(self._pause.start)
        self._model.page_wanted.connect(self._on_page_wanted)
        self._table.selectionModel().currentChanged.connect(self._show_chosen)
        self._states.retry_requested.connect(self.reload)
        self._panel.order_requested.connect(self._on_order_requested)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def reload(self) -> None:
        """Ask the centre."""
        if self._read is None:
            self._states.show_loading()
        self._desk.tasks.consult(self, ask_fleet, done=self._on_read, failed=self._on_failed)

    @Slot(object)
    def _on_read(self, read: FleetRead) -> None:
        self._read = read
        self._message.hide()
        self._panel.set_online(online=True)
        self._as_of.setText(self.tr("截至 {at}").format(at=self._desk.words.moment(read.as_of)))
        self._title.setText(self._sentence(read))
        self._show_lines()

    def _sentence(self, read: FleetRead) -> str:
        wrong = read.to_look_at()
        if wrong:
            return self.tr("{n} 台工作站，{wrong} 台需要看一下").format(n=len(read.lines), wrong=wrong)
        return self.tr("{n} 台工作站，没有卡住或失联的").format(n=len(read.lines))

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        """The last answer stays on screen, with its time; nothing can be ordered meanwhile."""
        if self._read is None:
            self._states.show_error(error)
            return
        at = self._desk.words.moment(self._read.as_of)
        said = self._failures.sentence(error)
        self._message.setText(self.tr("以下是 {at} 的情况。{said}").format(at=at, said=said))
        self._message.show()
        self._panel.set_online(online=False)

    @Slot()
    def _show_lines(self) -> None:
        if self._read is None:
            return
        kept, place = self._model.row(self._table.currentIndex()), max(self._table.currentIndex().row(), 0)
        self._chosen = self._read.chosen(self._text.text())
        held = max(PAGE, place + 1)
        self._model.replace(self._chosen[:held], len(self._chosen))
        if not self._chosen:
            self._states.show_empty(*self._why_empty())
            return
        self._states.show_content()
        ids = [line.device.id for line in self._chosen[:held]]
        same = kept is not None and kept.device.id in ids
        self._table.selectRow(ids.index(kept.device.id) if kept and same else 0)
        self._show_chosen()

    def _why_empty(self) -> tuple[str, str]:
        if self._text.text().strip():
            return self.tr("没有符合筛选的工作站"), self.tr("换一个条件试试。")
        return self.tr("还没有工作站"), self.tr("第一次登录的工作站会出现在这里。")

    @Slot(int)
    def _on_page_wanted(self, held: int) -> None:
        self._model.append(self._chosen[held : held + PAGE])

    @Slot()
    def _show_chosen(self) -> None:
        line = self._model.row(self._table.currentIndex())
        if line is not None and self._read is not None:
            self._panel.show_device(line.device, current_version=self._read.current_version)

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────

    @Slot(object)
    def _on_order_requested(self, order: DeviceOrder) -> None:
        line = self._model.row(self._table.currentIndex())
        if line is not None:
            dialog = OrderDialog(self._desk.tasks, line.device, order, parent=self.window())
            dialog.given.connect(self._on_given)
            dialog.open()

    @Slot()
    def _on_given(self) -> None:
        self.reload()

    @Slot(object)
    def _on_state_changed(self, status: SyncStatus) -> None:
        """The centre is back: do not wait for the next minute."""
        waiting = self._read is None or not self._message.isHidden()
        if status.online and waiting and self.isVisible():
            self.reload()

    def showEvent(self, event: object) -> None:
        self._table.setFocus()
        self._timer.start()
        self.reload()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()
