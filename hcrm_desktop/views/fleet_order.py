"""An order for a workstation: what it will do, why it is given, and for the final one the name typed out."""

from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hcrm_core.fleet import DeviceOrder, FleetDevice
from hcrm_desktop.models.fleet import give_order
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.failures import Failures


class OrderDialog(QDialog):
    """Asks for the reason and gives the order.

    Signals:
        given: the centre has taken it.
    """

    given = Signal()

    def __init__(self, tasks: Tasks, device: FleetDevice, order: DeviceOrder, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks, self._device, self._order = tasks, device, order
        self._reason = QLineEdit(maxLength=400, placeholderText=self.tr("例如：电脑丢失；换新电脑；误停用"))
        self._name = QLineEdit(placeholderText=device.name)
        self._message = QLabel(wordWrap=True)
        self._give = QPushButton(self._title())
        self.setWindowTitle(self.tr("{order} · {name}").format(order=self._title(), name=device.name))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build()
        self._check()

    def _title(self) -> str:
        return {
            DeviceOrder.BLOCK: self.tr("停用工作站"),
            DeviceOrder.UNBLOCK: self.tr("恢复工作站"),
            DeviceOrder.WIPE: self.tr("清除本机数据"),
        }[self._order]

    def _meaning(self) -> str:
        return {
            DeviceOrder.BLOCK: self.tr(
                "它下一次联系中心时就不能再用：不能登录和同步，客户资料隐藏。未上传的录入留在那台电脑上，恢复后会上传。"
            ),
            DeviceOrder.UNBLOCK: self.tr("它可以重新登录和同步，未上传的录入会上传。"),
            DeviceOrder.WIPE: self.tr(
                "不能撤回。它下一次联网时先把未上传的录入交回中心（进“待裁决”），然后删除全部本机数据和密钥。"
            ),
        }[self._order]

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(10)
        column.addWidget(QLabel(self._meaning(), wordWrap=True))
        self._add(column, self.tr("原因（记入审计）"), self._reason)
        if self._order is DeviceOrder.WIPE:
            ask = self.tr("请输入工作站名称 {name} 确认").format(name=self._device.name)
            self._add(column, ask, self._name)
        self._message.setProperty("role", "danger")
        close = QPushButton(self.tr("取消 Esc"))
        close.clicked.connect(self.reject)
        self._give.clicked.connect(self.give)
        self._give.setProperty("kind", "primary")
        row = QHBoxLayout()
        row.addWidget(self._message, 1)
        for button in (close, self._give):
            button.setAutoDefault(button is self._give)
            row.addWidget(button)
        column.addLayout(row)
        self.setFixedWidth(520)
        self._reason.setFocus()

    def _add(self, column: QVBoxLayout, text: str, field: QLineEdit) -> None:
        label = QLabel(text, textFormat=Qt.TextFormat.PlainText)
        label.setBuddy(field)
        field.setAccessibleName(text)
        field.textChanged.connect(self._check)
        column.addWidget(label)
        column.addWidget(field)

    @Slot()
    def _check(self) -> None:
        named = self._order is not DeviceOrder.WIPE or self._name.text().strip() == self._device.name
        self._give.setEnabled(bool(self._reason.text().strip()) and named)

    @Slot()
    def give(self) -> None:
        """Send the order."""
        self._give.setEnabled(False)
        reason = self._reason.text().strip()
        order = partial(give_order, device_id=self._device.id, order=self._order, reason=reason)
        self._tasks.consult(self, order, done=self._on_given, failed=self._on_failed)

    @Slot(object)
    def _on_given(self, _: DeviceOrder) -> None:
        self.given.emit()
        self.accept()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._message.setText(Failures(self).sentence(error))
        self._check()
