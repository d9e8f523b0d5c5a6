"""Whether cached customers may still be shown: the lease that the centre gave at the last hello.

It is judged by a clock that cannot simply be turned back: the centre's time at that hello, carried on by this
computer's clock. Where that clock goes backwards, time is counted on from the latest instant that was noted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_core.errors import Rejected
from hcrm_core.wire import Json
from hcrm_desktop.cache import meta
from hcrm_desktop.cache.orders import ORDER
from hcrm_desktop.cache.outbox import Outbox
from hcrm_desktop.cache.tables import KEPT, META
from hcrm_store.clock import Clock

RECKONING = "reckoning"  # among what the outbox keeps: a cache that is rebuilt must not make time begin anew
NOTED_EVERY = timedelta(minutes=1)
NOW = "now"  # in a session's info: this computer's clock (Workspace.read)
_KEPT = select(KEPT.c.key, KEPT.c.body).where(KEPT.c.key.in_([ORDER, RECKONING]))
_UNTIL = select(META.c.body).where(META.c.key == meta.LEASE)
Q = TypeVar("Q", bound=Callable[..., Any])
_shows_no_customer: set[Callable[..., Any]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """What is known of the time.

    Attributes:
        latest: the latest instant that was noted, by the centre's clock.
        ahead: how far the centre's clock is ahead of this computer's.
    """

    latest: datetime
    ahead: timedelta

    def at(self, local: datetime) -> datetime:
        """The centre's time, as far as it can be known here."""
        return max(self.latest, local + self.ahead)


def renew(outbox: Outbox, *, server_now: datetime, clock: Clock) -> None:
    """The centre said what time it is: whatever was reckoned before is forgotten."""
    _note(outbox, Reckoning(latest=server_now, ahead=server_now - clock.now()))


def pass_time(outbox: Outbox, *, clock: Clock) -> None:
    """Note that time has passed; to be called now and then."""
    known, local = _reckoning(outbox.kept(RECKONING)), clock.now()
    if known is None:
        return
    now = known.at(local)
    turned_back = now - local > known.ahead
    if turned_back or now - known.latest >= NOTED_EVERY:
        _note(outbox, Reckoning(latest=now, ahead=now - local))


def hides_customers(session: Session) -> bool:
    """Whether customers are hidden: the lease is over, or the centre ordered it. What was entered here is kept."""
    kept = {row.key: row.body for row in session.execute(_KEPT)}
    until = session.execute(_UNTIL).scalar()
    if ORDER in kept or until is None:
        return ORDER in kept
    local: datetime = session.info[NOW]
    known = _reckoning(kept.get(RECKONING))
    return (local if known is None else known.at(local)) >= datetime.fromisoformat(until)


def shows_no_customer(query: Q) -> Q:
    """Mark a query that may run while customers are hidden."""
    _shows_no_customer.add(query)
    return query


def require(session: Session, query: Callable[..., Any] | None = None) -> None:
    """Refuse what would show a customer, or enter something about one, while customers are hidden.

    Raises:
        Rejected: ``lease_over``.
    """
    if query not in _shows_no_customer and hides_customers(session):
        raise Rejected("lease_over", "customers are hidden until the centre answers")


def _note(outbox: Outbox, reckoning: Reckoning) -> None:
    seconds = reckoning.ahead.total_seconds()
    outbox.keep(RECKONING, {"latest": reckoning.latest.isoformat(), "ahead_seconds": seconds})


def _reckoning(body: Json | None) -> Reckoning | None:
    if body is None:
        return None
    return Reckoning(latest=datetime.fromisoformat(body["latest"]), ahead=timedelta(seconds=body["ahead_seconds"]))
