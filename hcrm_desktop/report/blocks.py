"""Parts of a page that know how high they are and how to paint themselves. Units: 1/96 inch, on whatever device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import segno
from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QPainter, QPainterPath
from PySide6.QtSvg import QSvgRenderer

from hcrm_core.curves.picture import Picture
from hcrm_core.curves.svg import FAMILIES as FAMILIES_OF_SVG
from hcrm_core.curves.svg import picture_svg
from hcrm_desktop.theme import FAMILIES, LIGHT
from hcrm_store.curve_words import picture_words

BODY, SMALL, TINY, HEADING, TITLE = 13, 11, 9, 16, 26
_PADDING = 4.0
_LABEL = 0.24  # share of a table's width for what is measured
_UNBOUND = 100_000.0  # higher than any text
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)


class Block(Protocol):
    """A part of a page."""

    def height(self, width: float) -> float:
        """How high it is at a width."""
        ...

    def paint(self, painter: QPainter, box: QRectF) -> None:
        """Paint it into a box of that height."""
        ...


def font(size: int, *, bold: bool = False) -> QFont:
    """A face with Chinese. Without hinting a text is as long on paper as it was when it was measured."""
    made = QFont()
    made.setFamilies(list(FAMILIES))
    made.setPixelSize(size)
    made.setBold(bold)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph."""

    text: str
    size: int = BODY
    bold: bool = False
    colour: str = LIGHT.text

    def height(self, width: float) -> float:
        metrics = QFontMetricsF(font(self.size, bold=self.bold))
        return metrics.boundingRect(QRectF(0, 0, width, _UNBOUND), _LEFT, self.text).height()

    def paint(self, painter: QPainter, box: QRectF) -> None:
        painter.setFont(font(self.size, bold=self.bold))
        painter.setPen(QColor(self.colour))
        painter.drawText(box, _LEFT, self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Parts below each other that stay on one page."""

    parts: Sequence[Block]
    gap: float = 6.0

    def height(self, width: float) -> float:
        return sum(part.height(width) for part in self.parts) + self.gap * max(0, len(self.parts) - 1)

    def paint(self, painter: QPainter, box: QRectF) -> None:
        y = box.top()
        for part in self.parts:
            height = part.height(box.width())
            part.paint(painter, QRectF(box.left(), y, box.width(), height))
            y += height + self.gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of three: a label and both eyes, the right one first. The first row is the head."""

    rows: Sequence[tuple[str, str, str]]

    def height(self, width: float) -> float:
        return sum(self._row_height(number, width) for number in range(len(self.rows)))

    def paint(self, painter: QPainter, box: QRectF) -> None:
        y = box.top()
        for number in range(len(self.rows)):
            height = self._row_height(number, box.width())
            self._paint_row(painter, number, QRectF(box.left(), y, box.width(), height))
            y += height

    def _paint_row(self, painter: QPainter, number: int, box: QRectF) -> None:
        if number == 0:
            painter.fillRect(box, QColor(LIGHT.surface2))
        x = box.left()
        for cell, width in zip(self._cells(number), self._widths(box.width()), strict=True):
            inside = QRectF(x, box.top(), width, box.height())
            cell.paint(painter, inside.adjusted(_PADDING, _PADDING, -_PADDING, 0))
            x += width
        painter.setPen(QColor(LIGHT.border))
        painter.drawLine(box.bottomLeft(), box.bottomRight())

    def _row_height(self, number: int, width: float) -> float:
        cells = zip(self._cells(number), self._widths(width), strict=True)
        return max(cell.height(wide - 2 * _PADDING) for cell, wide in cells) + 2 * _PADDING

    def _cells(self, number: int) -> tuple[Text, Text, Text]:
        label, right, left = self.rows[number]
        bold = number == 0
        first = Text(text=label, colour=LIGHT.text2)
        if not bold:
            return first, Text(text=right), Text(text=left)
        return first, Text(text=right, bold=True, colour=LIGHT.od), Text(text=left, bold=True, colour=LIGHT.os)

    def _widths(self, width: float) -> tuple[float, float, float]:
        label = width * _LABEL
        return label, (width - label) / 2, (width - label) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Labels and values, some in each line."""

    facts: Sequence[tuple[str, str]]
    columns: int = 4
    gap: float = 6.0

    def height(self, width: float) -> float:
        return sum(self._line_height(line, width) for line in self._lines()) + self.gap * (len(self._lines()) - 1)

    def paint(self, painter: QPainter, box: QRectF) -> None:
        y, wide = box.top(), box.width() / self.columns
        for line in self._lines():
            height = self._line_height(line, box.width())
            for column, cell in enumerate(line):
                cell.paint(painter, QRectF(box.left() + column * wide, y, wide - _PADDING, height))
            y += height + self.gap

    def _line_height(self, line: Sequence[Stack], width: float) -> float:
        return max(cell.height(width / self.columns - _PADDING) for cell in line)

    def _lines(self) -> list[list[Stack]]:
        cells = [
            Stack(parts=(Text(text=label, size=SMALL, colour=LIGHT.text2), Text(text=value, bold=True)), gap=0)
            for label, value in self.facts
        ]
        return [cells[n : n + self.columns] for n in range(0, len(cells), self.columns)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as wide as the page."""

    picture: Picture
    proportion: float  # height to width

    def height(self, width: float) -> float:
        return width * self.proportion

    def paint(self, painter: QPainter, box: QRectF) -> None:
        svg = picture_svg(self.picture, words=picture_words(), width=box.width(), height=box.height())
        # QtSvg takes a list of families for the name of one, finds none, and prints in whatever there is.
        named = svg.replace(FAMILIES_OF_SVG, QFontInfo(font(BODY)).family())
        QSvgRenderer(QByteArray(named.encode())).render(painter, box)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A QR code with its caption below, right of whatever else there is."""

    beside: Block
    payload: str
    caption: Text
    side: float = 92.0
    gap: float = 24.0  # more than the four modules that a reader needs around it

    def height(self, width: float) -> float:
        code = self.side + self.gap + self.caption.height(self.side)
        return max(self.beside.height(width - self.side - self.gap), code)

    def paint(self, painter: QPainter, box: QRectF) -> None:
        self.beside.paint(painter, box.adjusted(0, 0, -self.side - self.gap, 0))
        corner = QPointF(box.right() - self.side, box.top())
        painter.fillPath(self._modules(corner), QColor("black"))
        self.caption.paint(painter, QRectF(corner.x(), corner.y() + self.side + self.gap, self.side, _UNBOUND))

    def _modules(self, corner: QPointF) -> QPainterPath:
        """All dark modules as one shape: single ones would show seams between them."""
        rows = code_rows(self.payload)
        size = self.side / len(rows)
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                if dark:
                    path.addRect(corner.x() + x * size, corner.y() + y * size, size, size)
        return path


def code_rows(payload: str) -> list[bytes]:
    """The modules of a QR code, 1 for a dark one."""
    return [bytes(row) for row in segno.make(payload, error="m", micro=False).matrix]
