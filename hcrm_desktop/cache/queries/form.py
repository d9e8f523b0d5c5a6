"""Who a customer is, field by field, as an edit takes it."""

from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_desktop.cache.rows import CustomerForm, FieldNow
from hcrm_desktop.cache.tables import CUSTOMER, GUARDIAN

_OF_CUSTOMER = ("name", "sex", "birth_date", "do_not_contact")
_OF_GUARDIAN = ("name", "relation", "phone")


def customer_form(session: Session, customer_id: UUID) -> CustomerForm | None:
    """The fields of a customer and of the family's guardians; None if he is not on this computer any more."""
    customer = session.execute(select(CUSTOMER).where(CUSTOMER.c.id == customer_id)).first()
    if customer is None:
        return None
    family = select(GUARDIAN).where(GUARDIAN.c.family_id == customer.family_id).order_by(GUARDIAN.c.id)
    fields = [_now("customer", customer, name) for name in _OF_CUSTOMER]
    fields += [_now("guardian", guardian, name) for guardian in session.execute(family) for name in _OF_GUARDIAN]
    return CustomerForm(customer_id=customer_id, name=customer.name or "", fields=tuple(fields))


def _now(kind: str, row: Any, name: str) -> FieldNow:
    return FieldNow(row=kind, row_id=row.id, field=name, value=_as_body(getattr(row, name)))


def _as_body(value: Any) -> str | bool | None:
    if isinstance(value, Enum):
        return str(value.value)
    return value.isoformat() if isinstance(value, date) else value
