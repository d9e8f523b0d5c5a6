"""Finds the header of a sheet and which column is which."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from hcrm_central.connectors.ledger.cells import text_of
from hcrm_central.connectors.ledger.problems import Remark, remark
from hcrm_central.connectors.ledger.profile import IGNORED, Column, Profile, Sheet
from hcrm_central.connectors.ledger.workbook import Cell, OpenSheet
from hcrm_core.errors import Problem, Severity

_HEAD_ROWS = 20  # titles and remarks that people put above a header


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A sheet of the file, recognised as one of the profile's.

    Attributes:
        columns: what each column (counted from 0) is.
        titles: of all columns that have one.
        last_header_row: data begins below.
        remarks: on the sheet as a whole.
        readable: false if a required column is missing.
    """

    opened: OpenSheet
    sheet: Sheet
    columns: dict[int, Column]
    titles: dict[int, str]
    last_header_row: int
    remarks: tuple[Remark, ...]
    readable: bool

    @cached_property
    def _titles_by_field(self) -> dict[str, str]:
        return {column.field: self.titles[index] for index, column in self.columns.items()}

    @cached_property
    def ignored_titles(self) -> set[str]:
        """Titles of columns that say nothing of the person, such as 序号."""
        return {self.titles[index] for index, column in self.columns.items() if column.field == IGNORED}

    def title_of(self, field: str) -> str:
        """The title of the column that fills a field, or holds it: `OD.sphere` may stand in `OD.prescription`."""
        by_field = self._titles_by_field
        whole = f"{field.partition('.')[0]}.prescription"
        return by_field.get(field) or by_field.get(whole) or by_field.get(field.removesuffix("_id"), "")


@dataclass(frozen=True, slots=True)
class _Header:
    last_row: int
    titles: dict[int, str]
    columns: dict[int, Column]
    doubles: tuple[int, ...]

    def missing(self, sheet: Sheet) -> list[Column]:
        return [column for column in sheet.required if column not in self.columns.values()]


def recognise(opened: OpenSheet, *, profile: Profile) -> Layout | None:
    """The sheet's layout: by its name, or else by its titles; None if the profile knows no such sheet."""
    head = [row.cells for row in islice(opened.rows(), _HEAD_ROWS)]
    called = [sheet for sheet in profile.sheets if sheet.is_called(opened.name)]
    candidates = [(sheet, _best_header(head, sheet=sheet)) for sheet in called or profile.sheets]
    sheet, header = max(candidates, key=lambda candidate: len(candidate[1].columns))
    if not called and (header.missing(sheet) or 2 * len(header.columns) < len(sheet.columns)):
        return None
    return _layout(opened, sheet=sheet, header=header, renamed=not called)


def _layout(opened: OpenSheet, *, sheet: Sheet, header: _Header, renamed: bool) -> Layout:
    def place(code: str, *, column: str, severity: Severity, seen: str = "") -> Remark:
        problem = Problem(code=code, field="", severity=severity, parameters={"seen": seen or column})
        return remark(problem, sheet=opened.name, row=max(1, header.last_row), column=column)

    missing = header.missing(sheet)
    found = [place("column_missing", column=column.titles[0], severity=Severity.ERROR) for column in missing]
    unknown = header.titles.keys() - header.columns.keys() - set(header.doubles)
    found += [place("column_unknown", column=header.titles[index], severity=Severity.HINT) for index in sorted(unknown)]
    found += [place("column_repeated", column=header.titles[index], severity=Severity.HINT) for index in header.doubles]
    if opened.is_hidden:
        found.append(place("sheet_hidden", column="", severity=Severity.HINT, seen=opened.name))
    if renamed:
        found.append(place("sheet_recognised_by_titles", column="", severity=Severity.HINT, seen=opened.name))
    return Layout(
        opened=opened,
        sheet=sheet,
        columns=header.columns,
        titles=header.titles,
        last_header_row=header.last_row,
        remarks=tuple(found),
        readable=not missing,
    )


def _best_header(head: Sequence[tuple[Cell, ...]], *, sheet: Sheet) -> _Header:
    """Where most columns are known. A clinic may write one row where the profile says two, and the other way round."""
    heights = (sheet.header_rows, 3 - sheet.header_rows)
    headers = [
        _header(head, start=start, height=height, sheet=sheet)
        for height in heights
        for start in range(max(1, len(head) - height + 1))
    ]
    return max(headers, key=lambda header: len(header.columns))


def _header(head: Sequence[tuple[Cell, ...]], *, start: int, height: int, sheet: Sheet) -> _Header:
    rows = [[text_of(cell).strip() for cell in cells] for cells in head[start : start + height]]
    titles = {index: title for index, title in enumerate(_titles(rows)) if title}
    columns: dict[int, Column] = {}
    doubles = []
    for index, title in titles.items():
        column = next((column for column in sheet.columns if column.answers_to(title)), None)
        if column is not None and column in columns.values():
            doubles.append(index)
        elif column is not None:
            columns[index] = column
    return _Header(start + len(rows), titles, columns, tuple(doubles))


def _titles(rows: list[list[str]]) -> list[str]:
    """Titles of one header row, or of two with a merged upper one: `右眼` above `球镜` is `右眼/球镜`."""
    if len(rows) < 2:
        return rows[0] if rows else []
    upper, lower = rows
    titles, above = [], ""
    for index in range(max(len(upper), len(lower))):
        top = upper[index] if index < len(upper) else ""
        below = lower[index] if index < len(lower) else ""
        above = top or above
        titles.append(f"{above}/{below}" if below and above else below or top)
    return titles
