"""What an import and its undoing tell: counts that add up, every remark, and who may be the same person."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from hcrm_central.connectors.ledger.problems import Remark


@dataclass(slots=True, kw_only=True)
class SheetCounts:
    """Rows of one sheet; `rows` is the sum of all others but `hidden`."""

    sheet: str
    key: str
    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicate: int = 0
    held: int = 0
    blank: int = 0
    total: int = 0
    hidden: int = 0

    def as_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Two customers who may be one person: left apart until somebody decides."""

    sheet: str
    row: int
    customer_id: UUID
    other_id: UUID
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "sheet": self.sheet,
            "row": self.row,
            "customer_id": str(self.customer_id),
            "other_id": str(self.other_id),
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """What an import did, or, of a dry run, would have done.

    Attributes:
        batch_id: names the import for `undo_import`; None if nothing was imported.
        created: rows made, by table. `changed`: rows altered, by table.
        error_workbook: where the annotated copy was written, if it was asked for.
    """

    file: str
    profile: str
    site: str
    dry_run: bool
    batch_id: UUID | None
    sheets: tuple[SheetCounts, ...]
    skipped_sheets: tuple[str, ...]
    created: dict[str, int]
    changed: dict[str, int]
    remarks: tuple[Remark, ...]
    reviews: tuple[Review, ...]
    error_workbook: Path | None = None

    @property
    def codes(self) -> dict[str, int]:
        """How often each remark was made."""
        return dict(Counter(remark.code for remark in self.remarks).most_common())

    def as_json(self) -> dict[str, object]:
        return {
            "file": self.file,
            "profile": self.profile,
            "site": self.site,
            "dry_run": self.dry_run,
            "batch_id": str(self.batch_id) if self.batch_id else None,
            "sheets": [sheet.as_json() for sheet in self.sheets],
            "skipped_sheets": list(self.skipped_sheets),
            "created": self.created,
            "changed": self.changed,
            "problem_counts": self.codes,
            "problems": [remark.as_json() for remark in self.remarks],
            "reviews": [review.as_json() for review in self.reviews],
            "error_workbook": str(self.error_workbook) if self.error_workbook else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """A row that an undo left alone because somebody worked on it, or on what hangs on it."""

    table: str
    row_id: UUID
    reason: str  # "changed_since" or "worked_on"

    def as_json(self) -> dict[str, object]:
        return {"table": self.table, "row_id": str(self.row_id), "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What an undo took back."""

    batch_id: UUID
    removed: dict[str, int] = field(default_factory=dict)
    restored: dict[str, int] = field(default_factory=dict)
    kept: tuple[KeptRow, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "batch_id": str(self.batch_id),
            "removed": self.removed,
            "restored": self.restored,
            "kept": [row.as_json() for row in self.kept],
        }
