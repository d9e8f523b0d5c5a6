"""The only clock. Whoever needs the time is given a `Clock`; tests give their own (tests/fakes.py)."""

from datetime import UTC, datetime
from typing import Protocol

from hcrm_core.clinic_time import SHANGHAI, business_date

__all__ = ["SHANGHAI", "Clock", "SystemClock", "business_date"]


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
