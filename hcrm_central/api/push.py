"""Push: intents in the order of their numbers, with a receipt in the same transaction.

An operation is applied, answered with a conflict, or held for a person; never dropped. A receipt answers the same
number again, so a lost reply does nothing twice. Receipts keep no row: a conflict shows the row as it is now, to who
asks now.

Nearly always everything applies, so it is tried at once. If something does not, nothing of that try remains, and all is
done again with each operation in a savepoint.
"""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import Table, and_, or_, select, true, update
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.pull import visible_rows
from hcrm_central.api.refusals import Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.applying import (
    FORMER_RIGHT,
    SUBJECTS,
    CannotApply,
    apply_at_once,
    attempt,
    audit_outcome,
    digest,
    hold,
    note_receipt,
    storable,
    told,
)
from hcrm_central.operations.intent import Effect, Intent
from hcrm_central.rights import NOT_HIS, Late, captured_at, former_right
from hcrm_central.store.engine import transaction
from hcrm_central.store.membership import among
from hcrm_central.store.tables import Device, Incarnation, Receipt
from hcrm_core.wire import Operation, OperationResult, PushRequest, PushResponse, RefusalCode, ResultStatus
from hcrm_store.kinds import columns_for

# A statement on a table costs half of one on a mapped class.
DEVICE = cast("Table", Device.__table__)


def push(here: Centre, who: SignedIn, request: PushRequest) -> PushResponse:
    """Apply operations in order.

    Raises:
        Refused: numbers with a gap, other content under a known number or id. Nothing of the request applies then.
    """
    try:
        return _push(here, who, request, apart=False)
    except CannotApply:
        return _push(here, who, request, apart=True)


def _push(here: Centre, who: SignedIn, request: PushRequest, *, apart: bool) -> PushResponse:
    locked = select(Device, Incarnation.epoch).join(Incarnation, true()).where(Device.id == who.device_id)
    with transaction(here.store.service, who.principal) as session:
        device, epoch = session.execute(locked.with_for_update(of=Device)).one()  # one push of a device at a time
        if request.epoch != epoch:  # restored meanwhile: the workstation must say hello and offer again
            return PushResponse(epoch=epoch, expected_n=device.last_n + 1, results=[])
        applier = _Applier(here, who, session=session, device=device, apart=apart)
        results = applier.results(request.operations)
        return PushResponse(epoch=epoch, expected_n=applier.last_n + 1, results=results)


class _Applier:
    """Applies the operations of one push inside its transaction.

    Attributes:
        last_n: the number of the last one that has a receipt.
    """

    def __init__(self, here: Centre, who: SignedIn, *, session: Session, device: Device, apart: bool) -> None:
        self._here, self._who = here, who
        self._session, self._device, self._apart = session, device, apart
        self.last_n = device.last_n
        self._first_expected = device.last_n + 1
        self._by_number: dict[int, Receipt] = {}
        self._by_id: dict[UUID, Receipt] = {}

    def results(self, operations: Sequence[Operation]) -> list[OperationResult]:
        """What became of each."""
        self._read_receipts(operations)
        results = [self.result(operation) for operation in operations]
        if self.last_n != self._device.last_n:
            counted = update(DEVICE).where(DEVICE.c.id == self._device.id)
            self._session.execute(counted.values(last_n=self.last_n))
        return results

    def result(self, operation: Operation) -> OperationResult:
        """What became of an operation: now, or when it first came."""
        operation = storable(operation)
        known = self._receipt(operation)
        if known is not None:
            return self._again(operation, known)
        if operation.n != self.last_n + 1:
            code = RefusalCode.NEW_DEVICE if operation.n <= self.last_n else RefusalCode.WRONG_NUMBER
            raise Refused(code, expected_n=self._first_expected)
        self.last_n = operation.n
        return self._first_time(operation)

    def _read_receipts(self, operations: Sequence[Operation]) -> None:
        numbers, ids = [one.n for one in operations], [one.op_id for one in operations]
        by_number = and_(Receipt.device_id == self._device.id, Receipt.n.in_(numbers))
        for known in self._session.scalars(select(Receipt).where(or_(by_number, Receipt.op_id == among(ids)))):
            self._remember(known)

    def _remember(self, known: Receipt) -> None:
        self._by_id[known.op_id] = known
        if known.device_id == self._device.id:
            self._by_number[known.n] = known

    def _receipt(self, operation: Operation) -> Receipt | None:
        """By number; or by id, for a workstation that numbers its operations anew."""
        return self._by_number.get(operation.n) or self._by_id.get(operation.op_id)

    def _again(self, operation: Operation, known: Receipt) -> OperationResult:
        same_number = (known.device_id, known.n) == (self._device.id, operation.n)
        if known.digest != digest(operation):
            code = RefusalCode.NEW_DEVICE if same_number else RefusalCode.OPERATION_ID_REUSED
            raise Refused(code, expected_n=self._first_expected)
        if operation.n > self.last_n + 1:
            raise Refused(RefusalCode.WRONG_NUMBER, expected_n=self._first_expected)
        self.last_n = max(self.last_n, operation.n)
        result = OperationResult.model_validate(known.result).model_copy(update={"n": operation.n})
        if result.status is ResultStatus.APPLIED:
            return result.model_copy(update={"status": ResultStatus.DUPLICATE})
        return self._shown(operation, result)

    def _first_time(self, operation: Operation) -> OperationResult:
        now, account_id = self._here.clock.now(), self._who.principal.account_id
        outcome, late = self._outcome(operation)
        result = told(operation, outcome)
        self._remember(note_receipt(self._session, self._device, operation, result=result, at=now))
        if isinstance(outcome, str):
            self._hold(operation, reason=outcome)
        audit_outcome(
            self._session,
            operation,
            outcome,
            clock=self._here.clock,
            account_id=account_id,
            device_id=self._device.id,
            right=FORMER_RIGHT if late and isinstance(outcome, Effect) else None,
        )
        return self._shown(operation, result)

    def _hold(self, operation: Operation, *, reason: str) -> None:
        now, account_id = self._here.clock.now(), self._who.principal.account_id
        hold(self._session, operation, reason=reason, device_id=self._device.id, account_id=account_id, at=now)

    def _outcome(self, operation: Operation) -> tuple[Effect | str, Late | None]:
        """As the person of today; or, if he may not, as who he was when he entered it."""
        now = self._here.clock.now()
        intent = Intent(session=self._session, principal=self._who.principal, operation=operation, now=now)
        outcome = attempt(intent) if self._apart else apply_at_once(intent)
        if outcome not in NOT_HIS:
            return outcome, None
        at = captured_at(operation, self._device)
        late = former_right(self._session, operation, at=at, now=now, lease=self._here.settings.lease)
        return (attempt(intent, late=late), late) if late else (outcome, None)

    def _shown(self, operation: Operation, result: OperationResult) -> OperationResult:
        """A conflict with the row as it is now. Who may not see it is not told what stands there either."""
        if result.status is not ResultStatus.CONFLICT:
            return result
        kind, role = SUBJECTS[operation.kind], self._who.principal.role
        found = visible_rows(self._session, kind, [operation.row_id], role=role) if columns_for(kind, role) else ()
        row = next(iter(found), None)
        return result.model_copy(update={"row": row} if row else {"row": None, "theirs": []})
