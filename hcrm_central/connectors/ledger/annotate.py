"""The error workbook: a copy of the ledger with the problem cells coloured and a column that says what to do."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from hcrm_central.connectors.ledger.problems import Remark, heading
from hcrm_central.connectors.ledger.refused import LedgerRefused
from hcrm_core.errors import Severity

_FILLS = {
    Severity.ERROR: PatternFill("solid", fgColor="F8CBAD"),
    Severity.WARNING: PatternFill("solid", fgColor="FFE699"),
    Severity.HINT: PatternFill("solid", fgColor="DDEBF7"),
}
_WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.HINT)
_REASON_WIDTH = 80
_HEAD_ROWS = 22


def write_error_workbook(path: Path, *, remarks: Sequence[Remark], target: Path) -> None:
    """Copy the ledger to `target`, layout and all, with every remark at its row and its cell coloured by severity.

    Raises:
        LedgerRefused: if the target cannot be written.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of extensions that a copy does not need
        workbook = openpyxl.load_workbook(path)
    for sheet in workbook.worksheets:
        _annotate(sheet, [remark for remark in remarks if remark.sheet == sheet.title])
    try:
        workbook.save(target)
    except OSError as failure:
        raise _unwritable(target) from failure


def check_writable(target: Path) -> None:
    """Find out before an import, not after it, that the error workbook cannot be written.

    Raises:
        LedgerRefused: if the target cannot be written.
    """
    was_there = target.exists()
    try:
        target.open("ab").close()
    except OSError as failure:
        raise _unwritable(target) from failure
    if not was_there:
        target.unlink()


def _unwritable(target: Path) -> LedgerRefused:
    remedy = "close it in Excel or name another with --errors"
    return LedgerRefused(f"the error workbook {target.name} cannot be written", remedy=remedy)


def _annotate(sheet: Worksheet, remarks: Iterable[Remark]) -> None:
    by_row: dict[int, list[Remark]] = {}
    for remark in remarks:
        by_row.setdefault(remark.row, []).append(remark)
    if not by_row:
        return
    columns = _columns(sheet, {remark.column for found in by_row.values() for remark in found if remark.column})
    reason = sheet.max_column + 1
    sheet.column_dimensions[get_column_letter(reason)].width = _REASON_WIDTH
    for row, found in by_row.items():
        _say(sheet.cell(row, reason), found)
        for remark in sorted(found, key=lambda one: _WORST_FIRST.index(one.severity), reverse=True):
            if remark.column in columns:
                _colour(sheet.cell(row, columns[remark.column]), remark.severity)
    title = sheet.cell(1, reason)
    if title.value is None:
        title.value, title.font = heading("reasons"), Font(bold=True)


def _say(cell: object, remarks: list[Remark]) -> None:
    assert isinstance(cell, Cell)
    lines = [f"【{remark.column}】{remark.remedy}" if remark.column else remark.remedy for remark in remarks]
    cell.value = "\n".join(lines)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    cell.fill = _FILLS[min((remark.severity for remark in remarks), key=_WORST_FIRST.index)]


def _colour(cell: object, severity: Severity) -> None:
    if isinstance(cell, Cell):  # a merged cell has no style of its own
        cell.fill = _FILLS[severity]


def _columns(sheet: Worksheet, titles: set[str]) -> dict[str, int]:
    """Column numbers by the titles that remarks name (`右眼/球镜` of a two-row header)."""
    found: dict[str, int] = {}
    above: tuple[str, ...] = ()
    for values in sheet.iter_rows(max_row=_HEAD_ROWS, values_only=True):
        row = tuple("" if value is None else str(value).strip() for value in values)
        carried = ""
        for index, said in enumerate(row):
            carried = (above[index] if above else "") or carried
            for title in {said, f"{carried}/{said}"} & titles:
                found.setdefault(title, index + 1)
        above = row
    return found
