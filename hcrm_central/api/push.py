"""Push: intents in the order of their numbers, each in a savepoint, with a receipt in the same transaction.

An operation is applied, answered with a conflict, or held for a person; never dropped. A receipt answers the same
number again, so a lost reply does nothing twice. Receipts keep no row: a conflict shows the row as it is now, to who
asks now.
"""

import hashlib
import json
from typing import Any

from sqlalchemy import exc, insert, select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.hello import epoch_of
from hcrm_central.api.pull import visible_rows
from hcrm_central.api.refusals import Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.audit import audit
from hcrm_central.operations import HANDLERS
from hcrm_central.operations.intent import Effect, Intent
from hcrm_central.store.engine import transaction
from hcrm_central.store.tables import Device, HeldOperation, Receipt
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.wire import (
    Operation,
    OperationKind,
    OperationResult,
    PushRequest,
    PushResponse,
    RefusalCode,
    ResultStatus,
    Row,
)

# Which kind of row an operation's `row_id` names: what a conflict shows.
SUBJECTS = {
    OperationKind.RECORD_OUTCOME: "task",
    OperationKind.SNOOZE_TASK: "task",
    OperationKind.RECORD_EXAM: "exam",
    OperationKind.RECORD_FOLLOW_UP: "follow_up",
    OperationKind.PICK_EXAM: "exam",
    OperationKind.VOID_EXAM: "exam",
    OperationKind.EDIT_CUSTOMER: "customer",
}
FORBIDDEN = "42501"  # PostgreSQL: insufficient_privilege, also what a row security policy raises


def push(here: Centre, who: SignedIn, request: PushRequest) -> PushResponse:
    """Apply operations in order.

    Raises:
        Refused: numbers with a gap, other content under a known number or id. Nothing of the request applies then.
    """
    with transaction(here.store.service, who.principal) as session:
        device = session.get_one(Device, who.device_id, with_for_update=True)  # one push of a device at a time
        epoch = epoch_of(session)
        if request.epoch != epoch:  # restored meanwhile: the workstation must say hello and offer again
            return PushResponse(epoch=epoch, expected_n=device.last_n + 1, results=[])
        applier = _Applier(here, who, session=session, device=device)
        results = [applier.result(operation) for operation in request.operations]
        return PushResponse(epoch=epoch, expected_n=device.last_n + 1, results=results)


class _Applier:
    """Applies the operations of one push inside its transaction."""

    def __init__(self, here: Centre, who: SignedIn, *, session: Session, device: Device) -> None:
        self._here, self._who = here, who
        self._session, self._device = session, device
        self._first_expected = device.last_n + 1

    def result(self, operation: Operation) -> OperationResult:
        """What became of an operation: now, or when it first came."""
        operation = operation.model_copy(update={"body": _storable(operation.body)})
        digest = _digest(operation)
        known = self._receipt(operation)
        if known is not None:
            return self._again(operation, known, digest=digest)
        if operation.n != self._device.last_n + 1:
            code = RefusalCode.NEW_DEVICE if operation.n <= self._device.last_n else RefusalCode.WRONG_NUMBER
            raise Refused(code, expected_n=self._first_expected)
        self._device.last_n = operation.n
        return self._first_time(operation, digest=digest)

    def _receipt(self, operation: Operation) -> Receipt | None:
        """By number; or by id, for a workstation that numbers its operations anew."""
        by_number = self._session.get(Receipt, (self._device.id, operation.n))
        return by_number or self._session.scalar(select(Receipt).where(Receipt.op_id == operation.op_id))

    def _again(self, operation: Operation, known: Receipt, *, digest: bytes) -> OperationResult:
        same_number = (known.device_id, known.n) == (self._device.id, operation.n)
        if known.digest != digest:
            code = RefusalCode.NEW_DEVICE if same_number else RefusalCode.OPERATION_ID_REUSED
            raise Refused(code, expected_n=self._first_expected)
        if operation.n > self._device.last_n + 1:
            raise Refused(RefusalCode.WRONG_NUMBER, expected_n=self._first_expected)
        self._device.last_n = max(self._device.last_n, operation.n)
        result = OperationResult.model_validate(known.result).model_copy(update={"n": operation.n})
        if result.status is ResultStatus.APPLIED:
            return result.model_copy(update={"status": ResultStatus.DUPLICATE})
        return self._with_row(operation, result)

    def _first_time(self, operation: Operation, *, digest: bytes) -> OperationResult:
        outcome = self._attempt(operation)
        result = self._told(operation, outcome)
        self._session.execute(
            insert(Receipt).values(
                device_id=self._device.id,
                n=operation.n,
                op_id=operation.op_id,
                digest=digest,
                result=result.model_dump(mode="json", exclude={"row"}),
                at=self._here.clock.now(),
            )
        )
        if isinstance(outcome, str):
            self._hold(operation, reason=outcome)
        self._audit(operation, outcome, result=result)
        return self._with_row(operation, result)

    def _attempt(self, operation: Operation) -> Effect | str:
        """The effect, or why there is none. What may succeed later is raised and ends the whole push."""
        intent = Intent(
            session=self._session,
            principal=self._who.principal,
            operation=operation,
            now=self._here.clock.now(),
        )
        try:
            with self._session.begin_nested():
                return HANDLERS[operation.kind](intent)
        except Rejected as error:
            return error.code
        except NotPermitted:
            return "not_permitted"
        except (exc.IntegrityError, exc.DataError, exc.ProgrammingError) as error:
            return _reason(error)

    def _told(self, operation: Operation, outcome: Effect | str) -> OperationResult:
        if isinstance(outcome, str):
            return OperationResult(n=operation.n, op_id=operation.op_id, status=ResultStatus.HELD, reason=outcome)
        status = ResultStatus.CONFLICT if outcome.conflict else ResultStatus.APPLIED
        return OperationResult(
            n=operation.n, op_id=operation.op_id, status=status, ver=outcome.ver, theirs=list(outcome.theirs)
        )

    def _with_row(self, operation: Operation, result: OperationResult) -> OperationResult:
        if result.status is not ResultStatus.CONFLICT:
            return result
        kind, role = SUBJECTS[operation.kind], self._who.principal.role
        row: Row | None = next(visible_rows(self._session, kind, [operation.row_id], role=role), None)
        return result.model_copy(update={"row": row})

    def _hold(self, operation: Operation, *, reason: str) -> None:
        self._session.execute(
            insert(HeldOperation).values(
                op_id=operation.op_id,
                device_id=self._device.id,
                account_id=self._who.principal.account_id,
                operation=operation.model_dump(mode="json"),
                reason=reason,
                at=self._here.clock.now(),
            )
        )

    def _audit(self, operation: Operation, outcome: Effect | str, *, result: OperationResult) -> None:
        audit(
            self._session,
            outcome.action if isinstance(outcome, Effect) else "operation:held",
            clock=self._here.clock,
            account_id=self._who.principal.account_id,
            device_id=self._device.id,
            subject_kind=SUBJECTS[operation.kind],
            subject_id=operation.row_id,
            customer_id=outcome.customer_id if isinstance(outcome, Effect) else None,
            detail={"op_id": str(operation.op_id), "status": result.status, "reason": result.reason},
        )


def _storable(value: Any) -> Any:  # why Any: a body is JSON, whatever a workstation made of it
    """JSON as PostgreSQL can keep it: it has no NUL, and an operation with one may not block the queue."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return {_storable(name): _storable(one) for name, one in value.items()} if isinstance(value, dict) else value


def _digest(operation: Operation) -> bytes:
    """Of everything but the number, which a workstation may have to change."""
    content = operation.model_dump(mode="json", exclude={"n"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


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
