"""Cells to values: what stands in a cell as text, and the readers that a profile names."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, partial

from hcrm_central.connectors.ledger.dates import parse_birth_date, parse_next_date, parse_past_date, text_of_day
from hcrm_central.connectors.ledger.profile import Column, folded
from hcrm_central.connectors.ledger.workbook import UNCALCULATED, Cell
from hcrm_core.eye import notation
from hcrm_core.parsed import Parsed, plain, refusal, says_unknown
from hcrm_core.people import parse_name, parse_national_id, parse_phone

MAX_TEXT = 2000
_MONEY = re.compile(r"\d{1,7}(?:\.\d{0,12})?")
_CELL_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"}

Reader = Callable[[str], Parsed[object]]


def text_of(cell: Cell) -> str:
    """A cell as the text a person sees, without the spreadsheet's own embellishments."""
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return text_of_day(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**15:
        return str(int(cell))
    return str(cell).replace("\x00", "")  # which no database text may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The readers of one import. Text read once is remembered, because ledgers repeat themselves."""

    today: date

    def of(self, column: Column) -> Reader:
        """The reader that a column declares."""
        field = column.field
        if column.parse == "word":
            read: Reader = partial(parse_word, field=field, words=column.words)
        elif column.parse in _DATES:
            read = partial(_DATES[column.parse], field=field, today=self.today)
        else:
            read = partial(_READERS[column.parse], field=field)
        return lru_cache(maxsize=8192)(partial(_guarded, read=read, field=field))


def parse_word(text: str, *, field: str, words: dict[str, str]) -> Parsed[str]:
    """One of the words a profile declares."""
    if says_unknown(text):
        return Parsed()
    meaning = words.get(folded(text))
    return Parsed(value=meaning) if meaning is not None else refusal("word_unknown", field=field, seen=text)


def parse_text(text: str, *, field: str) -> Parsed[str]:
    """Free text, at most 2000 characters."""
    if says_unknown(text):
        return Parsed()
    written = " ".join(plain(text).split())
    return Parsed(value=written) if len(written) <= MAX_TEXT else refusal("text_too_long", field=field, seen=text[:50])


def parse_money(text: str, *, field: str) -> Parsed[Decimal]:
    """Yuan to the fen: `￥2680`, `1,980`, `3680元`."""
    if says_unknown(text):
        return Parsed()
    written = plain(text).strip("¥￥元 ").replace(",", "")
    if not _MONEY.fullmatch(written):
        return refusal("money_unreadable", field=field, seen=text)
    return Parsed(value=Decimal(written).quantize(Decimal("0.01")))


def _guarded(text: str, *, read: Reader, field: str) -> Parsed[object]:
    if text == UNCALCULATED:
        return refusal("formula_uncalculated", field=field, seen=text)
    if text in _CELL_ERRORS:
        return refusal("cell_error", field=field, seen=text)
    return read(text)


_READERS: dict[str, Callable[..., Parsed[object]]] = {
    "text": parse_text,
    "money": parse_money,
    "name": parse_name,
    "phone": parse_phone,
    "national_id": parse_national_id,
    "acuity": notation.parse_acuity,
    "diopters": notation.parse_diopters,
    "axis": notation.parse_axis,
    "refraction": notation.parse_refraction,
    "axial_length": notation.parse_axial_length,
    "keratometry": notation.parse_keratometry,
    "pressure": notation.parse_intraocular_pressure,
    "thickness": notation.parse_corneal_thickness,
}
_DATES: dict[str, Callable[..., Parsed[object]]] = {
    "past_date": parse_past_date,
    "birth_date": parse_birth_date,
    "next_date": parse_next_date,
}
