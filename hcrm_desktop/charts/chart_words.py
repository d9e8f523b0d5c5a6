"""What a chart says, given by the view: charts hold no text of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from hcrm_core.curves.picture import Mark, Picture, Point, Scenario, Sign
from hcrm_core.terms import Eye, ProductKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartWords:
    """The words of one kind of chart.

    Attributes:
        title: with the unit.
        eyes, marks, signs, scenarios, target, mean, washout: entries of the legend.
        fold: what the button beside the title does.
        x_tick, y_tick: numbers at the axes.
        level: a definition line.
        ribbon: what an eye wears.
        course: medicine of a strength, or of one that is not told.
        point: the read-out of one point.
        caption: the reference behind the percentiles, or why there are none, or that there is too little.
        description: the whole picture in words, for those who cannot see it.
    """

    title: str
    eyes: dict[Eye, str]
    marks: dict[Mark, str]
    signs: dict[Sign, str]
    scenarios: dict[Scenario, str]
    target: str
    mean: str
    washout: str
    fold: str
    x_tick: Callable[[Picture, float], str]
    y_tick: Callable[[Picture, float], str]
    level: Callable[[Picture, Decimal], str]
    ribbon: Callable[[Eye, ProductKind], str]
    course: Callable[[Decimal | None], str]
    point: Callable[[Picture, Point], str]
    caption: Callable[[Picture], str]
    description: Callable[[Picture], str]
