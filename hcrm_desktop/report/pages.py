"""Lays a report out on A4 and paints it: on PDF, on a printer and on a picture alike, as vectors where the device
keeps them."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtGui import QColor, QPainter

from hcrm_desktop.report.blocks import HEADING, SMALL, TINY, TITLE, Block, Chart, Code, Facts, Stack, Table, Text
from hcrm_desktop.report.content import Figure, ReportContent
from hcrm_desktop.report.texts import Texts
from hcrm_desktop.theme import LIGHT

UNITS_AN_INCH = 96
A4 = QSizeF(210 / 25.4 * UNITS_AN_INCH, 297 / 25.4 * UNITS_AN_INCH)
MARGIN = 14 / 25.4 * UNITS_AN_INCH
WIDTH = A4.width() - 2 * MARGIN
FOOT = 24.0
GAP = 12.0
MOST_PAGES = 2
PROPORTIONS = (0.46, 0.42, 0.38, 0.34, 0.30, 0.26)  # height to width of a chart: the largest with which all fits

Page = tuple[Block, ...]


class Layout:
    """One report on its pages."""

    def __init__(self, content: ReportContent, *, say: Texts) -> None:
        self._content, self._say = content, say
        self.pages: tuple[Page, ...] = ()
        for proportion in PROPORTIONS:
            self.pages = tuple(_paged(tuple(self._blocks(proportion))))
            if len(self.pages) <= MOST_PAGES:
                break

    def paint(self, painter: QPainter, page: int) -> None:
        """Paint one page, counted from 0; the painter is scaled to the page's units."""
        y = MARGIN
        for block in self.pages[page]:
            height = block.height(WIDTH)
            block.paint(painter, QRectF(MARGIN, y, WIDTH, height))
            y += height + GAP
        self._paint_foot(painter, page)

    def _paint_foot(self, painter: QPainter, page: int) -> None:
        content = self._content
        text = self._say(
            "foot.page", clinic=content.clinic, number=content.number, page=page + 1, pages=len(self.pages)
        )
        y = A4.height() - MARGIN - FOOT + 10
        painter.fillRect(QRectF(MARGIN, y - 6, WIDTH, 0.8), QColor(LIGHT.border))
        _quiet(text).paint(painter, QRectF(MARGIN, y, WIDTH, FOOT))

    def _blocks(self, proportion: float) -> Iterator[Block]:
        content = self._content
        yield Stack(
            parts=(
                Text(text=content.clinic, colour=LIGHT.text2),
                Text(text=content.title, size=TITLE, bold=True, colour=LIGHT.primary_strong),
                Facts(facts=content.facts),
            )
        )
        yield _section(content.values_title, _table(content, content.values), _quiet(content.conditions))
        if content.changes:
            yield _section(content.changes_title, _table(content, content.changes))
        yield _section(content.steps_title, self._steps())
        yield from (_figure(figure, proportion=proportion) for figure in content.figures)
        yield _section(content.meaning_title, *(_quiet(note) for note in content.meaning))
        sources = (content.disclaimer, content.sources_title, *content.sources)
        yield Stack(parts=[Text(text=text, size=TINY, colour=LIGHT.text2) for text in sources], gap=2)

    def _steps(self) -> Block:
        content = self._content
        steps = Stack(parts=[Text(text=step) for step in content.steps])
        return Code(beside=steps, payload=content.code, caption=_quiet(content.code_caption))


def _paged(blocks: Sequence[Block]) -> Iterator[Page]:
    """As many as fit on each page, in their order."""
    room = A4.height() - 2 * MARGIN - FOOT
    page: list[Block] = []
    used = 0.0
    for block in blocks:
        height = block.height(WIDTH)
        if page and used + height > room:
            yield tuple(page)
            page, used = [], 0.0
        page.append(block)
        used += height + GAP
    yield tuple(page)


def _section(title: str, *parts: Block | None) -> Stack:
    heading = Text(text=title, size=HEADING, bold=True, colour=LIGHT.primary_strong)
    return Stack(parts=(heading, *(part for part in parts if part is not None)))


def _table(content: ReportContent, rows: Sequence[tuple[str, str, str]]) -> Table | None:
    return Table(rows=(content.columns, *rows)) if rows else None


def _figure(figure: Figure, *, proportion: float) -> Stack:
    note = _quiet(figure.note) if figure.note else None
    return _section(figure.title, Chart(picture=figure.picture, proportion=proportion), note)


def _quiet(text: str) -> Text:
    return Text(text=text, size=SMALL, colour=LIGHT.text2)
