"""What was corrected about one customer, and what a person must decide."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from hcrm_core.corrections import family
from hcrm_core.terms import ExamStatus
from hcrm_desktop.cache.queries.history import exams_of
from hcrm_desktop.cache.rows import ContestedExams, ExamRow, FieldChangeRow
from hcrm_desktop.cache.tables import CUSTOMER, FIELD_CHANGE, GUARDIAN, STAFF
from hcrm_desktop.cache.versions import exam_versions


def customer_changes(session: Session, customer_id: UUID) -> list[FieldChangeRow]:
    """Every value that was set, or came too late, for a customer and the guardians of the family. Newest first."""
    family_id = select(CUSTOMER.c.family_id).where(CUSTOMER.c.id == customer_id).scalar_subquery()
    guardians = select(GUARDIAN.c.id).where(GUARDIAN.c.family_id == family_id)
    of_guardian = and_(FIELD_CHANGE.c.subject == "guardian", FIELD_CHANGE.c.subject_id.in_(guardians))
    statement = (
        select(FIELD_CHANGE, STAFF.c.name.label("by"))
        .outerjoin(STAFF, STAFF.c.id == FIELD_CHANGE.c.by_id)
        .where(or_(FIELD_CHANGE.c.customer_id == customer_id, of_guardian), FIELD_CHANGE.c.at.is_not(None))
        .order_by(FIELD_CHANGE.c.at.desc(), FIELD_CHANGE.c.created_at.desc(), FIELD_CHANGE.c.id.desc())
    )
    return [
        FieldChangeRow(
            id=row.id,
            at=row.at,
            by=row.by or "",
            subject=row.subject or "",
            subject_id=row.subject_id,
            field=row.field or "",
            old=row.old,
            new=row.new,
            reason=row.reason or "",
            applied=bool(row.applied),
        )
        for row in session.execute(statement)
    ]


def contested_exams(session: Session, customer_id: UUID) -> list[ContestedExams]:
    """The disputes of one customer that an optometrist must decide, oldest first."""
    exams = {one.id: one for one in exams_of(session, customer_id)}
    versions = exam_versions(session, customer_id)
    disputes: dict[UUID, list[ExamRow]] = defaultdict(list)
    for exam in exams.values():
        if exam.status is ExamStatus.CONTESTED:
            disputes[min(one.id for one in family(versions, of=exam.id))].append(exam)
    return [
        ContestedExams(of=_corrected(disputed, exams), exams=tuple(sorted(disputed, key=lambda one: one.id)))
        for disputed in disputes.values()
    ]


def _corrected(disputed: list[ExamRow], exams: dict[UUID, ExamRow]) -> ExamRow | None:
    """What the oldest of them corrects."""
    former = min(disputed, key=lambda one: one.id).supersedes_id
    return exams.get(former) if former else None
