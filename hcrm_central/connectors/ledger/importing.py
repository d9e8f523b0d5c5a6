"""The import of an Excel ledger: all sheets in one transaction, all problems in one pass."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hcrm_central.connectors.ledger.annotate import check_writable, write_error_workbook
from hcrm_central.connectors.ledger.book import Book
from hcrm_central.connectors.ledger.cells import Readers
from hcrm_central.connectors.ledger.entries import Entries, Entry, Standing
from hcrm_central.connectors.ledger.layout import Layout, recognise
from hcrm_central.connectors.ledger.people import Found, People, identity_key, is_only_a_name
from hcrm_central.connectors.ledger.problems import Remark
from hcrm_central.connectors.ledger.profile import Profile, Sheet, load_profile
from hcrm_central.connectors.ledger.records import Clinic, Record, record_of
from hcrm_central.connectors.ledger.refused import LedgerRefused
from hcrm_central.connectors.ledger.report import LedgerReport, Review, SheetCounts
from hcrm_central.connectors.ledger.rows import ReadRow, RowReader, RowState
from hcrm_central.connectors.ledger.undo import LOCK
from hcrm_central.connectors.ledger.workbook import OpenSheet, open_workbook
from hcrm_central.store.engine import transaction
from hcrm_central.store.tables import ImportBatch
from hcrm_core.errors import Problem, Severity
from hcrm_core.terms import DepartmentKind, Source
from hcrm_store.base import new_id
from hcrm_store.clock import Clock, business_date
from hcrm_store.organisation import Department, Site, Staff

T = TypeVar("T")

CHUNK_ROWS = 1000


def import_ledger(
    engine: Engine,
    path: Path,
    *,
    clock: Clock,
    site_code: str | None = None,
    profile: Path | None = None,
    dry_run: bool = False,
    error_workbook: Path | None = None,
) -> LedgerReport:
    """Import an Excel ledger. A second import of the same file changes nothing; a good row of a bad file is imported.

    Args:
        engine: the jobs' engine.
        site_code: the site whose ledger it is; the first active one if None.
        profile: a mapping profile of one's own (docs/ledger.md).
        dry_run: read and compare everything, and write nothing but the error workbook.
        error_workbook: where to write the annotated copy; of a dry run, beside the ledger if None.

    Raises:
        LedgerRefused: if nothing can be imported at all: no workbook, no known sheet, no site, a wrong profile.
    """
    wanted = load_profile(profile)
    target = error_workbook or (path.with_suffix(".problems.xlsx") if dry_run else None)
    if target is not None:
        check_writable(target)
    batch = ImportBatch(
        id=new_id(),
        source=Source.LEDGER,
        file_name=path.name,
        file_sha256=_sha256(path),
        profile=wanted.label,
        counts={},
        started_at=clock.now(),
    )
    with open_workbook(path) as sheets:
        layouts = _layouts(sheets, profile=wanted, file=path.name)
        with _unit(engine, dry_run=dry_run) as session:
            site = _site(session, code=site_code)
            work = _Import(session, site=site, profile=wanted, batch=batch, clock=clock)
            for layout in layouts:
                work.take_sheet(layout)
            report = work.finish(dry_run=dry_run, skipped=_skipped(sheets, layouts))
    if target is not None:
        write_error_workbook(path, remarks=report.remarks, target=target)
    return replace(report, error_workbook=target)


class _Import:
    """One run over all sheets."""

    def __init__(self, session: Session, *, site: Site, profile: Profile, batch: ImportBatch, clock: Clock) -> None:
        self._session, self._site, self._profile, self._batch, self._clock = session, site, profile, batch, clock
        self._clinic = _clinic(session, site=site, clock=clock)
        self._readers = Readers(today=self._clinic.today)
        self._book = Book(session, batch=batch)
        self._people = People(session, book=self._book, site_id=site.id)
        self._entries: dict[str, Entries] = {}
        self._bare_names: dict[tuple[str, str, str], list[dict[str, str]]] = {}
        self._remarks: list[Remark] = []
        self._reviews: list[Review] = []
        self._counts: list[SheetCounts] = []

    def take_sheet(self, layout: Layout) -> None:
        """Import the rows of one sheet, a chunk at a time."""
        self._remarks += layout.remarks
        counts = SheetCounts(sheet=layout.opened.name, key=layout.sheet.key)
        self._counts.append(counts)
        if not layout.readable:
            return
        entries = self._entries_of(layout.sheet)
        reader = RowReader(layout, profile=self._profile, readers=self._readers)
        for chunk in _chunks(reader.rows()):
            self._take(chunk, entries=entries, counts=counts)

    def finish(self, *, dry_run: bool, skipped: tuple[str, ...]) -> LedgerReport:
        """Close the batch, if anything was done at all."""
        created, changed = dict(self._book.created), dict(self._book.changed)
        if not self._book.is_empty:
            counts = {"created": created, "changed": changed, "sheets": [one.as_json() for one in self._counts]}
            self._book.finish(remarks=self._remarks, counts=counts, now=self._clock.now())
        return LedgerReport(
            file=self._batch.file_name,
            profile=self._batch.profile,
            site=self._site.code,
            dry_run=dry_run,
            batch_id=None if dry_run or self._book.is_empty else self._batch.id,
            sheets=tuple(self._counts),
            skipped_sheets=skipped,
            created=_of_people(created),
            changed=_of_people(changed),
            remarks=tuple(self._remarks),
            reviews=tuple(self._reviews),
        )

    def _take(self, chunk: list[ReadRow], *, entries: Entries, counts: SheetCounts) -> None:
        people = [row for row in chunk if row.state is RowState.PERSON]
        records = [(row, self._keyed(row)) for row in people]
        self._people.load([(key, record.person) for _, (key, record) in records])
        entries.load(self._people.linked_customers)
        for row, (key, record) in records:
            standing = self._take_record(row, record, key=key, entries=entries)
            setattr(counts, standing, getattr(counts, standing) + 1)
        self._book.flush()
        for row in chunk:
            self._count(row, counts)
            self._remarks += row.remarks

    def _entries_of(self, sheet: Sheet) -> Entries:
        """One for all sheets of a kind: a ledger may have a sheet for each year."""
        reason = sheet.texts.get("amend_reason", "")
        made = Entries(self._session, book=self._book, kind=sheet.key, amend_reason=reason)
        return self._entries.setdefault(sheet.key, made)

    def _keyed(self, row: ReadRow) -> tuple[str, Record]:
        record = record_of(row, clinic=self._clinic)
        sheet, number = row.layout.sheet.key, 0
        if is_only_a_name(record.person):
            number = self._number(row, record, sheet=sheet)
        return identity_key(record.person, sheet=sheet, number=number), record

    def _number(self, row: ReadRow, record: Record, *, sheet: str) -> int:
        """Which of the rows with nothing but this name it is; the very same row twice has one number."""
        rows = self._bare_names.setdefault((sheet, record.person.name.name, record.person.name.mark), [])
        texts = {title: text for title, text in row.texts.items() if title not in row.layout.ignored_titles}
        if texts not in rows:
            rows.append(texts)
        return rows.index(texts) + 1

    def _take_record(self, row: ReadRow, record: Record, *, key: str, entries: Entries) -> Standing:
        person = record.person
        found = self._people.find(person, key=key)
        self._list_doubts(row, found)
        said = self._people.columns_of(person)
        entry = entries.compare(record, person=said, customer_id=found.customer_id, is_new=found.is_new)
        if entry.standing is Standing.DUPLICATE:
            row.add(Problem(code="row_duplicate", field="", severity=Severity.WARNING))
        if entry.standing in {Standing.NEW, Standing.CHANGED}:
            self._write(row, record, entry=entry, found=found, entries=entries)
        return entry.standing

    def _write(self, row: ReadRow, record: Record, *, entry: Entry, found: Found, entries: Entries) -> None:
        customer_id = found.customer_id
        problems = self._people.apply(record.person, customer_id=customer_id, former=entry.former_person)
        problems += entries.write(
            entry,
            record,
            person=self._people.columns_of(record.person),
            texts=row.texts,
            customer_id=customer_id,
            site_id=self._people.site_of(customer_id),
        )
        for problem in problems:
            row.add(problem)

    def _list_doubts(self, row: ReadRow, found: Found) -> None:
        for doubt in found.doubts:
            pair = {"customer_id": found.customer_id, "other_id": doubt.known.id}
            self._book.create("match_review", {**pair, "batch_id": self._book.batch_id, "reasons": list(doubt.reasons)})
            self._reviews.append(Review(sheet=row.layout.opened.name, row=row.number, reasons=doubt.reasons, **pair))

    def _count(self, row: ReadRow, counts: SheetCounts) -> None:
        counts.rows += 1
        counts.hidden += row.number in row.layout.opened.marks.hidden_rows
        if row.state is not RowState.PERSON:
            setattr(counts, row.state, getattr(counts, row.state) + 1)


@contextmanager
def _unit(engine: Engine, *, dry_run: bool) -> Iterator[Session]:
    """The import's one transaction; rolled back at the end of a dry run. Imports follow one another."""
    if dry_run:
        with Session(engine, expire_on_commit=False) as session, session.begin() as begun:
            yield session
            begun.rollback()
        return
    with transaction(engine) as session:
        session.execute(text("SET LOCAL lock_timeout = '10min'"))  # a big ledger takes minutes
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        yield session


def _layouts(sheets: list[OpenSheet], *, profile: Profile, file: str) -> list[Layout]:
    """The sheets to import, in the profile's order."""
    found = [layout for sheet in sheets if (layout := recognise(sheet, profile=profile)) is not None]
    if not found:
        names = "、".join(sheet.name for sheet in sheets) or "none"
        raise LedgerRefused(
            f"{file} has no sheet that the profile {profile.label} knows (its sheets: {names})",
            remedy="rename the sheets as docs/ledger.md lists them, or give a profile of your own with --profile",
        )
    order = [sheet.key for sheet in profile.sheets]
    return sorted(found, key=lambda layout: order.index(layout.sheet.key))


def _skipped(sheets: list[OpenSheet], layouts: list[Layout]) -> tuple[str, ...]:
    used = {layout.opened.name for layout in layouts}
    return tuple(sheet.name for sheet in sheets if sheet.name not in used)


def _site(session: Session, *, code: str | None) -> Site:
    sites = session.scalars(select(Site).where(Site.active).order_by(Site.code)).all()
    found = next((site for site in sites if code in {None, site.code}), None)
    if found is None:
        known = ", ".join(site.code for site in sites) or "none"
        raise LedgerRefused(
            f"there is no active site {code or ''}".rstrip() + f" (active sites: {known})",
            remedy="load the organisation first, or name the site with --site",
        )
    return found


def _clinic(session: Session, *, site: Site, clock: Clock) -> Clinic:
    optometry = select(Department.id).where(Department.site_id == site.id, Department.kind == DepartmentKind.OPTOMETRY)
    staff: dict[str, list[UUID]] = {}
    for one in session.scalars(select(Staff).where(Staff.site_id == site.id, Staff.active)):
        staff.setdefault("".join(one.name.split()), []).append(one.id)
    return Clinic(
        today=business_date(clock.now()),
        department_id=session.scalars(optometry.order_by(Department.code)).first(),
        staff=staff,
    )


def _of_people(counted: dict[str, int]) -> dict[str, int]:
    """Counts of product rows; how an import remembers itself is nobody's business."""
    return {table: number for table, number in counted.items() if number and table != "source_record"}


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK_ROWS)):
        yield chunk


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as failure:
        raise LedgerRefused(f"{path.name} cannot be opened", remedy="check the path and close it in Excel") from failure
