"""How things stand with the centre, for the 同步 page: one snapshot of the connection and of what is not settled."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from hcrm_desktop.cache.lease import shows_no_customer
from hcrm_desktop.cache.queries.status import sync_status, unsent_items
from hcrm_desktop.cache.rows import SyncStatus, UnsentItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """One reading of the page."""

    status: SyncStatus
    items: list[UnsentItem]


@shows_no_customer  # the screen leaves names and values out while customers are hidden
def unsettled(session: Session) -> Unsettled:
    """The connection, and what is not at the centre or waits for a person."""
    return Unsettled(status=sync_status(session), items=unsent_items(session))
