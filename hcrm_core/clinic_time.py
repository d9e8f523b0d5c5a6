"""The clinic's time zone: where an instant becomes a calendar day."""

from datetime import date, datetime, timedelta, timezone

# China has kept one time without daylight saving since 1991; a fixed offset needs no zone files on Windows.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def business_date(instant: datetime) -> date:
    """The clinic's calendar day at an aware instant.

    Example:
        16:30 UTC on 22 November is already 23 November in Shanghai.
    """
    return instant.astimezone(SHANGHAI).date()
