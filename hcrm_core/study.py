"""What a child's record says: growth, verdicts and pictures. One study serves chart, report, display and web page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from hcrm_core.curves.axial_length import axial_length_picture
from hcrm_core.curves.growth_rate import growth_rate_picture
from hcrm_core.curves.picture import Picture, Scale, Slope, courses
from hcrm_core.curves.projection import Projections, fans, projections
from hcrm_core.curves.refraction import refraction_picture
from hcrm_core.curves.target import length_target
from hcrm_core.eye.age import exact_age
from hcrm_core.eye.crossing import Crossing, percentile_crossing
from hcrm_core.eye.mean_growth import MeanGrowth
from hcrm_core.eye.percentiles import Refused
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.eye.references import References
from hcrm_core.facts.comparability import Comparability, comparability
from hcrm_core.facts.derived import Derived, derived
from hcrm_core.facts.growth import (
    AxialReading,
    Growth,
    MeasurementInput,
    RefractionReading,
    Refusal,
    child_growth,
)
from hcrm_core.facts.treatment import StretchGrowth, TreatmentGrowth, treatment_growth
from hcrm_core.record import ExamRecord, MedicationRow, OrderRecord
from hcrm_core.terms import ExamStatus, Eye, ProductKind, Sex

# Repeatability of axial length is 0.04–0.06 mm (clinical reference pack §4.4): less is no difference.
NOISE_MM = Decimal("0.06")
# An axial length more than 0.10 mm shorter than before is to be measured again (§3, §4.3).
SHRUNK_MM = Decimal("-0.10")
# Fast progression, guideline material (§2.2, secondary): 0.40 mm a year and above.
FAST_MM_A_YEAR = Decimal("0.40")
# Myopia: SE at or below, under cycloplegia (2024 Chinese guideline; IMI 2019).
MYOPIA_D = Decimal("-0.50")


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
        mean_per_year: the same mean as mm a year.
    """

    growth: Growth
    mean_mm: Decimal | None
    pace: Pace
    readings: int
    mean_per_year: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EyeStudy:
    """A child's eyes and what is said of them.

    Attributes:
        exams: oldest first, also those that do not count any more.
        readings: refractions of valid exams, with the series in which they may be compared.
        lengths: axial lengths of valid exams, with the growth that could be told on each day.
        axial, refraction, rate: the three charts on one axis of time.
        projections: where each eye may go until 18, or why it is not told; the fans of `axial` are the same.
        treatment: growth before the latest change of treatment and since, or why it is not told.
        crossings: how far each eye climbed through the percentiles of its age, or why it is not told.
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
    lengths: tuple[AxialReading, ...]
    rate: Picture
    projections: Mapping[Eye, Projections]
    treatment: Mapping[Eye, TreatmentGrowth | Refused]
    crossings: Mapping[Eye, Crossing | Refused]

    @property
    def valid_exams(self) -> tuple[ExamRecord, ...]:
        return tuple(exam for exam in self.exams if exam.status is ExamStatus.FINAL)

    def comparable(self, one: ExamRecord, other: ExamRecord, *, eye: Eye) -> bool:
        """Whether the refractions of two examinations may be compared."""
        series = {r.exam_id: r.series for r in self.readings if r.eye is eye}
        return series.get(one.id) is not None and series.get(one.id) == series.get(other.id)

    def derived(self, exam: ExamRecord, *, eye: Eye) -> Derived:
        """What follows from the values of an examination."""
        return derived(exam, eye=eye)

    def comparability(self, one: ExamRecord, other: ExamRecord, *, eye: Eye) -> Comparability:
        """The same with everything that stands against it."""
        return comparability(_of_eye(one, eye), _of_eye(other, eye))


def study(
    exams: Sequence[ExamRecord],
    *,
    orders: Sequence[OrderRecord],
    sex: Sex | None,
    birth: date | None,
    today: date,
    references: References,
    medications: Sequence[MedicationRow] = (),
) -> EyeStudy:
    """Growth, curves and verdicts of a child."""
    growth = child_growth(measurements(exams))
    lengths, readings = growth.lengths, growth.readings
    drops = {exam.id: exam.cycloplegic for exam in exams}
    scale = Scale.of(birth, days=(exam.examined_on for exam in exams if exam.status is ExamStatus.FINAL))
    axial = axial_length_picture(
        exams,
        orders=orders,
        sex=sex,
        birth=birth,
        today=today,
        reference=references.axial_length,
        target=length_target(references.emmetropic_length) if scale.birth else None,
    )
    told = {
        eye: _EyeTold.of(
            [one for one in lengths if one.eye is eye],
            refractions=[one for one in readings if one.eye is eye and drops.get(one.exam_id)],
            orders=[order for order in orders if order.eye is eye],
            sex=sex,
            birth=scale.birth,
            references=references,
            eye=eye,
        )
        for eye in Eye
    }
    projected = {eye: one.projections for eye, one in told.items()}
    slopes = tuple(slope for one in told.values() for slope in _slopes(one.treatment, scale=scale))
    axial = replace(axial, courses=courses(medications, scale=scale, x_range=axial.x_range, today=today))
    refraction = refraction_picture(readings, exams=exams, orders=orders, birth=birth, today=today)
    return EyeStudy(
        exams=tuple(exams),
        orders=tuple(orders),
        sex=sex,
        birth=birth,
        today=today,
        axial_verdicts={eye: one.verdict for eye, one in told.items()},
        refraction_growth=growth.refraction,
        readings=tuple(readings),
        axial=replace(axial, fans=fans(projected), slopes=slopes),
        refraction=replace(refraction, courses=axial.courses),
        references=references,
        lengths=tuple(lengths),
        rate=growth_rate_picture(lengths, beside=axial, scale=scale, references=references),
        projections=projected,
        treatment={eye: one.treatment for eye, one in told.items()},
        crossings={eye: one.crossing for eye, one in told.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _EyeTold:
    """What is said of the axial length of one eye."""

    verdict: AxialVerdict
    projections: Projections
    treatment: TreatmentGrowth | Refused
    crossing: Crossing | Refused

    @classmethod
    def of(
        cls,
        lengths: Sequence[AxialReading],
        *,
        refractions: Sequence[RefractionReading],
        orders: Sequence[OrderRecord],
        sex: Sex | None,
        birth: date | None,
        references: References,
        eye: Eye,
    ) -> "_EyeTold":
        """Everything of one eye; `refractions` are those under cycloplegia."""
        dated = [(one.examined_on, one.value) for one in lengths]
        on, latest = dated[-1] if dated else (None, None)
        return cls(
            verdict=_verdict(lengths, birth=birth, mean=references.axial_growth),
            projections=projections(
                latest,
                age=exact_age(birth, on=on) if birth and on else None,
                myopic=_myopic(refractions, orders),
                worn=_worn(orders),
                references=references,
            ),
            treatment=treatment_growth(dated, orders=orders, eye=eye, birth=birth, mean=references.axial_growth),
            crossing=percentile_crossing(dated, sex=sex, birth=birth, reference=references.axial_length),
        )


def measurements(exams: Sequence[ExamRecord]) -> list[MeasurementInput]:
    """Examinations as growth takes them."""
    return [_input(exam, eye) for exam in exams for eye in exam.eyes]


def _of_eye(exam: ExamRecord, eye: Eye) -> MeasurementInput:
    values = exam.od if eye is Eye.OD else exam.os
    return _input(exam, values or EyeValues(eye=eye))


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


def _verdict(lengths: Sequence[AxialReading], *, birth: date | None, mean: MeanGrowth) -> AxialVerdict:
    axial = lengths[-1].growth if lengths else Growth(refusal=Refusal.NO_PAIR)
    ages = _ages(axial, birth=birth)
    expected = mean.mm_between(ages[0], age_to=ages[1]) if ages else None
    return AxialVerdict(
        growth=axial,
        mean_mm=expected,
        pace=pace(axial, mean_mm=expected),
        readings=len(lengths),
        mean_per_year=mean.per_year_between(ages[0], age_to=ages[1]) if ages else None,
    )


def _ages(growth: Growth, *, birth: date | None) -> tuple[Decimal, Decimal] | None:
    if birth is None or growth.from_on is None or growth.to_on is None or birth > growth.from_on:
        return None
    return exact_age(birth, on=growth.from_on), exact_age(birth, on=growth.to_on)


def _myopic(refractions: Sequence[RefractionReading], orders: Sequence[OrderRecord]) -> bool | None:
    """Whether an eye has myopia: once found under cycloplegia it stays; an OK lens is made for nothing else. Without
    either it is unknown: readings without cycloplegia lie 1.23 D too low on average (reference pack §4.1)."""
    found = [one.value <= MYOPIA_D for one in refractions if one.series is not None]
    if any(found) or any(order.product is ProductKind.OK_LENS for order in orders):
        return True
    return False if found else None


def _worn(orders: Sequence[OrderRecord]) -> ProductKind | None:
    """The lens of an eye now."""
    dispensed = [(order.dispensed_on, order) for order in orders if order.dispensed_on is not None]
    latest = max(dispensed, key=lambda dated: dated[0], default=None)
    return None if latest is None or latest[1].ended_on is not None else latest[1].product


def _slopes(found: TreatmentGrowth | Refused, *, scale: Scale) -> tuple[Slope, ...]:
    if isinstance(found, Refused):
        return ()
    return tuple(_slope(one, eye=found.eye, scale=scale) for one in (found.before, found.after))


def _slope(one: StretchGrowth, *, eye: Eye, scale: Scale) -> Slope:
    return Slope(
        eye=eye,
        product=one.product,
        start=(scale.x(one.from_on), float(one.from_mm)),
        end=(scale.x(one.to_on), float(one.to_mm)),
        per_year=one.per_year,
        error=one.error,
        mean=one.mean_per_year,
    )


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
