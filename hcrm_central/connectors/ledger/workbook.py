"""Opens a workbook for reading row by row, and says what is wrong when it is none."""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils import column_index_from_string
from openpyxl.utils.exceptions import InvalidFileException

from hcrm_central.connectors.ledger.refused import LedgerRefused

MAX_UNPACKED_BYTES = 2 * 1024**3  # a hundred thousand rows are a tenth of this; more is no ledger
_OLE = b"\xd0\xcf\x11\xe0"  # .xls, and every workbook with a password
UNCALCULATED = "#CALC!"  # stands for a formula whose result the file does not hold: nothing would be a silent loss
_MERGED = re.compile(rb'<mergeCell [^>]*\bref="([A-Z]{1,3})(\d+):[A-Z]{1,3}(\d+)"')
_FORMULA = re.compile(
    rb'<c (?![^>]*\bt="str")[^>]*\br="([A-Z]{1,3})(\d+)"[^>]*>'  # a formula whose result is empty text says so
    rb"<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>"
)
_LONGEST_CELL = 9000  # bytes of a cell with the longest formula
_HIDDEN_ROW = re.compile(rb'<row (?=[^>]*\bhidden="(?:1|true)")[^>]*\br="(\d+)"')
_CHUNK = 1 << 20

Cell = str | int | float | bool | date | datetime | time | timedelta | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """A cell that reaches over several rows; what it says stands in its first one only. Columns count from 0."""

    column: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What the streaming reader does not tell of a sheet."""

    hidden_rows: set[int] = field(default_factory=set)
    merges: dict[int, set[Merge]] = field(default_factory=dict)  # by first row
    uncalculated: dict[int, set[int]] = field(default_factory=dict)  # columns by row

    def note(self, block: bytes) -> None:
        """Note what stands in a piece of the sheet's part. A piece may be seen twice."""
        self.hidden_rows.update(int(match[1]) for match in _HIDDEN_ROW.finditer(block))
        for column, first, last in _MERGED.findall(block):
            if first != last:
                self.merges.setdefault(int(first), set()).add(Merge(_index(column), int(first), int(last)))
        for column, row in _FORMULA.findall(block):
            self.uncalculated.setdefault(int(row), set()).add(_index(column))


@dataclass(frozen=True, slots=True)
class OpenSheet:
    """A visible or hidden sheet of an open workbook."""

    name: str
    is_hidden: bool
    marks: Marks
    _sheet: Any  # why Any: openpyxl's read-only worksheet has no public type

    def rows(self) -> Iterator[Row]:
        """All rows from the first; each call reads the file again."""
        self._sheet.reset_dimensions()  # files of other programs claim a wrong size
        for number, cells in enumerate(self._sheet.iter_rows(values_only=True), 1):
            missing = self.marks.uncalculated.get(number, set[int]())
            yield Row(number, tuple(UNCALCULATED if index in missing else cell for index, cell in enumerate(cells)))


@contextmanager
def open_workbook(path: Path) -> Iterator[list[OpenSheet]]:
    """The sheets of an .xlsx file; nothing is held in memory but the row being read.

    Raises:
        LedgerRefused: if the file is missing, empty, protected, too big or no .xlsx workbook.
    """
    _check(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of extensions that reading does not need
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, ParseError) as failure:
        raise _damaged(path) from failure
    try:
        yield [_sheet(path, sheet) for sheet in workbook.worksheets]
    except (zipfile.BadZipFile, ParseError, zlib.error) as failure:
        raise _damaged(path) from failure
    finally:
        workbook.close()


def _sheet(path: Path, sheet: Any) -> OpenSheet:  # Any: see OpenSheet
    marks = _marks(path, sheet._worksheet_path)  # noqa: SLF001 - no public name
    return OpenSheet(sheet.title, sheet.sheet_state != "visible", marks, sheet)


def _marks(path: Path, part: str) -> Marks:
    marks = Marks()
    with zipfile.ZipFile(path) as archive, archive.open(part.lstrip("/")) as stream:
        rest = b""
        while chunk := stream.read(_CHUNK):
            block = rest + chunk
            marks.note(block)
            rest = block[-_LONGEST_CELL:]  # a cell may be cut in two
    return marks


def _index(letters: bytes) -> int:
    return column_index_from_string(letters.decode()) - 1


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as failure:
        raise LedgerRefused(f"{path.name} cannot be opened", remedy="check the path and close it in Excel") from failure
    if head == _OLE:
        raise LedgerRefused(
            f"{path.name} is protected by a password or is an old .xls file",
            remedy="open it in Excel, remove the password and save it as .xlsx",
        )
    if head[:2] != b"PK":
        raise LedgerRefused(f"{path.name} is not an Excel workbook", remedy="open it in Excel and save it as .xlsx")
    _check_size(path)


def _check_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as failure:
        raise _damaged(path) from failure
    if size > MAX_UNPACKED_BYTES:
        raise LedgerRefused(f"{path.name} is too big", remedy="split it into files of at most 100,000 rows")


def _damaged(path: Path) -> LedgerRefused:
    remedy = "open it in Excel, let it repair the file and save it as .xlsx"
    return LedgerRefused(f"{path.name} is damaged or no Excel workbook", remedy=remedy)
