"""Ages and months on the calendar. An age is counted to the day of the examination, never to the day of entry."""

import calendar
from datetime import date
from decimal import Decimal

_TEN_THOUSANDTH = Decimal("0.0001")


def add_months(day: date, *, months: int) -> date:
    """The same day some months later (or earlier), or the month's last day if it has no such day."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def months_before(on: date, *, months: int) -> date:
    """The latest day whose anniversary in `months` calendar months has come by `on`: `add_months` reversed.

    A month's last day answers for the days it lacks: what began on 31 August is six months old on 28 February.
    """
    year, month0 = divmod(on.year * 12 + on.month - 1 - months, 12)
    length = calendar.monthrange(year, month0 + 1)[1]
    ends_month = on.day == calendar.monthrange(on.year, on.month)[1]
    return date(year, month0 + 1, length if ends_month else min(on.day, length))


def years_before(on: date, *, years: int) -> date:
    """The latest birth date that makes somebody `years` old on `on`. Who was born on 29 February grows older on
    1 March."""
    if (on.month, on.day) == (2, 29) and not calendar.isleap(on.year - years):
        return date(on.year - years, 2, 28)
    return on.replace(year=on.year - years)


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
    years = on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
    return years, min(months - 12 * years, 11)  # 28 February is no birthday of somebody born on the 29th


def exact_age(birth: date, *, on: date) -> Decimal:
    """Age in years, to 0.0001: completed years, and the part of the current year of life that has passed.

    Somebody born on 29 February has a birthday on 1 March in common years.

    Raises:
        ValueError: if `on` is before the birth.
    """
    years, _ = years_and_months(birth, on=on)
    last, following = birthday(birth, years), birthday(birth, years + 1)
    part = Decimal((on - last).days) / Decimal((following - last).days)
    return (years + part).quantize(_TEN_THOUSANDTH)


def birthday(birth: date, years: int) -> date:
    """The day on which somebody becomes so many years old."""
    year = birth.year + years
    if (birth.month, birth.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 3, 1)
    return birth.replace(year=year)
