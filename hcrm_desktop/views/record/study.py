"""What a record says about growth: read and computed in a reader, shown as it is."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import UUID

from hcrm_core.eye.age import exact_age
from hcrm_core.eye.mean_growth import MeanGrowth
from hcrm_core.facts.growth import EyeGrowth, Growth, MeasurementInput, RefractionReading, eye_growth, refraction_series
from hcrm_core.terms import ExamStatus, Eye
from hcrm_desktop.cache.rows import ContestedExams, CustomerRecord, ExamRow, EyeRow, FieldChangeRow
from hcrm_desktop.charts.axial_length_chart import axial_length_picture
from hcrm_desktop.charts.picture import Picture
from hcrm_desktop.charts.refraction_chart import refraction_picture
from hcrm_desktop.references import References, references

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

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
class RecordStudy:
    """A record and what it says."""

    record: CustomerRecord
    today: date
    axial_verdicts: dict[Eye, AxialVerdict]
    refraction_growth: dict[Eye, Growth]
    readings: tuple[RefractionReading, ...]
    axial: Picture
    refraction: Picture
    references: References
    contested: tuple[ContestedExams, ...] = ()
    changes: tuple[FieldChangeRow, ...] = ()

    @property
    def valid_exams(self) -> tuple[ExamRow, ...]:
        return tuple(exam for exam in self.record.exams if exam.status is ExamStatus.FINAL)

    def comparable(self, one: ExamRow, other: ExamRow, *, eye: Eye) -> bool:
        """Whether the refractions of two examinations may be compared."""
        series = {r.exam_id: r.series for r in self.readings if r.eye is eye}
        return series.get(one.id) is not None and series.get(one.id) == series.get(other.id)


def read_study(session: "Session", customer_id: UUID, *, today: date) -> RecordStudy | None:
    """Read the record and study it. Runs in a reader."""
    from hcrm_desktop.cache.queries import contested_exams, customer_changes, customer_record

    import_module("hcrm_desktop.charts.canvas")  # pyqtgraph: a third of a second that the GUI thread need not wait

    record = customer_record(session, customer_id, today=today)
    if record is None:
        return None
    contested, changes = contested_exams(session, customer_id), customer_changes(session, customer_id)
    return dataclasses.replace(study(record, today=today), contested=tuple(contested), changes=tuple(changes))


def study(record: CustomerRecord, *, today: date) -> RecordStudy:
    """Growth, curves and verdicts of a record."""
    head, known = record.header, references()
    inputs = measurements(record.exams)
    growth = eye_growth(inputs)
    readings = refraction_series(inputs)
    return RecordStudy(
        record=record,
        today=today,
        axial_verdicts={
            eye: _verdict(growth[eye], inputs, eye=eye, birth=head.birth_date, mean=known.axial_growth) for eye in Eye
        },
        refraction_growth={eye: growth[eye].refraction for eye in Eye},
        readings=tuple(readings),
        axial=axial_length_picture(
            record.exams,
            orders=record.orders,
            sex=head.sex,
            birth=head.birth_date,
            today=today,
            reference=known.axial_length,
        ),
        refraction=refraction_picture(
            readings,
            drops={exam.id: exam.cycloplegic for exam in record.exams},
            orders=record.orders,
            birth=head.birth_date,
            today=today,
        ),
        references=known,
    )


def measurements(exams: Sequence[ExamRow]) -> list[MeasurementInput]:
    """Examinations as growth takes them."""
    return [_input(exam, eye) for exam in exams for eye in (exam.od, exam.os) if eye is not None]


def _input(exam: ExamRow, eye: EyeRow) -> MeasurementInput:
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
