"""Axial length of both eyes over age, on the percentile bands of one named reference."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from hcrm_core.curves.picture import Band, Mark, Picture, Point, Quantity, Scale, Target, ribbons
from hcrm_core.curves.signs import device_glyphs, washouts
from hcrm_core.eye.age import exact_age
from hcrm_core.eye.percentiles import AxialLengthReference, Refused
from hcrm_core.record import ExamRecord, OrderRecord
from hcrm_core.terms import ExamStatus, Sex

HIGH_MYOPIA_MM = Decimal("26.00")  # 2024 Chinese guideline: high myopia at 26 mm and above
_PAIRS = ((5, 95), (10, 90), (25, 75), (50, 50))  # bands, outer to inner, and the median
_STEPS_A_YEAR = 2  # supporting points of a band
_LEAST_SPAN_MM = 1.6
# Repeatability of axial length: a standard deviation of 0.04–0.06 mm (clinical reference pack §4.4), the greater.
ERROR_MM = Decimal("0.06")


def axial_length_picture(
    exams: Sequence[ExamRecord],
    *,
    orders: Sequence[OrderRecord],
    sex: Sex | None,
    birth: date | None,
    today: date,
    reference: AxialLengthReference,
    target: Target | None = None,
) -> Picture:
    """The chart of one child. Axial lengths compare whatever was worn, so all are solid and joined."""
    valid = [exam for exam in exams if exam.status is ExamStatus.FINAL]
    scale = Scale.of(birth, days=(exam.examined_on for exam in valid))
    points = tuple(_points(valid, scale=scale, sex=sex, reference=reference))
    x_range = scale.around((exam.examined_on for exam in valid), today=today)
    refused = _refusal(points, scale=scale, sex=sex, reference=reference)
    bands = () if refused else _bands(sex=sex, reference=reference)
    return Picture(
        quantity=Quantity.AXIAL_LENGTH,
        by_age=scale.birth is not None,
        points=points,
        ribbons=ribbons(orders, scale=scale, x_range=x_range, today=today),
        levels=(HIGH_MYOPIA_MM,),
        x_range=x_range,
        y_range=_height(points, bands, x_range=x_range),
        bands=bands,
        target=target if scale.birth is not None else None,
        glyphs=device_glyphs(valid, scale=scale),
        washouts=washouts(orders, scale=scale, x_range=x_range, today=today),
        reference=f"{reference.name} v{reference.version}",
        refused=refused,
    )


def _points(
    exams: Sequence[ExamRecord], *, scale: Scale, sex: Sex | None, reference: AxialLengthReference
) -> list[Point]:
    return [
        Point(
            eye=eye.eye,
            exam_id=exam.id,
            on=exam.examined_on,
            x=scale.x(exam.examined_on),
            value=eye.axial_length_mm,
            mark=Mark.SOLID,
            series=0,
            error=ERROR_MM,
            percentile=percentile_label(
                eye.axial_length_mm, on=exam.examined_on, birth=scale.birth, sex=sex, reference=reference
            ),
        )
        for exam in exams
        for eye in exam.eyes
        if eye.axial_length_mm is not None
    ]


def percentile_label(
    length_mm: Decimal, *, on: date, birth: date | None, sex: Sex | None, reference: AxialLengthReference
) -> str:
    """ "P56", or nothing where the reference gives none."""
    if birth is None:
        return ""
    place = reference.percentile_of(length_mm, sex=sex, age_years=exact_age(birth, on=on))
    return "" if isinstance(place, Refused) else place.label


def _refusal(points: Sequence[Point], *, scale: Scale, sex: Sex | None, reference: AxialLengthReference) -> str:
    """Why no percentile can be told of the latest value, or nothing."""
    if scale.birth is None:
        return "birth_unknown"
    if not points:
        return "" if sex else "sex_unknown"
    latest = points[-1]
    place = reference.percentile_of(latest.value, sex=sex, age_years=exact_age(scale.birth, on=latest.on))
    return place.code if isinstance(place, Refused) else ""


def _bands(*, sex: Sex | None, reference: AxialLengthReference) -> tuple[Band, ...]:
    """Over all ages of the reference and no further, so that a chart may be moved along them."""
    ages = [row.age_years for row in reference.rows if row.sex is sex]
    low, high = min(ages), max(ages)
    count = int((high - low) * _STEPS_A_YEAR)
    steps = [low + (high - low) * n / count for n in range(count + 1)] if count else []
    return tuple(
        Band(
            xs=tuple(float(age) for age in steps),
            low=_lengths(steps, percentile=one, sex=sex, reference=reference),
            high=_lengths(steps, percentile=other, sex=sex, reference=reference),
        )
        for one, other in _PAIRS
        if steps
    )


def _lengths(
    ages: Sequence[Decimal], *, percentile: int, sex: Sex | None, reference: AxialLengthReference
) -> tuple[float, ...]:
    found = (reference.length_at(percentile, sex=sex, age_years=age) for age in ages)
    return tuple(float(length) for length in found if not isinstance(length, Refused))


def _height(points: Sequence[Point], bands: Sequence[Band], *, x_range: tuple[float, float]) -> tuple[float, float]:
    """All values, the middle half of the population beside them, and the 26 mm line once it comes near."""
    ys = [float(point.value) for point in points] or [23.0]
    if max(ys) > float(HIGH_MYOPIA_MM) - 1:
        ys.append(float(HIGH_MYOPIA_MM))
    if bands:
        ys += [y for x in x_range for y in bands[2].at(x)]
    low, high = min(ys) - 0.2, max(ys) + 0.2
    missing = max(0.0, _LEAST_SPAN_MM - (high - low))
    return low - missing / 2, high + missing / 2
