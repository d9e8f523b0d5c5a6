"""`customer_facts`: one row a customer, a column for every fact of the catalogue. Stays in the centre."""

from typing import Any

from psycopg.errors import LockNotAvailable
from sqlalchemy import Boolean, Column, Connection, Date, Engine, ForeignKey, Integer, Numeric, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import TypeEngine

import hcrm_store.people  # noqa: F401  (registers customer, which the facts refer to)
from hcrm_core.errors import StoreUnusable
from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType
from hcrm_store.base import Base, UtcInstant

_TYPES: dict[FactType, TypeEngine[Any]] = {
    FactType.DATE: Date(),
    FactType.BOOLEAN: Boolean(),
    FactType.WORD: Text(),
    FactType.DECIMAL: Numeric(7, 3),
    FactType.INTEGER: Integer(),
    FactType.ID: Uuid(),
}


_MONEY = Numeric(12, 3)


def _column(fact: Fact) -> Column[Any]:
    return Column(fact.name, _MONEY if fact.unit == "元" else _TYPES[fact.kind])


CUSTOMER_FACTS = Table(
    "customer_facts",
    Base.metadata,
    Column("customer_id", Uuid(), ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True),
    Column("computed_at", UtcInstant(), nullable=False),
    Column("reference_version", Text()),
    *(_column(fact) for fact in CATALOGUE.values()),
    Column("segments", ARRAY(Text), nullable=False, server_default=text("'{}'")),
)


class CustomerFacts(Base):
    """What the facts function found when it last found something else, at `computed_at`. NULL is unknown.

    `reference_version` names the table that percentiles were read from. `segments` are the sorted keys of the
    memberships that are open: whoever writes memberships keeps it (`hcrm_central.jobs.membership`).
    """

    __table__ = CUSTOMER_FACTS


def compact(owner: Engine) -> tuple[int, int]:
    """Write the table without the gaps of rows that were replaced, and renew what PostgreSQL knows of it.

    Whoever reads or writes it waits until it is done.

    Returns:
        Its bytes before and after.

    Raises:
        StoreUnusable: somebody used it for longer than a lock is waited for; it is as it was.
    """
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        before = _size(connection)
        try:
            connection.execute(text(f"VACUUM (FULL, ANALYZE) {CUSTOMER_FACTS.name}"))
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                raise StoreUnusable("the facts are in use", remedy="try again when no scan runs") from None
            raise
        return before, _size(connection)


def _size(connection: Connection) -> int:
    found: int = connection.execute(text(f"SELECT pg_table_size('{CUSTOMER_FACTS.name}')")).scalar_one()
    return found
