"""The audit log: who did what, with ids and never names or values."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from hcrm_central.store.tables import AuditEntry
from hcrm_store.base import new_id
from hcrm_store.clock import Clock

AUDIT_ENTRY = cast("Table", AuditEntry.__table__)


def audit(
    session: Session,
    action: str,
    *,
    clock: Clock,
    account_id: UUID | None,
    device_id: UUID | None,
    subject_kind: str = "",
    subject_id: UUID | None = None,
    customer_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one entry in the caller's transaction. The service may add to the log and not read it."""
    session.execute(
        insert(AUDIT_ENTRY).values(
            id=new_id(),
            at=clock.now(),
            account_id=account_id,
            device_id=device_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            customer_id=customer_id,
            detail=detail or {},
        )
    )
