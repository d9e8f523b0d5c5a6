"""原始记录: the source rows behind one row, as they landed.

Row security shows the row that is asked about and what landed of its customer; the reader's profile decides each cell
by the column that it fills. A row that is not there and one that is not the reader's get the same answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import RowMapping, Table, select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.sessions import SignedIn
from hcrm_central.connectors.landed import Cell, Landed, extract_cells, ledger_cells, ledger_rows, ledger_title
from hcrm_central.store.engine import snapshot
from hcrm_central.store.tables import ImportBatch, SourceRecord
from hcrm_core.corrections import ExamVersion, family
from hcrm_core.errors import NotPermitted
from hcrm_core.source import SourceField, SourceKind, SourceRow, SourceRows
from hcrm_core.terms import Role, Source
from hcrm_store.base import Base
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.organisation import Staff

_ENTERED_BY = {
    SourceKind.EXAM: "examiner_id",
    SourceKind.MEDICATION: "prescriber_id",
    SourceKind.FOLLOW_UP: "staff_id",
    SourceKind.RECHECK_PLAN: "planned_by_id",
    SourceKind.LEAD: "initiator_id",
}
_COLUMNS = (SourceRecord.source, SourceRecord.kind, SourceRecord.source_key, SourceRecord.row_id, SourceRecord.payload)
_OF_BATCH = (ImportBatch.file_name, ImportBatch.profile, ImportBatch.started_at, ImportBatch.undone_at)


def sources(here: Centre, who: SignedIn, *, kind: SourceKind, row_id: UUID) -> SourceRows:
    """Where a row came from.

    Raises:
        NotPermitted: there is no such row, or it is not the reader's to see.
    """
    with snapshot(here.store.service, who.principal) as session:
        asked = _asked(session, kind, row_id)
        return SourceRows(
            source=asked.row.get("source"),
            entered_by=_entered_by(session, asked),
            entered_at=asked.row["created_at"],
            rows=[_told(found, asked, role=who.principal.role) for found in _landed(session, asked)],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The row that is asked about.

    Attributes:
        row: its columns.
        row_ids: of an examination, all its versions.
        eyes: of an examination, the columns of its measurements by eye.
    """

    kind: SourceKind
    row: dict[str, Any]
    row_ids: set[UUID]
    eyes: dict[str, dict[str, Any]]

    @property
    def customer_id(self) -> UUID:
        found: UUID = self.row["id"] if self.kind is SourceKind.CUSTOMER else self.row["customer_id"]
        return found

    def present(self, cell: Cell) -> Any:
        """What the row holds now in the column that a cell fills; Ellipsis if it is not a column of this row."""
        target = cell.target
        if target is None or (target.eye is None and target.table != self.kind):
            return ...
        values = self.eyes.get(target.eye, {}) if target.eye else self.row
        return values.get(target.column, ...)


def _asked(session: Session, kind: SourceKind, row_id: UUID) -> _Asked:
    table = Base.metadata.tables[kind]
    row = session.execute(select(*table.c).where(table.c.id == row_id)).mappings().first()
    if row is None:
        raise NotPermitted("there is no such row among the reader's", remedy="ask whose customer it is")
    ids, eyes = {row_id}, dict[str, dict[str, Any]]()
    if kind is SourceKind.EXAM:
        ids, eyes = _versions(session, row), _eyes(session, row)
    return _Asked(kind=kind, row=dict(row), row_ids=ids, eyes=eyes)


def _versions(session: Session, row: RowMapping) -> set[UUID]:
    found = session.execute(
        select(Exam.id, Exam.supersedes_id, Exam.status).where(Exam.customer_id == row["customer_id"])
    )
    versions = [ExamVersion(id=one.id, supersedes_id=one.supersedes_id, status=one.status) for one in found]
    return {one.id for one in family(versions, of=row["id"])}


def _eyes(session: Session, row: RowMapping) -> dict[str, dict[str, Any]]:
    table = cast("Table", EyeMeasurement.__table__)
    own = (table.c.customer_id == row["customer_id"], table.c.exam_id == row["id"])
    return {one["eye"]: dict(one) for one in session.execute(select(*table.c).where(*own)).mappings()}


def _entered_by(session: Session, asked: _Asked) -> str:
    staff_id = asked.row.get(_ENTERED_BY.get(asked.kind, ""))
    found = session.scalar(select(Staff.name).where(Staff.id == staff_id)) if staff_id else None
    return found or ""


def _landed(session: Session, asked: _Asked) -> Iterator[RowMapping]:
    """Source rows of the asked row, the latest import first."""
    query = (
        select(*_COLUMNS, *_OF_BATCH)
        .join(ImportBatch, ImportBatch.id == SourceRecord.batch_id)
        .where(SourceRecord.customer_id == asked.customer_id)
        .order_by(ImportBatch.started_at.desc(), SourceRecord.source_key)
    )
    found = session.execute(query).mappings()
    return (one for one in found if one["payload"] and asked.row_ids & _became(one, asked))  # a link holds no cells


def _became(found: RowMapping, asked: _Asked) -> set[UUID]:
    """The rows of the asked kind that a source row became."""
    if found["source"] == Source.LEDGER:
        return {asked.row["id"]} if asked.kind is SourceKind.CUSTOMER else ledger_rows(_as_landed(found))
    return {found["row_id"]} if found["kind"] == asked.kind else set()


def _as_landed(found: RowMapping) -> Landed:
    return Landed(kind=found["kind"], payload=found["payload"], profile=found["profile"])


def _told(found: RowMapping, asked: _Asked, *, role: Role) -> SourceRow:
    landed, of_ledger = _as_landed(found), found["source"] == Source.LEDGER
    cells = list(ledger_cells(landed, kind=asked.kind, row_ids=asked.row_ids) if of_ledger else extract_cells(landed))
    readable = [cell for cell in cells if cell.is_for(role)]
    others = _became(found, asked) & asked.row_ids - {asked.row["id"]}
    return SourceRow(
        source=found["source"],
        feed=ledger_title(landed.kind) if of_ledger else landed.kind,
        key=_key(found, asked, role=role),
        file_name=found["file_name"],
        imported_at=found["started_at"],
        undone=found["undone_at"] is not None,
        of_version=next(iter(others), None),
        fields=[_field(cell, asked) for cell in readable],
        withheld=len(cells) - len(readable),
    )


def _key(found: RowMapping, asked: _Asked, *, role: Role) -> str:
    """The source's own key. A customer's is a number by which another system knows him: for managers."""
    if found["source"] == Source.LEDGER:
        occasion: str = found["source_key"].partition(":")[2]
        return occasion
    return "" if asked.kind is SourceKind.CUSTOMER and role is not Role.MANAGER else str(found["source_key"])


def _field(cell: Cell, asked: _Asked) -> SourceField:
    present = asked.present(cell)
    differs = None if present is ... else cell.differs_from(present)
    return SourceField(label=cell.label, feeds=cell.target.path if cell.target else "", text=cell.text, differs=differs)
