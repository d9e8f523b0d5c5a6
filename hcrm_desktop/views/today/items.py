"""What one contact is about: each thing that is due of a family, why, and whether the outcome is recorded of it."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.tasks import CLOSED
from hcrm_desktop.cache.rows import DueItem
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.today.evidence import EvidenceWords
from hcrm_desktop.views.widgets.chips import Chip
from hcrm_desktop.views.words import Words


class DueItems(QFrame):
    """The items of a case. All that the reader may work on are ticked, until he says otherwise."""

    def __init__(self, theme: Theme, words: Words) -> None:
        super().__init__()
        self._theme, self._words, self._evidence = theme, words, EvidenceWords(words)
        self._shown: tuple[tuple[DueItem, ...], date] | None = None
        self._left_out: set[UUID] = set()
        self._open = False
        self._lines: list[ItemLine] = []
        self._head = QLabel(wordWrap=True)
        self._head.setProperty("role", "warn")
        self.setProperty("role", "well")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 8, 8)
        self._column.setSpacing(4)
        self._column.addWidget(self._head)

    def begin(self) -> None:
        """Another contact: everything is ticked, and the short answer is shown."""
        self._left_out, self._open, self._shown = set(), False, None

    def show_items(self, items: tuple[DueItem, ...], today: date) -> None:
        """Show what is due. What was ticked off stays so if it is still among it."""
        if self._shown == (items, today):
            return
        self._shown = (items, today)
        for line in self._lines:
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = [self._line(item, today, alone=len(items) == 1) for item in items]
        for line in self._lines:
            self._column.addWidget(line)
        self._head.setText(self.tr("同一家长，一次说完：共 {n} 项，结果记到打勾的各项。").format(n=len(items)))
        self._head.setVisible(len(items) > 1)

    def ticked(self) -> list[DueItem]:
        """What the outcome is recorded of: with one item alone, that one."""
        return [line.item for line in self._lines if line.is_ticked()]

    def unticked(self) -> list[DueItem]:
        """What the reader could record, but not this time."""
        return [line.item for line in self._lines if line.item.workable and not line.is_ticked()]

    def toggle_tick(self, place: int) -> None:
        """Tick an item, or take its tick away."""
        if place < len(self._lines):
            self._lines[place].tick.click()

    def toggle_why(self) -> None:
        """Show every condition of all items, or hide them."""
        self._open = not self._open
        for line in self._lines:
            line.why.setChecked(self._open)

    def _line(self, item: DueItem, today: date, *, alone: bool) -> "ItemLine":
        line = ItemLine(self._theme, item, text=self._text(item, today, alone=alone), alone=alone)
        line.reasons.setText("\n".join(self._evidence.lines(item.evidence)))
        line.tick.setChecked(item.workable and item.task.id not in self._left_out)
        line.why.setChecked(self._open)
        line.ticked.connect(self._on_ticked)
        return line

    @Slot(object, bool)
    def _on_ticked(self, task_id: UUID, checked: bool) -> None:  # noqa: FBT001 - Qt's signature
        self._left_out = self._left_out - {task_id} if checked else self._left_out | {task_id}

    def _text(self, item: DueItem, today: date, *, alone: bool) -> str:
        """Of one item alone what decided, of several only what is due and since when."""
        task, due = item.task, self._words.due(item.task.due_on, today)
        head = self.tr("{sop}，应于 {day}（{due}）").format(
            sop=task.sop_label, day=self._words.day(task.due_on), due=due
        )
        if not alone:
            return self.tr("{name}  {head}").format(name=task.name, head=head)
        reason = self._evidence.sentence(item.evidence)
        return self.tr("{head}。{reason}").format(head=head, reason=reason) if reason else head


class ItemLine(QWidget):
    """One item: a tick, what is due, and why on demand.

    Attributes:
        item: what it shows.
        tick, why, reasons: its parts.

    Signals:
        ticked: the task's id, and whether.
    """

    ticked = Signal(object, bool)

    def __init__(self, theme: Theme, item: DueItem, *, text: str, alone: bool) -> None:
        super().__init__()
        self.item = item
        self.tick, self.why = QCheckBox(self), QPushButton(self.tr("为何 ?"), self)
        self.reasons = QLabel(self, wordWrap=True)
        words, of_another = QLabel(text, wordWrap=True), QLabel(self.tr("同事负责"), self)
        of_another.setProperty("role", "small")
        of_another.setVisible(not alone and not item.workable)
        escalated = Chip(theme, self.tr("已升级"), "warn")
        escalated.setParent(self)
        escalated.setToolTip(self.tr("到期多日还没有人开始，已提请运营经理留意。"))
        escalated.setVisible(item.task.escalated_on is not None and item.task.state not in CLOSED)
        self.tick.setAccessibleName(text)
        self.tick.setToolTip(self.tr("打勾的各项一起记录（Ctrl+数字 勾选）"))
        self.tick.setVisible(not alone and item.workable)
        self.tick.toggled.connect(self._on_toggled)
        self.why.setCheckable(True)
        self.why.setProperty("kind", "quiet")
        self.why.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.why.setVisible(bool(item.evidence))
        self.reasons.setProperty("role", "small")
        self.reasons.hide()
        self.why.toggled.connect(self.reasons.setVisible)
        self._arrange((self.tick, words, of_another, escalated, self.why), stretched=words)

    def is_ticked(self) -> bool:
        return self.tick.isChecked()

    def _arrange(self, parts: Sequence[QWidget], *, stretched: QWidget) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        for part in parts:
            row.addWidget(part, 1 if part is stretched else 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.reasons)

    @Slot(bool)
    def _on_toggled(self, checked: bool) -> None:  # noqa: FBT001 - Qt's signature
        self.ticked.emit(self.item.task.id, checked)
