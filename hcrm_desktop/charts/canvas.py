"""Draws a Picture with pyqtgraph. One canvas serves every customer: items are given new values, never made anew."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QGraphicsRectItem

from hcrm_core.curves.picture import Band, Picture, Point
from hcrm_desktop.charts.chart_words import ChartWords
from hcrm_desktop.charts.feet import Feet, height_px, lane, medicine_colours, medicine_lane, product_colours
from hcrm_desktop.charts.layers import MEDIAN, Layers, dashed
from hcrm_desktop.charts.time_plot import TimePlot
from hcrm_desktop.theme import Theme, Tokens

Item = Any  # why Any: pyqtgraph ships no types
REACH_PX = 22  # how near the pointer must be to a point
_LOWER, _UPPER = ("P5", "P10", "P25"), ("P95", "P90", "P75")
_COVER, _WORDS = 90, 100  # depths

_Label = tuple[str, str, tuple[float, float]]  # text, colour, where its left end is


class Canvas:
    """The plot and its items.

    Attributes:
        widget: to be laid out by the owner, who also answers its gestures.
        layers, feet: what is drawn of the values, and below them.
    """

    def __init__(self, theme: Theme, words: ChartWords) -> None:
        self._theme, self._words = theme, words
        self._picture: Picture | None = None
        self.widget = TimePlot()
        plot = self.widget.getPlotItem()
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        self._view = plot.getViewBox()
        self._view.setDefaultPadding(0)
        self._axes = {side: plot.getAxis(side) for side in ("left", "bottom")}
        self.layers, self.feet = Layers(), Feet()
        self._levels, self._cover = pg.PlotCurveItem(connect="pairs"), QGraphicsRectItem()
        self._labels: list[Item] = []
        for depth, item in enumerate([self._levels, *self.layers.items, *self.feet.items]):
            item.setZValue(depth)
            plot.addItem(item, ignoreBounds=True)
        self._cover.setZValue(_COVER)
        self._view.addItem(self._cover, ignoreBounds=True)
        self._view.sigResized.connect(self._on_resized)

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────

    def draw(self, picture: Picture) -> None:
        """Show a picture, in the theme's colours."""
        self._picture = picture
        tokens = self._theme.tokens
        self.widget.setBackground(tokens.surface)
        self._cover.setBrush(pg.mkBrush(tokens.surface))
        self._cover.setPen(pg.mkPen(None))
        self.layers.draw(picture, tokens=tokens)
        self._dress_axes(tokens)
        self._fit()

    def show_window(self, x_range: tuple[float, float]) -> None:
        """Show another stretch of time of the same picture."""
        if self._picture is not None:
            self._picture = self._picture.over(x_range)
            self.widget.hurry()
            self._fit()

    def mark(self, point: Point | None) -> None:
        """Put a ring around the point that is read out."""
        self.layers.ring(point, tokens=self._theme.tokens)

    def _fit(self) -> None:
        """What depends on the size of the plot and on the stretch of time: margins, axes, ribbons and labels."""
        if self._picture is None:
            return
        picture, tokens = self._picture, self._theme.tokens
        self._set_ticks(picture)
        self._draw_levels(picture, tokens)
        beside = self._beside(picture)
        self._set_range(picture, beside)
        self.feet.draw(picture, tokens=tokens, pixel=self._per_pixel(picture))
        self._show_labels([*self._ribbon_labels(picture), *beside])

    def _dress_axes(self, tokens: Tokens) -> None:
        font = QFont(self.widget.font())
        font.setPixelSize(tokens.size_small)
        for axis in self._axes.values():
            axis.setStyle(tickFont=font, tickLength=0, maxTickLevel=0)
            axis.setPen(pg.mkPen(tokens.border))
            axis.setTextPen(pg.mkPen(tokens.text2))
        self._axes["bottom"].setHeight(tokens.size_small + 14)
        self._axes["left"].setWidth(4 * tokens.size_small)
        self._axes["left"].setGrid(255)
        self._axes["left"].draw_lines_in(pg.mkPen(tokens.grid))

    def _set_ticks(self, picture: Picture) -> None:
        self._axes["bottom"].setTicks([[(x, self._words.x_tick(picture, x)) for x in picture.x_ticks]])
        self._axes["left"].setTicks([[(y, self._words.y_tick(picture, y)) for y in picture.y_ticks]])

    def _draw_levels(self, picture: Picture, tokens: Tokens) -> None:
        self._levels.setPen(dashed(tokens.warn))
        shown = [float(level) for level in _levels(picture)]
        self._levels.setData(list(picture.x_range) * len(shown), [level for level in shown for _ in range(2)])

    # ── words on the plot ────────────────────────────────────────────────────────────────────────────────

    def _show_labels(self, wanted: Sequence[_Label]) -> None:
        while len(self._labels) < len(wanted):
            label = pg.TextItem(anchor=(0.0, 0.5))
            self._view.addItem(label, ignoreBounds=True)
            self._labels.append(label)
        for label in self._labels[len(wanted) :]:
            label.hide()
        right = self._picture.x_range[1] if self._picture else 0.0
        for label, (text, colour, place) in zip(self._labels, wanted, strict=False):
            label.setZValue(_WORDS if place[0] >= right else _COVER - 1)
            label.setText(text, color=colour)
            label.setFont(self._small())
            label.setPos(*place)
            label.show()

    def _set_range(self, picture: Picture, beside: Sequence[_Label]) -> None:
        """What is measured fills the plot, except for a covered margin at the right for the words beside it."""
        metrics = QFontMetrics(self._small())
        margin = max((metrics.horizontalAdvance(text) + 8 for text, _, _ in beside), default=0)
        left, right = picture.x_range
        low, high = picture.y_range
        plotted = max(1.0, float(self._view.width()) - margin)
        foot = self._per_pixel(picture) * height_px(picture, tokens=self._theme.tokens)
        end = right + (right - left) * margin / plotted
        self._view.setRange(xRange=(left, end), yRange=(low - foot, high), padding=0)
        self._cover.setRect(right, low - foot, end - right, high - low + foot)

    def _beside(self, picture: Picture) -> list[_Label]:
        """Names of lines and percentiles at the right end, as far as they stay apart; lines first."""
        tokens, x, gap = self._theme.tokens, picture.x_range[1], self._per_pixel(picture) * self._label_height
        lines = [(float(level), self._words.level(picture, level), tokens.warn) for level in _levels(picture)]
        low, high = picture.y_range
        names = sorted(_band_ends(picture.bands, x=x), key=lambda end: end[1] != "P50")
        ends = [(y, name, tokens.text2) for y, name in names if low < y < high - gap / 2]
        kept: list[tuple[float, str, str]] = []
        for one in [*lines, *ends]:
            if all(abs(one[0] - other[0]) > gap for other in kept):
                kept.append(one)
        return [(text, colour, (x, y)) for y, text, colour in kept]

    def _small(self) -> QFont:
        font = QFont(self.widget.font())
        font.setPixelSize(self._theme.tokens.size_small - 1)
        return font

    @property
    def _label_height(self) -> int:
        """So many pixels apart two labels can be read."""
        return self._theme.tokens.size_small + 2

    def _per_pixel(self, picture: Picture) -> float:
        """The value of one pixel of height, with room for the ribbons below."""
        low, high = picture.y_range
        return (high - low) / max(1.0, float(self._view.height()) - height_px(picture, tokens=self._theme.tokens))

    def _ribbon_labels(self, picture: Picture) -> list[_Label]:
        """What is worn, on ribbons of which enough is in sight for the words."""
        metrics, per_pixel = QFontMetrics(self._small()), self._per_pixel(picture)
        (left, right), labels = picture.x_range, []
        span = self._view.viewRange()[0]
        pixel = (span[1] - span[0]) / max(1.0, self._view.width())
        for text, colour, start, stop, middle in self._told_feet(picture, per_pixel=per_pixel):
            begin, end = max(start, left), min(stop, right)
            if (end - begin) / pixel > metrics.horizontalAdvance(text) + 8:
                labels.append((text, colour, (begin, middle)))
        return labels

    def _told_feet(self, picture: Picture, *, per_pixel: float) -> Iterator[tuple[str, str, float, float, float]]:
        """Of each ribbon and course: words, colour, where it begins and ends, and its middle."""
        tokens = self._theme.tokens
        for one in picture.ribbons:
            middle = sum(lane(picture, eye=one.eye, pixel=per_pixel, tokens=tokens)) / 2
            colour = product_colours(tokens, one.product)[0]
            yield self._words.ribbon(one.eye, one.product), colour, one.start, one.end, middle
        middle = sum(medicine_lane(picture, pixel=per_pixel, tokens=tokens)) / 2
        for course in picture.courses:
            yield self._words.course(course.percent), medicine_colours(tokens)[0], course.start, course.end, middle

    # ── reading out ──────────────────────────────────────────────────────────────────────────────────────

    def nearest(self, place: QPointF) -> Point | None:
        """The point in sight within reach of a place of the scene."""
        if self._picture is None:
            return None
        left, right = self._picture.x_range
        seen = [point for point in self._picture.points if left <= point.x <= right]
        found = [(self._distance(point, place), number) for number, point in enumerate(seen)]
        near = min(found, default=(REACH_PX + 1.0, 0))
        return seen[near[1]] if near[0] <= REACH_PX else None

    def _distance(self, point: Point, place: QPointF) -> float:
        at = self._view.mapViewToScene(QPointF(point.x, float(point.value)))
        return float(((at.x() - place.x()) ** 2 + (at.y() - place.y()) ** 2) ** 0.5)

    def time_at(self, place: QPointF) -> float:
        """The time axis at a place of the widget."""
        return float(self._view.mapSceneToView(self.widget.mapToScene(place.toPoint())).x())

    @property
    def time_of_pixel(self) -> float:
        """How much time a pixel of width holds."""
        left, right = self._view.viewRange()[0]
        return float(right - left) / max(1.0, float(self._view.width()))

    def _on_resized(self, _: object) -> None:
        self._fit()


def _band_ends(bands: Sequence[Band], *, x: float) -> list[tuple[float, str]]:
    if not bands or x <= bands[0].xs[0]:
        return []
    lows = [(band.at(x)[0], name) for band, name in zip(bands, _LOWER, strict=False)]
    highs = [(band.at(x)[1], name) for band, name in zip(bands, _UPPER, strict=False)]
    return [*lows, (bands[MEDIAN].at(x)[0], "P50"), *highs]


def _levels(picture: Picture) -> list[Decimal]:
    return [level for level in picture.levels if picture.y_range[0] < level < picture.y_range[1]]
