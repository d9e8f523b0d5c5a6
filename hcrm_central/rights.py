"""Rights with their history: whoever might do something when he did it has done it, though he may not any more.

A workstation without network goes on with the rights it knew. What it then sends is judged twice: as the person of
today, and, if he may not, as who he was when it was entered. The database decides both (`0005_rights.sql`), and shows
the one customer of the operation and nobody else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm_central.store.engine import Principal, declare
from hcrm_central.store.tables import Device
from hcrm_core.terms import Role
from hcrm_core.wire import Operation, OperationKind

NOT_HIS = {"not_visible", "not_permitted"}  # reasons that a former right, or a supervisor, may remove


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """To act on one customer as somebody was at an instant.

    Attributes:
        principal: who he was then.
        leave: the held operation that a supervisor decided, in this very transaction, to apply; None for a right of
            his own.
    """

    principal: Principal
    customer_id: UUID
    at: datetime
    leave: UUID | None = None


def customer_of(operation: Operation) -> UUID | None:
    """The customer whom an operation is about, as its sender says."""
    if operation.kind is OperationKind.EDIT_CUSTOMER:
        return operation.row_id
    try:
        return UUID(str(operation.body.get("customer_id")))
    except ValueError:
        return None


def captured_at(operation: Operation, device: Device) -> datetime:
    """When an operation was entered, by the centre's clock as far as the workstation's last hello tells."""
    try:
        return operation.captured_at - timedelta(seconds=device.clock_offset_s or 0)
    except OverflowError:
        return operation.captured_at


def former_right(
    session: Session, operation: Operation, *, at: datetime, now: datetime, lease: timedelta
) -> Late | None:
    """The right by which the declared account entered an operation, if it ended since.

    Args:
        session: a transaction in which the account is declared.
        operation: one that it may not do any more.
        at: when it was entered.
        now: the centre's present.
        lease: how long before its end a right still counts: a workstation shows customers no longer than that.
    """
    customer_id = customer_of(operation)
    if customer_id is None or at > now:
        return None
    wanted = text("SELECT role, staff_id, site_id, ended_at, hcrm.account_id() FROM hcrm.right_then(:customer, :at)")
    found = session.execute(wanted, {"customer": customer_id, "at": at}).one_or_none()
    if found is None or found.ended_at is None or found.ended_at - at > lease:
        return None
    role, staff_id, site_id, _, account_id = found
    return Late(principal=_principal(account_id, role, staff_id, site_id), customer_id=customer_id, at=at)


def principal_then(session: Session, account_id: UUID, *, at: datetime) -> Principal:
    """What an account was at an instant. Its history covers all time."""
    wanted = text("SELECT role, staff_id, site_id FROM hcrm.account_then(:account, :at)")
    return _principal(account_id, *session.execute(wanted, {"account": account_id, "at": at}).one())


def _principal(account_id: UUID, role: str, staff_id: UUID | None, site_id: UUID | None) -> Principal:
    sites = (site_id,) if site_id else ()
    return Principal(account_id=account_id, staff_id=staff_id, role=Role(role), site_ids=sites)


@contextmanager
def acting(session: Session, late: Late, *, instead_of: Principal | None) -> Iterator[None]:
    """Declare that somebody acts late, and then again who asks. Inside a savepoint: an error undoes both."""
    declare(session, late.principal)
    _declare_late(session, str(late.customer_id), at=late.at.isoformat(), leave=str(late.leave or ""))
    yield
    session.flush()
    _declare_late(session, "", at="", leave="")
    declare(session, instead_of)


def _declare_late(session: Session, customer: str, *, at: str, leave: str) -> None:
    session.execute(
        text(
            "SELECT set_config('hcrm.late_customer', :customer, true), set_config('hcrm.late_at', :at, true),"
            " set_config('hcrm.late_leave', :leave, true)"
        ),
        {"customer": customer, "at": at, "leave": leave},
    )
