"""Which stream a row is read from: the counterpart, for readers, of the triggers of migration 0007.

What hangs on a customer is read from the streams of the site where he is now. A family may have children at several
sites and stands in the streams of all of them; each reader is sent it by one, the first of his where it has a child
that he sees, so that leaving another stream never takes it from him.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, true

from hcrm_store.kinds import table_of
from hcrm_store.people import Customer

_OF_FAMILY = {"family": "id", "guardian": "family_id"}


def belongs(kind: str, *, site_id: UUID | None, sites: Collection[UUID]) -> ColumnElement[bool]:
    """Whether a row is read from a site's stream, as a condition on its table.

    Args:
        kind: one of hcrm_store.kinds.
        site_id: the stream's; None for reference data, which has one stream.
        sites: all whose streams the reader is granted.
    """
    table = table_of(kind)
    if site_id is None:
        return true()
    if kind == "customer":
        return table.c.site_id == site_id
    if kind in _OF_FAMILY:
        children = select(Customer.site_id).where(Customer.family_id == table.c[_OF_FAMILY[kind]])
        first = children.where(Customer.site_id.in_(sites)).order_by(Customer.site_id).limit(1)
        return func.coalesce(first.scalar_subquery(), table.c.site_id) == site_id
    here = select(Customer.id).where(Customer.id == table.c.customer_id, Customer.site_id == site_id)
    return here.exists()
