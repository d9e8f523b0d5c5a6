"""What each symbol of a chart means, and what the chart rests on."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from hcrm_core.curves.picture import Mark, Picture, Scenario, Sign
from hcrm_core.terms import Eye
from hcrm_desktop.charts.chart_words import ChartWords
from hcrm_desktop.theme import Theme, Tokens

SYMBOL = 14  # room for a symbol
CLAUSE = " · "  # between the clauses of a caption, which may begin a new line each


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A word, and how its symbol is painted into a box; None: without a symbol."""

    text: str
    paint: Callable[[QPainter, QRectF, Tokens], None] | None = None


class Legend(QWidget):
    """Symbol and word for each eye and for everything else that occurs, then the caption. It wraps."""

    GAP = 16

    def __init__(self, theme: Theme, words: ChartWords) -> None:
        super().__init__()
        self._theme, self._words = theme, words
        self._entries: list[_Entry] = self._eyes()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.update)

    def show_picture(self, picture: Picture) -> None:
        """Explain a picture."""
        caption = self._words.caption(picture)
        clauses = caption.split(CLAUSE) if caption else []
        told = [*self._eyes(), *self._marks(picture), *self._rooms(picture), *self._signs(picture)]
        self._entries = [*told, *(_Entry(text=clause) for clause in clauses)]
        self.updateGeometry()
        self.update()

    @property
    def line(self) -> int:
        """The height of a line of text, px."""
        return round(self._theme.tokens.size_small * 1.5)

    @property
    def texts(self) -> list[str]:
        return [entry.text for entry in self._entries]

    def _eyes(self) -> list[_Entry]:
        return [_Entry(text=name, paint=_dot(eye, Mark.SOLID)) for eye, name in self._words.eyes.items()]

    def _marks(self, picture: Picture) -> list[_Entry]:
        found = {point.mark for point in picture.points}
        if found == {Mark.SOLID}:
            return []
        return [_Entry(text=self._words.marks[mark], paint=_dot(None, mark)) for mark in Mark if mark in found]

    def _rooms(self, picture: Picture) -> list[_Entry]:
        found = {fan.scenario for fan in picture.fans}
        rooms = [_Entry(text=self._words.target, paint=_target)] if picture.target else []
        rooms += [_Entry(text=self._words.mean, paint=_dashes)] if picture.means else []
        return rooms + [_Entry(text=self._words.scenarios[one], paint=_room(one)) for one in Scenario if one in found]

    def _signs(self, picture: Picture) -> list[_Entry]:
        found = {glyph.sign for glyph in picture.glyphs}
        signs = [_Entry(text=self._words.signs[sign], paint=_sign(sign)) for sign in Sign if sign in found]
        return signs + ([_Entry(text=self._words.washout, paint=_hatch)] if picture.washouts else [])

    def _places(self, width: int) -> list[QPointF]:
        """Where each entry begins."""
        metrics, x, y, places = QFontMetrics(self._small()), 2.0, 0.0, []
        for entry in self._entries:
            wide = metrics.horizontalAdvance(entry.text) + (SYMBOL if entry.paint else 0)
            if x > 2 and x + wide > width:
                x, y = 2.0, y + self.line
            places.append(QPointF(x, y))
            x += wide + self.GAP
        return places

    def _small(self) -> QFont:
        font = self.font()
        font.setPixelSize(self._theme.tokens.size_small)
        return font

    def sizeHint(self) -> QSize:
        return QSize(100, self.line)

    def heightForWidth(self, width: int) -> int:
        return int(self._places(width)[-1].y()) + self.line

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._small())
        middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        for entry, place in zip(self._entries, self._places(self.width()), strict=True):
            if entry.paint is not None:
                box = QRectF(place.x(), place.y() + self.line / 2 - 4.5, 9, 9)
                entry.paint(painter, box, self._theme.tokens)
            beside = place + QPointF(SYMBOL if entry.paint else 0, 0)
            painter.setPen(QColor(self._theme.tokens.text2))
            painter.drawText(QRectF(beside, QSizeF(self.width(), self.line)), middle, entry.text)


# ── symbols ──────────────────────────────────────────────────────────────────────────────────────────────────


def _dot(eye: Eye | None, mark: Mark) -> Callable[[QPainter, QRectF, Tokens], None]:
    def paint(painter: QPainter, box: QRectF, tokens: Tokens) -> None:
        colour = QColor({Eye.OD: tokens.od, Eye.OS: tokens.os, None: tokens.text2}[eye])
        painter.setPen(QPen(colour, 1.6))
        painter.setBrush(colour if mark is Mark.SOLID else QColor(tokens.surface))
        if eye is Eye.OS:
            painter.drawRect(box)
        else:
            painter.drawEllipse(box)
        if mark is Mark.CROSSED:
            inner = box.adjusted(2, 2, -2, -2)
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())

    return paint


def _room(scenario: Scenario) -> Callable[[QPainter, QRectF, Tokens], None]:
    def paint(painter: QPainter, box: QRectF, tokens: Tokens) -> None:
        shown = {
            Scenario.UNTREATED: tokens.warn,
            Scenario.PHYSIOLOGICAL: tokens.ok,
            Scenario.TREATED: tokens.primary,
        }
        _fill(painter, box, shown[scenario])

    return paint


def _target(painter: QPainter, box: QRectF, tokens: Tokens) -> None:
    _fill(painter, box, tokens.ok)


def _fill(painter: QPainter, box: QRectF, colour: str) -> None:
    ground = QColor(colour)
    ground.setAlphaF(0.25)
    painter.setPen(QPen(QColor(colour), 1))
    painter.setBrush(ground)
    painter.drawRect(box)


def _dashes(painter: QPainter, box: QRectF, tokens: Tokens) -> None:
    painter.setPen(QPen(QColor(tokens.text2), 1.4, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.right() + 2, box.center().y()))


def _hatch(painter: QPainter, box: QRectF, tokens: Tokens) -> None:
    painter.setPen(QPen(QColor(tokens.text2), 1))
    painter.setBrush(QBrush(QColor(tokens.text2), Qt.BrushStyle.BDiagPattern))
    painter.drawRect(box)


def _sign(sign: Sign) -> Callable[[QPainter, QRectF, Tokens], None]:
    """The shapes of the plot: a diamond, a triangle, a cross."""

    def paint(painter: QPainter, box: QRectF, tokens: Tokens) -> None:
        middle = box.center()
        top, bottom = QPointF(middle.x(), box.top()), QPointF(middle.x(), box.bottom())
        left, right = QPointF(box.left(), middle.y()), QPointF(box.right(), middle.y())
        painter.setPen(QPen(QColor(tokens.text2), 1.2))
        painter.setBrush(QColor(tokens.surface))
        if sign is Sign.CYCLOPLEGIA:
            painter.drawPolygon([top, right, bottom, left])
        elif sign is Sign.DEVICE:
            painter.drawPolygon([top, box.bottomRight(), box.bottomLeft()])
        else:
            painter.drawLine(box.topLeft(), box.bottomRight())
            painter.drawLine(box.topRight(), box.bottomLeft())

    return paint
