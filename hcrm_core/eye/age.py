"""Ages and months on the calendar. An age is counted to the day of the examination, never to the day of entry."""

import calendar
from datetime import date
from decimal import Decimal

_TEN_THOUSANDTH = Decimal("0.0001")


def add_months(day: date, *, months: int) -> date:
    """The same day some months later (or earlier), or the month's last day if it has no such day."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def years_and_months(birth: date, *, on: date) -> tuple[int, int]:
    """Completed years and months of age.

    Raises:
        ValueError: if `on` is before the birth; whoever enters dates checks them first.
    """
    if on < birth:
        raise ValueError("an age before birth was asked for")
    months = (on.year - birth.year) * 12 + on.month - birth.month
    if add_months(birth, months=months) > on:
        months -= 1
    return divmod(months, 12)


def exact_age(birth: date, *, on: date) -> Decimal:
    """Age in years, to 0.0001: completed years, and the part of the current year of life that has passed.

    Somebody born on 29 February has a birthday on 28 February in common years.

    Raises:
        ValueError: if `on` is before the birth.
    """
    years, _ = years_and_months(birth, on=on)
    last, following = add_months(birth, months=12 * years), add_months(birth, months=12 * years + 12)
    part = Decimal((on - last).days) / Decimal((following - last).days)
    return (years + part).quantize(_TEN_THOUSANDTH)
