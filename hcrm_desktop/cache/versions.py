"""A customer's examinations as far as corrections are concerned, from the cache."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_core.corrections import ExamVersion
from hcrm_core.terms import ExamStatus
from hcrm_desktop.cache.tables import EXAM


def exam_versions(session: Session, customer_id: UUID) -> list[ExamVersion]:
    """As they are shown here, work that was not sent yet included."""
    columns = (EXAM.c.id, EXAM.c.supersedes_id, EXAM.c.status)
    found = session.execute(select(*columns).where(EXAM.c.customer_id == customer_id).order_by(EXAM.c.id))
    return [
        ExamVersion(id=row.id, supersedes_id=row.supersedes_id, status=row.status or ExamStatus.FINAL) for row in found
    ]
