"""The lines at the left that show which conditions belong together."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from hcrm_desktop.models.rule_tree import TreeLine
from hcrm_desktop.theme import Tokens
from hcrm_desktop.views.rules.cards import group_tone
from hcrm_desktop.views.widgets.chips import tone_colours

BEND = 6


def paint_brackets(
    painter: QPainter, rect: QRect, line: TreeLine, groups: Sequence[TreeLine], *, tokens: Tokens, indent: int
) -> None:
    """One bracket for each group around a line; it bends at the line's own, and ends at the group's last line."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for level, group in enumerate(groups):
        ink, _ = tone_colours(tokens, "neutral" if group.node.muted else group_tone(group.node))
        painter.setPen(QPen(QColor(ink), 2))
        last = _is_last(line, group)
        painter.drawPath(_bracket(rect, level * indent + indent / 2, own=level == len(groups) - 1, last=last))
    painter.restore()


def _is_last(line: TreeLine, group: TreeLine) -> bool:
    """Whether the part of a group in which a line stands is its last one."""
    return line.path[len(group.path)] == len(group.below) - 1


def _bracket(rect: QRect, x: float, *, own: bool, last: bool) -> QPainterPath:
    path = QPainterPath()
    top, middle, bottom = float(rect.top()), rect.top() + 22.0, float(rect.bottom() + 1)
    right = float(rect.right() + 1)
    if own:
        path.moveTo(QPointF(x, top))
        path.lineTo(QPointF(x, middle - BEND))
        path.quadTo(QPointF(x, middle), QPointF(x + BEND, middle))
        path.lineTo(QPointF(right, middle))
    if not last:
        path.moveTo(QPointF(x, top))
        path.lineTo(QPointF(x, bottom))
    return path
