"""What a handler is given, and what it answers.

A handler raises `Rejected` or `NotPermitted` for what cannot apply; the operation is then held for a person. Who did it
comes from the session and where it belongs from the customer: never from the workstation.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.store.engine import Principal
from hcrm_core.errors import Rejected
from hcrm_core.wire import Message, Operation, Theirs
from hcrm_store.clock import business_date
from hcrm_store.people import Customer

Body = TypeVar("Body", bound=Message)
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One operation, about to be applied in its savepoint."""

    session: Session
    principal: Principal
    operation: Operation
    now: datetime

    @property
    def today(self) -> date:
        """The clinic's day at the centre. A workstation's clock is data and decides nothing."""
        return business_date(self.now)

    @property
    def happened_at(self) -> datetime:
        """When it was captured, as the workstation says; never later than now."""
        return min(self.operation.captured_at, self.now)

    def body(self, kind: type[Body]) -> Body:
        """The intent's own message.

        Raises:
            Rejected: ``invalid_body`` with the first field at fault.
        """
        try:
            return kind.model_validate(self.operation.body)
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
            raise Rejected(f"invalid_body:{place}", "the operation's body is not understood") from None

    def customer(self, customer_id: UUID) -> Customer:
        """The customer, if row security shows him.

        Raises:
            Rejected: ``not_visible``.
        """
        found = self.session.scalar(select(Customer).where(Customer.id == customer_id))
        if found is None:
            raise Rejected("not_visible", "the customer is not, or no longer, this account's to work with")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an operation did.

    Attributes:
        action: for the audit log.
        kind: of the row it created or changed.
        conflict: the row had moved on; the sender is shown where to.
        theirs: what stood in the way, for the sender to choose.
    """

    action: str
    kind: str
    customer_id: UUID
    ver: int
    conflict: bool = False
    theirs: tuple[Theirs, ...] = ()


def word(kind: type[Word], value: str, *, field: str) -> Word:
    """A member of a closed vocabulary.

    Raises:
        Rejected: ``invalid_body`` for a word that is not one.
    """
    try:
        return kind(value)
    except ValueError:
        raise Rejected(f"invalid_body:{field}", "an unknown word") from None
