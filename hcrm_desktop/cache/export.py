"""Entries that are not at the centre, in a file a person can carry: the last way out of a computer that stays off line.

Only the own account's entries, and of each only what the role may see: the file leaves the encrypted folder.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

import openpyxl
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_core.errors import StoreUnusable
from hcrm_core.terms import Role
from hcrm_core.wire import Json, OperationKind
from hcrm_desktop.cache.queries.status import signed_in, unsent_items
from hcrm_desktop.cache.rows import UnsentItem
from hcrm_desktop.cache.tables import OPERATION
from hcrm_store.kinds import columns_for

LONGEST_CELL = 32_000  # a cell holds 32,767 characters
_ROWS = {  # of which kind of row each entry is made
    OperationKind.RECORD_OUTCOME: "follow_up",
    OperationKind.SNOOZE_TASK: "follow_up",
    OperationKind.RECORD_FOLLOW_UP: "follow_up",
    OperationKind.RECORD_EXAM: "exam",
    OperationKind.PICK_EXAM: "exam",
    OperationKind.VOID_EXAM: "exam",
    OperationKind.RECORD_MEDICATION: "medication",
    OperationKind.END_MEDICATION: "medication",
}
_OF_THE_ENTRY = frozenset({"eyes", "keep_all", "until"})  # columns of no row


def unsent_of_own(session: Session) -> list[UnsentItem]:
    """Entries of who is signed in, each cut down to what the role may see; nothing if nobody is."""
    person = signed_in(session)
    if person is None:
        return []
    mine = set(session.scalars(select(OPERATION.c.op_id).where(OPERATION.c.account_id == person.account_id)))
    return [visible(item, person.role) for item in unsent_items(session) if item.op_id in mine]


def write_sheet(_: Session, *, path: Path, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> Path:
    """Write a sheet of texts; it appears whole or not at all. No cell is ever read as a formula.

    Raises:
        StoreUnusable: the file cannot be written there.
    """
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    for column, width in zip("ABCDEF", (10, 10, 12, 18, 40, 80), strict=True):
        sheet.column_dimensions[column].width = width
    sheet.append([_cell(sheet, text, bold=True) for text in headings])
    for line in lines:
        sheet.append([_cell(sheet, text) for text in line])
    written, half = BytesIO(), path.with_name(f".{path.name}.half")
    book.save(written)
    try:
        half.write_bytes(written.getvalue())
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise StoreUnusable(
            f"the file cannot be written ({type(error).__name__})", remedy="close it elsewhere or choose another folder"
        ) from None
    return path


def visible(item: UnsentItem, role: Role) -> UnsentItem:
    """An entry with nothing in it that the role's profile does not hold, whoever entered it and in which role."""
    theirs = tuple(one for one in item.theirs if _may_see(one.field, role))
    return dataclasses.replace(item, body=_visible_body(item.kind, item.body, role=role), theirs=theirs)


def _visible_body(kind: str, body: Json, *, role: Role) -> Json:
    if kind == OperationKind.EDIT_CUSTOMER:
        return {"edits": [edit for edit in body["edits"] if _may_see(f"{edit['row']}.{edit['field']}", role)]}
    columns = {*columns_for(_ROWS[OperationKind(kind)], role), *_OF_THE_ENTRY}
    if "amend_reason" in columns:
        columns.add("reason")
    seen = {name: value for name, value in body.items() if name in columns}
    if "eyes" in seen:
        measured = columns_for("eye_measurement", role)
        seen["eyes"] = [{name: value for name, value in eye.items() if name in measured} for eye in seen["eyes"]]
    return seen


def _may_see(path: str, role: Role) -> bool:
    """Whether a field of a person's row ("guardian.phone") is in the profile; a state or an id always is."""
    row, _, field = path.rpartition(".")
    return row not in ("customer", "guardian") or field in columns_for(row, role)


def _cell(sheet: WriteOnlyWorksheet, text: str, *, bold: bool = False) -> Cell:
    """A text that stays a text, though it begins like a formula and even when the file is edited on."""
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text)[:LONGEST_CELL])
    cell.data_type = "s"
    cell.quotePrefix = True
    cell.font = Font(bold=bold)
    return cell
