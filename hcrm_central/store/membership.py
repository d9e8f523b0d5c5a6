"""Which stream a row is read from: the counterpart, for readers, of the triggers of migration 0007.

What hangs on a customer is read from the streams of the site where he is now. A family may have children at several
sites and stands in the streams of all of them; each reader is sent it by one, the first of his where it has a child
that he sees, so that leaving another stream never takes it from him.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Text, Uuid, any_, cast, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from hcrm_store.kinds import KINDS, Area, table_of
from hcrm_store.people import Customer

_OF_FAMILY = {"family": "id", "guardian": "family_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the rows of a kind are found.

    Attributes:
        source: what to select them from.
        site_id: the site whose stream each is read from.
        of_group: reference data: of no site (NULL), in the one stream of the group.
    """

    source: FromClause
    site_id: ColumnElement[UUID | None]
    of_group: bool = False

    def at(self, sites: Collection[UUID]) -> ColumnElement[bool]:
        """Whether a row is read from a stream of one of these sites. Reference data is, whatever they are."""
        return true() if self.of_group else self.site_id == among(sites)


def place(kind: str, *, sites: Collection[UUID]) -> Place:
    """Where a reader finds the rows of a kind.

    Args:
        kind: one of hcrm_store.kinds.
        sites: all whose streams the reader is granted.
    """
    table, customer = table_of(kind), table_of("customer")
    if KINDS[kind][0] is Area.REF:
        return Place(source=table, site_id=literal(None, Uuid()), of_group=True)
    if kind == "customer":
        return Place(source=table, site_id=table.c.site_id)
    if kind in _OF_FAMILY:
        # As text: PostgreSQL knows no least uuid before 18, and ORDER BY … LIMIT 1 would walk the index of sites.
        least = cast(func.min(cast(Customer.site_id, Text)), Uuid)
        first = select(least).where(Customer.family_id == table.c[_OF_FAMILY[kind]], Customer.site_id == among(sites))
        return Place(source=table, site_id=func.coalesce(first.scalar_subquery(), table.c.site_id))
    return Place(source=table.join(customer, customer.c.id == table.c.customer_id), site_id=customer.c.site_id)


def stands(kind: str, *, site_id: UUID | None) -> ColumnElement[bool]:
    """Whether any reader may find a row in the stream of a site (None: the group's), as a condition on its table."""
    table = table_of(kind)
    if site_id is None:
        return true()
    if kind == "customer":
        return table.c.site_id == site_id
    here = select(Customer.id).where(Customer.site_id == site_id)
    if kind in _OF_FAMILY:
        return (table.c.site_id == site_id) | here.where(Customer.family_id == table.c[_OF_FAMILY[kind]]).exists()
    return here.where(Customer.id == table.c.customer_id).exists()


def among(ids: Collection[UUID]) -> Any:  # why Any: SQLAlchemy's type of ANY is not generic
    """The right side of `column == among(ids)`: one bound value, however many ids."""
    return any_(literal(list(ids), ARRAY(Uuid())))
