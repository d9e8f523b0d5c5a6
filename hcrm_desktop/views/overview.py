"""概览: the group in numbers for managers and executives. Each number comes from one snapshot of the centre."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from hcrm_core.wire import Overview, SiteOverview
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.models.overview import Board, read_board
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.widgets.states import EmptyState, StateStack

if TYPE_CHECKING:
    from collections.abc import Iterable


class OverviewPage(QWidget):
    """The page."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._title, self._as_of = QLabel(self.tr("概览")), QLabel()
        self._title.setProperty("role", "h1")
        self._as_of.setProperty("role", "muted")
        self._scroll = QScrollArea(widgetResizable=True)
        empty = EmptyState(desk.theme, self.tr("还没有数字"), self.tr("第一次同步后显示；离线时显示上次的数字。"))
        self._states = StateStack(desk.theme, self._scroll, empty)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._as_of)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 14, 20, 16)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self._states, 1)
        desk.tasks.data_changed.connect(self._on_data_changed)
        self._states.retry_requested.connect(self.reload)

    @Slot()
    def reload(self) -> None:
        """Read the last count."""
        self._desk.tasks.query(
            self, read_board, today=self._desk.tasks.today(), done=self._on_read, failed=self._states.show_error
        )

    @Slot(object)
    def _on_read(self, board: Board) -> None:
        if board.overview is None:
            self._states.show_empty()
            return
        self._as_of.setText(self.tr("数据截至 {at}").format(at=self._desk.words.moment(board.overview.as_of)))
        self._scroll.setWidget(self._cards(board, board.overview))  # the cards before are deleted
        self._states.show_content()

    def _cards(self, board: Board, overview: Overview) -> QWidget:
        cards = QWidget()
        column = QVBoxLayout(cards)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(self._figures(overview))
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._sop_card(board), 1)
        row.addWidget(self._segment_card(board), 1)
        column.addLayout(row)
        column.addWidget(self._site_card(overview))
        column.addStretch(1)
        return cards

    # ── cards ────────────────────────────────────────────────────────────────────────────────────────────

    def _figures(self, overview: Overview) -> QHBoxLayout:
        to_do, done = _totals(overview.sites)
        customers = sum(site.customers for site in overview.sites)
        share = f"{done / (to_do + done):.1%}" if to_do + done else self.tr("—")
        row = QHBoxLayout()
        row.setSpacing(12)
        for number, name in (
            (f"{customers:,}", self.tr("客户")),
            (f"{to_do:,}", self.tr("今日待办")),
            (f"{done:,}", self.tr("今日已办")),
            (share, self.tr("今日完成率")),
        ):
            row.addWidget(self._figure(number, name), 1)
        return row

    def _figure(self, number: str, name: str) -> QFrame:
        card, column = self._card()
        big, small = QLabel(number), QLabel(name)
        big.setProperty("role", "display")
        small.setProperty("role", "muted")
        column.addWidget(big)
        column.addWidget(small)
        return card

    def _sop_card(self, board: Board) -> QFrame:
        card, column = self._card(self.tr("今日任务"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for line, (label, to_do, done) in enumerate(board.sops()):
            bar = QProgressBar(maximum=max(1, to_do + done), value=done, textVisible=False)
            bar.setAccessibleName(label)
            grid.addWidget(QLabel(label), line, 0)
            grid.addWidget(bar, line, 1)
            count = QLabel(self.tr("{done} / {all}").format(done=done, all=to_do + done))
            grid.addWidget(count, line, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        column.addStretch(1)
        return card

    def _segment_card(self, board: Board) -> QFrame:
        card, column = self._card(self.tr("客群"))
        largest = max((size for _, size in board.segments()), default=1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for line, (label, size) in enumerate(board.segments()):
            bar = QProgressBar(maximum=max(1, largest), value=size, textVisible=False)
            bar.setAccessibleName(label)
            grid.addWidget(QLabel(label), line, 0)
            grid.addWidget(bar, line, 1)
            grid.addWidget(QLabel(f"{size:,}"), line, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        column.addStretch(1)
        return card

    def _site_card(self, overview: Overview) -> QFrame:
        card, column = self._card(self.tr("各院区"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        heads = (self.tr("院区"), self.tr("客户"), self.tr("今日待办"), self.tr("今日已办"))
        for place, text in enumerate(heads):
            label = QLabel(text)
            label.setProperty("role", "section")
            grid.addWidget(label, 0, place, Qt.AlignmentFlag.AlignRight if place else Qt.AlignmentFlag.AlignLeft)
        for line, site in enumerate(overview.sites, 1):
            to_do, done = _totals([site])
            grid.addWidget(QLabel(site.name), line, 0)
            for place, number in enumerate((site.customers, to_do, done), 1):
                grid.addWidget(QLabel(f"{number:,}"), line, place, Qt.AlignmentFlag.AlignRight)
        for place in range(len(heads)):
            grid.setColumnStretch(place, 1)
        column.addLayout(grid)
        return card

    def _card(self, title: str = "") -> tuple[QFrame, QVBoxLayout]:
        card = QFrame()
        card.setProperty("role", "card")
        column = QVBoxLayout(card)
        column.setContentsMargins(20, 14, 20, 16)
        column.setSpacing(8)
        if title:
            label = QLabel(title)
            label.setProperty("role", "title")
            column.addWidget(label)
        return card, column

    @Slot(object)
    def _on_data_changed(self, changes: Changes) -> None:
        if "overview" in changes.kinds and self.isVisible():
            self.reload()

    def showEvent(self, event: object) -> None:
        self.reload()


def _totals(sites: "Iterable[SiteOverview]") -> tuple[int, int]:
    sops = [sop for site in sites for sop in site.sops]
    return sum(sop.open for sop in sops), sum(sop.done for sop in sops)
