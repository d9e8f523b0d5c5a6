"""Spherical equivalent of both eyes over age. Only comparable readings are joined."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from hcrm_core.curves.picture import Conditions, Mark, Picture, Point, Quantity, Scale, ribbons
from hcrm_core.curves.signs import cycloplegia_glyphs, washouts
from hcrm_core.facts.growth import RefractionReading
from hcrm_core.record import ExamRecord, OrderRecord
from hcrm_core.terms import ExamStatus

# Myopia, moderate and high myopia: SE at or below (2024 Chinese guideline; IMI 2019).
DEFINITIONS = (Decimal("-0.50"), Decimal("-3.00"), Decimal("-6.00"))
_LEAST_SPAN_D = 2.0


def refraction_picture(
    readings: Sequence[RefractionReading],
    *,
    exams: Sequence[ExamRecord],
    orders: Sequence[OrderRecord],
    birth: date | None,
    today: date,
) -> Picture:
    """The chart of one child.

    Args:
        readings: as `child_growth` gives.
        exams: of which the readings are, for the conditions; all valid ones share the time axis.
    """
    valid = {exam.id: exam for exam in exams if exam.status is ExamStatus.FINAL}
    days = [exam.examined_on for exam in valid.values()]
    scale = Scale.of(birth, days=days)
    points = tuple(_point(reading, scale=scale, exam=valid[reading.exam_id]) for reading in readings)
    x_range = scale.around(days, today=today)
    return Picture(
        quantity=Quantity.REFRACTION,
        by_age=scale.birth is not None,
        points=points,
        ribbons=ribbons(orders, scale=scale, x_range=x_range, today=today),
        levels=DEFINITIONS,
        x_range=x_range,
        y_range=_height(points),
        glyphs=cycloplegia_glyphs(valid.values(), scale=scale),
        washouts=washouts(orders, scale=scale, x_range=x_range, today=today),
    )


def _point(reading: RefractionReading, *, scale: Scale, exam: ExamRecord) -> Point:
    return Point(
        eye=reading.eye,
        exam_id=reading.exam_id,
        on=reading.examined_on,
        x=scale.x(reading.examined_on),
        value=reading.value,
        mark=_mark(reading, cycloplegic=exam.cycloplegic),
        series=reading.series,
        about=Conditions(method=exam.method, cycloplegic=exam.cycloplegic, lens_state=exam.lens_state),
    )


def _mark(reading: RefractionReading, *, cycloplegic: bool | None) -> Mark:
    if reading.worn:
        return Mark.CROSSED
    return Mark.SOLID if cycloplegic and reading.series is not None else Mark.HOLLOW


def _height(points: Sequence[Point]) -> tuple[float, float]:
    ys = [float(point.value) for point in points] or [-1.0]
    low, high = min(ys) - 0.5, max(ys) + 0.5
    missing = max(0.0, _LEAST_SPAN_D - (high - low))
    return low - missing / 2, high + missing / 2
