"""How one line of the list is painted: urgency, who, what is due, on what, how far."""

from datetime import date

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from hcrm_core.tasks import CLOSED
from hcrm_core.terms import TaskState
from hcrm_desktop.cache.rows import Delivery, TaskRow
from hcrm_desktop.models.task_list import OTHERS_ROLE, ROW_ROLE, Rows
from hcrm_desktop.theme import Theme, Tokens
from hcrm_desktop.views.widgets.chips import PADDING, paint_pill, tone_colours
from hcrm_desktop.views.words import Words

HEIGHT, MARGIN, BAR = 58, 14, 4
LATE_DAYS = 14  # a fortnight: beyond it the line is marked to act, before it to mind

TONES = ("neutral", "warn", "act")  # from calm to urgent


def is_escalated(rows: Rows) -> bool:
    """Whether something of a contact was to be done long ago, and nobody began."""
    return any(row.escalated_on is not None and row.state not in CLOSED for row in rows)


def urgency(row: TaskRow, today: date) -> str:
    """The tone of a line: "act", "warn" or "neutral"."""
    late = (today - row.due_on).days
    if row.state in CLOSED or row.state is TaskState.SNOOZED:
        return "neutral"
    return "act" if late > LATE_DAYS else "warn" if late > 0 else "neutral"


class TaskLine(QStyledItemDelegate):
    """Paints a contact in two lines: its most urgent task, and what else it is about."""

    def __init__(self, theme: Theme, words: Words, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._words = theme, words
        self.today = date.min

    def what(self, row: TaskRow, others: Rows) -> str:
        """What is due: of one task on which lens, of several whose."""
        if others:
            return self._several((row, *others))
        parts = [row.sop_label]
        if row.product is not None:
            parts.append(self._words.product(row.product))
        if row.lens_since is not None and row.lens_since <= self.today:
            worn = self._words.span((self.today - row.lens_since).days)
            parts.append(self.tr("镜龄 {span}").format(span=worn))
        return " · ".join(parts)

    def _several(self, rows: Rows) -> str:
        said: dict[str, list[str]] = {}
        for row in rows:
            said.setdefault(row.name, []).append(row.sop_label)
        each = [
            self.tr("{name} {sops}").format(name=name, sops=self.tr("、").join(sops)) for name, sops in said.items()
        ]
        return self.tr("{n} 项 · {each}").format(n=len(rows), each=self.tr("，").join(each))

    def when(self, row: TaskRow) -> str:
        if row.state is TaskState.SNOOZED and row.next_on is not None and row.next_on > self.today:
            return self.tr("推迟到 {day}").format(day=self._words.day(row.next_on))
        return self._words.task_state(row.state) if row.state in CLOSED else self._words.due(row.due_on, self.today)

    def progress(self, row: TaskRow) -> str:
        """What happened so far."""
        if row.delivery is not Delivery.ACCEPTED:
            return self._words.delivery(row.delivery)
        if row.last_outcome is not None:
            return self.tr("已联系 {n} 次 · {outcome}").format(
                n=row.attempts, outcome=self._words.outcome(row.last_outcome)
            )
        return "" if row.state in CLOSED else self._words.task_state(row.state)

    def describe(self, row: TaskRow, others: Rows) -> str:
        """The line in words, for screen readers."""
        parts = [row.name, self._words.age(row.birth_date, self.today), self.what(row, others), self.when(row)]
        parts += [self.tr("已升级")] if is_escalated((row, *others)) else []
        return self.tr("，").join([*parts, self.progress(row)])

    # ── painting ─────────────────────────────────────────────────────────────────────────────────────────

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row, others, tokens = index.data(ROW_ROLE), index.data(OTHERS_ROLE), self._theme.tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, option, max((urgency(one, self.today) for one in (row, *others)), key=TONES.index))
        inner = option.rect.adjusted(MARGIN + BAR, 8, -MARGIN, -8)
        upper = QRect(inner.left(), inner.top(), inner.width(), 22)
        lower = QRect(inner.left(), inner.top() + 23, inner.width(), 19)
        right = self._right(
            painter, upper, self.when(row), tone_colours(tokens, urgency(row, self.today))[0], bold=True
        )
        if is_escalated((row, *others)):
            right += self._pill(painter, upper.adjusted(0, 0, -right, 0), self.tr("已升级"))
        self._who(painter, upper.adjusted(0, 0, -right, 0), row, others)
        ink = tokens.warn if row.delivery is not Delivery.ACCEPTED else tokens.text2
        right = self._right(painter, lower, self.progress(row), ink, bold=False)
        self._left(
            painter, lower.adjusted(0, 0, -right, 0), self.what(row, others), tokens.text2, size=tokens.size_small + 1
        )
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, tone: str) -> None:
        tokens, rect = self._theme.tokens, option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.primary_soft))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(tokens.surface2))
        if tone != "neutral":
            painter.fillRect(QRect(rect.left(), rect.top() + 8, BAR, rect.height() - 16), QColor(_bar(tokens, tone)))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(tokens.surface2))

    def _who(self, painter: QPainter, rect: QRect, row: TaskRow, others: Rows) -> None:
        """The name, and more quietly sex and age; of a family all its children that are due."""
        tokens = self._theme.tokens
        ink = tokens.text2 if row.state in CLOSED else tokens.text
        used = self._left(painter, rect, row.name, ink, size=tokens.size_text + 1, bold=True)
        about = f"{self._words.sex(row.sex)}  {self._words.age(row.birth_date, self.today)}"
        rest = rect.adjusted(used + 10, 0, 0, 0)
        used = self._left(painter, rest, about, tokens.text2, size=tokens.size_small + 1)
        siblings = list(dict.fromkeys(one.name for one in others if one.customer_id != row.customer_id))
        if siblings:
            rest = rest.adjusted(used + 10, 0, 0, 0)
            family = self.tr("同一家庭 {names}").format(names=self.tr("、").join(siblings))
            self._left(painter, rest, family, tokens.info, size=tokens.size_small, bold=True)

    def _pill(self, painter: QPainter, rect: QRect, text: str) -> int:
        """A word in a pill at the right; returns the room it takes."""
        tokens = self._theme.tokens
        metrics = self._write_with(painter, tokens.warn, tokens.size_small, bold=True)
        width = metrics.horizontalAdvance(text) + 2 * PADDING
        place = QRect(rect.right() - width + 1, rect.top() + 1, width, rect.height() - 2)
        paint_pill(painter, place, text, colours=tone_colours(tokens, "warn"))
        return width + 10

    def _left(self, painter: QPainter, rect: QRect, text: str, ink: str, *, size: int, bold: bool = False) -> int:
        """Text from the left, elided; returns its width."""
        metrics = self._write_with(painter, ink, size, bold=bold)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, rect.width()))
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        return metrics.horizontalAdvance(shown)

    def _right(self, painter: QPainter, rect: QRect, text: str, ink: str, *, bold: bool) -> int:
        """Text at the right, never elided; returns the room it takes."""
        metrics = self._write_with(painter, ink, self._theme.tokens.size_small + 1, bold=bold)
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        return metrics.horizontalAdvance(text) + 12 if text else 0

    def _write_with(self, painter: QPainter, ink: str, size: int, *, bold: bool) -> QFontMetrics:
        font = QFont(painter.font())
        font.setPixelSize(size)
        font.setBold(bold)
        painter.setFont(font)
        painter.setPen(QColor(ink))
        return QFontMetrics(font)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, HEIGHT)


def _bar(tokens: Tokens, tone: str) -> str:
    return tokens.danger if tone == "act" else tokens.warn
