"""A rule's tree for Qt's views: a line for each node, in reading order. Nothing is edited here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from hcrm_core.rules.model import Condition, Node, Operator, Path, children

Index = QModelIndex | QPersistentModelIndex
LINE_ROLE = int(Qt.ItemDataRole.UserRole)
BLANK = Condition(fact="", op=Operator.EQ)  # a line that was added and says nothing yet


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeLine:
    """One node where it stands.

    Attributes:
        above: the number of the line of its group, -1 for the root.
        below: the numbers of the lines of its parts.
    """

    path: Path
    node: Node
    above: int
    below: tuple[int, ...]


def lines_of(tree: Node) -> list[TreeLine]:
    """All lines of a tree, each before those below it."""
    lines: list[TreeLine | None] = []

    def add(node: Node, path: Path, above: int) -> int:
        own = len(lines)
        lines.append(None)
        below = tuple(add(child, (*path, n), own) for n, child in enumerate(children(node)))
        lines[own] = TreeLine(path=path, node=node, above=above, below=below)
        return own

    add(tree, (), -1)
    return [line for line in lines if line is not None]


class RuleTreeModel(QAbstractItemModel):
    """The lines of one rule.

    Args:
        tree: the rule's.
        text: a node in words.
    """

    def __init__(self, tree: Node, text: Callable[[TreeLine], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text = text
        self._lines = lines_of(tree)

    def show(self, tree: Node) -> bool:
        """Another tree. Tells whether it has the same shape: then views keep what they show open."""
        lines = lines_of(tree)
        if list(_shape(lines)) == list(_shape(self._lines)):
            self._lines = lines
            self.retell()
            return True
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()
        return False

    def retell(self) -> None:
        """What the lines say, or what is said beside them, may have changed."""
        self.layoutAboutToBeChanged.emit()
        self.layoutChanged.emit()

    def held(self) -> list[TreeLine]:
        """All lines, in reading order."""
        return self._lines

    def line(self, index: Index) -> TreeLine | None:
        return self._lines[index.internalId()] if index.isValid() else None

    def index_of(self, path: Path) -> QModelIndex:
        """Where a node stands; no index if there is none."""
        number = 0
        for part in path:
            below = self._lines[number].below
            if part >= len(below):
                return QModelIndex()
            number = below[part]
        return self._index(number)

    def _index(self, number: int) -> QModelIndex:
        path = self._lines[number].path
        return self.createIndex(path[-1] if path else 0, 0, number)

    # ── Qt ───────────────────────────────────────────────────────────────────────────────────────────────

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's default
        if column:
            return QModelIndex()
        below = self._lines[parent.internalId()].below if parent.isValid() else (0,)
        return self._index(below[row]) if 0 <= row < len(below) else QModelIndex()

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override] # the stub joins it with QObject's
        above = self._lines[index.internalId()].above if index.isValid() else -1
        return QModelIndex() if above < 0 else self._index(above)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as above
        return len(self._lines[parent.internalId()].below) if parent.isValid() else 1

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as above
        return 1

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        line = self.line(index)
        if line is None:
            return None
        if role == LINE_ROLE:
            return line
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(line)
        return None


def _shape(lines: list[TreeLine]) -> Iterator[tuple[type, Path]]:
    return ((type(line.node), line.path) for line in lines)
