"""导出未上传: asks, then writes a sheet of the own entries that are not at the centre."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from hcrm_core.errors import StoreUnusable
from hcrm_desktop.cache.rows import UnsentItem
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.reasons import Reasons
from hcrm_desktop.views.sync.contents import Contents

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def read_own(session: "Session") -> list[UnsentItem]:
    """Entries of who is signed in, cut to his role. Runs in a reader."""
    from hcrm_desktop.cache.export import unsent_of_own

    return unsent_of_own(session)


class UnsentExport(QObject):
    """The way from the button to the file. Nothing is written before a person has agreed and named the place.

    Signals:
        said: how it ended, for the toast.
    """

    said = Signal(str)

    def __init__(self, desk: Desk, page: QWidget) -> None:
        super().__init__(page)
        self._desk, self._page, self._failures = desk, page, Failures(self)
        self._reasons, self._contents = Reasons(desk.words), Contents(desk.words)
        self._path: Path | None = None

    @Slot()
    def begin(self) -> None:
        """Say what leaves the encrypted folder, and ask."""
        asked = QMessageBox(self._page)
        asked.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        asked.setIcon(QMessageBox.Icon.Warning)
        asked.setWindowTitle(self.tr("导出未上传的录入"))
        asked.setText(self.tr("这个文件含客户姓名和检查、跟进内容，离开本机后不再加密。"))
        asked.setInformativeText(
            self.tr("只导出您自己的、还没有完成上传的录入。请存到科室的电脑或加密 U 盘，用完删除，不要用微信发送。")
        )
        agree = asked.addButton(self.tr("选择位置… (&S)"), QMessageBox.ButtonRole.AcceptRole)
        asked.setDefaultButton(asked.addButton(self.tr("取消"), QMessageBox.ButtonRole.RejectRole))
        agree.clicked.connect(self._on_agreed)
        asked.open()

    @Slot()
    def _on_agreed(self) -> None:
        today = self._desk.tasks.today()
        name = self.tr("未上传录入_{day}.xlsx").format(day=today.isoformat())
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = QFileDialog(self._page, self.tr("导出到"), folder, self.tr("Excel 工作簿 (*.xlsx)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("xlsx")
        dialog.selectFile(name)
        dialog.fileSelected.connect(self.write)
        dialog.open()

    @Slot(str)
    def write(self, path: str) -> None:
        """Write to a place that a person chose."""
        self._path = Path(path)
        self._desk.tasks.query(self, read_own, done=self._on_read, failed=self._on_failed)

    @Slot(object)
    def _on_read(self, items: list[UnsentItem]) -> None:
        from hcrm_desktop.cache.export import write_sheet

        self._desk.tasks.query(
            self,
            write_sheet,
            path=self._path,
            headings=self._headings(),
            lines=[self._line(item) for item in items],
            done=self._on_written,
            failed=self._on_failed,
        )

    def _headings(self) -> list[str]:
        return [
            self.tr("状态"),
            self.tr("内容"),
            self.tr("客户"),
            self.tr("录入时间"),
            self.tr("原因"),
            self.tr("录入的值"),
        ]

    def _line(self, item: UnsentItem) -> list[str]:
        words = self._desk.words
        return [
            words.delivery(item.delivery),
            words.operation(item.kind),
            item.customer_name,
            words.moment(item.captured_at),
            self._reasons.short(item),
            self._values(item),
        ]

    def _values(self, item: UnsentItem) -> str:
        """What was entered, and, where somebody else's stands in the way, that too."""
        words, parts = self._desk.words, [self._contents.text(item.kind, item.body)]
        other = self.tr("对方的 {field}：{value}（{by}）")
        parts += [
            other.format(field=words.field(one.field), value=words.value(one.field, one.theirs), by=one.by)
            for one in item.theirs
            if one.field != "exam"
        ]
        return self.tr("；").join(part for part in parts if part)

    @Slot(object)
    def _on_written(self, path: Path) -> None:
        self.said.emit(self.tr("已导出：{name}").format(name=path.name))

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        shut = self.tr("写不进去：请关闭正在打开的同名文件，或换一个位置。")
        self.said.emit(shut if isinstance(error, StoreUnusable) else self._failures.sentence(error))
