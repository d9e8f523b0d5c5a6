"""Chips: a word in a coloured pill. Colour is never the only sign."""

from PySide6.QtCore import QRect, QSize, Qt, Slot
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hcrm_desktop.cache.rows import Delivery
from hcrm_desktop.theme import Theme, Tokens

PADDING, HEIGHT = 9, 22


def tone_colours(tokens: Tokens, tone: str) -> tuple[str, str]:
    """Text and ground of a tone: "neutral", "info", "good", "warn" or "act"."""
    return {
        "info": (tokens.info, tokens.info_soft),
        "good": (tokens.ok, tokens.ok_soft),
        "warn": (tokens.warn, tokens.warn_soft),
        "act": (tokens.danger, tokens.danger_soft),
    }.get(tone, (tokens.text2, tokens.surface2))


DELIVERY_TONES = {
    Delivery.LOCAL: "warn",
    Delivery.SENDING: "info",
    Delivery.HELD: "act",
    Delivery.CONFLICT: "act",
    Delivery.REVIEW: "act",
    Delivery.ACCEPTED: "good",
}


def paint_pill(painter: QPainter, rect: QRect, text: str, *, colours: tuple[str, str]) -> None:
    """A word in a pill that fills a rectangle; the painter's font is used."""
    ink, ground = colours
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    painter.setPen(QColor(ink))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


class Chip(QWidget):
    """A word in a pill."""

    def __init__(self, theme: Theme, text: str = "", tone: str = "neutral") -> None:
        super().__init__()
        self._theme, self._text, self._tone = theme, text, tone
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)
        theme.changed.connect(self._on_theme_changed)

    def text(self) -> str:
        return self._text

    def set_chip(self, text: str, tone: str) -> None:
        self._text, self._tone = text, tone
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    @Slot()
    def _on_theme_changed(self) -> None:
        self.update()

    def _metrics(self) -> QFontMetrics:
        font = self.font()
        font.setPixelSize(self._theme.tokens.size_small)
        return QFontMetrics(font)

    def sizeHint(self) -> QSize:
        return QSize(self._metrics().horizontalAdvance(self._text) + 2 * PADDING, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = self.font()
        font.setPixelSize(self._theme.tokens.size_small)
        painter.setFont(font)
        paint_pill(painter, self.rect(), self._text, colours=tone_colours(self._theme.tokens, self._tone))


class DeliveryBadge(Chip):
    """How far something entered here has come. Nothing is said of what the centre has."""

    def show_delivery(self, delivery: Delivery, text: str) -> None:
        """Show a state in words (views.words)."""
        self.set_chip(text, DELIVERY_TONES[delivery])
        self.setVisible(delivery is not Delivery.ACCEPTED)
