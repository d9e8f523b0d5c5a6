"""家长报告: the pages as they will be printed, then a file or paper."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import QStandardPaths, Qt, Signal, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.errors import StoreUnusable
from hcrm_desktop.paths import settings_file
from hcrm_desktop.settings import load_settings
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk

if TYPE_CHECKING:
    from PySide6.QtPrintSupport import QPrinter
    from sqlalchemy.orm import Session

    from hcrm_desktop.report.reading import Report

PREVIEW_DPI = 96
SIZE = (900, 680)


def read_preview(session: "Session", customer_id: UUID, *, today: date, profile: Path) -> "Report":
    """The report with pictures of its pages. Runs in a reader."""
    from hcrm_desktop.report.reading import read_report

    return read_report(session, customer_id, today=today, address=clinic_address(profile), preview_dpi=PREVIEW_DPI)


def clinic_address(profile: Path) -> str:
    """The clinic's own address for the code on reports; "" if none is set."""
    return load_settings(settings_file(profile)).clinic_url


class ReportDialog(QDialog):
    """One child's report.

    Signals:
        said: how it ended, for the toast.
    """

    said = Signal(str)

    def __init__(self, desk: Desk, customer_id: UUID, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._failures = desk, Failures(self)
        self._report: Report | None = None
        self._printer: QPrinter | None = None
        self._pages, self._area = QVBoxLayout(), QScrollArea()
        self._message = QLabel(wordWrap=True)
        self._save = self._button(self.tr("保存 PDF… (&S)"), self.ask_where)
        self._print = self._button(self.tr("打印… (&P)"), self.ask_printer)
        self.setWindowTitle(self.tr("家长报告"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build()
        room = parent.window().size()
        self.resize(min(SIZE[0], room.width() - 40), min(SIZE[1], room.height() - 40))
        tasks, profile = desk.tasks, desk.profile
        today = tasks.today()
        tasks.query(
            self,
            read_preview,
            customer_id,
            today=today,
            profile=profile,
            done=self._on_read,
            failed=self._on_failed,
        )

    def report(self) -> "Report | None":
        """What is shown; None until it was read."""
        return self._report

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self._message.setText(self.tr("正在生成…"))
        self._message.setProperty("role", "muted")
        self._save.setProperty("kind", "primary")
        row = QHBoxLayout()
        row.addWidget(self._message, 1)
        for button in (self._button(self.tr("关闭 Esc"), self.reject), self._print, self._save):
            button.setAutoDefault(button is self._save)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(10)
        column.addWidget(self._area, 1)
        column.addLayout(row)
        self._enable(ready=False)
        self._build_area()

    def _build_area(self) -> None:
        inside = QWidget()
        inside.setLayout(self._pages)
        self._pages.setSpacing(16)
        self._area.setWidgetResizable(True)
        self._area.setWidget(inside)
        self._area.setAccessibleName(self.tr("报告预览"))

    def _button(self, text: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.clicked.connect(slot)
        return button

    def _enable(self, *, ready: bool) -> None:
        self._save.setEnabled(ready)
        self._print.setEnabled(ready)

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot(object)
    def _on_read(self, report: "Report") -> None:
        self._report = report
        total = len(report.pages)
        for number, image in enumerate(report.pages, start=1):
            page = QLabel(alignment=Qt.AlignmentFlag.AlignHCenter)
            page.setPixmap(QPixmap.fromImage(image))
            page.setAccessibleName(self.tr("第 {n} 页，共 {total} 页").format(n=number, total=total))
            self._pages.addWidget(page)
        self._area.setAccessibleDescription(self.tr("\n").join(report.content.sentences))
        self._enable(ready=True)
        self._message.setText(self.tr("文件离开本机后不再加密；发给家长后请删除。"))
        self._save.setFocus()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._enable(ready=self._report is not None)
        shut = self.tr("写不进去：请关闭正在打开的同名文件，或换一个位置。")
        self._message.setText(shut if isinstance(error, StoreUnusable) else self._failures.sentence(error))

    # ── a file ───────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def ask_where(self) -> None:
        """Ask for the place of the file."""
        from hcrm_desktop.report.reading import file_name

        if self._report is None:
            return
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        name = file_name("one", day=self._desk.tasks.today(), name=self._report.name)
        dialog = QFileDialog(self, self.tr("保存报告"), folder, self.tr("PDF 文件 (*.pdf)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.selectFile(name)
        dialog.fileSelected.connect(self.save)
        dialog.open()

    @Slot(str)
    def save(self, path: str) -> None:
        """Write to a place that a person chose."""
        from hcrm_desktop.report.reading import save_report

        self._enable(ready=False)
        report, where = self._report, Path(path)
        self._desk.tasks.query(
            self, save_report, report=report, path=where, done=self._on_saved, failed=self._on_failed
        )

    @Slot(object)
    def _on_saved(self, path: Path) -> None:
        self.said.emit(self.tr("报告已保存：{name}").format(name=path.name))
        self.accept()

    # ── paper ────────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def ask_printer(self) -> None:
        """Ask for a printer."""
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        if self._report is None:
            return
        self._printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(self._printer, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(self._on_printer_chosen)
        QDialog.open(dialog)  # its own `open` wants a slot by name

    @Slot()
    def _on_printer_chosen(self) -> None:
        if self._printer is not None:
            self.print_on(self._printer)

    def print_on(self, printer: "QPrinter") -> None:
        """Print at once: a tenth of a second."""
        from hcrm_desktop.report.reading import note
        from hcrm_desktop.report.writing import print_report

        if self._report is None:
            return
        try:
            print_report(printer, self._report.content)
        except StoreUnusable:
            self._message.setText(self.tr("打印机没有接受，请检查打印机后再试。"))
            return
        note(self._report, way="print")
        self.said.emit(self.tr("报告已送去打印"))
        self.accept()
