"""Reads a slip as typed: texts in, an examination and every problem out. No Qt, no words."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from hcrm_core.errors import Problem, Severity
from hcrm_core.eye.age import exact_age
from hcrm_core.eye.keying import PARSERS, read_keyed
from hcrm_core.eye.notation import parse_diopters
from hcrm_core.eye.plausibility import check_axial_length, check_eye, check_pair
from hcrm_core.eye.refraction import Refraction
from hcrm_core.parsed import Parsed
from hcrm_core.record import ExamRecord
from hcrm_core.terms import Eye, LensState, RefractionMethod
from hcrm_desktop.cache.rows import CustomerHeader, ExamEntry, EyeRow
from hcrm_desktop.references import references
from hcrm_desktop.views.exam_entry.swap import Sitting, swap_problems

# Axial length between two visits, clinical reference pack §3: −0.10 mm … +0.60 mm a year is usual.
SHRUNK_MM, GROWN_MM_A_YEAR = Decimal("-0.10"), Decimal("0.60")
_MISSING = frozenset({"axis_missing", "cylinder_without_sphere", "cylinder_blank"})
_DEGREES_A_DIOPTER = 100
_DAYS_A_YEAR = Decimal("365.25")

LENS = ("sphere", "cylinder", "axis")
Place = tuple[Eye, str]  # a field of the grid
Texts = Mapping[Place, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The state row: what decides which values may be compared."""

    examined_on: date
    cycloplegic: bool | None
    method: RefractionMethod
    lens_state: LensState
    washout_days: int | None
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipReading:
    """What a slip says.

    Attributes:
        eyes: values per eye with a minus cylinder; an eye without any value is left out.
        problems: all of them; `field` is ``"OD.sphere"``, a plain name that concerns both eyes, or ``"examined_on"``.
    """

    eyes: dict[Eye, EyeRow]
    problems: tuple[Problem, ...]

    @property
    def refused(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    @property
    def doubts(self) -> tuple[Problem, ...]:
        """What may be true and has to be confirmed. A radius read as a power is no doubt: it is told."""
        return tuple(p for p in self.problems if p.severity is Severity.WARNING and p.code != "radius_converted")


def last_value(previous: ExamRecord | None, place: Place) -> Decimal | None:
    """What stood in a field last time."""
    eye, name = place
    row = None if previous is None else previous.od if eye is Eye.OD else previous.os
    return None if row is None else getattr(row, name)


def read_field(place: Place, text: str, *, previous: ExamRecord | None) -> Parsed[Any]:
    """One field as typed."""
    eye, name = place
    return read_keyed(text, name=name, last=last_value(previous, place), field=f"{eye.value}.{name}")


def read_slip(
    texts: Texts, conditions: Conditions, *, head: CustomerHeader, previous: ExamRecord | None, today: date
) -> SlipReading:
    """The whole slip, with every problem of every field."""
    parsed = {place: read_field(place, text, previous=previous) for place, text in texts.items()}
    eyes = {eye: _eye(eye, parsed) for eye in Eye}
    problems = [problem for one in parsed.values() for problem in one.problems]
    problems += _degree_problems(texts, parsed)
    problems += _date_problems(conditions.examined_on, birth=head.birth_date, today=today)
    for row in eyes.values():
        problems += check_eye(row)
        problems += _length_problems(row, conditions.examined_on, head=head)
        problems += _change_problems(row, conditions.examined_on, previous=previous)
        problems += _blank_cylinder(row)
    problems += check_pair(eyes[Eye.OD], left=eyes[Eye.OS])
    sitting = Sitting(eyes=eyes, lens_state=conditions.lens_state, washout_days=conditions.washout_days)
    problems += swap_problems(sitting, previous=previous)
    measured = {eye: row for eye, row in eyes.items() if row != EyeRow(eye=eye)}
    return SlipReading(eyes=measured, problems=tuple(p for p in problems if not _is_answered(p, texts)))


def changed_places(eyes: Mapping[Eye, EyeRow], *, recorded: ExamRecord) -> tuple[Place, ...]:
    """Where a slip says something else than the examination that it corrects."""
    return tuple(
        (eye, name)
        for eye in Eye
        for name in PARSERS
        if getattr(eyes.get(eye), name, None) != last_value(recorded, (eye, name))
    )


def entry_of(reading: SlipReading, conditions: Conditions, *, head: CustomerHeader) -> ExamEntry:
    """The examination to record."""
    return ExamEntry(
        customer_id=head.id,
        examined_on=conditions.examined_on,
        method=conditions.method,
        cycloplegic=conditions.cycloplegic,
        lens_state=conditions.lens_state,
        washout_days=conditions.washout_days,
        device=conditions.device,
        od=reading.eyes.get(Eye.OD),
        os=reading.eyes.get(Eye.OS),
    )


def minus_cylinder(texts: Texts, eye: Eye, *, previous: ExamRecord | None) -> Refraction | None:
    """The refraction to write instead of one typed with a plus cylinder and its axis; None if there is none."""
    read = {name: read_field((eye, name), texts[eye, name], previous=previous).value for name in LENS}
    if read["sphere"] is None or read["axis"] is None or (read["cylinder"] or 0) <= 0:
        return None
    return Refraction(sphere=read["sphere"], cylinder=read["cylinder"], axis=read["axis"]).minus_cylinder()


def _is_answered(problem: Problem, texts: Texts) -> bool:
    """Whether a value is called missing although something stands in its field, which has a problem of its own."""
    eye, _, name = problem.field.rpartition(".")
    return problem.code in _MISSING and bool(texts.get((Eye(eye), name), "").strip())


def _eye(eye: Eye, parsed: Mapping[Place, Parsed[Any]]) -> EyeRow:
    read = {name: parsed[eye, name].value for name in PARSERS if (eye, name) in parsed}
    row = EyeRow(eye=eye, **read)
    if row.sphere is None:
        return row
    lens = Refraction(sphere=row.sphere, cylinder=row.cylinder, axis=row.axis).minus_cylinder()
    return dataclasses.replace(row, sphere=lens.sphere, cylinder=lens.cylinder, axis=lens.axis)


def _degree_problems(texts: Texts, parsed: Mapping[Place, Parsed[Any]]) -> Iterator[Problem]:
    """`-25.00` can only be 25 度: no lens comes in steps of 25 D (plausibility_ranges.csv). It asks to be looked at."""
    for (eye, name), text in texts.items():
        read = parsed[eye, name].value
        if PARSERS[name] is not parse_diopters or "." not in text or read is None:
            continue
        if plain_number(text) == read * _DEGREES_A_DIOPTER and read:
            told = {"seen": text.strip(), "read": str(read)}
            field = f"{eye.value}.{name}"
            yield Problem(code="degrees_assumed", field=field, severity=Severity.WARNING, parameters=told)


def plain_number(text: str) -> Decimal | None:
    """A text that is nothing but a number."""
    try:
        return Decimal(text.strip().replace("−", "-"))
    except ArithmeticError:
        return None


def _date_problems(day: date, *, birth: date | None, today: date) -> Iterator[Problem]:
    if day > today:
        yield Problem(code="date_ahead", field="examined_on")
    if birth is not None and day < birth:
        yield Problem(code="date_before_birth", field="examined_on")


def _length_problems(row: EyeRow, day: date, *, head: CustomerHeader) -> list[Problem]:
    if row.axial_length_mm is None or head.birth_date is None or day < head.birth_date:
        return []
    return check_axial_length(
        row.axial_length_mm,
        reference=references().axial_length,
        sex=head.sex,
        age_years=exact_age(head.birth_date, on=day),
        field=f"{row.eye.value}.axial_length_mm",
    )


def _change_problems(row: EyeRow, day: date, *, previous: ExamRecord | None) -> Iterator[Problem]:
    if previous is None or row.axial_length_mm is None:
        return
    before = previous.od if row.eye is Eye.OD else previous.os
    if before is None or before.axial_length_mm is None:
        return
    change = row.axial_length_mm - before.axial_length_mm
    years = max(Decimal((day - previous.examined_on).days) / _DAYS_A_YEAR, Decimal("0.5"))
    if not SHRUNK_MM <= change <= GROWN_MM_A_YEAR * years:
        code = "axial_shorter" if change < 0 else "axial_jump"
        field = f"{row.eye.value}.axial_length_mm"
        yield Problem(
            code=code, field=field, severity=Severity.WARNING, parameters={"before": str(before.axial_length_mm)}
        )


def _blank_cylinder(row: EyeRow) -> Iterator[Problem]:
    if row.sphere is not None and row.cylinder is None:
        yield Problem(code="cylinder_blank", field=f"{row.eye.value}.cylinder", severity=Severity.HINT)
