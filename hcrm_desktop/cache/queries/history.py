"""What happened to one customer: examinations, lens orders, contacts and visits."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from hcrm_core.record import MedicationRow
from hcrm_core.terms import ExamStatus, Eye, LensState, Medicine, RefractionMethod, Source
from hcrm_desktop.cache.rows import Delivery, ExamRow, EyeRow, FollowUpRow, OrderRow, SegmentRow, VisitRow
from hcrm_desktop.cache.tables import EXAM, FOLLOW_UP, MEASUREMENT, MEDICATION, MEMBERSHIP, ORDER, SEGMENT, STAFF, VISIT


def exams_of(session: Session, customer_id: UUID) -> list[ExamRow]:
    """Examinations of one customer, oldest first."""
    measured: dict[UUID, dict[Eye, EyeRow]] = defaultdict(dict)
    for row in session.execute(select(MEASUREMENT).where(MEASUREMENT.c.customer_id == customer_id)):
        if row.eye is not None:
            measured[row.exam_id][row.eye] = _eye(row)
    statement = (
        select(EXAM, STAFF.c.name.label("examiner_name"))
        .outerjoin(STAFF, STAFF.c.id == EXAM.c.examiner_id)
        .where(EXAM.c.customer_id == customer_id, EXAM.c.examined_on.is_not(None))
        .order_by(EXAM.c.examined_on, EXAM.c.id)
    )
    return [_exam(row, eyes=measured[row.id]) for row in session.execute(statement)]


def follow_ups_of(session: Session, customer_id: UUID, *, limit: int | None = None) -> list[FollowUpRow]:
    """Contacts with the family about one customer, newest first."""
    known = FOLLOW_UP.c.outcome.is_not(None) & FOLLOW_UP.c.channel.is_not(None) & FOLLOW_UP.c.contacted_at.is_not(None)
    statement = (
        select(FOLLOW_UP, STAFF.c.name.label("staff_name"))
        .outerjoin(STAFF, STAFF.c.id == FOLLOW_UP.c.staff_id)
        .where(FOLLOW_UP.c.customer_id == customer_id, known)
        .order_by(FOLLOW_UP.c.contacted_at.desc(), FOLLOW_UP.c.id.desc())
        .limit(limit)
    )
    return [
        FollowUpRow(
            id=row.id,
            contacted_at=row.contacted_at,
            staff_name=row.staff_name or "",
            channel=row.channel,
            outcome=row.outcome,
            note=row.note or "",
            next_on=row.next_on,
            delivery=_delivery(row),
        )
        for row in session.execute(statement)
    ]


def orders_of(session: Session, customer_id: UUID) -> list[OrderRow]:
    """Lens orders of one customer, newest first."""
    known = ORDER.c.eye.is_not(None) & ORDER.c.product.is_not(None)
    statement = select(ORDER).where(ORDER.c.customer_id == customer_id, known)
    newest = (ORDER.c.dispensed_on.desc(), ORDER.c.ordered_on.desc(), ORDER.c.eye, ORDER.c.id)
    return [
        OrderRow(
            id=row.id,
            eye=row.eye,
            product=row.product,
            brand=row.brand or "",
            manufacturer=row.manufacturer or "",
            model=row.model or "",
            ordered_on=row.ordered_on,
            dispensed_on=row.dispensed_on,
            ended_on=row.ended_on,
            sphere=row.sphere,
            cylinder=row.cylinder,
            axis=row.axis,
            price=row.price,
            source=row.source or Source.WORKSTATION,
        )
        for row in session.execute(statement.order_by(*newest))
    ]


def medications_of(session: Session, customer_id: UUID) -> list[MedicationRow]:
    """Courses of medicine of one customer, newest first."""
    statement = (
        select(MEDICATION, STAFF.c.name.label("prescriber_name"))
        .outerjoin(STAFF, STAFF.c.id == MEDICATION.c.prescriber_id)
        .where(MEDICATION.c.customer_id == customer_id, MEDICATION.c.started_on.is_not(None))
        .order_by(MEDICATION.c.started_on.desc(), MEDICATION.c.id)
    )
    return [
        MedicationRow(
            id=row.id,
            medicine=row.medicine or Medicine.ATROPINE,
            percent=row.percent,
            started_on=row.started_on,
            ended_on=row.ended_on,
            end_reason=row.end_reason or "",
            note=row.note or "",
            by=row.prescriber_name or "",
            source=row.source or Source.WORKSTATION,
        )
        for row in session.execute(statement)
    ]


def visits_of(session: Session, customer_id: UUID) -> list[VisitRow]:
    """Visits of one customer, booked, kept and missed, newest first."""
    known = VISIT.c.visit_on.is_not(None) & VISIT.c.state.is_not(None)
    statement = select(VISIT).where(VISIT.c.customer_id == customer_id, known).order_by(VISIT.c.visit_on.desc())
    return [
        VisitRow(visit_on=row.visit_on, state=row.state, purpose=row.purpose or "")
        for row in session.execute(statement)
    ]


def segments_of(session: Session, customer_id: UUID) -> list[SegmentRow]:
    """The segments one customer is in now."""
    statement = (
        select(MEMBERSHIP, SEGMENT.c.label, SEGMENT.c.tone)
        .outerjoin(SEGMENT, SEGMENT.c.key == MEMBERSHIP.c.segment_key)
        .where(MEMBERSHIP.c.customer_id == customer_id, MEMBERSHIP.c.left_on.is_(None))
        .order_by(SEGMENT.c.rank, MEMBERSHIP.c.segment_key)
    )
    return [
        SegmentRow(
            key=row.segment_key,
            label=row.label or row.segment_key,
            tone=row.tone or "neutral",
            entered_on=row.entered_on,
            evidence=row.evidence or [],
        )
        for row in session.execute(statement)
        if row.segment_key and row.entered_on
    ]


def _exam(row: Row[Any], *, eyes: dict[Eye, EyeRow]) -> ExamRow:
    return ExamRow(
        id=row.id,
        examined_on=row.examined_on,
        method=row.method or RefractionMethod.UNKNOWN,
        cycloplegic=row.cycloplegic,
        lens_state=row.lens_state or LensState.UNKNOWN,
        washout_days=row.washout_days,
        device=row.device or "",
        note=row.note or "",
        examiner_name=row.examiner_name or "",
        source=row.source or Source.WORKSTATION,
        status=row.status or ExamStatus.FINAL,
        od=eyes.get(Eye.OD),
        os=eyes.get(Eye.OS),
        supersedes_id=row.supersedes_id,
        amend_reason=row.amend_reason or "",
        entered_at=row.created_at,
        delivery=_delivery(row),
    )


def _eye(row: Row[Any]) -> EyeRow:
    return EyeRow(
        eye=row.eye,
        ucva=row.ucva,
        bcva=row.bcva,
        sphere=row.sphere,
        cylinder=row.cylinder,
        axis=row.axis,
        axial_length_mm=row.axial_length_mm,
        k1=row.k1,
        k2=row.k2,
        iop_mmhg=row.iop_mmhg,
        cct_um=row.cct_um,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(row.delivery or Delivery.ACCEPTED)
