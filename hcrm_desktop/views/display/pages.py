"""The pages of the display. Each is made for one child and thrown away with everything on it."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.curves.picture import Point, Quantity
from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.charts.eye_chart import EyeChart
from hcrm_desktop.education import Education, OptionCard
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.display.defocus import blurred, classroom
from hcrm_desktop.views.display.drawings import EyeDrawing, RateBars, Row, Scene
from hcrm_desktop.views.display.telling import Sentences, Telling, uncorrected
from hcrm_desktop.views.record.chart_words import CurveWords
from hcrm_desktop.views.words import Words

QUARTERS = 40  # steps of the slider: 10 D in quarters
COLUMNS = 3  # of cards, side by side


class Page(QWidget):
    """One page.

    Signals:
        touched: somebody is at it.
    """

    touched = Signal()
    key = ""

    def __init__(self, theme: Theme, texts: Education, told: Telling) -> None:
        super().__init__()
        self._theme, self._texts, self._told = theme, texts, told
        self._say = Sentences(texts, told)
        self.title = texts(f"pages.{self.key}", name=self._say.name)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(16)
        self._column.addWidget(_label(self.title, role="h1"))

    def turn(self, *, portrait: bool) -> None:
        """Lay the page out for the other orientation."""

    def mark(self, point: Point | None) -> None:
        """Show what the staff points at."""

    def drag(self, down: int) -> None:
        """Follow a finger that moved down by so many pixels, where the page is longer than the screen."""
        for area in self.findChildren(QScrollArea):
            bar = area.verticalScrollBar()
            bar.setValue(bar.value() - down)


class StoryPage(Page):
    """When the child came first, what was worn, how the eyes grew."""

    key = "story"

    def __init__(self, theme: Theme, texts: Education, told: Telling) -> None:
        super().__init__(theme, texts, told)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(24)
        growth = [*(_label(text) for text in self._say.growth()), _small(self._say.growth_source())]
        self._row.addWidget(_card([_label(text) for text in self._say.story()]), 1)
        self._row.addWidget(_card(growth), 1)
        self._column.addWidget(_scrolling(self._row), 1)

    def turn(self, *, portrait: bool) -> None:
        self._row.setDirection(_direction(portrait=portrait))


class CurvesPage(Page):
    """Axial length or refraction, as in the record; the fan of one eye if it is wanted."""

    key = "curves"

    def __init__(self, theme: Theme, texts: Education, told: Telling, *, words: Words) -> None:
        super().__init__(theme, texts, told)
        self._eye: Eye | None = None
        curves = CurveWords(words)
        curves.setParent(self)
        self.charts = {
            Quantity.AXIAL_LENGTH: EyeChart(theme, curves.axial_length()),
            Quantity.REFRACTION: EyeChart(theme, curves.refraction()),
        }
        self._fans = _choice([texts(f"curves.{name}") for name in ("fan_none", "fan_OD", "fan_OS")])
        self._which = _choice([texts("curves.axial"), texts("curves.refraction")])
        self._build()
        self._draw()

    def _build(self) -> None:
        row = QHBoxLayout()
        for button in self._which.buttons():
            row.addWidget(button)
        row.addStretch(1)
        for button in self._fans.buttons():
            row.addWidget(button)
        self._column.addLayout(row)
        for number, (quantity, chart) in enumerate(self.charts.items()):
            self._column.addWidget(chart, 1)
            self._which.buttons()[number].clicked.connect(partial(self.show_quantity, quantity))
            chart.window_changed.connect(self.touched)
        for eye, button in zip((None, *Eye), self._fans.buttons(), strict=True):
            button.clicked.connect(partial(self._show_fan, eye))
            button.setEnabled(eye is None or any(fan.eye is eye for fan in self._told.eyes.axial.fans))
        self.show_quantity(Quantity.AXIAL_LENGTH)

    def _draw(self) -> None:
        eyes = self._told.eyes
        axial = eyes.axial.projected(self._eye)
        self.charts[Quantity.AXIAL_LENGTH].show_picture(axial)
        self.charts[Quantity.REFRACTION].show_picture(eyes.refraction.over(eyes.axial.x_range))

    def show_quantity(self, quantity: Quantity) -> None:
        """Show one chart; the other is folded away."""
        for number, (one, chart) in enumerate(self.charts.items()):
            chart.setVisible(one is quantity)
            self._which.buttons()[number].setChecked(one is quantity)
        for button in self._fans.buttons():
            button.setVisible(quantity is Quantity.AXIAL_LENGTH)
        self.touched.emit()

    def _show_fan(self, eye: Eye | None) -> None:
        self._eye = eye
        self._draw()
        self.touched.emit()

    def mark(self, point: Point | None) -> None:
        for picture, chart in (
            (self._told.eyes.axial, self.charts[Quantity.AXIAL_LENGTH]),
            (self._told.eyes.refraction, self.charts[Quantity.REFRACTION]),
        ):
            if point in picture.points:
                self.show_quantity(picture.quantity)
                chart.read_out(point)
            elif not chart.isHidden():
                chart.read_out(None)


class GrowthPage(Page):
    """What axial length is, and how much it grows in a year beside others."""

    key = "growth"

    def __init__(self, theme: Theme, texts: Education, told: Telling) -> None:
        super().__init__(theme, texts, told)
        sentence, grown = self._say.drawn()
        self._drawing, self._bars = EyeDrawing(theme), RateBars(theme)
        self._drawing.show_growth(grown)
        self._drawing.setAccessibleDescription(sentence)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(24)
        what = [_label(texts("growth.what")), _label(texts("growth.why")), self._drawing, _small(sentence)]
        self._row.addWidget(_card(what), 1)
        self._row.addWidget(_card(self._beside()), 1)
        self._column.addWidget(_scrolling(self._row), 1)

    def _beside(self) -> list[QWidget]:
        rows: list[Row] = []
        for eye, own, mean in self._say.rates():
            rows.append((eye, self._texts("growth.own", eye=self._say.eye(eye)), self._rate(own), own))
            rows += [] if mean is None else [(None, self._texts("growth.mean"), self._rate(mean), mean)]
        self._bars.show_rows(rows)
        if not rows:
            return [_label(self._texts("growth.none"))]
        source = self._texts("growth.source", source=self._told.eyes.references.axial_growth.label)
        return [self._bars, _small(self._texts("growth.note")), _small(source)]

    def _rate(self, value: object) -> str:
        return self._texts("growth.rate", value=f"{value:.2f}".replace("-", "−"))

    def turn(self, *, portrait: bool) -> None:
        self._row.setDirection(_direction(portrait=portrait))


class SightPage(Page):
    """A classroom as an eye of so many diopters has it."""

    key = "sight"

    def __init__(self, theme: Theme, texts: Education, told: Telling) -> None:
        super().__init__(theme, texts, told)
        self._scene = classroom(texts.board)
        self.picture, self.slider, self._power = Scene(), QSlider(Qt.Orientation.Horizontal), _label("", role="title")
        self.picture.setAccessibleName(texts("sight.what"))
        self.slider.setAccessibleName(texts("pages.sight", name=""))
        self.slider.setRange(0, QUARTERS)
        self.slider.setMinimumHeight(theme.tokens.control)
        reading = uncorrected(told.eyes)
        for widget in (_label(texts("sight.what")), self.picture, self._power, self.slider, _small(self._whose())):
            self._column.addWidget(widget, 1 if widget is self.picture else 0)
        self._column.addWidget(_small(f"{texts('sight.note')} {texts('sight.source')}"))
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.setValue(0 if reading is None else max(0, round(-float(reading.value) * 4)))
        self._on_moved(self.slider.value())

    def _whose(self) -> str:
        reading = uncorrected(self._told.eyes)
        if reading is not None:
            power = self._named(-float(reading.value))
            return self._texts("sight.child", day=self._say.day(reading.examined_on), power=power)
        worn = any(one.worn for one in self._told.eyes.readings)
        return self._texts("sight.worn" if worn else "sight.unknown")

    def _named(self, diopters: float) -> str:
        if diopters <= 0:
            return self._texts("sight.clear")
        return self._texts("sight.power", degrees=round(diopters * 100), diopters=f"−{diopters:.2f}")

    @Slot(int)
    def _on_moved(self, quarters: int) -> None:
        self.picture.show_image(blurred(self._scene, diopters=-quarters / 4))
        self._power.setText(self._named(quarters / 4))
        self.touched.emit()


class OptionsPage(Page):
    """What can be done, each with what trials found and where."""

    key = "options"

    def __init__(self, theme: Theme, texts: Education, told: Telling) -> None:
        super().__init__(theme, texts, told)
        self._grid = QGridLayout()
        self._grid.setSpacing(16)
        self._cards = [self._made(card) for card in texts.cards]
        self._column.addWidget(_label(texts("options.note")))
        self._column.addWidget(_scrolling(self._grid), 1)
        self.turn(portrait=False)

    def _made(self, card: OptionCard) -> QWidget:
        effect, sources = self._say.evidence(card)
        texts = [_label(card.title, role="title"), _label(card.text), _label(effect)]
        return _card([*texts, *(_small(source) for source in sources)])

    def turn(self, *, portrait: bool) -> None:
        columns = 1 if portrait else COLUMNS
        for number, card in enumerate(self._cards):
            self._grid.addWidget(card, number // columns, number % columns)


class NextPage(Page):
    """When to come again, and what to bring."""

    key = "next"

    def __init__(self, theme: Theme, texts: Education, told: Telling) -> None:
        super().__init__(theme, texts, told)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(24)
        when = [_label(self._say.next_visit(), role="title"), _label(self._say.days_until())]
        bring = [_label(texts("next.bring"), role="title"), *(_label(texts(f"next.{one}")) for one in self._bring())]
        self._row.addWidget(_card([*when, _label(texts("next.thanks", name=self._say.name))]), 1)
        self._row.addWidget(_card(bring), 1)
        self._column.addWidget(_scrolling(self._row), 1)

    def _bring(self) -> Sequence[str]:
        worn = {order.product for order in self._told.eyes.orders if order.dispensed_on and order.ended_on is None}
        first = ("lens",) if ProductKind.OK_LENS in worn else ()
        return (*first, "spectacles", "records", "questions")

    def turn(self, *, portrait: bool) -> None:
        self._row.setDirection(_direction(portrait=portrait))


def made_pages(theme: Theme, texts: Education, told: Telling, *, words: Words) -> list[Page]:
    """All pages for a child, in their order."""
    return [
        StoryPage(theme, texts, told),
        CurvesPage(theme, texts, told, words=words),
        GrowthPage(theme, texts, told),
        SightPage(theme, texts, told),
        OptionsPage(theme, texts, told),
        NextPage(theme, texts, told),
    ]


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────


def _label(text: str, *, role: str = "large") -> QLabel:
    label = QLabel(text, wordWrap=True)
    label.setProperty("role", role)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _small(text: str) -> QLabel:
    return _label(text, role="small")


def _card(parts: Sequence[QWidget]) -> QFrame:
    card = QFrame()
    card.setProperty("role", "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(24, 20, 24, 20)
    column.setSpacing(14)
    for part in parts:
        column.addWidget(part, 1 if isinstance(part, EyeDrawing) else 0)
    column.addStretch(0)
    return card


def _scrolling(layout: QBoxLayout | QGridLayout) -> QScrollArea:
    """On a low screen the page is moved with a finger."""
    inside, area = QWidget(), QScrollArea()
    inside.setLayout(layout)
    layout.setContentsMargins(0, 0, 0, 0)
    area.setWidgetResizable(True)
    area.setWidget(inside)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _choice(names: Sequence[str]) -> QButtonGroup:
    """Buttons of which one is chosen; the first at first."""
    group = QButtonGroup()
    for name in names:
        button = QPushButton(name)
        button.setCheckable(True)
        group.addButton(button)
    group.buttons()[0].setChecked(True)
    return group


def _direction(*, portrait: bool) -> QBoxLayout.Direction:
    return QBoxLayout.Direction.TopToBottom if portrait else QBoxLayout.Direction.LeftToRight
