"""What the display draws by hand: an eye that became longer, and mm a year beside the mean."""

from decimal import Decimal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from hcrm_core.terms import Eye
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.display.telling import EXAGGERATED

Row = tuple[Eye | None, str, str, Decimal]  # whose or the mean, name, value in words, mm a year


class EyeDrawing(QWidget):
    """An eyeball from the side. It may have been shorter once: that outline is dashed."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._grown = 0.0
        self.setMinimumSize(280, 200)

    def show_growth(self, grown: float) -> None:
        """By which part of its length it grew; below 0 it became shorter."""
        self._grown = grown
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        height = min(self.height() * 0.84, self.width() * 0.56)
        left, middle = self.width() / 2 - height * 0.62, self.height() / 2
        now = height * (1 + EXAGGERATED * self._grown)
        painter.setPen(QPen(QColor(tokens.primary), 5))
        painter.setBrush(QColor(tokens.primary_soft))
        painter.drawPath(_ball(left, middle, length=now, height=height))
        self._draw_inside(painter, left, middle, height=height, length=now)
        if self._grown:
            painter.setPen(QPen(QColor(tokens.text2), 4, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(_ball(left, middle, length=height, height=height))

    def _draw_inside(self, painter: QPainter, left: float, middle: float, *, height: float, length: float) -> None:
        """Lens, rays, and an arrow over the length."""
        tokens = self._theme.tokens
        painter.setPen(QPen(QColor(tokens.info), 3))
        painter.setBrush(QColor(tokens.info_soft))
        painter.drawEllipse(QPointF(left + 0.2 * height, middle), 0.06 * height, 0.17 * height)
        painter.setPen(QPen(QColor(tokens.warn), 2))
        for side in (-1, 1):
            edge = QPointF(left + 0.2 * height, middle + side * 0.13 * height)
            painter.drawLine(QPointF(0, edge.y()), edge)
            painter.drawLine(edge, QPointF(left + height, middle))
        painter.setPen(QPen(QColor(tokens.text), 2))
        low = middle + 0.56 * height
        painter.drawLine(QPointF(left, low), QPointF(left + length, low))
        for x in (left, left + length):
            painter.drawLine(QPointF(x, low - 8), QPointF(x, low + 8))


def _ball(left: float, middle: float, *, length: float, height: float) -> QPainterPath:
    """The globe, flatter where the cornea stands out of it."""
    globe, cornea = QPainterPath(), QPainterPath()
    globe.addEllipse(QRectF(left + 0.04 * height, middle - height / 2, length - 0.04 * height, height))
    cornea.addEllipse(QRectF(left, middle - 0.24 * height, 0.4 * height, 0.48 * height))
    return globe.united(cornea)


class RateBars(QWidget):
    """mm a year of each eye, and the mean of children of that age below it.

    Attributes:
        rows: what is shown, in words and numbers.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.rows: list[Row] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: list[Row]) -> None:
        """Show other rates."""
        self.rows = rows
        self.setAccessibleDescription(" ".join(f"{name} {value}" for _, name, value, _ in rows))
        self.updateGeometry()
        self.update()

    @property
    def _line(self) -> int:
        return round(self._theme.tokens.size_text * 2.5)

    def sizeHint(self) -> QSize:
        return QSize(400, self._line * len(self.rows))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        font = QFont(self.font())
        font.setPixelSize(tokens.size_small)
        painter.setFont(font)
        most = max((abs(rate) for _, _, _, rate in self.rows), default=Decimal(1)) or Decimal(1)
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        for number, (eye, name, value, rate) in enumerate(self.rows):
            top = number * self._line
            colour = {Eye.OD: tokens.od, Eye.OS: tokens.os, None: tokens.text2}[eye]
            painter.setPen(QColor(tokens.text))
            painter.drawText(QRectF(0, top, self.width(), self._line * 0.52), middle, f"{name}  {value}")
            wide = max(3.0, self.width() * 0.9 * float(max(rate, Decimal(0)) / most))
            painter.fillRect(QRectF(0, top + self._line * 0.56, wide, self._line * 0.3), QColor(colour))


class Scene(QWidget):
    """A picture that fills its width and keeps its shape."""

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setSizePolicy(policy)
        self.setMinimumSize(320, 180)

    def show_image(self, image: QImage) -> None:
        self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
        painter.drawImage(QRectF(left, top, size.width(), size.height()), self._image)
