"""A chart with its title, legend, read-out and caption. Pictures come and go; the widget stays."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from hcrm_core.terms import Eye
from hcrm_desktop.charts.chart_words import ChartWords
from hcrm_desktop.charts.picture import Mark, Picture, Point
from hcrm_desktop.theme import Theme

if TYPE_CHECKING:
    from hcrm_desktop.charts.canvas import Canvas


class EyeChart(QWidget):
    """One chart. With the focus, ← and → walk through its points.

    Attributes:
        readout: what is said of the point under the pointer.
    """

    def __init__(self, theme: Theme, words: ChartWords) -> None:
        super().__init__()
        self._theme, self._words = theme, words
        self._picture: Picture | None = None
        self._canvas: Canvas | None = None
        self._at = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(words.title)
        self.readout, self._caption = QLabel(), QLabel(wordWrap=True)
        self._legend = Legend(theme, words)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 12, 8)
        self._column.setSpacing(2)
        self._build()
        theme.changed.connect(self._on_theme_changed)

    def _build(self) -> None:
        title = QLabel(self._words.title)
        title.setProperty("role", "title")
        self.readout.setProperty("role", "small")
        self._caption.setProperty("role", "small")
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(title)
        head.addWidget(self.readout, 1)
        self._column.addLayout(head)
        self._column.addWidget(self._legend)
        self._column.addWidget(self._caption)

    def show_picture(self, picture: Picture) -> None:
        """Draw another picture."""
        self._picture, self._at = picture, -1
        self.readout.clear()
        self._legend.show_marks(picture)
        self._caption.setText(self._words.caption(picture))
        self.setAccessibleDescription(self._words.description(picture))
        self._made().draw(picture)

    def _made(self) -> "Canvas":
        """The canvas; made when first needed, because pyqtgraph takes half a second to import."""
        if self._canvas is None:
            from hcrm_desktop.charts.canvas import Canvas

            self._canvas = Canvas(self._theme, self._words)
            self._canvas.widget.scene().sigMouseMoved.connect(self._on_mouse_moved)
            self._column.insertWidget(2, self._canvas.widget, 1)
        return self._canvas

    def _read_out(self, point: Point | None) -> None:
        if self._picture is not None:
            self.readout.setText("" if point is None else self._words.point(self._picture, point))
            self._made().mark(point)

    @Slot(object)
    def _on_mouse_moved(self, place: QPointF) -> None:
        self._read_out(self._made().nearest(place))

    @Slot()
    def _on_theme_changed(self) -> None:
        if self._picture is not None:
            self._made().draw(self._picture)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or self._picture is None or not self._picture.points:
            super().keyPressEvent(event)
            return
        last = len(self._picture.points) - 1
        self._at = last if self._at < 0 else min(max(self._at + step, 0), last)
        self._read_out(self._picture.points[self._at])


class Legend(QWidget):
    """Symbol and word: which eye, and which points may be compared. Only what occurs is explained."""

    def __init__(self, theme: Theme, words: ChartWords) -> None:
        super().__init__()
        self._theme, self._words = theme, words
        self._marks: list[Mark] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_marks(self, picture: Picture) -> None:
        """Explain the marks of a picture."""
        found = {point.mark for point in picture.points}
        self._marks = [mark for mark in Mark if mark in found] if found != {Mark.SOLID} else []
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(100, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(tokens.size_small)
        painter.setFont(font)
        x = 2.0
        for eye, text in self._words.eyes.items():
            x = self._entry(painter, x, text, colour=tokens.od if eye is Eye.OD else tokens.os, eye=eye)
        for mark in self._marks:
            x = self._entry(painter, x, self._words.marks[mark], colour=tokens.text2, eye=Eye.OD, mark=mark)

    def _entry(
        self, painter: QPainter, x: float, text: str, *, colour: str, eye: Eye, mark: Mark = Mark.SOLID
    ) -> float:
        """Paint one symbol and its word; returns where the next begins."""
        box = QRectF(x, self.height() / 2 - 4.5, 9, 9)
        painter.setPen(QPen(QColor(colour), 1.6))
        painter.setBrush(QColor(colour) if mark is Mark.SOLID else QColor(self._theme.tokens.surface))
        painter.drawPolygon(QPolygonF(box)) if eye is Eye.OS else painter.drawEllipse(box)
        if mark is Mark.CROSSED:
            painter.drawLine(box.topLeft(), box.bottomRight())
            painter.drawLine(box.topRight(), box.bottomLeft())
        painter.setPen(QColor(self._theme.tokens.text2))
        width = painter.fontMetrics().horizontalAdvance(text)
        painter.drawText(
            QRectF(x + 14, 0, width + 4, self.height()),
            int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
            text,
        )
        return x + 14 + width + 18
