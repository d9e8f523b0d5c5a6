"""One operation of a workstation: tried in a savepoint, told, and kept for a person if it cannot apply."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, exc, insert
from sqlalchemy.orm import Session

from hcrm_central.audit import audit
from hcrm_central.operations import HANDLERS
from hcrm_central.operations.intent import Effect, Intent
from hcrm_central.rights import Late, acting
from hcrm_central.store.tables import Device, HeldOperation, Receipt
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.wire import Operation, OperationKind, OperationResult, ResultStatus
from hcrm_store.clock import Clock

# Which kind of row an operation's `row_id` names: what a conflict shows.
SUBJECTS = {
    OperationKind.RECORD_OUTCOME: "task",
    OperationKind.SNOOZE_TASK: "task",
    OperationKind.RECORD_EXAM: "exam",
    OperationKind.RECORD_FOLLOW_UP: "follow_up",
    OperationKind.PICK_EXAM: "exam",
    OperationKind.VOID_EXAM: "exam",
    OperationKind.EDIT_CUSTOMER: "customer",
    OperationKind.RECORD_MEDICATION: "medication",
    OperationKind.END_MEDICATION: "medication",
    OperationKind.UNREADABLE: "",
}
RECEIPT = cast("Table", Receipt.__table__)
FORBIDDEN = "42501"  # PostgreSQL: insufficient_privilege, also what a row security policy raises
REFUSED_BY_STORE = (exc.IntegrityError, exc.DataError, exc.ProgrammingError)
FORMER_RIGHT, LEAVE = "former", "leave"  # in the audit log: by which right somebody did what he may not any more


class CannotApply(Exception):
    """Tried without a savepoint, an operation had no effect: the transaction is of no use any more."""


def storable(operation: Operation) -> Operation:
    """An operation as PostgreSQL can keep it: it has no NUL, and an operation with one may not block the queue."""
    return operation.model_copy(update={"body": _storable(operation.body)})


def _storable(value: Any) -> Any:  # why Any: a body is JSON, whatever a workstation made of it
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return {_storable(name): _storable(one) for name, one in value.items()} if isinstance(value, dict) else value


def digest(operation: Operation) -> bytes:
    """Of everything but the number, which a workstation may have to change."""
    content = operation.model_dump(mode="json", exclude={"n"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def apply_at_once(intent: Intent) -> Effect:
    """The effect of an operation that applies, as nearly all do.

    Raises:
        CannotApply: roll back, and use `attempt`.
    """
    try:
        effect = HANDLERS[intent.operation.kind](intent)
        intent.session.flush()
    except (Rejected, NotPermitted, *REFUSED_BY_STORE) as error:
        raise CannotApply from error
    return effect


def attempt(intent: Intent, *, late: Late | None = None) -> Effect | str:
    """The effect of an operation, or why there is none. What may succeed later is raised and ends the transaction.

    Args:
        intent: the operation, as whoever asks.
        late: try it as he was, or with leave, instead.
    """
    handle = HANDLERS[intent.operation.kind]
    try:
        with intent.session.begin_nested():
            if late is None:
                return handle(intent)
            with acting(intent.session, late, instead_of=intent.principal):
                return handle(replace(intent, principal=late.principal))
    except Rejected as error:
        return error.code
    except NotPermitted:
        return "not_permitted"
    except REFUSED_BY_STORE as error:
        return _reason(error)


def _reason(error: exc.DBAPIError) -> str:
    """Why the database refused a row for good, without the row.

    Raises:
        DBAPIError: the statement itself is wrong: a bug, and no reason to hold what somebody entered.
    """
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None and diagnosis.sqlstate == FORBIDDEN:
        return "not_permitted"
    if isinstance(error, exc.ProgrammingError):
        raise error
    return f"refused_by_store:{diagnosis.constraint_name or diagnosis.sqlstate}" if diagnosis else "refused_by_store"


def told(operation: Operation, outcome: Effect | str) -> OperationResult:
    """What the workstation is told became of it."""
    if isinstance(outcome, str):
        return OperationResult(n=operation.n, op_id=operation.op_id, status=ResultStatus.HELD, reason=outcome)
    status = ResultStatus.CONFLICT if outcome.conflict else ResultStatus.APPLIED
    return OperationResult(
        n=operation.n, op_id=operation.op_id, status=status, ver=outcome.ver, theirs=list(outcome.theirs)
    )


def receipted(result: OperationResult) -> dict[str, Any]:
    """A result as a receipt keeps it: without the row, which is shown as it is to who asks."""
    return result.model_dump(mode="json", exclude={"row"})


def note_receipt(
    session: Session, device: Device, operation: Operation, *, result: OperationResult, at: datetime
) -> Receipt:
    """Keep what became of an operation, under its number at this device."""
    values = {
        "device_id": device.id,
        "n": result.n,
        "op_id": operation.op_id,
        "digest": digest(operation),
        "result": receipted(result),
        "at": at,
    }
    session.execute(insert(RECEIPT).values(values))
    return Receipt(**values)


def hold(
    session: Session, operation: Operation, *, reason: str, device_id: UUID, account_id: UUID, at: datetime
) -> None:
    """Keep an operation until a person decides."""
    session.execute(
        insert(HeldOperation).values(
            op_id=operation.op_id,
            device_id=device_id,
            account_id=account_id,
            operation=operation.model_dump(mode="json"),
            reason=reason,
            at=at,
        )
    )


def audit_outcome(
    session: Session,
    operation: Operation,
    outcome: Effect | str,
    *,
    clock: Clock,
    account_id: UUID,
    device_id: UUID,
    right: str | None = None,
) -> None:
    """Write what became of an operation into the audit log, and by which right if by none of today's."""
    result = told(operation, outcome)
    detail = {"op_id": str(operation.op_id), "status": result.status, "reason": result.reason}
    audit(
        session,
        outcome.action if isinstance(outcome, Effect) else "operation:held",
        clock=clock,
        account_id=account_id,
        device_id=device_id,
        subject_kind=SUBJECTS[operation.kind],
        subject_id=operation.row_id,
        customer_id=outcome.customer_id if isinstance(outcome, Effect) else None,
        detail=detail | ({"right": right} if right else {}),
    )
