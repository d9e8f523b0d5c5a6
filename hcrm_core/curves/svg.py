"""A picture as SVG, for paper and web pages: plain shapes and attributes, so that it prints as vectors through Qt and
shows under a strict content policy. No id of a child or an examination is in it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from hcrm_core.curves.look import MINUS, PictureColours, PictureWords
from hcrm_core.curves.picture import Band, Course, Fan, Mark, Picture, Point, Ribbon, Slope, joints
from hcrm_core.terms import Eye

FAMILIES = "Noto Sans SC, Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif"
_TITLE, _LINE, _AXIS, _LANE, _LEFT = 24.0, 14.0, 18.0, 14.0, 52.0
_SMALL, _TEXT, _MARK = 11.0, 14.0, 4.0
_STEPS = 48  # across the plot, where a shape is cut at its edges
_LOWER, _UPPER = ("P5", "P10", "P25"), ("P95", "P90", "P75")

Element = ElementTree.Element
Place = tuple[float, float]


def picture_svg(
    picture: Picture,
    *,
    words: PictureWords,
    width: float = 720,
    height: float = 320,
    colours: PictureColours = PictureColours(),  # noqa: B008 - frozen
) -> str:
    """The whole chart: title, legend, plot, ribbons, axis, and the sources it rests on."""
    notes = [line for note in words.notes(picture) for line in _wrapped(note, width=width - 16)]
    plot = _plot(picture, words=words, colours=colours, width=width, height=height - _LINE * len(notes))
    root = _root(picture, words=words, width=width, height=height)
    root.append(_shape("rect", x=0, y=0, width=width, height=height, fill=colours.surface))
    for layer in (_behind(plot), _lines(plot), _words_beside(plot)):
        root.extend(layer)
    root.extend(_feet(plot))
    root.extend(_values(plot))
    root.extend(_head(plot))
    for number, note in enumerate(reversed(notes)):
        root.append(_text(note, at=(8, height - 5 - number * _LINE), colour=colours.text2))
    return ElementTree.tostring(root, encoding="unicode")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plot:
    """Where values stand on the paper."""

    picture: Picture
    left: float
    right: float
    top: float
    bottom: float
    width: float
    words: PictureWords
    colours: PictureColours

    def x(self, value: float) -> float:
        low, high = self.picture.x_range
        return self.left + (value - low) / (high - low) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self.picture.y_range
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)

    def place(self, point: Point) -> Place:
        return self.x(point.x), self.y(float(point.value))

    def holds(self, y: float) -> bool:
        return self.picture.y_range[0] <= y <= self.picture.y_range[1]

    def steps(self, band: Band) -> list[float]:
        """Evenly across the part of a band that is in sight."""
        low = max(self.picture.x_range[0], band.xs[0])
        high = min(self.picture.x_range[1], band.xs[-1])
        return [low + (high - low) * number / _STEPS for number in range(_STEPS + 1)] if low < high else []

    def kept(self, y: float) -> float:
        low, high = self.picture.y_range
        return self.y(min(max(y, low), high))


def _plot(picture: Picture, *, words: PictureWords, colours: PictureColours, width: float, height: float) -> _Plot:
    levels = [text for text, _ in _level_names(picture, words=words)]
    margin = max([34.0, *(_advance(text) + 10 for text in levels)])
    feet = _AXIS + _LANE * (_lane_count(picture) + bool(picture.glyphs)) + 8
    return _Plot(
        picture=picture,
        words=words,
        colours=colours,
        left=_LEFT,
        right=width - margin,
        top=_TITLE + 4,
        bottom=height - feet,
        width=width,
    )


def _root(picture: Picture, *, words: PictureWords, width: float, height: float) -> Element:
    root = Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:g} {height:g}", role="img")
    root.set("width", f"{width:g}")
    root.set("height", f"{height:g}")
    root.set("font-family", FAMILIES)
    ElementTree.SubElement(root, "title").text = words.titles[picture.quantity]
    ElementTree.SubElement(root, "desc").text = _told(picture, words=words)
    return root


def _told(picture: Picture, *, words: PictureWords) -> str:
    values = (f"{point.on} {words.eyes[point.eye]} {_amount(point)} {point.percentile}" for point in picture.points)
    return "; ".join([*words.notes(picture), *(value.strip() for value in values)])


def _amount(point: Point) -> str:
    return f"{point.value:.2f}".replace("-", MINUS)


# ── behind the values ────────────────────────────────────────────────────────────────────────────────────────


def _behind(plot: _Plot) -> Iterator[Element]:
    """Percentile bands, the target and the fans."""
    for band, colour in zip(plot.picture.bands, plot.colours.bands, strict=False):
        yield from _area(plot, band=band, name="band", fill=colour)
    if plot.picture.target:
        yield from _area(plot, band=plot.picture.target.band, name="target", fill=plot.colours.target, opacity=0.18)
    for fan in plot.picture.fans:
        yield from _fan(plot, fan=fan)


def _fan(plot: _Plot, *, fan: Fan) -> Iterator[Element]:
    colour = plot.colours.scenario(fan.scenario)
    for area in _area(plot, band=fan.band, name="fan", fill=colour, opacity=0.22):
        area.set("data-scenario", fan.scenario.value)
        area.set("stroke", colour)
        yield area


def _area(plot: _Plot, *, band: Band, name: str, fill: str, opacity: float = 1) -> Iterator[Element]:
    """The room of a band, cut at the edges of the plot; nothing if it is wholly outside."""
    steps = plot.steps(band)
    ends = [(x, *band.at(x)) for x in steps]
    low, high = plot.picture.y_range
    if any(below < high and above > low for _, below, above in ends):
        edge = [(plot.x(x), plot.kept(below)) for x, below, _ in ends]
        edge += [(plot.x(x), plot.kept(above)) for x, _, above in reversed(ends)]
        yield _shape("path", d=f"{_path(edge)} Z", name=name, fill=fill, fill_opacity=opacity)


def _lines(plot: _Plot) -> Iterator[Element]:
    """Grid, median, means and definition lines."""
    for tick in plot.picture.y_ticks:
        yield _line([(plot.left, plot.y(tick)), (plot.right, plot.y(tick))], colour=plot.colours.grid)
    for band in plot.picture.bands[3:]:
        yield from _curve(plot, band=band, colour=plot.colours.text2, name="median")
    for mean in plot.picture.means:
        line = Band(xs=mean.xs, low=mean.ys, high=mean.ys)
        yield from _curve(plot, band=line, colour=plot.colours.text2, name="mean")
    for level in plot.picture.levels:
        if plot.holds(float(level)):
            y = plot.y(float(level))
            yield _line([(plot.left, y), (plot.right, y)], colour=plot.colours.warn, dashes="5 4", name="level")


def _curve(plot: _Plot, *, band: Band, colour: str, name: str) -> Iterator[Element]:
    """A single line, as far as it is inside the plot."""
    inside = [(plot.x(x), plot.y(y)) for x in plot.steps(band) if plot.holds(y := band.at(x)[0])]
    if len(inside) > 1:
        yield _line(inside, colour=colour, dashes="4 3", name=name)


def _words_beside(plot: _Plot) -> Iterator[Element]:
    """Numbers at the axes; names of lines and percentiles at the right end, as far as they stay apart."""
    for tick in plot.picture.y_ticks:
        told = plot.words.y_tick(plot.picture, tick)
        yield _text(told, at=(plot.left - 6, plot.y(tick) + 4), colour=plot.colours.text2, anchor="end")
    names = [(plot.y(y), text, plot.colours.warn) for text, y in _level_names(plot.picture, words=plot.words)]
    names += [(plot.y(y), text, plot.colours.text2) for text, y in _band_names(plot)]
    kept: list[float] = []
    for y, text, colour in names:
        if all(abs(y - other) >= _LINE for other in kept):
            kept.append(y)
            yield _text(text, at=(plot.right + 4, y + 4), colour=colour)


def _level_names(picture: Picture, *, words: PictureWords) -> list[tuple[str, float]]:
    low, high = picture.y_range
    inside = [level for level in picture.levels if low <= float(level) <= high]
    return [(words.levels.get((picture.quantity, level), f"{level}"), float(level)) for level in inside]


def _band_names(plot: _Plot) -> list[tuple[str, float]]:
    """The median's name first, then the outer ones, where the bands end or leave the plot."""
    bands, end = plot.picture.bands, plot.picture.x_range[1]
    if not bands or end <= bands[0].xs[0]:
        return []
    ends = [("P50", bands[3].at(end)[0])]
    for band, lower, upper in zip(bands, _LOWER, _UPPER, strict=False):
        ends += [(lower, band.at(end)[0]), (upper, band.at(end)[1])]
    return [(name, y) for name, y in ends if plot.holds(y)]


# ── at the foot ──────────────────────────────────────────────────────────────────────────────────────────────


def _feet(plot: _Plot) -> Iterator[Element]:
    """Ribbons, wash-out, signs and the time axis."""
    for ribbon in plot.picture.ribbons:
        yield from _ribbon(plot, ribbon=ribbon)
    for washout in plot.picture.washouts:
        top = _lane(plot, eye=washout.eye)
        yield from _hatch(plot.x(washout.start), right=plot.x(washout.end), top=top, colour=plot.colours.text2)
    for course in plot.picture.courses:
        yield from _course(plot, course=course)
    low, high = plot.picture.x_range
    for glyph in plot.picture.glyphs:
        if low <= glyph.x <= high:
            y = plot.bottom + _LANE * (_lane_count(plot.picture) + 0.8)
            told = plot.words.signs[glyph.sign][0]
            sign = _text(told, at=(plot.x(glyph.x), y), colour=plot.colours.text2, anchor="middle", size=9)
            sign.set("class", glyph.sign.value)
            yield sign
    foot = plot.bottom + _LANE * (_lane_count(plot.picture) + bool(plot.picture.glyphs))
    for tick in plot.picture.x_ticks:
        told = plot.words.x_tick(plot.picture, tick)
        yield _text(told, at=(plot.x(tick), foot + _AXIS - 3), colour=plot.colours.text2, anchor="middle")


def _ribbon(plot: _Plot, *, ribbon: Ribbon) -> Iterator[Element]:
    ink, ground = plot.colours.product(ribbon.product)
    left, right, top = plot.x(ribbon.start), plot.x(ribbon.end), _lane(plot, eye=ribbon.eye)
    yield _shape("rect", x=left, y=top, width=right - left, height=_LANE - 2, fill=ground, stroke=ink, name="ribbon")
    for change in ribbon.changes:
        stroke = [(plot.x(change), top), (plot.x(change), top + _LANE - 2)]
        yield _line(stroke, colour=plot.colours.text, width=1.6, name="change")
    told = f"{plot.words.sides[ribbon.eye]} {plot.words.products[ribbon.product]}"
    if right - left > _advance(told, size=9) + 6:
        yield _text(told, at=(left + 3, top + 9), colour=ink, size=9)


def _course(plot: _Plot, *, course: Course) -> Iterator[Element]:
    ink, ground = plot.colours.medicine
    left, right, top = plot.x(course.start), plot.x(course.end), plot.bottom + 2 + _LANE * len(_lanes(plot.picture))
    yield _shape("rect", x=left, y=top, width=right - left, height=_LANE - 2, fill=ground, stroke=ink, name="course")
    told = plot.words.course(course.percent)
    if right - left > _advance(told, size=9) + 6:
        yield _text(told, at=(left + 3, top + 9), colour=ink, size=9)


def _hatch(left: float, *, right: float, top: float, colour: str) -> Iterator[Element]:
    """Slanting strokes over a stretch, at least one."""
    low = top + _LANE - 2
    count = max(1, int((right - left) / 4))
    for number in range(count):
        x = left + (right - left) * number / count
        yield _line([(x, low), (min(x + 6, max(right, x + 3)), top)], colour=colour, name="washout")


def _lanes(picture: Picture) -> list[Eye]:
    worn = {one.eye for one in picture.ribbons} | {one.eye for one in picture.washouts}
    return [eye for eye in Eye if eye in worn]


def _lane_count(picture: Picture) -> int:
    """Of each eye that is treated one, and one of medicine."""
    return len(_lanes(picture)) + bool(picture.courses)


def _lane(plot: _Plot, *, eye: Eye) -> float:
    return plot.bottom + 2 + _LANE * _lanes(plot.picture).index(eye)


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────


def _values(plot: _Plot) -> Iterator[Element]:
    """Error bars, joined lines, slopes, then the points on top of them."""
    shown = [point for point in plot.picture.points if _seen(plot, point=point)]
    for point in shown:
        yield from _error_bar(plot, point=point)
    for eye in Eye:
        for pair in joints([point for point in shown if point.eye is eye]):
            yield _line([plot.place(point) for point in pair], colour=plot.colours.eye(eye), width=1.8, name="joint")
    for slope in plot.picture.slopes:
        yield _slope(plot, slope=slope)
    for point in shown:
        yield _point(plot, point=point)


def _seen(plot: _Plot, *, point: Point) -> bool:
    low, high = plot.picture.x_range
    return low <= point.x <= high and plot.holds(float(point.value))


def _error_bar(plot: _Plot, *, point: Point) -> Iterator[Element]:
    if point.error is None:
        return
    x, (low, high) = plot.x(point.x), (plot.kept(float(point.value + end)) for end in (-point.error, point.error))
    strokes = [[(x, low), (x, high)], [(x - 3, low), (x + 3, low)], [(x - 3, high), (x + 3, high)]]
    path = " ".join(_path(stroke) for stroke in strokes)
    yield _shape("path", d=path, fill="none", stroke=plot.colours.eye(point.eye), name="error")


def _slope(plot: _Plot, *, slope: Slope) -> Element:
    ends = [(plot.x(x), plot.kept(y)) for x, y in (slope.start, slope.end)]
    return _line(ends, colour=plot.colours.eye(slope.eye), width=3, dashes="2 3", name="slope")


def _point(plot: _Plot, *, point: Point) -> Element:
    """A circle for the right eye and a square for the left one; hollow or crossed if it may not be compared."""
    x, y = plot.place(point)
    ink = plot.colours.eye(point.eye)
    fill = ink if point.mark is Mark.SOLID else plot.colours.surface
    group = _shape("g", name="point", fill=fill, stroke=ink, stroke_width=1.6, data_eye=point.eye.value)
    group.attrib |= {"data-on": f"{point.on}", "data-value": f"{point.value}", "data-mark": point.mark.value}
    if point.eye is Eye.OD:
        group.append(_shape("circle", cx=x, cy=y, r=_MARK))
    else:
        group.append(_shape("rect", x=x - _MARK, y=y - _MARK, width=2 * _MARK, height=2 * _MARK))
    if point.mark is Mark.CROSSED:
        group.append(_shape("path", d=_cross(x, y=y, size=_MARK - 1.5)))
    return group


def _cross(x: float, *, y: float, size: float) -> str:
    strokes = ([(x - size, y - size), (x + size, y + size)], [(x - size, y + size), (x + size, y - size)])
    return " ".join(_path(stroke) for stroke in strokes)


# ── above ────────────────────────────────────────────────────────────────────────────────────────────────────


def _head(plot: _Plot) -> Iterator[Element]:
    """Title at the left; at the right what each colour and mark means."""
    yield _text(plot.words.titles[plot.picture.quantity], at=(8, 17), colour=plot.colours.text, size=_TEXT)
    x = plot.width - 8
    for text, colour in reversed(list(_legend(plot))):
        x -= _advance(text)
        yield _text(text, at=(x, 16), colour=colour)
        x -= 12


def _legend(plot: _Plot) -> Iterator[tuple[str, str]]:
    for eye, symbol in zip(Eye, "●■", strict=True):
        yield f"{symbol}{plot.words.eyes[eye]}", plot.colours.eye(eye)
    found = {point.mark for point in plot.picture.points}
    if found - {Mark.SOLID}:
        symbols = {Mark.SOLID: "●", Mark.HOLLOW: "○", Mark.CROSSED: "⊗"}
        yield from ((f"{symbols[mark]}{plot.words.marks[mark]}", plot.colours.text2) for mark in Mark if mark in found)
    if plot.picture.washouts:
        yield f"⫽{plot.words.washout}", plot.colours.text2


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────────────────


def _shape(tag: str, *, name: str = "", **attributes: float | str) -> Element:
    told = {key: value if isinstance(value, str) else f"{value:.2f}" for key, value in attributes.items()}
    named = {"class": name} if name else {}
    return Element(tag, named | {key.replace("_", "-"): value for key, value in told.items()})


def _line(places: Sequence[Place], *, colour: str, width: float = 1, dashes: str = "", name: str = "line") -> Element:
    drawn = _shape("path", d=_path(places), name=name, fill="none", stroke=colour, stroke_width=width)
    if dashes:
        drawn.set("stroke-dasharray", dashes)
    return drawn


def _path(places: Iterable[Place]) -> str:
    return "M" + " L".join(f"{x:.2f} {y:.2f}" for x, y in places)


def _text(told: str, *, at: Place, colour: str, size: float = _SMALL, anchor: str = "start") -> Element:
    drawn = _shape("text", x=at[0], y=at[1], fill=colour, font_size=size, text_anchor=anchor)
    drawn.text = told
    return drawn


def _wrapped(note: str, *, width: float) -> list[str]:
    """A note in as many lines as it needs, broken after a space or a colon."""
    lines = [""]
    for part in re.findall(r"[^ ：]*[ ：]?", note):
        if lines[-1] and _advance(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]


def _advance(text: str, *, size: float = _SMALL) -> float:
    """How wide a text is, roughly: ideographs and signs are square, everything else is a little over half."""
    return sum(size if ord(character) > 0x2E80 or character in "●■○⊗⫽" else size * 0.62 for character in text)
