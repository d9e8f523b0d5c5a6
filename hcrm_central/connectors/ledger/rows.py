"""Reads the rows below a header: values by field, what is wrong with each cell, and which rows are people."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hcrm_central.connectors.ledger.cells import Readers, text_of
from hcrm_central.connectors.ledger.layout import Layout
from hcrm_central.connectors.ledger.problems import Remark, remark
from hcrm_central.connectors.ledger.profile import IGNORED, Column, Profile, folded
from hcrm_central.connectors.ledger.workbook import Row
from hcrm_core.errors import Problem, Severity
from hcrm_core.parsed import Parsed, says_unknown
from hcrm_core.people import Phone, says_same_as_above

_CARRIED = Problem(code="cell_merged", field="", severity=Severity.HINT)


class RowState(StrEnum):
    """What a row is, before anything is done with it."""

    PERSON = "person"
    BLANK = "blank"
    TOTAL = "total"
    HELD = "held"  # who it is about cannot be read: not imported


@dataclass(slots=True, kw_only=True)
class ReadRow:
    """A row, read. `texts` holds what stood in each titled column, as landed."""

    layout: Layout
    number: int
    state: RowState
    values: dict[str, object] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def written(self, field: str) -> str:
        """What stands in the cell that fills a field."""
        return self.texts.get(self.layout.title_of(field), "")

    def add(self, problem: Problem, *, column: str = "") -> None:
        """Add a remark. Its column is the one that fills the problem's field, and what was seen is that cell, unless
        the problem says otherwise."""
        title = column or self.layout.title_of(problem.field)
        seen = {"seen": self.texts.get(title, "")}
        told = replace(problem, parameters=seen | problem.parameters)
        self.remarks.append(remark(told, sheet=self.layout.opened.name, row=self.number, column=title))


class RowReader:
    """Reads one sheet from top to bottom; 同上 refers to the row before."""

    def __init__(self, layout: Layout, *, profile: Profile, readers: Readers) -> None:
        self._layout = layout
        self._total = _total(profile)
        self._sums = {index for index, column in layout.columns.items() if column.parse == "money"}
        self._readers = {index: readers.of(column) for index, column in layout.columns.items()}
        self._above: tuple[str, Phone | None] = ("", None)
        self._merged: dict[int, tuple[int, str]] = {}  # by column: the last row of a merged cell, and what it says

    def rows(self) -> Iterator[ReadRow]:
        """All rows below the header, blank ones and totals too."""
        for row in self._layout.opened.rows():
            if row.number > self._layout.last_header_row:
                yield self._read(row)

    def _read(self, row: Row) -> ReadRow:
        texts = {index: text_of(row.cells[index]) for index in self._layout.titles if index < len(row.cells)}
        read = ReadRow(layout=self._layout, number=row.number, state=self._state(texts))
        carried = self._carried(row.number, texts)
        if read.state is RowState.PERSON:
            texts |= carried
            read.texts = {self._layout.titles[index]: text for index, text in texts.items() if text.strip()}
            self._read_cells(read, texts)
            for index in sorted(carried.keys() & self._readers.keys()):
                read.add(_CARRIED, column=self._layout.titles[index])
        return read

    def _carried(self, number: int, texts: dict[int, str]) -> dict[int, str]:
        """What merged cells of rows above say of this row too. But for money: it would be counted twice."""
        self._merged = {column: (last, text) for column, (last, text) in self._merged.items() if last >= number}
        carried = {column: text for column, (_, text) in self._merged.items() if text.strip()}
        for merge in self._layout.opened.marks.merges.get(number, ()):
            if merge.column not in self._sums:
                self._merged[merge.column] = merge.last, texts.get(merge.column, "")
        return carried

    def _state(self, texts: dict[int, str]) -> RowState:
        if any(self._total.fullmatch(folded(texts.get(index, ""))) for index in range(3)):
            return RowState.TOTAL
        used = (index for index, column in self._layout.columns.items() if column.field != IGNORED)
        return RowState.PERSON if any(texts.get(index, "").strip() for index in used) else RowState.BLANK

    def _read_cells(self, read: ReadRow, texts: dict[int, str]) -> None:
        # The phone last: whether 同上 is meant depends on the guardian.
        for index, column in sorted(self._layout.columns.items(), key=lambda item: item[1].field == "phone"):
            if column.field != IGNORED:
                self._read_cell(read, column=column, text=texts.get(index, ""), index=index)
        self._above = (str(read.values.get("guardian_name") or ""), self._phone(read))
        if read.number in self._layout.opened.marks.hidden_rows:
            read.add(Problem(code="row_hidden", field="", severity=Severity.HINT))

    def _read_cell(self, read: ReadRow, *, column: Column, text: str, index: int) -> None:
        title = self._layout.titles[index]
        if column.field == "phone" and says_same_as_above(text):
            parsed: Parsed[object] = self._same_as_above(read, text)
        else:
            parsed = self._readers[index](text)
        for problem in parsed.problems:
            read.add(problem, column=title)
        if parsed.value is not None:
            read.values[column.field] = parsed.value
        missing = column.required and says_unknown(text)
        if missing:
            read.add(Problem(code="required_missing", field=column.field), column=title)
        if missing or (parsed.refused and column.on_error == "row"):
            read.state = RowState.HELD

    def _same_as_above(self, read: ReadRow, text: str) -> Parsed[object]:
        """The phone of the row above, if the guardian is the same too: a wrong number rings in another family."""
        guardian, phone = self._above
        if phone is not None and guardian and guardian == read.values.get("guardian_name"):
            return Parsed(value=phone)
        problem = Problem(
            code="phone_same_as_above", field="phone", severity=Severity.WARNING, parameters={"seen": text}
        )
        return Parsed(problems=(problem,))

    @staticmethod
    def _phone(read: ReadRow) -> Phone | None:
        phone = read.values.get("phone")
        return phone if isinstance(phone, Phone) else None


def _total(profile: Profile) -> re.Pattern[str]:
    """合计 and how people write it: `本月合计`, `合计：`, `合计 12人`. Never a text that only begins with the word."""
    words = "|".join(re.escape(folded(word)) for word in profile.totals)
    return re.compile(rf"(?:(?:本|\d+)?[年月季周页])*(?:{words})[\W\d]*[人例名元户笔行]?\W*" if words else r"(?!)")
