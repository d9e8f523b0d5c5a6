"""Days, months and ages in frames: plain arithmetic on the parts of a date, which every engine has.

The arithmetic of `eye.age` for everybody at once (a test holds them together).
"""

from datetime import date, timedelta
from typing import Any

import narwhals as nw

AGES = 10_000  # an age is told to 0.0001 years
_1970 = date(1970, 1, 1).toordinal()
_ONE_MARCH = date(1, 3, 1).toordinal() - 365  # of the year 0

Frame = nw.LazyFrame[Any]  # why Any: the engine's own frame, whichever it is


def day_number(day: nw.Expr) -> nw.Expr:
    """Days since 1970-01-01."""
    return _before_year(_part(day, "year") - 1) + _part(day, "ordinal_day") - _1970


def date_of(number: nw.Expr) -> nw.Expr:
    """The day of a number: `day_number` reversed."""
    return (nw.lit(date(1970, 1, 1)) + nw.lit(timedelta(days=1)) * number).cast(nw.Date)


def days_between(earlier: nw.Expr, *, later: nw.Expr) -> nw.Expr:
    """Whole days from one day to another."""
    return day_number(later) - day_number(earlier)


def months_apart(earlier: nw.Expr, *, later: nw.Expr, months: int) -> nw.Expr:
    """Whether so many calendar months lie between two days, as `eye.age.months_before` counts them."""
    apart = 12 * (_part(later, "year") - _part(earlier, "year")) + _part(later, "month") - _part(earlier, "month")
    ends_month = _part(later.dt.offset_by("1d"), "day") == 1
    come = (_part(later, "day") >= _part(earlier, "day")) | ends_month
    return (apart > months) | ((apart == months) & come)


def with_ages(frame: Frame, *, on: str) -> Frame:
    """The frame with `age`: `eye.age.exact_age` in ten-thousandths of a year, on a day; null where that or birth_date
    is unknown, or it lies before the birth.

    In steps, so that an engine works each out once.
    """
    birth, day = nw.col("birth_date"), nw.col(on)
    march_month = (_part(birth, "month") + 9) % 12  # years are counted from March: a leap day ends them
    parts = frame.with_columns(
        _day=day_number(day),
        _year=_part(day, "year"),
        _late=nw.when(march_month >= 10).then(nw.lit(1)).otherwise(nw.lit(0)),
        # Who was born on 29 February has 1 March in common years, where the leap day would have been.
        _birthday=(153 * march_month + 2) // 5 + _part(birth, "day") - 1 + _ONE_MARCH - _1970,
        _born=_part(birth, "year"),
    )
    year = nw.col("_year") - nw.col("_late")
    birthdays = parts.with_columns(_last=_begins(year - 1), _this=_begins(year), _next=_begins(year + 1))
    reached = nw.col("_day") >= nw.col("_this")
    lived = birthdays.with_columns(
        _years=nw.col("_year") - nw.col("_born") - nw.when(reached).then(nw.lit(0)).otherwise(nw.lit(1)),
        _since=nw.col("_day") - nw.when(reached).then(nw.col("_this")).otherwise(nw.col("_last")),
        _length=nw.when(reached).then(nw.col("_next") - nw.col("_this")).otherwise(nw.col("_this") - nw.col("_last")),
    )
    part = (2 * AGES * nw.col("_since") + nw.col("_length")) // (2 * nw.col("_length"))
    aged = lived.with_columns(age=nw.when(birth <= day).then(nw.col("_years") * AGES + part))
    return aged.drop(*_STEPS)


_STEPS = ("_day", "_year", "_late", "_birthday", "_born", "_last", "_this", "_next", "_years", "_since", "_length")


def _begins(year: nw.Expr) -> nw.Expr:
    """The number of the birthday of a year counted from March."""
    return _before_year(year) + nw.col("_birthday")


def _before_year(year: nw.Expr) -> nw.Expr:
    """Days of so many years from the year 1 on."""
    return 365 * year + year // 4 - year // 100 + year // 400


def _part(day: nw.Expr, name: str) -> nw.Expr:
    part: nw.Expr = getattr(day.dt, name)()
    return part.cast(nw.Int64)
