"""Draws a Picture with pyqtgraph. One canvas serves every customer: items are given new values, never made anew."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPen
from PySide6.QtWidgets import QSizePolicy

from hcrm_core.curves.picture import Band, Mark, Picture, Point, Ribbon, joints
from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.charts.chart_words import ChartWords
from hcrm_desktop.theme import Theme, Tokens

Item = Any  # why Any: pyqtgraph ships no types
SYMBOLS = {Eye.OD: "o", Eye.OS: "s"}
SIZE, SMALL = 10, 5
DENSE = 24  # so many points of an eye are drawn small
LABEL_PX = 14  # between two labels
LANE_PX = 15  # of one eye's ribbon at the foot
REACH_PX = 22  # how near the pointer must be to a point
_BANDS = 3  # filled; after them comes the median
_LOWER, _UPPER = ("P5", "P10", "P25"), ("P95", "P90", "P75")


class Canvas:
    """The plot and its items.

    Attributes:
        widget: to be laid out by the owner; takes neither focus nor mouse gestures.
    """

    def __init__(self, theme: Theme, words: ChartWords) -> None:
        self._theme, self._words = theme, words
        self._picture: Picture | None = None
        self.widget = pg.PlotWidget(enableMenu=False)  # menus nobody opens cost tens of milliseconds
        # A plot takes the room it is given; its own wish of 480 px would push the page off the screen.
        self.widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.widget.setRenderHint(self.widget.renderHints().Antialiasing)
        plot = self.widget.getPlotItem()
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        self._view = plot.getViewBox()
        self._view.setDefaultPadding(0)
        self._axes = {side: plot.getAxis(side) for side in ("left", "bottom")}
        self._make_items(plot)
        self._view.sigResized.connect(self._on_resized)

    def _make_items(self, plot: Item) -> None:
        # WORKAROUND pyqtgraph: plot(pen=None) builds no path and FillBetweenItem then paints nothing.
        self._edges = [[pg.PlotCurveItem(pen=pg.mkPen(None)) for _ in range(2)] for _ in range(_BANDS)]
        self._fills = [pg.FillBetweenItem(low, high) for low, high in self._edges]
        self._median = pg.PlotCurveItem()
        self._levels, self._changes = pg.PlotCurveItem(connect="pairs"), pg.PlotCurveItem(connect="pairs")
        self._bars = {kind: pg.BarGraphItem(x0=[0], x1=[0], y0=[0], y1=[0]) for kind in ProductKind}
        self._lines = {eye: pg.PlotCurveItem(connect="pairs") for eye in Eye}
        self._dots = {eye: pg.ScatterPlotItem() for eye in Eye}
        self._crosses, self._ring = pg.ScatterPlotItem(), pg.ScatterPlotItem()
        self._labels: list[Item] = []
        layers = [
            *(edge for pair in self._edges for edge in pair),
            *self._fills,
            self._median,
            self._levels,
            *self._bars.values(),
            self._changes,
            *self._lines.values(),
            *self._dots.values(),
            self._crosses,
            self._ring,
        ]
        for depth, item in enumerate(layers):
            item.setZValue(depth)
            plot.addItem(item, ignoreBounds=True)

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────

    def draw(self, picture: Picture) -> None:
        """Show a picture, in the theme's colours."""
        self._picture = picture
        tokens = self._theme.tokens
        self.widget.setBackground(tokens.surface)
        self._draw_bands(picture.bands, tokens)
        size = SMALL if len(picture.points) > DENSE * len(Eye) else SIZE
        for eye in Eye:
            self._draw_eye(picture.of(eye), eye, tokens, size=size)
        crossed = [point for point in picture.points if point.mark is Mark.CROSSED]
        self._crosses.setData(
            pos=_places(crossed), symbol="x", size=size - 2, pen=None, brush=[_colour(tokens, p.eye) for p in crossed]
        )
        self.mark(None)
        self._fit()

    def _fit(self) -> None:
        """What depends on the size of the plot: margins, axes, ribbons and labels."""
        if self._picture is None:
            return
        picture, tokens = self._picture, self._theme.tokens
        self._draw_axes(picture, tokens)
        self._draw_levels(picture, tokens)
        beside = self._beside(picture)
        self._set_range(picture, beside)
        self._draw_ribbons(picture, tokens)
        self._show_labels([*beside, *self._ribbon_labels(picture)], opaque=len(beside))

    def mark(self, point: Point | None) -> None:
        """Put a ring around the point that is read out."""
        pen = pg.mkPen(self._theme.tokens.text, width=2)
        self._ring.setData(pos=_places([point] if point else []), symbol="o", size=SIZE + 8, pen=pen, brush=None)

    def _draw_axes(self, picture: Picture, tokens: Tokens) -> None:
        font = QFont(self.widget.font())
        font.setPixelSize(tokens.size_small)
        ticks = {
            "bottom": [(x, self._words.x_tick(picture, x)) for x in picture.x_ticks],
            "left": [(y, self._words.y_tick(picture, y)) for y in picture.y_ticks],
        }
        for side, axis in self._axes.items():
            axis.setTicks([ticks[side]])
            axis.setStyle(tickFont=font, tickLength=0, maxTickLevel=0)
            axis.setPen(pg.mkPen(tokens.border))
            axis.setTextPen(pg.mkPen(tokens.text2))
        self._axes["bottom"].setHeight(26)
        self._axes["left"].setWidth(46)
        self._axes["left"].setGrid(40)
        self._axes["left"].setTickPen(pg.mkPen(tokens.text2))

    def _draw_bands(self, bands: Sequence[Band], tokens: Tokens) -> None:
        for fill in self._fills:
            fill.setVisible(bool(bands))
        for fill, edges, colour, band in zip(self._fills, self._edges, tokens.band, bands, strict=False):
            fill.setBrush(pg.mkBrush(colour))
            edges[0].setData(list(band.xs), list(band.low))
            edges[1].setData(list(band.xs), list(band.high))
        median = bands[_BANDS] if bands else Band(xs=(), low=(), high=())
        self._median.setPen(_dashed(tokens.text2))
        self._median.setData(list(median.xs), list(median.low))

    def _draw_levels(self, picture: Picture, tokens: Tokens) -> None:
        self._levels.setPen(_dashed(tokens.warn))
        shown = [float(level) for level in _levels(picture)]
        self._levels.setData(list(picture.x_range) * len(shown), [level for level in shown for _ in range(2)])

    def _draw_ribbons(self, picture: Picture, tokens: Tokens) -> None:
        for product, bars in self._bars.items():
            some = [ribbon for ribbon in picture.ribbons if ribbon.product is product]
            bars.setVisible(bool(some))
            if some:
                heights = [self._lane(picture, ribbon) for ribbon in some]
                bars.setOpts(
                    x0=[ribbon.start for ribbon in some],
                    x1=[ribbon.end for ribbon in some],
                    y0=[low for low, _ in heights],
                    y1=[high for _, high in heights],
                    brush=pg.mkBrush(product_colours(tokens, product)[1]),
                    pen=pg.mkPen(product_colours(tokens, product)[0], width=1),
                )
        changes = [(x, self._lane(picture, ribbon)) for ribbon in picture.ribbons for x in ribbon.changes]
        self._changes.setPen(pg.mkPen(tokens.text, width=2))
        self._changes.setData([x for x, _ in changes for _ in range(2)], [y for _, lane in changes for y in lane])

    def _draw_eye(self, points: Sequence[Point], eye: Eye, tokens: Tokens, *, size: int) -> None:
        colour = _colour(tokens, eye)
        joined = list(joints(points))
        self._lines[eye].setPen(pg.mkPen(colour, width=2))
        self._lines[eye].setData(
            [point.x for pair in joined for point in pair], [float(point.value) for pair in joined for point in pair]
        )
        self._dots[eye].setData(
            pos=_places(points),
            symbol=SYMBOLS[eye],
            size=size,
            pen=pg.mkPen(colour, width=2),
            brush=[pg.mkBrush(colour if point.mark is Mark.SOLID else tokens.surface) for point in points],
        )

    # ── words on the plot ────────────────────────────────────────────────────────────────────────────────

    def _show_labels(self, wanted: Sequence["_Label"], *, opaque: int) -> None:
        """Put words on the plot; so many of them, the first, cover the grid behind them."""
        while len(self._labels) < len(wanted):
            label = pg.TextItem()
            label.setZValue(100)
            self._view.addItem(label, ignoreBounds=True)
            self._labels.append(label)
        for label in self._labels[len(wanted) :]:
            label.hide()
        for number, (label, (text, colour, place)) in enumerate(zip(self._labels, wanted, strict=False)):
            label.setText(text, color=colour)
            label.setFont(self._small())
            label.fill = pg.mkBrush(self._theme.tokens.surface if number < opaque else None)
            label.setAnchor((0.0, 0.5))
            label.setPos(*place)
            label.show()

    def _set_range(self, picture: Picture, beside: Sequence["_Label"]) -> None:
        """What is measured fills the plot, except for a margin at the right for the words beside it."""
        metrics = QFontMetrics(self._small())
        margin = max((metrics.horizontalAdvance(text) + 8 for text, _, _ in beside), default=0)
        left, right = picture.x_range
        low, high = picture.y_range
        plotted = max(1.0, float(self._view.width()) - margin)
        foot = self._per_pixel(picture) * LANE_PX * len(_lanes(picture))
        self._view.setRange(
            xRange=(left, right + (right - left) * margin / plotted), yRange=(low - foot, high), padding=0
        )

    def _beside(self, picture: Picture) -> list["_Label"]:
        """Names of lines and percentiles at the right end, as far as they stay apart; lines first."""
        tokens, x, gap = self._theme.tokens, picture.x_range[1], self._per_pixel(picture) * LABEL_PX
        lines = [(float(level), self._words.level(picture, level), tokens.warn) for level in _levels(picture)]
        low, high = picture.y_range
        ends = [(y, name, tokens.text2) for y, name in _band_ends(picture.bands) if low < y < high - gap / 2]
        kept: list[tuple[float, str, str]] = []
        for one in [*lines, *sorted(ends, key=lambda end: end[1] != "P50")]:
            if all(abs(one[0] - other[0]) > gap for other in kept):
                kept.append(one)
        return [(text, colour, (x, y)) for y, text, colour in kept]

    def _small(self) -> QFont:
        font = QFont(self.widget.font())
        font.setPixelSize(self._theme.tokens.size_small - 1)
        return font

    def _per_pixel(self, picture: Picture) -> float:
        """The value of one pixel of height, with room for the ribbons below."""
        low, high = picture.y_range
        return (high - low) / max(1.0, float(self._view.height()) - LANE_PX * len(_lanes(picture)))

    def _lane(self, picture: Picture, ribbon: Ribbon) -> tuple[float, float]:
        """Where an eye's ribbon lies: the right eye above the left one."""
        pixel = self._per_pixel(picture)
        top = picture.y_range[0] - pixel * LANE_PX * _lanes(picture).index(ribbon.eye)
        return top - pixel * (LANE_PX - 1), top - pixel

    def _ribbon_labels(self, picture: Picture) -> list["_Label"]:
        """What is worn, on ribbons that are long enough for the words."""
        metrics = QFontMetrics(self._small())
        left, right = self._view.viewRange()[0]
        pixel = (right - left) / max(1.0, self._view.width())
        labels = []
        for ribbon in picture.ribbons:
            text = self._words.ribbon(ribbon.eye, ribbon.product)
            if (ribbon.end - ribbon.start) / pixel > metrics.horizontalAdvance(text) + 8:
                colour = product_colours(self._theme.tokens, ribbon.product)[0]
                labels.append((text, colour, (ribbon.start, sum(self._lane(picture, ribbon)) / 2)))
        return labels

    # ── reading out ──────────────────────────────────────────────────────────────────────────────────────

    def nearest(self, place: QPointF) -> Point | None:
        """The point within reach of a place of the scene."""
        if self._picture is None:
            return None
        found = [(self._distance(point, place), number) for number, point in enumerate(self._picture.points)]
        near = min(found, default=(REACH_PX + 1.0, 0))
        return self._picture.points[near[1]] if near[0] <= REACH_PX else None

    def _distance(self, point: Point, place: QPointF) -> float:
        at = self._view.mapViewToScene(QPointF(point.x, float(point.value)))
        return float(((at.x() - place.x()) ** 2 + (at.y() - place.y()) ** 2) ** 0.5)

    def _on_resized(self, _: object) -> None:
        self._fit()


_Label = tuple[str, str, tuple[float, float]]  # text, colour, where its left end is


def product_colours(tokens: Tokens, product: ProductKind) -> tuple[str, str]:
    """Ink and ground of a product's ribbon. The word stands on it."""
    return {
        ProductKind.OK_LENS: (tokens.primary, tokens.primary_soft),
        ProductKind.FUNCTIONAL: (tokens.ok, tokens.ok_soft),
        ProductKind.SINGLE_VISION: (tokens.text2, tokens.surface2),
    }[product]


def _colour(tokens: Tokens, eye: Eye) -> str:
    return tokens.od if eye is Eye.OD else tokens.os


def _places(points: Sequence[Point]) -> list[tuple[float, float]]:
    return [(point.x, float(point.value)) for point in points]


def _lanes(picture: Picture) -> list[Eye]:
    """Eyes with a ribbon, from the top."""
    return [eye for eye in Eye if any(ribbon.eye is eye for ribbon in picture.ribbons)]


def _band_ends(bands: Sequence[Band]) -> list[tuple[float, str]]:
    if not bands:
        return []
    lows = [(band.low[-1], name) for band, name in zip(bands, _LOWER, strict=False)]
    highs = [(band.high[-1], name) for band, name in zip(bands, _UPPER, strict=False)]
    return [*lows, (bands[_BANDS].low[-1], "P50"), *highs]


def _levels(picture: Picture) -> list[Decimal]:
    return [level for level in picture.levels if picture.y_range[0] < level < picture.y_range[1]]


def _dashed(colour: str) -> QPen:
    pen = QPen(QColor(colour), 1, Qt.PenStyle.DashLine)
    pen.setCosmetic(True)
    return pen
