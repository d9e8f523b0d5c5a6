"""Surrender: a workstation that was ordered to empty itself hands over what it had not sent.

It proves itself by its secret alone, for its sessions are over. Everything is kept as held operations, for a supervisor
to decide; nothing applies by itself, because nobody knows in whose hands the workstation was. Nothing is refused for
what it says either: the workstation is about to delete it.
"""

import json
from collections.abc import Sequence
from uuid import UUID, uuid5

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.api.sessions import secret_matches
from hcrm_central.applying import hold, note_receipt, storable, told
from hcrm_central.audit import audit
from hcrm_central.store.engine import transaction
from hcrm_central.store.tables import Device, HeldOperation, Receipt, Token
from hcrm_core.wire import DeviceClaim, Json, Operation, OperationKind, RefusalCode, SurrenderRequest, SurrenderResponse

REASON = "device_wiped"


def surrender(here: Centre, request: SurrenderRequest) -> SurrenderResponse:
    """Keep what is new, and note when it was the last. The same again changes nothing: an answer may be lost.

    Raises:
        Refused: it is another device, is under no order to empty itself, or has handed over everything before.
    """
    with transaction(here.store.service) as session:
        device = _ordered(session, request.device)
        new = _unknown(session, [_read(here, device, raw) for raw in request.operations])
        if device.surrendered_at and new:
            raise Refused(RefusalCode.DEVICE_REVOKED)
        for operation in new:
            account_id = _author(session, device, request.account_ids.get(operation.op_id))
            _keep(session, here, device, operation=operation, account_id=account_id)
        if request.last and device.surrendered_at is None:
            device.surrendered_at = here.clock.now()
            audit(session, "device:surrendered", clock=here.clock, account_id=None, device_id=device.id)
        session.flush()
        kept = select(func.count()).where(HeldOperation.device_id == device.id, HeldOperation.reason == REASON)
        return SurrenderResponse(kept=session.scalar(kept) or 0)


def _ordered(session: Session, claim: DeviceClaim) -> Device:
    device = session.get(Device, claim.id, with_for_update=True)
    if device is None or not secret_matches(device, claim.secret):
        raise Refused(RefusalCode.DEVICE_MISMATCH)
    if device.wipe_ordered_at is None:
        raise Refused(RefusalCode.DEVICE_REVOKED if device.revoked_at else RefusalCode.NOT_PERMITTED)
    return device


def _read(here: Centre, device: Device, raw: Json) -> Operation:
    """An operation; around what is none, so that it waits for a person with all the others."""
    try:
        return storable(Operation.model_validate(raw))
    except ValidationError:
        op_id, now = _id_of(device, raw), here.clock.now()
        kind = OperationKind.UNREADABLE
        return storable(Operation(n=1, op_id=op_id, kind=kind, row_id=op_id, base_ver=None, body=raw, captured_at=now))


def _id_of(device: Device, raw: Json) -> UUID:
    try:
        return UUID(str(raw.get("op_id")))
    except ValueError:
        return uuid5(device.id, json.dumps(raw, sort_keys=True))


def _unknown(session: Session, operations: Sequence[Operation]) -> list[Operation]:
    """Those that have no receipt, each once."""
    offered = {operation.op_id: operation for operation in reversed(operations)}
    known = set(session.scalars(select(Receipt.op_id).where(Receipt.op_id.in_(offered))))
    return [operation for op_id, operation in reversed(offered.items()) if op_id not in known]


def _author(session: Session, device: Device, claimed: UUID | None) -> UUID:
    """Whom the workstation names, if he ever signed in there; else who did so last."""
    at_device = select(Token.account_id).where(Token.device_id == device.id, Token.account_id == claimed)
    author = session.scalar(at_device.limit(1)) or device.account_id
    if author is None:
        raise Refused(RefusalCode.NOT_PERMITTED)
    return author


def _keep(session: Session, here: Centre, device: Device, *, operation: Operation, account_id: UUID) -> None:
    """Under the next number of the centre's own: the workstation's will never be used again."""
    now, device.last_n = here.clock.now(), device.last_n + 1
    result = told(operation, REASON).model_copy(update={"n": device.last_n})
    note_receipt(session, device, operation, result=result, at=now)
    hold(session, operation, reason=REASON, device_id=device.id, account_id=account_id, at=now)
