"""What the person sees when something happened that nobody expected."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


class CrashNotice(QMessageBox):
    """Says that nothing entered is lost, and where the log is."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setIcon(QMessageBox.Icon.Warning)
        self.setWindowTitle(self.tr("程序出错"))
        self.setText(self.tr("刚才的操作没有完成，已保存的录入没有丢失。"))
        self.setInformativeText(self.tr("请再试一次。仍不行请联系管理员，日志在本机的数据文件夹 logs 中。"))
