"""What the customer list reads."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hcrm_desktop.cache.rows import CustomerHit, SegmentCount

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersRead:
    """Segments with their sizes, how many customers are chosen, and the first of them."""

    segments: list[SegmentCount]
    total: int
    rows: list[CustomerHit]


def read_customers(session: "Session", *, text: str, segment: str | None) -> CustomersRead:
    """One snapshot of the list. Runs in a reader."""
    from hcrm_desktop.cache.queries import count_customers, list_customers, segments

    return CustomersRead(
        segments=segments(session),
        total=count_customers(session, text=text, segment=segment),
        rows=list_customers(session, text=text, segment=segment, limit=PAGE, offset=0),
    )


def read_more_customers(session: "Session", *, text: str, segment: str | None, offset: int) -> list[CustomerHit]:
    """The next page. Runs in a reader."""
    from hcrm_desktop.cache.queries import list_customers

    return list_customers(session, text=text, segment=segment, limit=PAGE, offset=offset)
