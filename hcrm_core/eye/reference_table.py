"""Reads a table of axial length percentiles as a clinic may lay it down: a head that names its source, then rows.

Every problem of a file is told at once, by row and column; a file with a problem is not used.
"""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from hcrm_core.errors import Problem
from hcrm_core.eye.percentiles import AxialLengthReference, LmsRow, PercentileRow
from hcrm_core.parsed import Parsed
from hcrm_core.terms import Sex

HEAD = ("name", "version", "citation", "licence", "ages", "population")
LMS = ("sex", "age_years", "l", "m_mm", "s")
DRAWN = (5, 10, 25, 50, 75, 90, 95)  # the bands of a chart: a table of percentiles has these at least
_LEAST_MM, _MOST_MM = 15, 35  # plausibility of an axial length, reference pack §3
_OLDEST = 120

_Row = Mapping[str, str]


def read_reference(text: str) -> Parsed[AxialLengthReference]:
    """A table in one of two forms: columns sex, age_years, l, m_mm, s, or sex, age_years, P5, P10, … P95.

    Returns:
        The table, or every problem; `field` is a head's key, ``"columns"`` or ``"row 7, m_mm"``, rows counted in the
        file from 1.
    """
    head, lines = _head(text)
    numbers = [number for number, _ in lines]
    reader = csv.DictReader(line for _, line in lines)
    columns = tuple(name.strip() for name in reader.fieldnames or ())
    reader.fieldnames = columns
    problems = [*_head_problems(head), *_column_problems(columns)]
    if problems:
        return Parsed(problems=tuple(problems))
    rows = {numbers[n]: _plain(row) for n, row in enumerate(reader, start=1)}
    problems = [*_row_problems(rows, columns)] or [*_table_problems(rows)]
    if problems:
        return Parsed(problems=tuple(problems))
    table = AxialLengthReference(
        name=head["name"],
        version=head["version"],
        citation=head["citation"],
        licence=head["licence"],
        population=head["population"],
        rows=_rows(list(rows.values()), columns),
    )
    first, last = _ages(head["ages"])
    ages = sorted(row.age_years for row in table.rows)
    if (ages[0], ages[-1]) != (first, last):
        seen = f"{ages[0]}-{ages[-1]}"
        return Parsed(problems=(Problem(code="ages_differ", field="ages", parameters={"seen": seen}),))
    return Parsed(value=table)


def _head(text: str) -> tuple[dict[str, str], list[tuple[int, str]]]:
    numbered = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    marked = (line.lstrip("# ").partition(":") for _, line in numbered if line.startswith("#"))
    head = {key.strip().lower(): value.strip() for key, colon, value in marked if colon}
    return head, [(number, line) for number, line in numbered if not line.startswith("#")]


def _head_problems(head: Mapping[str, str]) -> Iterator[Problem]:
    for key in HEAD:
        if not head.get(key):
            yield Problem(code="head_missing", field=key)
    if head.get("ages") and not re.fullmatch(_AGES, head["ages"]):
        yield Problem(code="ages_unreadable", field="ages", parameters={"seen": head["ages"]})


_AGES = r"(\d{1,3}(?:\.\d)?)\s*[-–]\s*(\d{1,3}(?:\.\d)?)"


def _ages(text: str) -> tuple[Decimal, Decimal]:
    found = re.fullmatch(_AGES, text)
    assert found is not None
    return Decimal(found[1]), Decimal(found[2])


def _column_problems(columns: Sequence[str]) -> Iterator[Problem]:
    if set(LMS) <= set(columns):
        return
    missing = [f"P{percent}" for percent in DRAWN if f"P{percent}" not in columns]
    missing += [name for name in LMS[:2] if name not in columns]
    if missing:
        yield Problem(code="columns_missing", field="columns", parameters={"missing": ", ".join(missing)})


def _row_problems(rows: Mapping[int, _Row], columns: Sequence[str]) -> Iterator[Problem]:
    numeric = [*_percents(columns).values()] if not set(LMS) <= set(columns) else list(LMS[2:])
    for number, row in rows.items():
        if row.get("sex") not in set(Sex):
            yield _problem("sex_unreadable", number, "sex", row)
        if not _is_number(row.get("age_years"), most=_OLDEST):
            yield _problem("number_unreadable", number, "age_years", row)
        broken = [name for name in numeric if not _is_number(row.get(name))]
        yield from (_problem("number_unreadable", number, name, row) for name in broken)
        if not broken:
            yield from _value_problems(number, row, numeric)


def _value_problems(number: int, row: _Row, numeric: Sequence[str]) -> Iterator[Problem]:
    lengths = [name for name in numeric if name == "m_mm" or name.startswith("P")]
    for name in lengths:
        if not _LEAST_MM <= float(row[name]) <= _MOST_MM:
            yield _problem("out_of_range", number, name, row)
    for lower, higher in pairwise(lengths):
        if float(row[lower]) >= float(row[higher]):
            yield _problem("not_ascending", number, higher, row)
    if "s" in numeric and not 0 < float(row["s"]) < 1:
        yield _problem("out_of_range", number, "s", row)


def _table_problems(rows: Mapping[int, _Row]) -> Iterator[Problem]:
    """An age given twice for a sex, and a sex with fewer than two ages."""
    seen: set[tuple[str, Decimal]] = set()
    for number, row in rows.items():
        key = (row["sex"], Decimal(row["age_years"]))
        if key in seen:
            yield _problem("age_twice", number, "age_years", row)
        seen.add(key)
    for sex in Sex:
        if sum(one == sex for one, _ in seen) < 2:
            yield Problem(code="too_few_rows", field="sex", parameters={"seen": sex.value})


def _rows(rows: Sequence[_Row], columns: Sequence[str]) -> tuple[LmsRow, ...] | tuple[PercentileRow, ...]:
    if set(LMS) <= set(columns):
        return tuple(
            LmsRow(
                sex=Sex(row["sex"]),
                age_years=Decimal(row["age_years"]),
                l=float(row["l"]),
                m_mm=float(row["m_mm"]),
                s=float(row["s"]),
            )
            for row in rows
        )
    percents = _percents(columns)
    return tuple(
        PercentileRow(
            sex=Sex(row["sex"]),
            age_years=Decimal(row["age_years"]),
            lengths=tuple((percent, float(row[name])) for percent, name in percents.items()),
        )
        for row in rows
    )


def _percents(columns: Sequence[str]) -> dict[int, str]:
    """Percentile by column, ascending."""
    found = {int(name[1:]): name for name in columns if re.fullmatch(r"P[1-9]\d?", name)}
    return dict(sorted(found.items()))


def _plain(row: Mapping[str | None, str | list[str] | None]) -> _Row:
    return {name: value.strip() for name, value in row.items() if name is not None and isinstance(value, str)}


def _is_number(text: str | None, *, most: float = math.inf) -> bool:
    try:
        return text is not None and Decimal(text).is_finite() and float(text) <= most
    except InvalidOperation:
        return False


def _problem(code: str, number: int, column: str, row: _Row) -> Problem:
    return Problem(code=code, field=f"row {number}, {column}", parameters={"seen": row.get(column, "")})
