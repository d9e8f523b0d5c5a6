"""Messages about where a row came from: the source rows that landed in the centre, as they were written."""

from enum import StrEnum
from uuid import UUID

from hcrm_core.terms import Source
from hcrm_core.wire import Instant, Message


class SourceKind(StrEnum):
    """Rows whose source can be asked for."""

    CUSTOMER = "customer"
    EXAM = "exam"
    LENS_ORDER = "lens_order"
    MEDICATION = "medication"
    VISIT = "visit"
    RECHECK_PLAN = "recheck_plan"
    FOLLOW_UP = "follow_up"
    LEAD = "lead"


class SourceField(Message):
    """One cell as it came.

    Attributes:
        label: as the source calls it: the title of a ledger's column, the name of a feed's.
        feeds: the column it fills, "lens_order.brand" or "OD.sphere"; "" if none.
        text: what was written.
        differs: whether the row says something else today; None if that cannot be told.
    """

    label: str
    feeds: str
    text: str
    differs: bool | None = None


class SourceRow(Message):
    """One row as it landed.

    Attributes:
        feed: the sheet of the ledger, or the feed of the extract.
        key: the source's own; "" if it is not the reader's to know.
        file_name: of the ledger, or the folder of the extract.
        of_version: the row it became, when that is another version of the examination that was asked for.
        fields: in the order of the source, as far as the reader's profile holds them.
        withheld: how many fields it does not hold.
        undone: whether that import was taken back; the row stayed because somebody had worked on it.
    """

    source: Source
    feed: str
    key: str
    file_name: str
    imported_at: Instant
    undone: bool
    of_version: UUID | None = None
    fields: list[SourceField]
    withheld: int


class SourceRows(Message):
    """Where a row came from.

    Attributes:
        source: what the row itself says; None for rows that do not (a customer, a lead).
        entered_by: who entered it, if it says so; "" otherwise.
        entered_at: when the centre got it.
        rows: none for what was entered at a workstation.
    """

    source: Source | None
    entered_by: str
    entered_at: Instant
    rows: list[SourceRow]
