"""How a scene looks through defocus: a picture drawn by us, and blur circles of the right size.

The angle of a blur circle is pupil diameter times defocus, and its profile is a cylinder, not a Gaussian: Strasburger,
Bach, Heinrich. Blur unblurred. i-Perception 2018;9(2), doi:10.1177/2041669518765850. An illustration: the pupil and the
distance of the board are assumed, and nobody's brain is.
"""

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen, QPolygonF

from hcrm_desktop.theme import FAMILIES

PUPIL_M = 0.004  # operational: a classroom by day
FIELD_DEGREES = 30.0  # what the picture's width subtends: 2.1 m of wall from 4 m away
SIZE = (960, 540)
SAMPLES = 64  # places on the disc; more are not seen
_TURN = math.pi * (3 - math.sqrt(5))  # the golden angle spreads them evenly


def circle_px(diopters: float, *, width: int) -> float:
    """The diameter of a blur circle in a picture of so many pixels. Without myopia there is none: the far is sharp."""
    return width * max(0.0, -diopters) * PUPIL_M / math.radians(FIELD_DEGREES)


def blurred(scene: QImage, *, diopters: float) -> QImage:
    """The scene as an uncorrected eye has it: the mean of the scene at all places of the blur circle."""
    radius = circle_px(diopters, width=scene.width()) / 2
    if radius < 0.5:
        return scene
    made = scene.copy()
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for number in range(1, SAMPLES):
        out = radius * math.sqrt(number / SAMPLES)
        painter.setOpacity(1 / (number + 1))
        place = QPointF(out * math.cos(number * _TURN), out * math.sin(number * _TURN))
        painter.drawImage(place, scene)
    painter.end()
    return made


def classroom(board: Sequence[str]) -> QImage:
    """A board with lines that become smaller, a window, and the row in front."""
    scene = QImage(*SIZE, QImage.Format.Format_RGB32)
    scene.fill(QColor("#EFE7D6"))
    painter = QPainter(scene)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _draw_window(painter)
    _draw_board(painter, board)
    _draw_row(painter)
    painter.end()
    return scene


def _draw_window(painter: QPainter) -> None:
    painter.fillRect(QRectF(0, 60, 130, 240), QColor("#BFE0F2"))
    painter.setPen(QPen(QColor("#FFFFFF"), 10))
    painter.drawRect(QRectF(-10, 60, 140, 240))
    painter.drawLine(QPointF(62, 60), QPointF(62, 300))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#5FA35A"))
    painter.drawEllipse(QRectF(-30, 200, 90, 90))


def _draw_board(painter: QPainter, board: Sequence[str]) -> None:
    frame = QRectF(190, 50, 700, 330)
    painter.setPen(QPen(QColor("#9C6B3C"), 14))
    painter.setBrush(QColor("#23513F"))
    painter.drawRect(frame)
    painter.setPen(QColor("#F4F4EC"))
    font, top = QFont(), frame.top() + 22
    font.setFamilies(list(FAMILIES))
    for number, line in enumerate(board):
        size = round(64 * 0.76**number)
        font.setPixelSize(size)
        painter.setFont(font)
        painter.drawText(QRectF(frame.left(), top, frame.width(), size * 1.3), Qt.AlignmentFlag.AlignCenter, line)
        top += size * 1.45


def _draw_row(painter: QPainter) -> None:
    """The heads of those who sit in front, and a desk."""
    painter.setPen(Qt.PenStyle.NoPen)
    for x, colour in ((250, "#3B2F2A"), (480, "#2B2523"), (710, "#43352C")):
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QRectF(x - 46, 385, 92, 100))
        painter.drawRoundedRect(QRectF(x - 80, 470, 160, 90), 36, 36)
    painter.setBrush(QColor("#C99A62"))
    painter.drawPolygon(QPolygonF([QPointF(0, 505), QPointF(960, 505), QPointF(960, 540), QPointF(0, 540)]))
