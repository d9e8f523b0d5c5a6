"""How fast both eyes grow, over age: each rate at the middle of its interval, beside the mean of that age."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from hcrm_core.curves.picture import Band, Glyph, Mark, Mean, Picture, Point, Quantity, Scale, Sign, Target
from hcrm_core.eye.mean_growth import GrowthSteps, MeanGrowth
from hcrm_core.eye.references import References
from hcrm_core.facts.growth import AxialReading, Refusal

_LEAST, _MOST = 0.0, 0.6  # mm a year, always shown; 0.60 is the most that is usual (reference pack §3)
_EDGE = 1e-6  # years: the two sides of a step


def growth_rate_picture(
    course: Sequence[AxialReading], *, beside: Picture, scale: Scale, references: References
) -> Picture:
    """The chart of one child.

    Args:
        course: as `child_growth` gives: what could be told on each day.
        beside: the chart of the lengths, whose axis of time and ribbons this one shares.
    """
    points = tuple(point for one in course if (point := _point(one, scale=scale)) is not None)
    return Picture(
        quantity=Quantity.GROWTH_RATE,
        by_age=beside.by_age,
        points=points,
        ribbons=beside.ribbons,
        courses=beside.courses,
        levels=tuple(line.value for line in references.lines if line.quantity == Quantity.GROWTH_RATE.value),
        x_range=beside.x_range,
        y_range=_height(points),
        reference=references.axial_growth.label,
        target=_target(references.emmetropic_growth) if beside.by_age else None,
        means=(_mean(references.axial_growth),) if beside.by_age else (),
        glyphs=_too_early(course, scale=scale),
    )


def _point(one: AxialReading, *, scale: Scale) -> Point | None:
    growth = one.growth
    if growth.per_year is None or growth.from_on is None or growth.to_on is None:
        return None
    middle = growth.from_on + timedelta(days=(growth.to_on - growth.from_on).days // 2)
    return Point(
        eye=one.eye,
        exam_id=one.exam_id,
        on=growth.to_on,
        x=scale.x(middle),
        value=growth.per_year,
        mark=Mark.SOLID,
        series=0,
        error=growth.error_per_year,
        since=growth.from_on,
    )


def _too_early(course: Sequence[AxialReading], *, scale: Scale) -> tuple[Glyph, ...]:
    days: dict[date, Glyph] = {
        one.examined_on: Glyph(sign=Sign.TOO_EARLY, on=one.examined_on, x=scale.x(one.examined_on))
        for one in course
        if one.growth.refusal is Refusal.INTERVAL_TOO_SHORT
    }
    return tuple(days.values())


def _mean(growth: MeanGrowth) -> Mean:
    return Mean(
        xs=tuple(float(age) for age, _ in growth.rates),
        ys=tuple(float(rate) for _, rate in growth.rates),
        source=growth.label,
    )


def _target(tables: Sequence[GrowthSteps]) -> Target:
    """Between the least and the most that is published of eyes without refractive error, age group by age group."""
    turns = sorted({age for table in tables for step in table.steps for age in (step.age_from, step.age_to)})
    groups = [
        (start, end, [rate for table in tables for rate in table.rates_at(start)]) for start, end in pairwise(turns)
    ]
    band = Band(
        xs=tuple(x for start, end, _ in groups for x in (float(start), float(end) - _EDGE)),
        low=tuple(float(min(rates)) for _, _, rates in groups for _ in range(2)),
        high=tuple(float(max(rates)) for _, _, rates in groups for _ in range(2)),
    )
    return Target(band=band, source=" · ".join(table.label for table in tables))


def _height(points: Sequence[Point]) -> tuple[float, float]:
    """Nothing to 0.60 mm a year at least, and every rate with its error bar."""
    ends = [float(point.value + sign * (point.error or 0)) for point in points for sign in (-1, 1)]
    return min([_LEAST, *ends]) - 0.05, max([_MOST, *ends]) + 0.05
