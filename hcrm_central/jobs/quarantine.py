"""Customers set aside because their rows cannot be computed, with the reason; back as soon as they can be."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm_central.jobs.scope import Scope
from hcrm_central.store.tables import Quarantine


def quarantined(session: Session) -> Sequence[UUID]:
    """Whoever is set aside now."""
    return session.scalars(select(Quarantine.customer_id)).all()


def set_aside(session: Session, reasons: Mapping[UUID, str], *, computed: Scope, at: datetime) -> None:
    """Keep who could not be computed, since when and why, and let the others of the scope out.

    Args:
        reasons: by customer; an error's type and place, never a value.
        computed: whose facts were computed, without those who could not be.
    """
    session.execute(delete(Quarantine).where(computed.on(Quarantine.customer_id)))
    if reasons:
        rows = [{"customer_id": one, "reason": reason, "since": at} for one, reason in reasons.items()]
        put = insert(Quarantine).values(rows)
        again = {"reason": put.excluded.reason}  # `since` stays
        session.execute(put.on_conflict_do_update(index_elements=[Quarantine.customer_id], set_=again))
