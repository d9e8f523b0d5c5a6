"""A chart with its title, legend, read-out and caption. Pictures come and go; the widget stays."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Slot
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from hcrm_core.curves.picture import Mark, Picture, Point
from hcrm_core.terms import Eye
from hcrm_desktop.charts.chart_words import ChartWords
from hcrm_desktop.theme import Theme

if TYPE_CHECKING:
    from hcrm_desktop.charts.canvas import Canvas


SYMBOL = 14  # room for a symbol of the legend
CLAUSE = " · "  # between the clauses of a caption, which may begin a new line each


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
        self.readout = QLabel()
        self._legend = Legend(theme, words)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._build()
        theme.changed.connect(self._on_theme_changed)

    def _build(self) -> None:
        title = QLabel(self._words.title)
        title.setProperty("role", "title")
        self.readout.setProperty("role", "small")
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(title)
        head.addWidget(self.readout, 1)
        self._column.addLayout(head)
        self._column.addWidget(self._legend)

    def show_picture(self, picture: Picture) -> None:
        """Draw another picture."""
        self._picture, self._at = picture, -1
        self.readout.clear()
        self._legend.show_picture(picture)
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
    """Symbol and word for each eye and for each kind of point that occurs, then the caption. It wraps."""

    LINE, GAP = 18, 16

    def __init__(self, theme: Theme, words: ChartWords) -> None:
        super().__init__()
        self._theme, self._words = theme, words
        self._marks: list[Mark] = []
        self._caption = ""
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.update)

    def show_picture(self, picture: Picture) -> None:
        """Explain a picture."""
        self._caption = self._words.caption(picture)
        found = {point.mark for point in picture.points}
        self._marks = [mark for mark in Mark if mark in found] if found != {Mark.SOLID} else []
        self.updateGeometry()
        self.update()

    def _entries(self) -> list[tuple[str, Eye | None, Mark | None]]:
        """Word, the eye whose colour and shape it takes, and mark; the caption's clauses have no symbol."""
        eyes: list[tuple[str, Eye | None, Mark | None]] = [
            (name, e, Mark.SOLID) for e, name in self._words.eyes.items()
        ]
        clauses = self._caption.split(CLAUSE) if self._caption else []
        marks = ((self._words.marks[mark], None, mark) for mark in self._marks)
        return [*eyes, *marks, *((clause, None, None) for clause in clauses)]

    def _places(self, width: int) -> list[QPointF]:
        """Where each entry begins."""
        metrics, x, y, places = QFontMetrics(self._small()), 2.0, 0.0, []
        for text, _, mark in self._entries():
            wide = metrics.horizontalAdvance(text) + (SYMBOL if mark else 0)
            if x > 2 and x + wide > width:
                x, y = 2.0, y + self.LINE
            places.append(QPointF(x, y))
            x += wide + self.GAP
        return places

    def _small(self) -> QFont:
        font = self.font()
        font.setPixelSize(self._theme.tokens.size_small)
        return font

    def _paint_symbol(self, painter: QPainter, place: QPointF, eye: Eye | None, mark: Mark) -> None:
        tokens = self._theme.tokens
        colour = QColor({Eye.OD: tokens.od, Eye.OS: tokens.os, None: tokens.text2}[eye])
        box = QRectF(place.x(), place.y() + self.LINE / 2 - 4.5, 9, 9)
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

    def sizeHint(self) -> QSize:
        return QSize(100, self.LINE)

    def heightForWidth(self, width: int) -> int:
        return int(self._places(width)[-1].y()) + self.LINE

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._small())
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        for (text, eye, mark), place in zip(self._entries(), self._places(self.width()), strict=True):
            if mark is not None:
                self._paint_symbol(painter, place, eye, mark)
            beside = place + QPointF(SYMBOL if mark else 0, 0)
            painter.setPen(QColor(self._theme.tokens.text2))
            painter.drawText(QRectF(beside, QSizeF(self.width(), self.LINE)), int(middle), text)
