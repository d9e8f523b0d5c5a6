"""What the person is told once when the file of entries was damaged: nothing of it is passed over in silence."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

if TYPE_CHECKING:
    from hcrm_desktop.cache.recovery import Recovered


class RecoveredNotice(QMessageBox):
    """Says what was put together again, what a person must look through, and what could not be read."""

    def __init__(self, recovered: "Recovered", parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setIcon(QMessageBox.Icon.Warning)
        self.setWindowTitle(self.tr("录入文件已修复"))
        self.setText(self.tr("本机的录入文件损坏过（断电或磁盘问题），已经修复，可以照常工作。"))
        self.setInformativeText("\n".join(self._lines(recovered)))

    def _lines(self, recovered: "Recovered") -> list[str]:
        copy = (
            self.tr("已用自动备份恢复。") if recovered.from_copy else self.tr("没有可用的备份，已从损坏的文件里读出。")
        )
        lines = [copy]
        if recovered.review:
            text = self.tr("{n} 条录入只在损坏的文件里，请到“同步”页逐条核对。")
            lines.append(text.format(n=recovered.review))
        if recovered.unreadable:
            text = self.tr("{n} 条读不出来：请对照今天的纸质记录，缺的补录。")
            lines.append(text.format(n=recovered.unreadable))
        aside = self.tr("损坏的文件保留为 {name}，请告诉管理员检查这台电脑的磁盘。")
        return [*lines, aside.format(name=recovered.aside)]
