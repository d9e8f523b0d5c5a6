"""Held operations: what could not apply waits here for a supervisor. He applies it or dismisses it, once.

Applied, it is tried again as its author, who is shown the one customer by the supervisor's leave. Everything else is
checked as at first; if something still stands in the way, nothing was decided.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.applying import LEAVE, SUBJECTS, attempt, audit_outcome, receipted, told
from hcrm_central.audit import audit
from hcrm_central.operations.intent import Effect, Intent
from hcrm_central.rights import Late, captured_at, customer_of, principal_then
from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.tables import Account, Device, HeldOperation, Receipt
from hcrm_core.fleet import DecisionRequest, DecisionResponse, HeldItem, HeldQueue
from hcrm_core.wire import Decision, Operation, OperationResult, RefusalCode, ResultStatus
from hcrm_store.clock import Clock
from hcrm_store.organisation import Site, Staff
from hcrm_store.people import Customer

MOST_SHOWN = 500


def held(here: Centre, who: SignedIn) -> HeldQueue:
    """The operations that wait for a decision."""
    with snapshot(here.store.service, who.principal) as session:
        return queue(session)


def decide(here: Centre, who: SignedIn, *, op_id: UUID, request: DecisionRequest) -> DecisionResponse:
    """Apply or dismiss one.

    Raises:
        Refused: it was decided already, or is not held.
    """
    with transaction(here.store.service, who.principal) as session:
        return settle(session, op_id, request, clock=here.clock, by=who.principal)


# ── the queue ────────────────────────────────────────────────────────────────────────────────────────────


def queue(session: Session) -> HeldQueue:
    """Held operations, oldest first, with the customers that the declared person sees."""
    found = session.execute(
        select(HeldOperation, Account.name, Site.name, Device.name)
        .join(Account, Account.id == HeldOperation.account_id)
        .join(Device, Device.id == HeldOperation.device_id)
        .outerjoin(Staff, Staff.id == Account.staff_id)
        .outerjoin(Site, Site.id == Staff.site_id)
        .where(HeldOperation.decided_at.is_(None))
        .order_by(HeldOperation.at, HeldOperation.op_id)
        .limit(MOST_SHOWN + 1)
    ).all()
    names = _customer_names(session, [one for one, _, _, _ in found])
    items = [_item(one, names, author=author, site=site, device=device) for one, author, site, device in found]
    return HeldQueue(items=items[:MOST_SHOWN], more=len(items) > MOST_SHOWN)


def _customer_names(session: Session, waiting: Sequence[HeldOperation]) -> dict[UUID, str]:
    ids = {customer_of(Operation.model_validate(one.operation)) for one in waiting} - {None}
    found = session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(ids)))
    return {one.id: one.name for one in found}


def _item(waiting: HeldOperation, names: dict[UUID, str], *, author: str, site: str | None, device: str) -> HeldItem:
    operation = Operation.model_validate(waiting.operation)
    customer_id = customer_of(operation)
    return HeldItem(
        op_id=operation.op_id,
        kind=operation.kind,
        reason=waiting.reason,
        at=waiting.at,
        captured_at=operation.captured_at,
        author=author,
        site=site or "",
        device=device,
        customer_id=customer_id,
        customer_name=names.get(customer_id, "") if customer_id else "",
        body=operation.body,
    )


# ── the decision ─────────────────────────────────────────────────────────────────────────────────────────


def settle(
    session: Session, op_id: UUID, request: DecisionRequest, *, clock: Clock, by: Principal | None
) -> DecisionResponse:
    """Decide one held operation in the caller's transaction.

    Args:
        session: of the service, with `by` declared; or of the jobs, whom row security does not hold.
        op_id: of the operation.
        request: what was decided.
        clock: the centre's.
        by: the supervisor; None for whoever keeps the centre.

    Raises:
        Refused: it was decided already, or is not held.
    """
    waiting = session.get(HeldOperation, op_id, with_for_update=True)
    if waiting is None or waiting.decided_at is not None:
        raise Refused(RefusalCode.ALREADY_DECIDED)
    waiting.decision, waiting.note = request.decision.value, request.note
    waiting.decided_at, waiting.decided_by_id = clock.now(), by.account_id if by else None
    session.flush()  # the database looks for the leave
    if request.decision is Decision.APPLY:
        response = _apply(session, waiting, clock=clock, by=by)
    else:
        response = DecisionResponse(status=ResultStatus.APPLIED)
    _audit_decision(session, waiting, request.decision, response=response, clock=clock, by=by)
    return response


def _apply(session: Session, waiting: HeldOperation, *, clock: Clock, by: Principal | None) -> DecisionResponse:
    operation = Operation.model_validate(waiting.operation)
    late = _with_leave(session, waiting, operation)
    outcome = attempt(_intent(session, operation, by or late.principal, clock=clock), late=late)
    result = told(operation, outcome)
    if isinstance(outcome, Effect):
        waiting.ver = outcome.ver
        account_id, device_id = waiting.account_id, waiting.device_id
        audit_outcome(session, operation, outcome, clock=clock, account_id=account_id, device_id=device_id, right=LEAVE)
    else:
        waiting.reason, waiting.note = outcome, ""
        waiting.decision = waiting.decided_at = waiting.decided_by_id = None
    _renew_receipt(session, result)
    return DecisionResponse(status=result.status, reason=result.reason)


def _with_leave(session: Session, waiting: HeldOperation, operation: Operation) -> Late:
    """As its author was when he entered it."""
    at = captured_at(operation, session.get_one(Device, waiting.device_id))
    author = principal_then(session, waiting.account_id, at=at)
    customer_id = customer_of(operation) or operation.row_id
    return Late(principal=author, customer_id=customer_id, at=at, leave=waiting.op_id)


def _intent(session: Session, operation: Operation, principal: Principal, *, clock: Clock) -> Intent:
    return Intent(session=session, principal=principal, operation=operation, now=clock.now())


def _renew_receipt(session: Session, result: OperationResult) -> None:
    """So that the workstation is told the same, should it offer the operation again."""
    receipt = session.scalars(select(Receipt).where(Receipt.op_id == result.op_id)).one()
    receipt.result = receipted(result.model_copy(update={"n": receipt.n}))


def _audit_decision(
    session: Session,
    waiting: HeldOperation,
    decision: Decision,
    *,
    response: DecisionResponse,
    clock: Clock,
    by: Principal | None,
) -> None:
    operation = Operation.model_validate(waiting.operation)
    audit(
        session,
        "held:tried" if response.status is ResultStatus.HELD else f"held:{decision}",
        clock=clock,
        account_id=by.account_id if by else None,
        device_id=None,
        subject_kind=SUBJECTS[operation.kind],
        subject_id=operation.row_id,
        customer_id=customer_of(operation),
        detail={"op_id": str(operation.op_id), "status": response.status, "reason": response.reason},
    )
