"""From a customer on this computer to what his report says. Runs in a reader."""

import logging
import re
import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtGui import QImage

from hcrm_core.access import Access, may_see
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.study import study
from hcrm_desktop.cache.rows import CustomerRecord, SignedIn
from hcrm_desktop.references import references
from hcrm_desktop.report.content import ReportContent, Subject, report_content
from hcrm_desktop.report.texts import texts
from hcrm_desktop.report.writing import images_of, keep, pdf_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # in names of files, on one system or another
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was made, and for whom."""

    customer_id: UUID
    account_id: UUID
    name: str
    content: ReportContent
    pages: tuple[QImage, ...] = ()


def read_report(session: "Session", customer_id: UUID, *, today: date, address: str, preview_dpi: int = 0) -> Report:
    """The report of one customer, with pictures of its pages if a resolution is given.

    Raises:
        NotPermitted: who is signed in may not see examinations.
        Rejected: ``customer_unknown``.
    """
    from hcrm_desktop.cache.queries import customer_record

    person = reporter(session)
    record = customer_record(session, customer_id, today=today)
    if record is None:
        raise Rejected("customer_unknown", "the customer is not on this computer")
    content = content_of(record, today=today, address=address)
    pages = tuple(images_of(content, dpi=preview_dpi)) if preview_dpi else ()
    return Report(
        customer_id=customer_id, account_id=person.account_id, name=record.header.name, content=content, pages=pages
    )


def reporter(session: "Session") -> SignedIn:
    """Who is signed in, if his role knows what stands on a report.

    Raises:
        NotPermitted: it does not, or nobody is.
    """
    from hcrm_desktop.cache.queries import signed_in

    person = signed_in(session)
    if person is None or not may_see(person.role, Access.SUMMARY):
        raise NotPermitted("this account may not print examinations", remedy="sign in with another one")
    return person


def content_of(record: CustomerRecord, *, today: date, address: str) -> ReportContent:
    """What the report of a record says."""
    head = record.header
    eyes = study(
        record.exams,
        orders=record.orders,
        medications=record.medications,
        sex=head.sex,
        birth=head.birth_date,
        today=today,
        references=references(),
    )
    subject = Subject(
        clinic=head.site_name,
        name=head.name,
        optometrist=head.optometrist_name,
        next_due_on=head.next_due_on,
        number=f"R{secrets.token_hex(5).upper()}",
        address=address,
    )
    return report_content(eyes, subject, say=texts())


def save_report(_: "Session", *, report: Report, path: Path) -> Path:
    """Write one report as PDF, and a line of who did.

    Raises:
        StoreUnusable: it cannot be written there.
    """
    keep(path, pdf_of(report.content))
    note(report, way="file")
    return path


def note(report: Report, *, way: str) -> None:
    """A line in the log: ids only."""
    _log.info(
        "report %s of customer %s, account %s: %s", report.content.number, report.customer_id, report.account_id, way
    )


def file_name(kind: str, *, day: date, name: str = "", number: str = "") -> str:
    """A name for a PDF that every system takes."""
    told = texts()(f"file.{kind}", name=name, day=day.isoformat(), number=number)
    return f"{_FORBIDDEN.sub('', told)}.pdf"
