"""原始记录: the source rows behind one row, as they landed at the centre. Read each time, kept nowhere."""

from functools import partial
from uuid import UUID

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.errors import NotPermitted
from hcrm_core.source import SourceField, SourceKind, SourceRow, SourceRows
from hcrm_core.terms import Source
from hcrm_desktop.models.record_table import Column, RecordTable
from hcrm_desktop.models.sources import sources
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.source_words import TONES, SourceWords
from hcrm_desktop.views.widgets.chips import Chip
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.pill import PillDelegate
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.words import Words

SIZE = (760, 560)
_ROW_PX, _LABEL_PX, _MARK_PX = 32, 264, 104


class SourceDialog(QDialog):
    """One source row at a time: where it came from, and its cells."""

    def __init__(
        self, tasks: Tasks, theme: Theme, words: Words, kind: SourceKind, row_id: UUID, *, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._tasks, self._common, self._words = tasks, words, SourceWords(words)
        self._kind, self._row_id = kind, row_id
        self._rows: list[SourceRow] = []
        self._which, self._badge = QComboBox(), Chip(theme)
        self._origin, self._notes = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._model, self._table = RecordTable(self._columns(), self), QTableView()
        self._copy, self._close = QPushButton(self.tr("复制 Ctrl+C")), QPushButton(self.tr("关闭 Esc"))
        self._states = StateStack(theme, self._build_content(), EmptyState(theme, ""))
        self.setWindowTitle(self.tr("原始记录 · {kind}").format(kind=self._words.kind(kind)))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build_table(theme)
        self._build()
        self._connect()
        self._read()

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _columns(self) -> list[Column[SourceField]]:
        return [
            Column(title=self.tr("字段"), text=lambda field: self._words.label(self._row(), field), width=_LABEL_PX),
            Column(title=self.tr("原文"), text=lambda field: field.text),
            Column(title=self.tr("核对"), text=self._words.differs, width=_MARK_PX, tone=lambda _: "warn"),
        ]

    def _build_content(self) -> QWidget:
        content = QFrame()
        head = QHBoxLayout()
        head.addWidget(self._badge, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._origin, 1)
        self._which.setAccessibleName(self.tr("选择一条原始记录"))
        self._notes.setProperty("role", "warn")
        self._origin.setTextFormat(Qt.TextFormat.PlainText)
        self._origin.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._which)
        column.addLayout(head)
        column.addWidget(self._notes)
        column.addWidget(self._table, 1)
        return content

    def _build_table(self, theme: Theme) -> None:
        table, head = self._table, self._table.horizontalHeader()
        table.setModel(self._model)
        table.setAccessibleName(self.tr("原始记录"))
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        table.setItemDelegateForColumn(2, PillDelegate(theme, table))
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW_PX)
        head.setHighlightSections(False)
        for number, column in enumerate(self._model.columns):
            table.setColumnWidth(number, column.width)
        head.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)

    def _build(self) -> None:
        where = QLabel(self.tr("原始记录只存在中心，本机不留存；查看时需要联网。"), wordWrap=True)
        where.setProperty("role", "small")
        buttons = QHBoxLayout()
        buttons.addWidget(where, 1)
        for button in (self._copy, self._close):
            button.setAutoDefault(button is self._close)
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(12)
        column.addWidget(self._states, 1)
        column.addLayout(buttons)
        self.resize(*SIZE)

    def _connect(self) -> None:
        self._states.retry_requested.connect(self._read)
        self._which.currentIndexChanged.connect(self._on_which_changed)
        self._copy.clicked.connect(self.copy)
        self._close.clicked.connect(self.reject)
        on_key(self, QKeySequence(QKeySequence.StandardKey.Copy).toString(), self.copy, children=True)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _read(self) -> None:
        self._copy.setEnabled(False)
        self._states.show_loading()
        ask = partial(sources, kind=self._kind, row_id=self._row_id)
        self._tasks.consult(self, ask, done=self._on_read, failed=self._on_failed)

    @Slot(object)
    def _on_read(self, found: SourceRows) -> None:
        self._rows = found.rows
        self._which.clear()
        self._which.addItems([self._words.choice(number, row) for number, row in enumerate(found.rows, 1)])
        self._which.setVisible(len(found.rows) > 1)
        if found.rows:
            self._states.show_content()
            self._table.setFocus()
        else:
            self._states.show_empty(*self._why_none(found))

    def _why_none(self, found: SourceRows) -> tuple[str, str]:
        when = self._common.moment(found.entered_at)
        if found.source is Source.WORKSTATION:
            by = found.entered_by or self.tr("录入人未记录")
            hint = self.tr("{by} 录入，中心于 {when} 收到。没有外来的原始记录。").format(by=by, when=when)
            return self.tr("在工作站录入"), hint
        hint = self.tr("中心于 {when} 收到；它来自的那一行已不在：可能已被来源更正，或那次导入已撤销。").format(
            when=when
        )
        return self.tr("没有原始记录"), hint

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, NotPermitted):
            hint = self.tr("中心没有这条记录，或不在您的名下。刚在本机录入的，上传后才能查看。")
            self._states.show_empty(self.tr("看不到原始记录"), hint)
        else:
            self._states.show_error(error)

    @Slot(int)
    def _on_which_changed(self, number: int) -> None:
        if number < 0:
            return
        row = self._rows[number]
        notes = self._words.notes(row)
        self._badge.set_chip(self._common.source(row.source), TONES[row.source])
        self._origin.setText(self._words.origin(row))
        self._notes.setText("\n".join(notes))
        self._notes.setVisible(bool(notes))
        self._model.replace(row.fields)
        self._table.setColumnHidden(2, not any(field.differs for field in row.fields))
        self._copy.setEnabled(bool(row.fields))

    def _row(self) -> SourceRow:
        return self._rows[self._which.currentIndex()]

    @Slot()
    def copy(self) -> None:
        """What is shown, a line a field, for a mail to whoever keeps the source."""
        if self._copy.isEnabled():
            row = self._row()
            lines = (f"{self._words.label(row, field)}\t{field.text}" for field in row.fields)
            QGuiApplication.clipboard().setText("\n".join([self._words.origin(row), *lines]))
