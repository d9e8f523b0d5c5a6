"""The only clock. Whoever needs the time is given a `Clock`; tests give their own (tests/fakes.py)."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

# China has kept one time without daylight saving since 1991; a fixed offset needs no zone files on Windows.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def business_date(instant: datetime) -> date:
    """The clinic's calendar day at an instant."""
    return instant.astimezone(SHANGHAI).date()
