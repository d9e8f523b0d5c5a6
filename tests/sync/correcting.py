"""Two people at two desks who correct the same: what their tests ask of a desk."""

from uuid import UUID

from hcrm_desktop.cache import queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import CustomerRecord, Delivery, FieldChangeRow, UnsentItem
from tests.factories import Clinic
from tests.sync.desk import TODAY, Desk


def record_of(desk: Desk, customer_id: UUID) -> CustomerRecord:
    found: CustomerRecord = desk.ask(queries.customer_record, customer_id, today=TODAY)
    return found


def changes(desk: Desk, clinic: Clinic) -> list[FieldChangeRow]:
    found: list[FieldChangeRow] = desk.ask(queries.customer_changes, clinic.mine.customer_id)
    return found


def waiting(desk: Desk) -> list[UnsentItem]:
    found: list[UnsentItem] = desk.ask(queries.unsent_items)
    return found


def conflict(desk: Desk) -> UnsentItem:
    (item,) = waiting(desk)
    assert item.delivery is Delivery.CONFLICT
    return item


def sync(*desks: Desk) -> None:
    """Each in turn, past the undo window."""
    for desk in desks:
        desk.clock.advance(UNDO_WINDOW)
        desk.sync()
