"""Reports for many children, one after the other, in a reader: the window goes on meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtGui import QPainter, QPdfWriter

from hcrm_core.errors import StoreUnusable
from hcrm_core.terms import ExamStatus
from hcrm_desktop.report.reading import Report, content_of, file_name, note, reporter
from hcrm_desktop.report.texts import texts
from hcrm_desktop.report.writing import begin_pdf, keep, paint_report, pdf_of, require_chinese

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NO_EXAM, GONE = "no_exam", "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is asked for.

    Attributes:
        path: the file, or with `apart` the folder of one file each.
    """

    customer_ids: tuple[UUID, ...]
    path: Path
    apart: bool
    today: date
    address: str = ""


@dataclass(slots=True)
class Watch:
    """How the window follows a batch in another thread, and breaks it off.

    Attributes:
        done: children done so far; the worker writes, the window reads.
    """

    done: int = 0
    cancelled: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A child without a report, and why: `NO_EXAM` or `GONE`."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What came of a batch. One file for all is not kept if it was broken off."""

    written: int
    skipped: tuple[Skipped, ...]
    cancelled: bool


def write_batch(session: "Session", *, batch: Batch, watch: Watch) -> BatchResult:
    """Write all of them, or as many as there were until somebody broke it off.

    Raises:
        NotPermitted: who is signed in may not see examinations.
        StoreUnusable: it cannot be written there.
        SurroundingsFailed: there is no Chinese font to print with.
    """
    require_chinese()
    skipped: list[Skipped] = []
    reports = _reports(session, batch, watch=watch, skipped=skipped)
    written = _apart(reports, batch) if batch.apart else _together(reports, batch, watch=watch)
    for report in written:
        note(report, way="batch")
    return BatchResult(written=len(written), skipped=tuple(skipped), cancelled=watch.cancelled.is_set())


def _reports(session: "Session", batch: Batch, *, watch: Watch, skipped: list[Skipped]) -> Iterator[Report]:
    """Each child's report when it is wanted; those that have none are noted."""
    from hcrm_desktop.cache.queries import customer_record

    account_id = reporter(session).account_id
    for done, customer_id in enumerate(batch.customer_ids):
        if watch.cancelled.is_set():
            return
        watch.done = done
        record = customer_record(session, customer_id, today=batch.today)
        if record is None:
            skipped.append(Skipped(name="", reason=GONE))
        elif not any(exam.status is ExamStatus.FINAL for exam in record.exams):
            skipped.append(Skipped(name=record.header.name, reason=NO_EXAM))
        else:
            content = content_of(record, today=batch.today, address=batch.address)
            yield Report(customer_id=customer_id, account_id=account_id, name=record.header.name, content=content)
    watch.done = len(batch.customer_ids)


def _apart(reports: Iterator[Report], batch: Batch) -> list[Report]:
    """A file each: those that were written stay, whatever happens later."""
    written = []
    for report in reports:
        name = file_name("each", day=batch.today, name=report.name, number=report.content.number)
        keep(batch.path / name, pdf_of(report.content))
        written.append(report)
    return written


def _together(reports: Iterator[Report], batch: Batch, *, watch: Watch) -> list[Report]:
    """One file, page by page on the disk; it takes its name when it is whole."""
    half = batch.path.with_name(f".{batch.path.name}.half")
    written: list[Report] = []
    writer = QPdfWriter(str(half))
    begin_pdf(writer, title=texts()("head.title"))
    painter = QPainter()
    if not painter.begin(writer):
        raise StoreUnusable("the file cannot be written", remedy="close it elsewhere or choose another folder")
    with painter:
        for report in reports:
            paint_report(painter, writer, report.content, fresh=not written)
            written.append(report)
    return _named(written, half=half, path=batch.path, whole=bool(written) and not watch.cancelled.is_set())


def _named(written: list[Report], *, half: Path, path: Path, whole: bool) -> list[Report]:
    if not whole:
        half.unlink(missing_ok=True)
        return []
    try:
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise StoreUnusable(
            f"the file cannot be written ({type(error).__name__})", remedy="close it elsewhere or choose another folder"
        ) from None
    return written
