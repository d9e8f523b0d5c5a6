"""What is drawn below the values: ribbons of wear with their lens changes, wash-out, and signs of days."""

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor

from hcrm_core.curves.picture import Picture, Sign
from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.theme import Tokens

Item = Any  # why Any: pyqtgraph ships no types
SIGNS = {Sign.CYCLOPLEGIA: "d", Sign.DEVICE: "t1", Sign.TOO_EARLY: "x"}


class Feet:
    """The items. Lanes are so many pixels high, whatever the values above are."""

    def __init__(self) -> None:
        self.bars = {kind: pg.BarGraphItem(x0=[0], x1=[0], y0=[0], y1=[0]) for kind in ProductKind}
        self._doses = pg.BarGraphItem(x0=[0], x1=[0], y0=[0], y1=[0])
        self._hatch = pg.BarGraphItem(x0=[0], x1=[0], y0=[0], y1=[0])
        self._changes = pg.PlotCurveItem(connect="pairs")
        self._signs = pg.ScatterPlotItem()

    @property
    def items(self) -> list[Item]:
        return [*self.bars.values(), self._doses, self._hatch, self._changes, self._signs]

    def draw(self, picture: Picture, *, tokens: Tokens, pixel: float) -> None:
        """Give every item its place.

        Args:
            pixel: the value of one pixel of height.
        """
        lanes = {eye: lane(picture, eye=eye, pixel=pixel, tokens=tokens) for eye in worn(picture)}
        for product, bars in self.bars.items():
            ink, ground = product_colours(tokens, product)
            some = [(one.start, one.end, *lanes[one.eye]) for one in picture.ribbons if one.product is product]
            _set_bars(bars, some, brush=pg.mkBrush(ground), ink=ink)
        ink, ground = medicine_colours(tokens)
        doses = medicine_lane(picture, pixel=pixel, tokens=tokens)
        courses = [(one.start, one.end, *doses) for one in picture.courses]
        _set_bars(self._doses, courses, brush=pg.mkBrush(ground), ink=ink)
        hatched = QBrush(QColor(tokens.text2), Qt.BrushStyle.BDiagPattern)
        stretches = [(one.start, one.end, *lanes[one.eye]) for one in picture.washouts]
        _set_bars(self._hatch, stretches, brush=hatched, ink=tokens.text2)
        changes = [(x, lanes[ribbon.eye]) for ribbon in picture.ribbons for x in ribbon.changes]
        self._changes.setPen(pg.mkPen(tokens.text, width=2))
        self._changes.setData([x for x, _ in changes for _ in range(2)], [y for _, ends in changes for y in ends])
        self._draw_signs(picture, tokens, pixel=pixel)

    def _draw_signs(self, picture: Picture, tokens: Tokens, *, pixel: float) -> None:
        y = picture.y_range[0] - pixel * lane_px(tokens) * (_lanes(picture) + 0.5)
        self._signs.setData(
            pos=[(glyph.x, y) for glyph in picture.glyphs],
            symbol=[SIGNS[glyph.sign] for glyph in picture.glyphs],
            size=8,
            pen=pg.mkPen(tokens.text2, width=1),
            brush=pg.mkBrush(tokens.surface),
        )


def _set_bars(bars: Item, some: list[tuple[float, float, float, float]], *, brush: QBrush, ink: str) -> None:
    bars.setVisible(bool(some))
    if some:
        ends = dict(zip(("x0", "x1", "y0", "y1"), map(list, zip(*some, strict=True)), strict=True))
        bars.setOpts(**ends, brush=brush, pen=pg.mkPen(ink, width=1))


def worn(picture: Picture) -> list[Eye]:
    """Eyes with a lane, from the top."""
    found = {one.eye for one in picture.ribbons} | {one.eye for one in picture.washouts}
    return [eye for eye in Eye if eye in found]


def lane_px(tokens: Tokens) -> int:
    """Of one eye's ribbon, and of the signs below: high enough for the words on it."""
    return tokens.size_small + 3


def height_px(picture: Picture, *, tokens: Tokens) -> int:
    """Of all lanes together."""
    return lane_px(tokens) * (_lanes(picture) + bool(picture.glyphs))


def _lanes(picture: Picture) -> int:
    """Of each eye that is treated one, and one of medicine."""
    return len(worn(picture)) + bool(picture.courses)


def lane(picture: Picture, *, eye: Eye, pixel: float, tokens: Tokens) -> tuple[float, float]:
    """Where an eye's ribbon lies: the right eye above the left one."""
    return _lane(picture, number=worn(picture).index(eye), pixel=pixel, tokens=tokens)


def medicine_lane(picture: Picture, *, pixel: float, tokens: Tokens) -> tuple[float, float]:
    """Where courses of medicine lie: below both eyes, of which they are."""
    return _lane(picture, number=len(worn(picture)), pixel=pixel, tokens=tokens)


def _lane(picture: Picture, *, number: int, pixel: float, tokens: Tokens) -> tuple[float, float]:
    high = lane_px(tokens)
    top = picture.y_range[0] - pixel * high * number
    return top - pixel * (high - 1), top - pixel


def medicine_colours(tokens: Tokens) -> tuple[str, str]:
    """Ink and ground of a course."""
    return tokens.warn, tokens.warn_soft


def product_colours(tokens: Tokens, product: ProductKind) -> tuple[str, str]:
    """Ink and ground of a product's ribbon. The word stands on it."""
    return {
        ProductKind.OK_LENS: (tokens.primary, tokens.primary_soft),
        ProductKind.FUNCTIONAL: (tokens.ok, tokens.ok_soft),
        ProductKind.SINGLE_VISION: (tokens.text2, tokens.surface2),
    }[product]
