"""What the centre ordered of this workstation. Kept in the outbox file: it must outlive a restart without network."""

from enum import StrEnum

from hcrm_desktop.cache.outbox import Outbox

ORDER = "order"  # among what the outbox keeps


class Order(StrEnum):
    """While one stands, customers are hidden here and nothing can be entered."""

    REVOKED = "revoked"  # blocked, until the centre answers again
    WIPED = "wiped"  # hand over what is unsent, then delete everything
    SURRENDERED = "surrendered"  # handed over: only the deleting is left


def given(outbox: Outbox) -> Order | None:
    """The order that stands."""
    body = outbox.kept(ORDER)
    return None if body is None else Order(body["order"])


def obey(outbox: Outbox, order: Order) -> None:
    outbox.keep(ORDER, {"order": order.value})


def lift(outbox: Outbox) -> None:
    """The centre talks to this workstation again. What was ordered to be deleted stays so."""
    if given(outbox) is Order.REVOKED:
        outbox.keep(ORDER, None)
