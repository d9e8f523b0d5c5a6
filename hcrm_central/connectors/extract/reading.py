"""Read one file of an extract and check every cell. Nothing is guessed: a row with a bad cell is set aside whole."""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from hcrm_central.connectors.extract.feeds import EARLIEST, Column, Feed, Kind
from hcrm_central.connectors.extract.manifest import ExtractFile
from hcrm_central.connectors.extract.report import RowProblem
from hcrm_core.errors import Rejected, Severity

ROW = "__row"  # as a spreadsheet counts, the header being 1
_NUMBER = r"^[+-]?\d{1,9}(\.\d{1,9})?$"
_WHOLE = r"^[+-]?\d{1,9}$"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
_INSTANT = rf"^\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK}(Z|[+-](0\d|1[0-4]):?[0-5]\d)$"
_PHONE = r"^\+?\d{5,15}$"
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Ids of the organisation by kind (`site`, `staff`, `department`) and code."""

    ids: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One file as read: its sound rows as text, and remarks on the others."""

    rows: int
    sound: pl.DataFrame
    problems: list[RowProblem]


def read_feed(path: Path, file: ExtractFile, feed: Feed, *, as_of: date, codes: Codes) -> Read:
    """Read and check one file.

    Args:
        path: the file.
        file: what the manifest says about it.
        feed: what its columns are.
        as_of: the extract's day; what has happened cannot lie after it.
        codes: the organisation.

    Raises:
        Rejected: `file_unreadable`, `columns_missing` or `rows_missing`: the whole file is in doubt.
    """
    raw = _rows(path, file)
    present = [column for column in feed.columns if column.name in raw.columns]
    missing = [column.name for column in feed.columns if column.required and column not in present]
    if missing:
        raise Rejected("columns_missing", f"{file.name} has no column {', '.join(missing)}")
    if raw.height != file.rows:
        raise Rejected("rows_missing", f"{file.name} has {raw.height} rows, its manifest says {file.rows}")
    frame = raw.select(ROW, *(_trimmed(column, present=column in present) for column in feed.columns))
    strange = sorted(set(raw.columns) - {ROW} - {column.name for column in feed.columns})
    problems = [
        RowProblem(file=file.name, row=1, column=name, code="unknown_column", severity=Severity.HINT)
        for name in strange
    ]
    errors = [one for column in feed.columns for one in _remarks(frame, column, file=file, as_of=as_of, codes=codes)]
    errors += _repeated(frame, file=file)
    sound = frame.filter(~pl.col(ROW).is_in(list({one.row for one in errors})))
    sound, warnings = _without_useless(sound, feed, file=file, codes=codes)
    return Read(rows=frame.height, sound=sound, problems=problems + errors + warnings)


def _rows(path: Path, file: ExtractFile) -> pl.DataFrame:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        frame = pl.read_csv(io.BytesIO(content), infer_schema=False, encoding="utf8")
    except pl.exceptions.NoDataError:
        raise Rejected("file_unreadable", f"{file.name} is empty: even a feed without rows has a header") from None
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        # The library's own message may quote the row, which is patient data.
        raise Rejected("file_unreadable", f"{file.name} is no sound CSV in UTF-8 ({type(error).__name__})") from None
    return frame.rename({name: name.strip().removeprefix("﻿") for name in frame.columns}).with_row_index(ROW, offset=2)


def _trimmed(column: Column, *, present: bool) -> pl.Expr:
    """The cell without surrounding blanks; an empty one is unknown."""
    if not present:
        return pl.lit(None, dtype=pl.String).alias(column.name)
    text = pl.col(column.name).str.strip_chars()
    return pl.when(text != "").then(text).alias(column.name)


def _remarks(
    frame: pl.DataFrame, column: Column, *, file: ExtractFile, as_of: date, codes: Codes
) -> Iterator[RowProblem]:
    """Everything that is wrong with one column, one remark for each row."""
    checks = _checks(column, as_of=as_of, codes=codes)
    code = pl.lit(None, dtype=pl.String)
    for name, wrong in reversed(checks):  # the first that applies is told
        code = pl.when(wrong.fill_null(value=False)).then(pl.lit(name)).otherwise(code)
    found = frame.select(ROW, seen=pl.col(column.name), code=code).drop_nulls("code")
    for row, seen, said in found.iter_rows():
        yield RowProblem(file=file.name, row=row, column=column.name, code=said, seen=(seen or "")[:200])


def _checks(column: Column, *, as_of: date, codes: Codes) -> list[tuple[str, pl.Expr]]:
    """Codes of problems, and where each applies."""
    cell = pl.col(column.name)
    checks = [("required_missing", cell.is_null())] if column.required else []
    if column.words is not None:
        return [*checks, ("unknown_word", ~cell.is_in([word.value for word in column.words]))]
    if column.refers == "site":
        return [*checks, ("unknown_site", ~cell.is_in(list(codes.ids["site"])))]
    return [*checks, *_by_kind(column, cell=cell, as_of=as_of)]


def _by_kind(column: Column, *, cell: pl.Expr, as_of: date) -> list[tuple[str, pl.Expr]]:
    if column.kind is Kind.DAY:
        day = cell.str.to_date("%Y-%m-%d", strict=False)
        unreadable = cell.is_not_null() & (day.is_null() | (cell.str.len_chars() != len("2026-11-22")))
        later = [("date_in_future", day > as_of)] if column.past else []
        # Days are written so that their texts stand in their order.
        earlier = [("date_before_start", cell < pl.col(column.since))] if column.since else []
        return [("date_unreadable", unreadable), ("date_too_early", day < EARLIEST), *later, *earlier]
    if column.kind is Kind.INSTANT:
        day = cell.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        unreadable = ~cell.str.contains(_INSTANT) | (cell.is_not_null() & day.is_null())
        return [("instant_unreadable", unreadable), ("date_in_future", day > as_of)]
    if column.kind is Kind.FLAG:
        return [("flag_unreadable", ~cell.is_in(["true", "false"]))]
    if column.kind in (Kind.WHOLE, Kind.DECIMAL):
        pattern = _WHOLE if column.kind is Kind.WHOLE else _NUMBER
        low, high = column.bounds or (float("-inf"), float("inf"))
        number = cell.cast(pl.Float64, strict=False)
        return [("number_unreadable", ~cell.str.contains(pattern)), ("out_of_range", ~number.is_between(low, high))]
    return [("bad_character", cell.str.contains(_CONTROL)), ("too_long", cell.str.len_chars() > column.longest)]


def _repeated(frame: pl.DataFrame, *, file: ExtractFile) -> Iterator[RowProblem]:
    again = frame.filter(pl.col("key").is_not_null() & ~pl.col("key").is_first_distinct())
    for row, key in again.select(ROW, "key").iter_rows():
        yield RowProblem(file=file.name, row=row, column="key", code="duplicate_key", seen=key[:200])


def _without_useless(
    frame: pl.DataFrame, feed: Feed, *, file: ExtractFile, codes: Codes
) -> tuple[pl.DataFrame, list[RowProblem]]:
    """Cells that only lose a link become unknown; the row stays, and is taken up again once the cell is good."""
    problems: list[RowProblem] = []
    for column in feed.columns:
        code, useless = _useless(column, codes=codes)
        if not code:
            continue
        found = frame.filter(useless).group_by(column.name).agg(pl.col(ROW).min(), pl.len()).sort(ROW)
        for seen, row, many in found.iter_rows():
            warning = RowProblem(
                file=file.name,
                row=row,
                column=column.name,
                code=code,
                severity=Severity.WARNING,
                seen=f"{seen[:80]} ({many})",
            )
            problems.append(warning)
        frame = frame.with_columns(pl.when(~useless).then(pl.col(column.name)).alias(column.name))
    return frame, problems


def _useless(column: Column, *, codes: Codes) -> tuple[str, pl.Expr]:
    """The problem's code, and where it applies; no code if the column cannot have this problem."""
    cell = pl.col(column.name)
    if column.refers in ("staff", "department"):
        return f"unknown_{column.refers}", cell.is_not_null() & ~cell.is_in(list(codes.ids[column.refers]))
    if column.name == "phone":
        return "phone_unreadable", cell.is_not_null() & ~cell.str.contains(_PHONE)
    return "", pl.lit(value=False)
