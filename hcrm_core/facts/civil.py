"""Days, months and ages as expressions: plain arithmetic on year, month and day, which every engine has.

The arithmetic of `eye.age` for whole frames (a test holds them together). Years are counted from March, so that a leap
day ends them.
"""

from datetime import date

import narwhals as nw

AGES = 10_000  # an age is told to 0.0001 years
_ONE_MARCH_TO_1970 = (date(1970, 1, 1) - date(1, 3, 1)).days + 365  # from 1 March of the year 0


def day_number(day: nw.Expr) -> nw.Expr:
    """Days since 1970-01-01."""
    month = (_part(day, "month") + 9) % 12
    return _numbered(_part(day, "year"), month, _part(day, "day"))


def days_between(earlier: nw.Expr, *, later: nw.Expr) -> nw.Expr:
    """Whole days from one day to another."""
    return day_number(later) - day_number(earlier)


def months_apart(earlier: nw.Expr, *, later: nw.Expr, months: int) -> nw.Expr:
    """Whether so many calendar months lie between two days, as `eye.age.months_before` counts them."""
    apart = 12 * (_part(later, "year") - _part(earlier, "year")) + _part(later, "month") - _part(earlier, "month")
    ends_month = _part(later.dt.offset_by("1d"), "day") == 1
    come = (_part(later, "day") >= _part(earlier, "day")) | ends_month
    return (apart > months) | ((apart == months) & come)


def exact_ages(birth: nw.Expr, *, on: nw.Expr) -> nw.Expr:
    """`eye.age.exact_age` in ten-thousandths of a year; null where a day is unknown or lies before the birth."""
    day, year = day_number(on), _part(on, "year")
    birthday = _birthday(birth, year)
    reached = day >= birthday
    last = nw.when(reached).then(birthday).otherwise(_birthday(birth, year - 1))
    following = nw.when(reached).then(_birthday(birth, year + 1)).otherwise(birthday)
    years = year - _part(birth, "year") - nw.when(reached).then(nw.lit(0)).otherwise(nw.lit(1))
    length = following - last
    part = (2 * AGES * (day - last) + length) // (2 * length)
    return nw.when(birth <= on).then(years * AGES + part)


def _birthday(birth: nw.Expr, year: nw.Expr) -> nw.Expr:
    """The day on which a year of life begins; who was born on 29 February has 1 March in common years."""
    return _numbered(year, (_part(birth, "month") + 9) % 12, _part(birth, "day"))


def _numbered(year: nw.Expr, month: nw.Expr, day: nw.Expr) -> nw.Expr:
    """The number of a day; months count from March as 0."""
    counted = year - nw.when(month >= 10).then(nw.lit(1)).otherwise(nw.lit(0))
    leaps = counted // 4 - counted // 100 + counted // 400
    return 365 * counted + leaps + (153 * month + 2) // 5 + day - 1 - _ONE_MARCH_TO_1970


def _part(day: nw.Expr, name: str) -> nw.Expr:
    part: nw.Expr = getattr(day.dt, name)()
    return part.cast(nw.Int64)
