"""时间轴: visits, examinations, lenses, contacts, tasks, segments and corrections on one axis, newest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QPushButton, QTableView, QVBoxLayout, QWidget

from hcrm_core.source import SourceKind
from hcrm_desktop.cache.rows import TimelineEntry, TimelineKind, TimelinePage
from hcrm_desktop.models.record_table import Column, RecordTable
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.timeline_words import TimelineWords
from hcrm_desktop.views.widgets.flow import FlowLayout
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.pill import PillDelegate
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.words import Words

_ROW_PX, _SOURCE_COLUMN = 32, 4
_SOURCES = {
    TimelineKind.EXAM: SourceKind.EXAM,
    TimelineKind.ORDER: SourceKind.LENS_ORDER,
    TimelineKind.VISIT: SourceKind.VISIT,
    TimelineKind.PLAN: SourceKind.RECHECK_PLAN,
    TimelineKind.FOLLOW_UP: SourceKind.FOLLOW_UP,
    TimelineKind.LEAD: SourceKind.LEAD,
    TimelineKind.MEDICATION: SourceKind.MEDICATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineLine:
    """An entry, and the month if it is the first of one."""

    entry: TimelineEntry
    month: str


def lines_of(entries: Sequence[TimelineEntry]) -> Iterator[TimelineLine]:
    """Grouped by month: only the first entry of a month names it."""
    before = ""
    for entry in entries:
        month = f"{entry.on:%Y-%m}"
        yield TimelineLine(entry=entry, month="" if month == before else month)
        before = month


class Timeline(QWidget):
    """Everything about one customer, a page at a time. Read only when it is looked at.

    Signals:
        opened: the chosen entry is to be shown in full.
        source_requested: what landed of the chosen entry, by kind and id.
    """

    opened = Signal(object)
    source_requested = Signal(object, object)

    def __init__(self, tasks: Tasks, theme: Theme, words: Words) -> None:
        super().__init__()
        self._tasks, self._words = tasks, TimelineWords(words)
        self._customer_id: UUID | None = None
        self._stale = False
        self._entries: list[TimelineEntry] = []
        self._kinds: dict[TimelineKind, QPushButton] = {kind: self._chip(kind) for kind in TimelineKind}
        self._model, self._table = RecordTable(self._columns(), self), QTableView()
        self._more, self._open = QPushButton(self.tr("更早的记录…")), QPushButton(self.tr("打开 O"))
        self._source = QPushButton(self.tr("原始记录 Enter"))
        nothing = EmptyState(theme, "", self.tr("这里还没有记录。换一个种类，或等中心同步。"))
        self._states = StateStack(theme, self._table, nothing)
        self._build(theme)
        self._connect()

    def show_customer(self, customer_id: UUID) -> None:
        """Show a customer's timeline, now or when the tab is opened."""
        if customer_id != self._customer_id:
            self._show([], more=False)
        self._customer_id, self._stale = customer_id, True
        if self.isVisible():
            self._read()

    def _chip(self, kind: TimelineKind) -> QPushButton:
        chip = QPushButton(self._words.kind(kind))
        chip.setCheckable(True)
        chip.setProperty("kind", "chip")
        chip.toggled.connect(self._on_chip_toggled)
        return chip

    def _columns(self) -> list[Column[TimelineLine]]:
        words = self._words
        return [
            Column(title=self.tr("月份"), text=lambda line: line.month, width=76),
            Column(title=self.tr("日期"), text=lambda line: words.day(line.entry), width=104),
            Column(title=self.tr("种类"), text=lambda line: words.kind(line.entry.kind), width=84),
            Column(title=self.tr("内容"), text=lambda line: words.said(line.entry)),
            Column(
                title=self.tr("来源"),
                text=lambda line: words.source(line.entry),
                width=84,
                tone=lambda line: words.tone(line.entry),
            ),
            Column(title=self.tr("谁"), text=lambda line: line.entry.by, width=88),
        ]

    def _build(self, theme: Theme) -> None:
        chips, head = FlowLayout(), QHBoxLayout()
        head.setContentsMargins(8, 4, 8, 0)
        for chip in self._kinds.values():
            chips.addWidget(chip)
        head.addLayout(chips, 1)
        for button in (self._more, self._open, self._source):
            button.setProperty("kind", "quiet")
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._build_table(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._states, 1)

    def _build_table(self, theme: Theme) -> None:
        table, head = self._table, self._table.horizontalHeader()
        table.setModel(self._model)
        table.setAccessibleName(self.tr("时间轴"))
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setItemDelegateForColumn(_SOURCE_COLUMN, PillDelegate(theme, table))
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW_PX)
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for number, column in enumerate(self._model.columns):
            if column.width:
                table.setColumnWidth(number, column.width)
            else:
                head.setSectionResizeMode(number, QHeaderView.ResizeMode.Stretch)

    def _connect(self) -> None:
        self._more.clicked.connect(self._on_more_clicked)
        self._table.doubleClicked.connect(self._on_activated)
        self._table.clicked.connect(self._on_clicked)
        self._table.selectionModel().currentChanged.connect(self._offer)
        self._model.modelReset.connect(self._offer)
        self._open.clicked.connect(self._open_chosen)
        self._source.clicked.connect(self.ask_source)
        on_key(self._table, "O", self._open_chosen)
        on_key(self._table, "R", self.ask_source)
        for key in ("Return", "Enter"):
            on_key(self._table, key, self._on_enter)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, *, offset: int = 0) -> None:
        from hcrm_desktop.cache.queries import timeline

        self._stale = False
        if self._customer_id is not None:
            asked = (self._customer_id, self._chosen(), offset)
            self._tasks.query(
                self,
                timeline,
                self._customer_id,
                kinds=self._chosen(),
                offset=offset,
                done=lambda page: self._on_read(page, asked=asked),
                failed=self._states.show_error,
            )

    def _chosen(self) -> frozenset[TimelineKind]:
        """The kinds that are shown: all, unless some were picked."""
        picked = frozenset(kind for kind, chip in self._kinds.items() if chip.isChecked())
        return picked or frozenset(TimelineKind)

    def _on_read(self, page: TimelinePage, *, asked: tuple[UUID, frozenset[TimelineKind], int]) -> None:
        customer_id, kinds, offset = asked
        if (customer_id, kinds) == (self._customer_id, self._chosen()):  # a later choice may have overtaken it
            self._show([*self._entries[:offset], *page.entries], more=page.more)

    def _show(self, entries: list[TimelineEntry], *, more: bool) -> None:
        self._entries = entries
        self._model.replace(list(lines_of(entries)))
        self._more.setVisible(more)
        if entries:
            self._states.show_content()
        else:
            self._states.show_empty()

    @Slot()
    def _on_chip_toggled(self) -> None:
        self._read()

    @Slot()
    def _on_more_clicked(self) -> None:
        self._read(offset=len(self._entries))

    # ── the chosen entry ─────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def ask_source(self) -> None:
        """What landed of it, if such a thing lands."""
        entry = self._entry(self._table.currentIndex())
        kind = _source_of(entry) if entry else None
        if entry is not None and kind is not None:
            self.source_requested.emit(kind, entry.id)

    @Slot()
    def _open_chosen(self) -> None:
        self._on_activated(self._table.currentIndex())

    @Slot()
    def _on_enter(self) -> None:
        """Its source; of what was made here, the thing itself."""
        if self._source.isEnabled():
            self.ask_source()
        else:
            self._open_chosen()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        entry = self._entry(index)
        if entry is not None and index.column() != _SOURCE_COLUMN:
            self.opened.emit(entry)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        """A badge is one click away from what it stands for."""
        if index.column() == _SOURCE_COLUMN:
            self.ask_source()

    @Slot()
    def _offer(self) -> None:
        entry = self._entry(self._table.currentIndex())
        self._open.setEnabled(entry is not None)
        self._source.setEnabled(entry is not None and _source_of(entry) is not None)

    def _entry(self, index: QModelIndex) -> TimelineEntry | None:
        line = self._model.row(index)
        return None if line is None else line.entry

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._read()


def _source_of(entry: TimelineEntry) -> SourceKind | None:
    """What may be asked for about an entry; None if nothing of it can have landed."""
    if entry.kind is TimelineKind.CORRECTION and entry.term == "exam":
        return SourceKind.EXAM
    return _SOURCES.get(entry.kind)
