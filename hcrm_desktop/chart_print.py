"""Writes a child's charts to a PDF, as vectors. Runs in a worker; no name is on the page, only what was measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMarginsF, QRectF
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgRenderer

from hcrm_core.curves.picture import Picture
from hcrm_core.curves.svg import picture_svg
from hcrm_core.errors import StoreUnusable
from hcrm_store.curve_words import picture_words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_DPI, _MARGIN_MM = 300, 12.0
_WIDTH, _HEIGHT, _GAP = 720.0, 330.0, 14.0  # of a chart, in its own units


def write_charts(_: "Session", *, pictures: Sequence[Picture], title: str, path: Path) -> Path:
    """One A4 page, the charts below each other on one time axis.

    Raises:
        StoreUnusable: the file cannot be written there.
    """
    writer = QPdfWriter(f"{path}")
    writer.setResolution(_DPI)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(*[_MARGIN_MM] * 4), QPageLayout.Unit.Millimeter)
    writer.setTitle(title)
    painter = QPainter()
    begun = painter.begin(writer)
    if begun:
        _paint(painter, pictures, title=title, width=float(writer.width()))
    if not begun or not painter.end():
        raise StoreUnusable(
            "the charts cannot be written there", remedy="choose another place, or close the program that has it open"
        )
    return path


def _paint(painter: QPainter, pictures: Sequence[Picture], *, title: str, width: float) -> None:
    unit = width / _WIDTH
    font = painter.font()
    font.setPixelSize(round(18 * unit))
    painter.setFont(font)
    painter.drawText(QRectF(8 * unit, 0, width, 28 * unit), title)
    for number, picture in enumerate(pictures):
        top = 36 * unit + number * (_HEIGHT + _GAP) * unit
        svg = picture_svg(picture, words=picture_words(), width=_WIDTH, height=_HEIGHT)
        QSvgRenderer(svg.encode()).render(painter, QRectF(0, top, width, _HEIGHT * unit))
