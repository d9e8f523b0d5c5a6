"""Dates as ledgers hold them: nine notations, spreadsheet numbers, and "in three months"."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from openpyxl.utils.datetime import from_excel

from hcrm_core.eye.age import add_months
from hcrm_core.parsed import Parsed, plain, refusal, says_unknown

_TIME = r"(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?"
_WRITTEN = re.compile(r"(\d{1,4})\s*[年./\-]\s*(\d{1,2})\s*[月./\-]\s*(\d{1,2})\s*[日号]?" + _TIME)
_MONTH_FIRST = re.compile(r"\d/\d{1,2}/\d{2}")  # 3/9/15: a spreadsheet's American form, or the year 2003
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:\.0)?")
_NUMBER = re.compile(r"(\d{5})(?:\.\d+)?")
_COUNT = r"半|[二三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九]|\d{1,2}"
_LATER = re.compile(rf"({_COUNT})个?(天|日|周|星期|月|年)(?:以|之)?后?")
_SPOKEN = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_OLDEST = date(1990, 1, 1)  # no patient file of today is older
_OLDEST_BIRTH = date(1900, 1, 2)  # 1900-01-01 is what a spreadsheet shows for an empty or zero date


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A distance in time whose start stands in another column."""

    months: int = 0
    days: int = 0

    def after(self, day: date) -> date:
        return add_months(day, months=self.months) + timedelta(days=self.days)


def parse_date(text: str, *, field: str, today: date) -> Parsed[date]:
    """A calendar day, year first: `2013年3月9日`, `25.8.23`, `20260330`, `2026-3-10 00:00:00`, `46091`.

    A year of one or two digits is 20xx, or 19xx where that would be in the future. `3/9/15` is refused: it may be the
    ninth of March.
    """
    if says_unknown(text):
        return Parsed()
    written = plain(text)
    if serial := _NUMBER.fullmatch(written):
        return _of_serial(int(serial[1]), field=field, seen=text)
    parts = _WRITTEN.fullmatch(written) or _COMPACT.fullmatch(written)
    if parts is None or _MONTH_FIRST.fullmatch(written):
        return refusal("date_unreadable", field=field, seen=text)
    year, month, day = (int(part) for part in parts.groups())
    try:
        found = date(_full_year(year, month=month, today=today), month, day)
    except ValueError:
        return refusal("date_impossible", field=field, seen=text)
    return Parsed(value=found)


def parse_past_date(text: str, *, field: str, today: date) -> Parsed[date]:
    """A day on which something happened: between 1990 and today."""
    parsed = parse_date(text, field=field, today=today)
    if parsed.value is None:
        return parsed
    if parsed.value > today:
        return refusal("date_in_future", field=field, seen=text)
    return parsed if parsed.value >= _OLDEST else refusal("date_too_old", field=field, seen=text)


def parse_birth_date(text: str, *, field: str, today: date) -> Parsed[date]:
    """A birth date: after 1900-01-01 and until today."""
    parsed = parse_date(text, field=field, today=today)
    if parsed.value is None or _OLDEST_BIRTH <= parsed.value <= today:
        return parsed
    return refusal("date_in_future" if parsed.value > today else "date_too_old", field=field, seen=text)


def parse_next_date(text: str, *, field: str, today: date) -> Parsed[date | Later]:
    """A day to come again, or how long after the visit: `三个月后`, `6个月后`, `半年后`, `2周后`."""
    parsed = parse_date(text, field=field, today=today)
    later = _later(plain(text)) if parsed.refused else None
    if later is not None:
        return Parsed(value=later)
    if parsed.value is not None and not _OLDEST <= parsed.value <= add_months(today, months=60):
        return refusal("date_out_of_reach", field=field, seen=text)
    return Parsed(value=parsed.value, problems=parsed.problems)


def text_of_day(value: datetime | date) -> str:
    """A date cell as text that `parse_date` reads."""
    return value.strftime("%Y-%m-%d")


def _full_year(year: int, *, month: int, today: date) -> int:
    if year > 99:
        return year
    return 2000 + year if (2000 + year, month) <= (today.year + 10, today.month) else 1900 + year


def _of_serial(number: int, *, field: str, seen: str) -> Parsed[date]:
    """A day that a spreadsheet shows as its number, 1 = 1900-01-01; 20000 to 60000 are 1954 to 2064."""
    found = from_excel(number) if 20000 <= number <= 60000 else None
    if isinstance(found, datetime):
        return Parsed(value=found.date())
    return refusal("date_unreadable", field=field, seen=seen)


def _later(written: str) -> Later | None:
    found = _LATER.fullmatch("".join(written.split()))
    if found is None:
        return None
    amount, unit = found[1], found[2]
    if amount == "半":
        return Later(months=6) if unit == "年" else None
    count = int(amount) if amount.isdigit() else _spoken(amount)
    if unit in {"月", "年"}:
        return Later(months=count * (12 if unit == "年" else 1))
    return Later(days=count * (1 if unit in {"天", "日"} else 7))


def _spoken(word: str) -> int:
    """三 is 3, 十二 is 12, 二十 is 20."""
    tens, ten, ones = word.rpartition("十")
    return (_SPOKEN[tens] if tens else 1) * 10 * len(ten) + (_SPOKEN[ones] if ones else 0)
