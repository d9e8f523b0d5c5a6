"""One workstation in full, what to make of it, and what can be ordered of it."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout

from hcrm_core.fleet import DeviceOrder, DeviceState, FleetDevice
from hcrm_core.terms import Role
from hcrm_desktop.models.fleet import is_older
from hcrm_desktop.views.sync.contents import Line
from hcrm_desktop.views.sync.sides import Sides
from hcrm_desktop.views.words import Words

NOTABLE_CLOCK_S = 120  # a clock further off than that confuses whoever reads its times
_ORDERS = {
    DeviceState.BLOCKED: frozenset({DeviceOrder.UNBLOCK, DeviceOrder.WIPE}),
    DeviceState.WIPE_ORDERED: frozenset[DeviceOrder](),
    DeviceState.WIPED: frozenset[DeviceOrder](),
}
_USUAL = frozenset({DeviceOrder.BLOCK, DeviceOrder.WIPE})


class DevicePanel(QFrame):
    """One workstation.

    Signals:
        order_requested: a DeviceOrder for the workstation that is shown.
    """

    order_requested = Signal(object)

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words, self._online = words, True
        self._name, self._advice, self._lines = QLabel(wordWrap=True), QLabel(wordWrap=True), Sides()
        self._buttons: dict[DeviceOrder, QPushButton] = {}
        self._name.setProperty("role", "h1")
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "card")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        for widget in (self._name, self._advice, self._lines):
            column.addWidget(widget)
        column.addStretch(1)
        for order, text in (
            (DeviceOrder.BLOCK, self.tr("停用… (&B)")),
            (DeviceOrder.UNBLOCK, self.tr("恢复… (&U)")),
            (DeviceOrder.WIPE, self.tr("清除本机数据… (&W)")),
        ):
            button = QPushButton(text)
            button.clicked.connect(partial(self._on_clicked, order))
            self._buttons[order] = button
            column.addWidget(button)

    def set_online(self, *, online: bool) -> None:
        """Orders need the centre."""
        self._online = online
        for button in self._buttons.values():
            button.setEnabled(online)

    def show_device(self, device: FleetDevice, *, current_version: str) -> None:
        """Show another workstation."""
        self._name.setText(device.name)
        self._advice.setText(self._advise(device, current_version))
        self._lines.show_lines(self._facts(device))
        offered = _ORDERS.get(device.state, _USUAL)
        for order, button in self._buttons.items():
            button.setVisible(order in offered)
            button.setEnabled(self._online)

    def _facts(self, device: FleetDevice) -> list[Line]:
        words = self._words
        lines = [
            (self.tr("使用人"), self._who(device)),
            (self.tr("院区"), device.site),
            (self.tr("最近联系"), words.moment(device.seen_at)),
            (self.tr("版本"), device.app_version),
            (self.tr("未上传"), self.tr("{n} 条").format(n=device.unsent)),
            (self.tr("最早一条"), words.moment(device.oldest_unsent_at) if device.oldest_unsent_at else ""),
            (self.tr("还没下载"), self.tr("{n} 项变化").format(n=device.behind) if device.behind else ""),
            (self.tr("等待裁决"), self.tr("{n} 条").format(n=device.held) if device.held else ""),
            (self.tr("时钟"), self._clock(device.clock_offset_s)),
            (self.tr("自查修复"), self.tr("7 天内 {n} 次").format(n=device.incidents) if device.incidents else ""),
        ]
        return [Line(label=label, text=text) for label, text in lines if text]

    def _who(self, device: FleetDevice) -> str:
        role = self._words.role(Role(device.role)) if device.role in set(Role) else ""
        return f"{device.person}  {role}".strip()

    def _clock(self, offset: int | None) -> str:
        if offset is None or abs(offset) < NOTABLE_CLOCK_S:
            return ""
        text = self.tr("快 {n} 分钟") if offset > 0 else self.tr("慢 {n} 分钟")
        return text.format(n=f"{abs(offset) // 60:,}")

    def _advise(self, device: FleetDevice, current_version: str) -> str:
        said = {
            DeviceState.STUCK: self.tr("能联系上中心，但有录入超过一小时没传上来：请让使用人打开“同步”页看原因。"),
            DeviceState.SILENT: self.tr("超过一个工作日没有联系：多半关机、断网或换了电脑。丢失的电脑请停用或清除。"),
            DeviceState.WIPE_ORDERED: self.tr("已命令清除，等它下次联网：先交回未上传的录入，再删除数据和密钥。"),
            DeviceState.WELL: self.tr("正常。"),
            DeviceState.BLOCKED: self.tr("已停用：不能登录和同步，客户资料已隐藏，未上传的录入还在那台电脑上。"),
            DeviceState.WIPED: self.tr("数据和密钥已删除，录入已交回中心。再次使用会登记成一台新工作站。"),
        }[device.state]
        if is_older(device.app_version, current_version):
            said += self.tr("\n版本比 {current} 旧，请安排升级。").format(current=current_version)
        return said

    def _on_clicked(self, order: DeviceOrder) -> None:
        self.order_requested.emit(order)
