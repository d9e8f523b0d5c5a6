"""Dates as ledgers hold them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm_central.connectors.ledger.dates import Later, parse_birth_date, parse_date, parse_next_date, parse_past_date

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2013年3月9日", date(2013, 3, 9)),
        ("20260330", date(2026, 3, 30)),
        ("25.8.23", date(2025, 8, 23)),
        ("2015.3.11", date(2015, 3, 11)),
        ("2025/01/21", date(2025, 1, 21)),
        ("2026-3-10 ", date(2026, 3, 10)),
        ("2026-03-10 00:00:00", date(2026, 3, 10)),
        ("２０１４．９．６", date(2014, 9, 6)),
        ("7.8.25", date(2007, 8, 25)),
        ("99.5.1", date(1999, 5, 1)),
        ("15/9/3", date(2015, 9, 3)),
        ("46091", date(2026, 3, 10)),
        ("20260330.0", date(2026, 3, 30)),
        ("2020-02-29", date(2020, 2, 29)),
    ],
)
def test_a_day_is_read_in_every_notation(text: str, day: date) -> None:
    assert parse_date(text, field="filed_on", today=TODAY).value == day


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2019-02-30", "date_impossible"),
        ("2025-13-01", "date_impossible"),
        ("2021-02-29", "date_impossible"),
        ("2025年8月", "date_unreadable"),
        ("19999", "date_unreadable"),
        ("60001", "date_unreadable"),
        ("明天", "date_unreadable"),
        ("3/9/15", "date_unreadable"),
        ("2025-8-1-2", "date_unreadable"),
    ],
)
def test_what_is_no_day_is_refused(text: str, code: str) -> None:
    parsed = parse_date(text, field="filed_on", today=TODAY)
    assert (parsed.value, [problem.code for problem in parsed.problems]) == (None, [code])


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("2026-11-22", []),
        ("2026-11-23", ["date_in_future"]),
        ("1990-01-01", []),
        ("1989-12-31", ["date_too_old"]),
        ("未测", []),
    ],
)
def test_what_happened_happened_between_1990_and_today(text: str, codes: list[str]) -> None:
    parsed = parse_past_date(text, field="filed_on", today=TODAY)
    assert [problem.code for problem in parsed.problems] == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [("1900-01-02", []), ("1900-01-01", ["date_too_old"]), ("2026-11-22", []), ("2026-11-23", ["date_in_future"])],
)
def test_people_are_born_between_1900_and_today(text: str, codes: list[str]) -> None:
    parsed = parse_birth_date(text, field="birth_date", today=TODAY)
    assert [problem.code for problem in parsed.problems] == codes


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("三个月后", Later(months=3)),
        ("6个月后", Later(months=6)),
        ("十二个月后", Later(months=12)),
        ("半年后", Later(months=6)),
        ("一年后", Later(months=12)),
        ("两周后", Later(days=14)),
        ("2 周 后", Later(days=14)),
        ("10天以后", Later(days=10)),
        ("二十天后", Later(days=20)),
        ("1星期", Later(days=7)),
    ],
)
def test_a_distance_waits_for_its_start(text: str, later: Later) -> None:
    assert parse_next_date(text, field="next_check", today=TODAY).value == later


def test_a_distance_ends_where_the_month_ends() -> None:
    assert Later(months=3).after(date(2026, 11, 30)) == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("text", "codes"), [("2031-11-22", []), ("2031-11-23", ["date_out_of_reach"]), ("很久以后", ["date_unreadable"])]
)
def test_a_next_visit_is_within_five_years(text: str, codes: list[str]) -> None:
    parsed = parse_next_date(text, field="next_check", today=TODAY)
    assert [problem.code for problem in parsed.problems] == codes


@given(
    st.dates(date(1990, 1, 1), TODAY), st.sampled_from(["%Y年%m月%d日", "%Y.%m.%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d"])
)
def test_every_written_day_is_read_as_it_was(day: date, notation: str) -> None:
    assert parse_past_date(day.strftime(notation), field="filed_on", today=TODAY).value == day


@given(st.text(max_size=20))
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    parse_next_date(text, field="next_check", today=TODAY)
    parse_birth_date(text, field="birth_date", today=TODAY)
