"""批量报告: for a school, a site or a segment. Choose, name the place, watch, and see who was left out and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QStandardPaths, Qt, QTimer, Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.errors import StoreUnusable
from hcrm_desktop.models.report_list import (
    MOST,
    CandidatesModel,
    CandidatesRead,
    Filters,
    read_candidates,
    read_filters,
)
from hcrm_desktop.models.rows import Column
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.report.dialog import clinic_address
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.table import in_card, quiet_table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hcrm_desktop.cache.queries.reports import Candidate, Choice
    from hcrm_desktop.report.batch import Batch, BatchResult, Skipped, Watch

SIZE = (940, 660)
PAUSE_MS, LOOK_MS = 150, 100
WIDTHS = (200, 100, 220, 160)


def write(session: "Session", *, batch: "Batch", watch: "Watch") -> "BatchResult":
    """Write the batch. Runs in a reader."""
    from hcrm_desktop.report.batch import write_batch

    return write_batch(session, batch=batch, watch=watch)


class BatchDialog(QDialog):
    """Reports for many children. Hiding it, in whatever way, breaks off what is being written."""

    def __init__(self, desk: Desk, *, segment: str | None, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._segment_wish = desk, segment
        self._failures = Failures(self)
        self._watch: Watch | None = None
        self._school, self._site, self._segment = QComboBox(), QComboBox(), QComboBox()
        self._text = QLineEdit(placeholderText=self.tr("姓名 / 首字母 / 尾号"), clearButtonEnabled=True)
        self._model = CandidatesModel(self._columns())
        self._table = quiet_table(self._model, self.tr("选择孩子"))
        self._all = QCheckBox(self.tr("全选"))
        self._apart = QCheckBox(self.tr("每人一个文件"))
        self._message, self._summary = QLabel(wordWrap=True), QPlainTextEdit(readOnly=True)
        self._bar = QProgressBar()
        self._start = QPushButton(self.tr("生成… (&G)"))
        self._cancel = QPushButton(self.tr("停止"))
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._look = QTimer(self, interval=LOOK_MS)
        self.setWindowTitle(self.tr("批量家长报告"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build()
        room = parent.window().size()
        self.resize(min(SIZE[0], room.width() - 40), min(SIZE[1], room.height() - 40))
        self._connect()
        desk.tasks.query(self, read_filters, done=self._on_filters, failed=self._on_failed)

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _columns(self) -> "list[Column[Candidate]]":
        words, tasks = self._desk.words, self._desk.tasks
        return [
            Column(title=self.tr("姓名"), text=lambda row: row.name),
            Column(title=self.tr("年龄"), text=lambda row: words.age(row.birth_date, tasks.today())),
            Column(title=self.tr("学校"), text=lambda row: row.school or self.tr("—")),
            Column(title=self.tr("院区"), text=lambda row: row.site_name),
            Column(title=self.tr("最近检查"), text=self._examined),
        ]

    def _examined(self, row: "Candidate") -> str:
        return self._desk.words.day(row.examined_on) if row.examined_on else self.tr("没有检查")

    def _build(self) -> None:
        names = (self.tr("学校"), self.tr("院区"), self.tr("客群"))
        filters = QHBoxLayout()
        for box, name in zip((self._school, self._site, self._segment), names, strict=True):
            box.setAccessibleName(name)
            filters.addWidget(box, 1)
        self._text.setAccessibleName(self.tr("筛选"))
        filters.addWidget(self._text, 1)
        for column, width in enumerate(WIDTHS):
            self._table.setColumnWidth(column, width)
        self._summary.setAccessibleName(self.tr("结果"))
        self._summary.setMaximumHeight(140)
        self._message.setText(self.tr("文件含姓名和检查结果，离开本机后不再加密；发给家长后请删除。"))
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(16, 16, 16, 12)
        column_layout.setSpacing(10)
        column_layout.addLayout(filters)
        column_layout.addWidget(in_card(self._table), 1)
        for widget in (self._summary, self._bar):
            widget.hide()
            column_layout.addWidget(widget)
        column_layout.addWidget(self._message)
        column_layout.addLayout(self._foot())

    def _foot(self) -> QHBoxLayout:
        self._start.setProperty("kind", "primary")
        self._cancel.hide()
        close = QPushButton(self.tr("关闭 Esc"))
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self._all)
        row.addWidget(self._apart)
        row.addStretch(1)
        for button in (close, self._cancel, self._start):
            button.setAutoDefault(False)
            row.addWidget(button)
        return row

    def _connect(self) -> None:
        for box in (self._school, self._site, self._segment):
            box.currentIndexChanged.connect(self._pause.start)
        self._text.textChanged.connect(self._pause.start)
        self._pause.timeout.connect(self._read)
        self._look.timeout.connect(self._on_look)
        self._model.ticked.connect(self._on_ticked)
        self._all.clicked.connect(self._on_all_clicked)
        self._start.clicked.connect(self.ask_where)
        self._cancel.clicked.connect(self.stop)
        self._table.activated.connect(self._model.toggle)
        on_key(self._table, "Space", self._on_space)

    # ── choosing ─────────────────────────────────────────────────────────────────────────────────────────

    @Slot(object)
    def _on_filters(self, filters: Filters) -> None:
        _fill(self._school, self.tr("全部学校"), [(self._counted(name, n), name) for name, n in filters.schools])
        _fill(self._site, self.tr("全部院区"), [(name, site_id) for site_id, name in filters.sites])
        _fill(self._segment, self.tr("全部客群"), [(one.label, one.key) for one in filters.segments])
        self._school.setVisible(bool(filters.schools))  # an optometrist is not sent schools
        self._segment.setCurrentIndex(max(0, self._segment.findData(self._segment_wish)))
        self._read()

    def _counted(self, name: str, number: int) -> str:
        return self.tr("{name}（{n}）").format(name=name, n=number)

    @Slot()
    def _read(self) -> None:
        self._pause.stop()
        self._desk.tasks.query(
            self, read_candidates, choice=self._choice(), done=self._on_candidates, failed=self._on_failed
        )

    def _choice(self) -> "Choice":
        from hcrm_desktop.cache.queries.reports import Choice

        site: UUID | None = self._site.currentData()
        return Choice(
            school=self._school.currentData() or "",
            site_id=site,
            segment=self._segment.currentData(),
            text=self._text.text().strip(),
        )

    @Slot(object)
    def _on_candidates(self, read: CandidatesRead) -> None:
        self._model.replace(read.rows)
        if read.total > MOST:
            text = self.tr("共 {total} 位，只列出前 {most} 位；请缩小范围。")
            self._message.setText(text.format(total=read.total, most=MOST))

    @Slot()
    def _on_space(self) -> None:
        self._model.toggle(self._table.currentIndex())

    @Slot(bool)
    def _on_all_clicked(self, chosen: bool) -> None:  # noqa: FBT001 - Qt's signal
        self._model.choose_all(chosen=chosen)

    @Slot(int)
    def _on_ticked(self, number: int) -> None:
        self._all.setText(self.tr("全选（已选 {n} 位）").format(n=number))
        self._all.setChecked(bool(number) and number == len(self._model.held()))
        self._start.setEnabled(number > 0 and self._watch is None)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def ask_where(self) -> None:
        """Ask for the file, or for the folder of files."""
        from hcrm_desktop.report.reading import file_name

        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = QFileDialog(self, self.tr("保存报告"), folder, self.tr("PDF 文件 (*.pdf)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._apart.isChecked():
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        else:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix("pdf")
            dialog.selectFile(file_name("several", day=self._desk.tasks.today()))
        dialog.fileSelected.connect(self.write)
        dialog.open()

    @Slot(str)
    def write(self, path: str) -> None:
        """Write to a place that a person chose."""
        from hcrm_desktop.report.batch import Batch, Watch

        batch = Batch(
            customer_ids=self._model.chosen(),
            path=Path(path),
            apart=self._apart.isChecked(),
            today=self._desk.tasks.today(),
            address=clinic_address(self._desk.profile),
        )
        self._watch = Watch()
        self._bar.setRange(0, len(batch.customer_ids))
        self._bar.setValue(0)
        self._show_running(running=True)
        self._look.start()
        self._desk.tasks.query(
            self, write, batch=batch, watch=self._watch, done=self._on_written, failed=self._on_write_failed
        )

    @Slot()
    def stop(self) -> None:
        """Break it off after the child that is being written."""
        if self._watch is not None:
            self._watch.cancelled.set()
            self._cancel.setEnabled(False)

    def hideEvent(self, event: QHideEvent) -> None:
        if not event.spontaneous():  # not merely minimised
            self.stop()
        super().hideEvent(event)

    @Slot()
    def _on_look(self) -> None:
        if self._watch is not None:
            self._bar.setValue(self._watch.done)
            told = self.tr("正在生成：{done} / {total}")
            self._message.setText(told.format(done=self._watch.done, total=self._bar.maximum()))

    @Slot(object)
    def _on_written(self, result: "BatchResult") -> None:
        self._end()
        self._message.setText(self._headline(result))
        self._summary.setPlainText(self.tr("\n").join(self._reason(one) for one in result.skipped))
        self._summary.setVisible(bool(result.skipped))

    def _headline(self, result: "BatchResult") -> str:
        if result.cancelled and not result.written:
            return self.tr("已停止，没有留下文件。")
        told = self.tr("已停止，已生成 {n} 份。") if result.cancelled else self.tr("已生成 {n} 份。")
        left = self.tr("没有生成 {n} 位，原因见上。").format(n=len(result.skipped)) if result.skipped else ""
        return told.format(n=result.written) + left

    def _reason(self, skipped: "Skipped") -> str:
        from hcrm_desktop.report.batch import GONE, NO_EXAM

        reason = {NO_EXAM: self.tr("没有检查记录"), GONE: self.tr("已不在本机")}[skipped.reason]
        return self.tr("{name}：{reason}").format(name=skipped.name or self.tr("一位客户"), reason=reason)

    @Slot(object)
    def _on_write_failed(self, error: Exception) -> None:
        self._end()
        self._on_failed(error)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        shut = self.tr("写不进去：请关闭正在打开的同名文件，或换一个位置。")
        self._message.setText(shut if isinstance(error, StoreUnusable) else self._failures.sentence(error))

    def _end(self) -> None:
        self._look.stop()
        self._watch = None
        self._show_running(running=False)

    def _show_running(self, *, running: bool) -> None:
        self._bar.setVisible(running)
        self._cancel.setVisible(running)
        self._cancel.setEnabled(running)
        self._summary.hide()
        self._start.setEnabled(not running and bool(self._model.chosen()))
        for widget in (self._school, self._site, self._segment, self._text, self._table, self._all, self._apart):
            widget.setEnabled(not running)


def _fill(box: QComboBox, everything: str, entries: Sequence[tuple[str, Any]]) -> None:
    """Entries under one that narrows nothing; nothing is read meanwhile."""
    blocked = box.blockSignals(True)
    box.addItem(everything, None)
    for text, value in entries:
        box.addItem(text, value)
    box.blockSignals(blocked)
