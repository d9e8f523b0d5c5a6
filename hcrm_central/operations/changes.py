"""The history of changes: who set which value, and whether it counted.

A note comes before the change it tells of: row security lets nothing else be corrected.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from hcrm_central.operations.intent import Intent
from hcrm_core.wire import Theirs
from hcrm_store.base import new_id
from hcrm_store.organisation import Site, Staff
from hcrm_store.people import Customer, FieldChange


def note(
    intent: Intent,
    customer: Customer,
    *,
    subject: str,
    subject_id: UUID,
    field: str,
    old: str | None,
    new: str | None,
    reason: str = "",
    applied: bool = True,
) -> None:
    """Write down that this person set a value, or that his value came too late."""
    intent.session.execute(
        insert(FieldChange).values(
            id=new_id(),
            customer_id=customer.id,
            site_id=customer.site_id,
            subject=subject,
            subject_id=subject_id,
            field=field,
            old=old,
            new=new,
            reason=reason,
            applied=applied,
            by_id=intent.principal.staff_id,
            at=intent.now,
            op_id=intent.operation.op_id,
        )
    )


def theirs_of_change(
    session: Session, *, subject_id: UUID, field: str, mine: str | None, theirs: str | None, shown_as: str
) -> Theirs:
    """The value that stands, and whose it is; nobody's if an import set it.

    Args:
        shown_as: `Theirs.field`.
    """
    last = session.scalars(
        select(FieldChange)
        .where(FieldChange.subject_id == subject_id, FieldChange.field == field, FieldChange.applied)
        .order_by(FieldChange.at.desc(), FieldChange.created_at.desc(), FieldChange.id.desc())
        .limit(1)
    ).first()
    if last is None or last.new != theirs:
        return Theirs(field=shown_as, mine=mine, theirs=theirs)
    return signed(session, Theirs(field=shown_as, mine=mine, theirs=theirs), by_id=last.by_id, at=last.at)


def signed(session: Session, theirs: Theirs, *, by_id: UUID | None, at: datetime | None) -> Theirs:
    """With the author's name and site."""
    author = session.execute(
        select(Staff.name, Site.name).join(Site, Site.id == Staff.site_id).where(Staff.id == by_id)
    ).first()
    by, site = author or ("", "")
    return theirs.model_copy(update={"by": by, "at": at, "site": site})
