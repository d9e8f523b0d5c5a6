"""A cell that is a state: the word in a pill, in the tone that the model gives (models.rows.TONE_ROLE)."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from hcrm_desktop.models.rows import TONE_ROLE
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.widgets.chips import HEIGHT, PADDING, paint_pill, tone_colours

LEFT = 8


class PillDelegate(QStyledItemDelegate):
    """Paints the ground as the table does, and the word in a pill."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        ground = QStyleOptionViewItem(option)
        self.initStyleOption(ground, index)
        text, ground.text = ground.text, ""
        ground.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, ground, painter, ground.widget)
        if not text:
            return
        painter.save()
        font = QFont(painter.font())
        font.setPixelSize(self._theme.tokens.size_small)
        painter.setFont(font)
        width = QFontMetrics(font).horizontalAdvance(text) + 2 * PADDING
        room = option.rect
        pill = QRect(room.left() + LEFT, room.center().y() - HEIGHT // 2, min(width, room.width() - LEFT), HEIGHT)
        paint_pill(painter, pill, text, colours=tone_colours(self._theme.tokens, index.data(TONE_ROLE) or "neutral"))
        painter.restore()
