"""What a child's record says: growth, verdicts and pictures. One study serves chart, report, display and web page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from hcrm_core.curves.axial_length import axial_length_picture
from hcrm_core.curves.picture import Picture
from hcrm_core.curves.refraction import refraction_picture
from hcrm_core.eye.age import exact_age
from hcrm_core.eye.mean_growth import MeanGrowth
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.eye.references import References
from hcrm_core.facts.growth import EyeGrowth, Growth, MeasurementInput, RefractionReading, eye_growth, refraction_series
from hcrm_core.record import ExamRecord, OrderRecord
from hcrm_core.terms import ExamStatus, Eye, Sex

# Repeatability of axial length is 0.04–0.06 mm (clinical reference pack §4.4): less is no difference.
NOISE_MM = Decimal("0.06")
# An axial length more than 0.10 mm shorter than before is to be measured again (§3, §4.3).
SHRUNK_MM = Decimal("-0.10")
# Fast progression, guideline material (§2.2, secondary): 0.40 mm a year and above.
FAST_MM_A_YEAR = Decimal("0.40")


class Pace(StrEnum):
    """How fast an eye grows."""

    REFUSED = "refused"  # growth.refusal says why
    SUSPECT = "suspect"  # much shorter than before
    FAST = "fast"
    STEADY = "steady"  # within what repeating a measurement yields
    ABOVE = "above"  # more than the mean of children with myopia of that age
    LIKE = "like"
    BELOW = "below"
    UNCOMPARED = "uncompared"  # no published mean for that age


@dataclass(frozen=True, slots=True, kw_only=True)
class AxialVerdict:
    """Axial growth of one eye beside the mean.

    Attributes:
        mean_mm: mean growth of children with myopia of that age over the same days, or None.
        readings: how many valid axial lengths there are.
    """

    growth: Growth
    mean_mm: Decimal | None
    pace: Pace
    readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EyeStudy:
    """A child's eyes and what is said of them.

    Attributes:
        exams: oldest first, also those that do not count any more.
        readings: refractions of valid exams, with the series in which they may be compared.
    """

    exams: tuple[ExamRecord, ...]
    orders: tuple[OrderRecord, ...]
    sex: Sex | None
    birth: date | None
    today: date
    axial_verdicts: dict[Eye, AxialVerdict]
    refraction_growth: dict[Eye, Growth]
    readings: tuple[RefractionReading, ...]
    axial: Picture
    refraction: Picture
    references: References

    @property
    def valid_exams(self) -> tuple[ExamRecord, ...]:
        return tuple(exam for exam in self.exams if exam.status is ExamStatus.FINAL)

    def comparable(self, one: ExamRecord, other: ExamRecord, *, eye: Eye) -> bool:
        """Whether the refractions of two examinations may be compared."""
        series = {r.exam_id: r.series for r in self.readings if r.eye is eye}
        return series.get(one.id) is not None and series.get(one.id) == series.get(other.id)


def study(
    exams: Sequence[ExamRecord],
    *,
    orders: Sequence[OrderRecord],
    sex: Sex | None,
    birth: date | None,
    today: date,
    references: References,
) -> EyeStudy:
    """Growth, curves and verdicts of a child."""
    inputs = measurements(exams)
    growth = eye_growth(inputs)
    readings = refraction_series(inputs)
    return EyeStudy(
        exams=tuple(exams),
        orders=tuple(orders),
        sex=sex,
        birth=birth,
        today=today,
        axial_verdicts={
            eye: _verdict(growth[eye], inputs, eye=eye, birth=birth, mean=references.axial_growth) for eye in Eye
        },
        refraction_growth={eye: growth[eye].refraction for eye in Eye},
        readings=tuple(readings),
        axial=axial_length_picture(
            exams, orders=orders, sex=sex, birth=birth, today=today, reference=references.axial_length
        ),
        refraction=refraction_picture(readings, exams=exams, orders=orders, birth=birth, today=today),
        references=references,
    )


def measurements(exams: Sequence[ExamRecord]) -> list[MeasurementInput]:
    """Examinations as growth takes them."""
    return [_input(exam, eye) for exam in exams for eye in exam.eyes]


def _input(exam: ExamRecord, eye: EyeValues) -> MeasurementInput:
    return MeasurementInput(
        exam_id=exam.id,
        eye=eye.eye,
        examined_on=exam.examined_on,
        method=exam.method,
        cycloplegic=exam.cycloplegic,
        lens_state=exam.lens_state,
        washout_days=exam.washout_days,
        sphere=eye.sphere,
        cylinder=eye.cylinder,
        axial_length_mm=eye.axial_length_mm,
        status=exam.status,
    )


def _verdict(
    growth: EyeGrowth, inputs: Sequence[MeasurementInput], *, eye: Eye, birth: date | None, mean: MeanGrowth
) -> AxialVerdict:
    axial = growth.axial
    expected = _mean(axial, birth=birth, mean=mean)
    readings = sum(
        one.eye is eye and one.axial_length_mm is not None and one.status is ExamStatus.FINAL for one in inputs
    )
    return AxialVerdict(growth=axial, mean_mm=expected, pace=pace(axial, mean_mm=expected), readings=readings)


def _mean(growth: Growth, *, birth: date | None, mean: MeanGrowth) -> Decimal | None:
    if birth is None or growth.from_on is None or growth.to_on is None or birth > growth.from_on:
        return None
    return mean.mm_between(exact_age(birth, on=growth.from_on), age_to=exact_age(birth, on=growth.to_on))


def pace(growth: Growth, *, mean_mm: Decimal | None) -> Pace:
    """How a growth of axial length is to be read; the first that holds."""
    change = growth.change
    if change is None:
        return Pace.REFUSED
    rules = (
        (change < SHRUNK_MM, Pace.SUSPECT),
        (growth.per_year is not None and growth.per_year >= FAST_MM_A_YEAR, Pace.FAST),
        (abs(change) <= NOISE_MM, Pace.STEADY),
        (mean_mm is None, Pace.UNCOMPARED),
        (mean_mm is not None and abs(change - mean_mm) <= NOISE_MM, Pace.LIKE),
        (mean_mm is not None and change > mean_mm, Pace.ABOVE),
    )
    return next((found for holds, found in rules if holds), Pace.BELOW)
