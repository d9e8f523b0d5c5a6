"""What a report says, as plain values: made in a reader, painted by `pages`. Only figures of the study, only words
of the texts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from hcrm_core.curves.picture import Picture, Quantity
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.record import ExamRecord
from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye
from hcrm_desktop.report import values
from hcrm_desktop.report.changes import Changes
from hcrm_desktop.report.steps import Steps
from hcrm_desktop.report.texts import Texts

Row = tuple[str, str, str]  # label, right eye, left eye


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom the report is about, and who gives it.

    Attributes:
        optometrist: of the customer; the latest examination's examiner goes before.
        next_due_on: the agreed visit, or the day the planned recheck is due.
        number: names this report and nobody.
        address: the clinic's own, for the code at the end; "" prints the number as a code.
    """

    clinic: str
    name: str
    optometrist: str
    next_due_on: date | None
    number: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart under its heading, with a line of explanation."""

    title: str
    picture: Picture
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """One child's report.

    Attributes:
        facts: who, when and by whom: label and value.
        columns: heads of the tables.
        conditions: of the examination, or that there is none yet.
        code: what the QR code holds: the clinic's address or the report's number.
    """

    title: str
    clinic: str
    facts: tuple[tuple[str, str], ...]
    columns: Row
    values_title: str
    values: tuple[Row, ...]
    conditions: str
    changes_title: str
    changes: tuple[Row, ...]
    figures: tuple[Figure, ...]
    meaning_title: str
    meaning: tuple[str, ...]
    steps_title: str
    steps: tuple[str, ...]
    sources_title: str
    sources: tuple[str, ...]
    code: str
    code_caption: str
    disclaimer: str
    number: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything it says, but for the charts."""
        tables = [text for row in (*self.values, *self.changes) for text in row]
        facts = [text for fact in self.facts for text in fact]
        rest = (self.title, self.clinic, self.conditions, self.code_caption, self.disclaimer)
        return (*rest, *facts, *tables, *self.meaning, *self.steps, *self.sources)


def report_content(study: EyeStudy, subject: Subject, *, say: Texts) -> ReportContent:
    """Everything a report says."""
    latest = study.valid_exams[-1] if study.valid_exams else None
    changes = Changes(say, study)
    return ReportContent(
        title=say("head.title"),
        clinic=subject.clinic or say("head.no_clinic"),
        facts=tuple(_facts(say, study, subject=subject, latest=latest)),
        columns=(say("values.item"), say("eye.OD"), say("eye.OS")),
        values_title=say("values.title"),
        values=tuple(_values(say, study, latest)) if latest else (),
        conditions=values.conditions(say, latest) if latest else say("values.empty"),
        changes_title=say("change.title"),
        changes=changes.rows() if latest else (),
        figures=tuple(_figures(say, study)),
        meaning_title=say("meaning.title"),
        meaning=tuple(_meaning(say, study, has_mean=changes.has_mean)),
        steps_title=say("steps.title"),
        steps=tuple(Steps(say, study).sentences(subject.next_due_on)),
        sources_title=say("foot.sources"),
        sources=_sources(say, study),
        code=subject.address or subject.number,
        code_caption=say("foot.address" if subject.address else "foot.code"),
        disclaimer=say("foot.disclaimer"),
        number=subject.number,
    )


def _facts(say: Texts, study: EyeStudy, *, subject: Subject, latest: ExamRecord | None) -> Iterator[tuple[str, str]]:
    examiner = latest.examiner_name if latest else ""
    yield say("head.name"), subject.name or say("head.unknown")
    yield say("head.sex"), values.sex(say, study.sex)
    yield say("head.birth"), values.day(say, study.birth)
    yield say("head.age"), values.age(say, study.birth, on=study.today)
    yield say("head.examined"), values.day(say, latest.examined_on) if latest else say("head.none")
    yield say("head.optometrist"), examiner or subject.optometrist or say("head.unknown")
    yield say("head.printed"), values.day(say, study.today)


def _values(say: Texts, study: EyeStudy, exam: ExamRecord) -> Iterator[Row]:
    right, left = exam.od, exam.os
    for name in ("ucva", "bcva"):
        marks = [getattr(eye, name) if eye else None for eye in (right, left)]
        yield say(f"values.{name}"), values.acuity(say, marks[0]), values.acuity(say, marks[1])
    yield say("values.refraction"), _refraction(say, study, exam, right), _refraction(say, study, exam, left)
    lengths = [values.millimetres(say, eye.axial_length_mm if eye else None) for eye in (right, left)]
    yield say("values.axial"), lengths[0], lengths[1]
    label = say("values.place", reference=study.axial.reference)
    yield label, _place(say, study, exam, Eye.OD), _place(say, study, exam, Eye.OS)


def _refraction(say: Texts, study: EyeStudy, exam: ExamRecord, eye: EyeValues | None) -> str:
    worn = any(reading.worn for reading in study.readings if reading.exam_id == exam.id)
    return values.refraction(say, eye, method=exam.method, worn=worn)


def _place(say: Texts, study: EyeStudy, exam: ExamRecord, eye: Eye) -> str:
    """The percentile as the chart has it, or why there is none."""
    measured = next((point for point in study.axial.of(eye) if point.exam_id == exam.id), None)
    if measured is None:
        return say("values.missing")
    if measured.percentile:
        return say("place.told", place=measured.percentile)
    ages = [row.age_years.normalize() for row in study.references.axial_length.rows]
    return say(f"place.{study.axial.refused or 'age_outside'}", low=f"{min(ages):f}", high=f"{max(ages):f}")


def _figures(say: Texts, study: EyeStudy) -> Iterator[Figure]:
    """What was measured. Projections and slopes are for the talk, with somebody there to explain them."""
    axial_notes = [("bands", study.axial.bands), ("target", study.axial.target)]
    told = {Quantity.AXIAL_LENGTH: [name for name, shown in axial_notes if shown], Quantity.REFRACTION: ["series"]}
    for picture in (study.axial, study.refraction):
        if picture.points:
            note = "".join(say(f"figures.{name}") for name in told[picture.quantity])
            measured = replace(picture, fans=(), slopes=())
            yield Figure(title=say(f"figures.{picture.quantity.value}"), picture=measured, note=note)


def _meaning(say: Texts, study: EyeStudy, *, has_mean: bool) -> list[str]:
    """The explanations of what is on this report, and no others."""
    shown = {
        "always": True,
        "axial": bool(study.axial.points),
        "bands": any(point.percentile for point in study.axial.points),
        "mean": has_mean,
        "shaped": any(reading.worn for reading in study.readings),
        "no_drops": any(exam.cycloplegic is False for exam in study.valid_exams),
    }
    return [note.text for note in say.notes if shown[note.when]]


def _sources(say: Texts, study: EyeStudy) -> tuple[str, ...]:
    """Every table that stands behind a figure or a chart."""
    tables = study.references
    return tuple(
        say(f"foot.{path}", name=table.name, version=table.version, citation=table.citation)
        for path, table in (
            ("percentiles", tables.axial_length),
            ("growth", tables.axial_growth),
            ("target", tables.emmetropic_length),
        )
    )
