"""What a child's page is made of, read under row security as the person who shared it.

Columns are those of the page, as far as the sharer's profile holds them: what he may not see on his workstation does
not show on the tablet either. Surname, phones, notes and prices are not read at all.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.handout.shares import Opened
from hcrm_central.store.engine import snapshot
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.eye.references import References
from hcrm_core.first_name import first_name
from hcrm_core.record import ExamRecord, MedicationRow, OrderRecord
from hcrm_core.study import EyeStudy, study
from hcrm_core.terms import ExamStatus, Eye, LensState, Medicine, RefractionMethod, Role, Source, VisitState
from hcrm_store.clock import business_date
from hcrm_store.kinds import columns_for, table_of
from hcrm_store.references import references_with

Row = dict[str, Any]  # why Any: a row's columns depend on kind and profile

COLUMNS = {
    "customer": ("id", "name", "sex", "birth_date"),
    "exam": ("id", "examined_on", "method", "cycloplegic", "lens_state", "washout_days", "device", "status"),
    "eye_measurement": ("exam_id", "eye", "ucva", "bcva", "sphere", "cylinder", "axis", "axial_length_mm"),
    "lens_order": ("id", "eye", "product", "ordered_on", "dispensed_on", "ended_on"),
    "medication": ("id", "medicine", "percent", "started_on", "ended_on"),
    "visit": ("visit_on", "state"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPage:
    """One child, for whoever holds the tablet.

    Attributes:
        first_name: never with the surname; "" if it cannot be told apart.
        next_on: the day that was booked, or else the day when the next recheck is due.
        booked: which of the two.
    """

    first_name: str
    eyes: EyeStudy
    next_on: date | None
    booked: bool


def read_child(here: Centre, share: Opened) -> ChildPage | None:
    """The child of a share; None if the sharer does not see him any more."""
    today = business_date(here.clock.now())
    with snapshot(here.store.service, share.principal) as session:
        shown = references_with(here.settings.reference_dir, chosen=here.settings.reference)
        return _child(session, share, today=today, references=shown)


def _child(session: Session, share: Opened, *, today: date, references: References) -> ChildPage | None:
    role, customer_id = share.principal.role, share.customer_id
    found = _rows(session, "customer", role=role, customer_id=customer_id)
    if not found:
        return None
    booked = _booked(_rows(session, "visit", role=role, customer_id=customer_id), today=today)
    return ChildPage(
        first_name=first_name(found[0].get("name") or ""),
        eyes=study(
            _exams(session, role=role, customer_id=customer_id),
            orders=[_order(row) for row in _rows(session, "lens_order", role=role, customer_id=customer_id)],
            sex=found[0].get("sex"),
            birth=found[0].get("birth_date"),
            today=today,
            references=references,
            medications=[_course(row) for row in _rows(session, "medication", role=role, customer_id=customer_id)],
        ),
        next_on=booked or _due(session, customer_id),
        booked=booked is not None,
    )


def _rows(session: Session, kind: str, *, role: Role, customer_id: UUID) -> list[Row]:
    table, allowed = table_of(kind), columns_for(kind, role)
    columns = [table.c[name] for name in COLUMNS[kind] if name in allowed]
    mine = (table.c.id if kind == "customer" else table.c.customer_id) == customer_id
    return [dict(row) for row in session.execute(select(*columns).where(mine)).mappings()] if columns else []


def _exams(session: Session, *, role: Role, customer_id: UUID) -> list[ExamRecord]:
    """Oldest first, as a study takes them."""
    measured = {
        (row["exam_id"], row["eye"]): _eye(row)
        for row in _rows(session, "eye_measurement", role=role, customer_id=customer_id)
    }
    exams = [_exam(row, measured=measured) for row in _rows(session, "exam", role=role, customer_id=customer_id)]
    return sorted(exams, key=lambda exam: (exam.examined_on, exam.id))


def _exam(row: Row, *, measured: dict[tuple[UUID, Eye], EyeValues]) -> ExamRecord:
    return ExamRecord(
        id=row["id"],
        examined_on=row["examined_on"],
        method=row.get("method", RefractionMethod.UNKNOWN),
        cycloplegic=row.get("cycloplegic"),
        lens_state=row.get("lens_state", LensState.UNKNOWN),
        washout_days=row.get("washout_days"),
        device=row.get("device", ""),
        note="",
        examiner_name="",
        source=Source.WORKSTATION,
        status=row.get("status", ExamStatus.FINAL),
        od=measured.get((row["id"], Eye.OD)),
        os=measured.get((row["id"], Eye.OS)),
    )


def _eye(row: Row) -> EyeValues:
    return EyeValues(**{name: value for name, value in row.items() if name != "exam_id"})


def _order(row: Row) -> OrderRecord:
    return OrderRecord(
        id=row["id"],
        eye=row["eye"],
        product=row["product"],
        brand="",
        manufacturer="",
        model="",
        ordered_on=row["ordered_on"],
        dispensed_on=row["dispensed_on"],
        ended_on=row["ended_on"],
        sphere=None,
        cylinder=None,
        axis=None,
        price=None,
        source=Source.WORKSTATION,
    )


def _course(row: Row) -> MedicationRow:
    return MedicationRow(
        id=row["id"],
        medicine=row.get("medicine", Medicine.ATROPINE),
        percent=row.get("percent"),
        started_on=row["started_on"],
        ended_on=row["ended_on"],
        end_reason="",
        note="",
        by="",
        source=Source.WORKSTATION,
    )


def _booked(visits: list[Row], *, today: date) -> date | None:
    ahead = (row["visit_on"] for row in visits if row["state"] is VisitState.BOOKED and row["visit_on"] >= today)
    return min(ahead, default=None)


def _due(session: Session, customer_id: UUID) -> date | None:
    """As the last scan computed it."""
    facts = CUSTOMER_FACTS.c
    found: date | None = session.scalar(select(facts.recheck_due_on).where(facts.customer_id == customer_id))
    return found
