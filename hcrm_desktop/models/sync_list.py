"""What can be done about an entry that is not settled, and the examinations that two of them are about."""

from typing import TYPE_CHECKING
from uuid import UUID

from hcrm_core.wire import OperationKind
from hcrm_desktop.cache.rows import Delivery, ExamRow, UnsentItem

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

EXAM = "exam"  # the field of a Theirs whose values are ids of examinations


def read_exams(session: "Session", customer_id: UUID) -> dict[str, ExamRow]:
    """The customer's examinations by id. Runs in a reader."""
    from hcrm_desktop.cache.queries.history import exams_of

    return {str(exam.id): exam for exam in exams_of(session, customer_id)}


def is_about_exams(item: UnsentItem) -> bool:
    """Whether two examinations stand side by side."""
    return any(one.field == EXAM for one in item.theirs)


def is_own(item: UnsentItem) -> bool:
    """Whether who is signed in entered it. Of what others entered here only the head is shown."""
    return item.row_id is not None


def choices(item: UnsentItem) -> tuple[str, ...]:
    """What a person can do about an entry: names of commands, the usual one first. None for what goes by itself."""
    if not is_own(item):
        return ()
    if item.delivery is Delivery.REVIEW:
        return ("release_recovered", "drop_recovered")
    if item.delivery is Delivery.CONFLICT:
        return _sides(item)
    return ("dismiss",) if item.delivery is Delivery.HELD else ()


def _sides(item: UnsentItem) -> tuple[str, ...]:
    kind = OperationKind(item.kind)
    if kind in (OperationKind.EDIT_CUSTOMER, OperationKind.VOID_EXAM):
        return ("keep_mine", "keep_theirs")
    if kind not in (OperationKind.RECORD_EXAM, OperationKind.PICK_EXAM):
        return ("dismiss",)  # a contact or a snooze happened: there is nothing to choose
    others = sum(one.field == EXAM for one in item.theirs)
    # Of several other corrections one is picked in the record, with all of them side by side.
    return ("keep_mine", "keep_theirs", "keep_both") if others == 1 else ("keep_mine", "keep_both")
