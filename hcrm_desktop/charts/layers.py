"""What is drawn of the values: bands, fans, lines and points. Items are made once and given new values."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from hcrm_core.curves.picture import Band, Fan, Mark, Mean, Picture, Point, Scenario, Slope, Target, joints
from hcrm_core.terms import Eye
from hcrm_desktop.theme import Tokens

Item = Any  # why Any: pyqtgraph ships no types
SYMBOLS = {Eye.OD: "o", Eye.OS: "s"}
SIZE, SMALL = 10, 5
DENSE = 24  # so many points of an eye are drawn small
MEDIAN = 3  # of a picture's bands: those before it are filled
_NOTHING = Band(xs=(), low=(), high=())


class Room:
    """The room between two curves."""

    def __init__(self) -> None:
        # WORKAROUND pyqtgraph: plot(pen=None) builds no path and FillBetweenItem then paints nothing.
        self.edges = [pg.PlotCurveItem(pen=pg.mkPen(None)) for _ in range(2)]
        self.fill = pg.FillBetweenItem(*self.edges)
        self.items: list[Item] = [*self.edges, self.fill]

    def draw(self, band: Band | None, *, colour: QColor, edge: QColor | None = None) -> None:
        """Fill a band, with an edge if it has a colour; or nothing."""
        shown = band or _NOTHING
        for curve, ys in zip(self.edges, (shown.low, shown.high), strict=True):
            curve.setPen(pg.mkPen(edge))
            curve.setData(list(shown.xs), list(ys))
            curve.setVisible(edge is not None and band is not None)
        self.fill.setBrush(pg.mkBrush(colour))
        self.fill.setVisible(band is not None)


class Layers:
    """The items, in their order from the back.

    Attributes:
        fills: of the percentile bands.
        lines, dots: of each eye.
    """

    def __init__(self) -> None:
        self._bands = [Room() for _ in range(MEDIAN)]
        self._target = Room()
        self._fans = [Room() for _ in Scenario]
        self.fills = [room.fill for room in self._bands]
        self._median, self._means = pg.PlotCurveItem(), pg.PlotCurveItem(connect="finite")
        self._errors = {eye: pg.PlotCurveItem(connect="pairs") for eye in Eye}
        self._slopes = {eye: pg.PlotCurveItem(connect="pairs") for eye in Eye}
        self.lines = {eye: pg.PlotCurveItem(connect="pairs") for eye in Eye}
        self.dots = {eye: pg.ScatterPlotItem() for eye in Eye}
        self._crosses, self._ring = pg.ScatterPlotItem(), pg.ScatterPlotItem()

    @property
    def items(self) -> list[Item]:
        rooms = chain.from_iterable(room.items for room in (*self._bands, self._target, *self._fans))
        curves = (self._errors, self._slopes, self.lines, self.dots)
        by_eye = chain.from_iterable(kind.values() for kind in curves)
        return [*rooms, self._median, self._means, *by_eye, self._crosses, self._ring]

    def draw(self, picture: Picture, *, tokens: Tokens) -> None:
        """Give every item its values and colours."""
        self._draw_bands(picture.bands, tokens)
        self._draw_target(picture.target, tokens)
        self._draw_fans(picture.fans, tokens)
        self._draw_means(picture.means, tokens)
        size = SMALL if len(picture.points) > DENSE * len(Eye) else SIZE
        for eye in Eye:
            self._draw_eye(picture.of(eye), eye, tokens, size=size)
            self._draw_slopes([slope for slope in picture.slopes if slope.eye is eye], eye, tokens)
        crossed = [point for point in picture.points if point.mark is Mark.CROSSED]
        brushes = [eye_colour(tokens, point.eye) for point in crossed]
        self._crosses.setData(pos=places(crossed), symbol="x", size=size - 2, pen=None, brush=brushes)
        self.ring(None, tokens=tokens)

    def ring(self, point: Point | None, *, tokens: Tokens) -> None:
        """Put a ring around the point that is read out."""
        pen = pg.mkPen(tokens.text, width=2)
        self._ring.setData(pos=places([point] if point else []), symbol="o", size=SIZE + 8, pen=pen, brush=None)

    def _draw_bands(self, bands: Sequence[Band], tokens: Tokens) -> None:
        for number, (room, colour) in enumerate(zip(self._bands, tokens.band, strict=True)):
            room.draw(bands[number] if bands else None, colour=QColor(colour))
        median = bands[MEDIAN] if bands else _NOTHING
        self._median.setPen(dashed(tokens.text2))
        self._median.setData(list(median.xs), list(median.low))

    def _draw_target(self, target: Target | None, tokens: Tokens) -> None:
        self._target.draw(target.band if target else None, colour=_thin(tokens.ok, opacity=0.18))

    def _draw_fans(self, fans: Sequence[Fan], tokens: Tokens) -> None:
        shown = {fan.scenario: fan for fan in fans}
        for scenario, room in zip(Scenario, self._fans, strict=True):
            colour = scenario_colour(tokens, scenario)
            fan = shown.get(scenario)
            room.draw(fan.band if fan else None, colour=_thin(colour, opacity=0.22), edge=QColor(colour))

    def _draw_means(self, means: Sequence[Mean], tokens: Tokens) -> None:
        xs = [x for mean in means for x in (*mean.xs, float("nan"))]
        self._means.setPen(dashed(tokens.text2))
        self._means.setData(xs, [y for mean in means for y in (*mean.ys, float("nan"))])

    def _draw_slopes(self, slopes: Sequence[Slope], eye: Eye, tokens: Tokens) -> None:
        pen = pg.mkPen(eye_colour(tokens, eye), width=3, style=Qt.PenStyle.DotLine)
        ends = [end for slope in slopes for end in (slope.start, slope.end)]
        self._slopes[eye].setPen(pen)
        self._slopes[eye].setData([x for x, _ in ends], [y for _, y in ends])

    def _draw_eye(self, points: Sequence[Point], eye: Eye, tokens: Tokens, *, size: int) -> None:
        colour = eye_colour(tokens, eye)
        joined = list(chain.from_iterable(joints(points)))
        self.lines[eye].setPen(pg.mkPen(colour, width=2))
        self.lines[eye].setData([point.x for point in joined], [float(point.value) for point in joined])
        self._draw_errors(points, eye, colour)
        self.dots[eye].setData(
            pos=places(points),
            symbol=SYMBOLS[eye],
            size=size,
            pen=pg.mkPen(colour, width=2),
            brush=[pg.mkBrush(colour if point.mark is Mark.SOLID else tokens.surface) for point in points],
        )

    def _draw_errors(self, points: Sequence[Point], eye: Eye, colour: str) -> None:
        known = [(point, float(point.error)) for point in points if point.error is not None]
        ends = [float(point.value) + side * error for point, error in known for side in (-1, 1)]
        self._errors[eye].setPen(pg.mkPen(colour, width=1))
        self._errors[eye].setData([point.x for point, _ in known for _ in range(2)], ends)


def places(points: Sequence[Point]) -> list[tuple[float, float]]:
    return [(point.x, float(point.value)) for point in points]


def eye_colour(tokens: Tokens, eye: Eye) -> str:
    return tokens.od if eye is Eye.OD else tokens.os


def scenario_colour(tokens: Tokens, scenario: Scenario) -> str:
    return {
        Scenario.UNTREATED: tokens.warn,
        Scenario.PHYSIOLOGICAL: tokens.ok,
        Scenario.TREATED: tokens.primary,
    }[scenario]


def dashed(colour: str) -> QPen:
    pen = QPen(QColor(colour), 1, Qt.PenStyle.DashLine)
    pen.setCosmetic(True)
    return pen


def _thin(colour: str, *, opacity: float) -> QColor:
    thin = QColor(colour)
    thin.setAlphaF(opacity)
    return thin
