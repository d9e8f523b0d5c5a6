"""用药 begun and stopped by an optometrist: written down here, shown at once, sent when the centre can be reached."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from hcrm_core.errors import Rejected
from hcrm_core.intents import MedicationEnd, MedicationEntry
from hcrm_core.terms import Medicine, Role
from hcrm_core.wire import OperationKind
from hcrm_desktop.cache.commands import enter, intent_of, require_customer, require_role
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.tables import MEDICATION
from hcrm_desktop.cache.workspace import Workspace
from hcrm_store.base import new_id
from hcrm_store.clock import business_date


def begin_medication(
    workspace: Workspace, *, customer_id: UUID, percent: Decimal, started_on: date, note: str = ""
) -> Changes:
    """A course begins; one that runs ends that day.

    Raises:
        NotPermitted: by somebody else than an optometrist.
        Rejected: ``implausible:percent``, ``implausible:started_on``.
    """
    _require(workspace, customer_id, day=started_on, field="started_on")
    if not 0 < percent <= 1:
        raise Rejected("implausible:percent", "a strength lies above 0 and is at most 1 percent")
    body = MedicationEntry(
        customer_id=customer_id,
        medicine=Medicine.ATROPINE.value,
        percent=f"{percent:f}",
        started_on=started_on,
        note=note,
    )
    kind = OperationKind.RECORD_MEDICATION
    return enter(workspace, intent_of(workspace, kind=kind, body=body, row_id=new_id(), customer_id=customer_id))


def end_medication(
    workspace: Workspace, *, customer_id: UUID, medication_id: UUID, ended_on: date, reason: str = ""
) -> Changes:
    """A running course was stopped.

    Raises:
        NotPermitted: by somebody else than an optometrist.
        Rejected: ``implausible:ended_on``.
    """
    _require(workspace, customer_id, day=ended_on, field="ended_on")
    body = MedicationEnd(customer_id=customer_id, ended_on=ended_on, reason=reason)
    kind, ver = OperationKind.END_MEDICATION, _version(workspace, medication_id)
    intent = intent_of(workspace, kind=kind, body=body, row_id=medication_id, customer_id=customer_id, base_ver=ver)
    return enter(workspace, intent)


def _require(workspace: Workspace, customer_id: UUID, *, day: date, field: str) -> None:
    require_role(workspace.worker(), Role.OPTOMETRIST)
    require_customer(workspace, customer_id)
    if day > business_date(workspace.clock.now()):
        raise Rejected(f"implausible:{field}", "a course cannot begin or end in the future")


def _version(workspace: Workspace, medication_id: UUID) -> int | None:
    with workspace.read() as session:
        return session.scalar(select(MEDICATION.c.ver).where(MEDICATION.c.id == medication_id))
