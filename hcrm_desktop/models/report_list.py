"""Who gets a report: what the batch reads, and the list in which children are ticked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import Qt, Signal

from hcrm_desktop.cache.rows import SegmentCount
from hcrm_desktop.models.rows import Column, Index, RowsModel

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hcrm_desktop.cache.queries.reports import Candidate, Choice

MOST = 2000  # a school; more at once would fill a disk with paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What can be narrowed by."""

    schools: "list[tuple[str, int]]"
    sites: list[tuple[UUID, str]]
    segments: list[SegmentCount]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesRead:
    """The chosen customers, and how many there are if the list is longer than it may be."""

    rows: "list[Candidate]"
    total: int


def read_filters(session: "Session") -> Filters:
    """What there is to narrow by. Runs in a reader."""
    from hcrm_desktop.cache.queries import segments
    from hcrm_desktop.cache.queries.reports import schools, sites

    return Filters(schools=schools(session), sites=sites(session), segments=segments(session))


def read_candidates(session: "Session", *, choice: "Choice") -> CandidatesRead:
    """The first of the chosen customers. Runs in a reader."""
    from hcrm_desktop.cache.queries.reports import candidates, count_candidates

    return CandidatesRead(rows=candidates(session, choice, limit=MOST), total=count_candidates(session, choice))


class CandidatesModel(RowsModel["Candidate"]):
    """Children under a tick each. All who were examined are ticked at first.

    Signals:
        ticked: how many are chosen now.
    """

    ticked = Signal(int)

    def __init__(self, columns: "Sequence[Column[Candidate]]") -> None:
        super().__init__(columns)
        self._chosen: set[UUID] = set()

    def replace(self, rows: "Sequence[Candidate]", total: int | None = None) -> None:
        """Other children."""
        self._chosen = {row.id for row in rows if row.examined_on is not None}
        super().replace(rows, total)
        self.ticked.emit(len(self._chosen))

    def chosen(self) -> tuple[UUID, ...]:
        """Those ticked, in the order of the list."""
        return tuple(row.id for row in self.held() if row.id in self._chosen)

    def choose_all(self, *, chosen: bool) -> None:
        """Tick everybody or nobody."""
        self._chosen = {row.id for row in self.held()} if chosen else set()
        self._announce()

    def toggle(self, index: Index) -> None:
        """Tick a child, or take the tick away."""
        row = self.row(index)
        if row is not None:
            self._chosen ^= {row.id}
            self._announce()

    def _announce(self) -> None:
        if self.held():
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.held()) - 1, 0))
        self.ticked.emit(len(self._chosen))

    def flags(self, index: Index) -> Qt.ItemFlag:
        found = super().flags(index)
        return found | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else found

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        row = self.row(index)
        if role == Qt.ItemDataRole.CheckStateRole and index.column() == 0 and row is not None:
            return Qt.CheckState.Checked if row.id in self._chosen else Qt.CheckState.Unchecked
        return super().data(index, role)

    def setData(self, index: Index, value: Any, role: int = int(Qt.ItemDataRole.EditRole)) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.toggle(index)
        return True
