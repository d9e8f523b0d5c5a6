"""The rule that a manager edits: what it is now, which line is chosen, and every step to take back."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from hcrm_core.rules.model import Path, Rule


class RuleDraft(QObject):
    """One rule being edited. Rules are immutable: a change puts another one in its place.

    Signals:
        changed: another rule stands here, by an edit, undo, redo or opening.
        chosen: the path of the line that is looked at.

    Attributes:
        rule: as it stands.
        opened: as it was opened or last saved; what differs is unsaved.
        path: the chosen line.
        stack: undo and redo.
    """

    changed = Signal()
    chosen = Signal(object)

    def __init__(self, rule: Rule, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rule, self.opened = rule, rule
        self.path: Path = ()
        self.stack = QUndoStack(self)

    def open(self, rule: Rule) -> None:
        """Begin with another rule; there is nothing to take back."""
        self.stack.clear()
        self.opened = rule
        self.put(rule, ())

    def apply(self, rule: Rule, *, text: str, path: Path | None = None, merge: int = -1) -> None:
        """One step that can be taken back.

        Args:
            rule: what shall stand here.
            text: the step in Chinese, for the undo button.
            path: the line to choose; the present one if None.
            merge: steps in a row with the same number, 0 or above, are taken back as one, e.g. a dragged slider's.
        """
        if rule != self.rule:
            after = (rule, self.path if path is None else path)
            self.stack.push(_Step(self.put, (self.rule, self.path), after, text, merge))

    def choose(self, path: Path) -> None:
        """Look at another line."""
        if path != self.path:
            self.path = path
            self.chosen.emit(path)

    def mark_saved(self) -> None:
        """What stands here is kept at the centre."""
        self.opened = self.rule
        self.changed.emit()

    @property
    def unsaved(self) -> bool:
        return self.rule != self.opened

    def put(self, rule: Rule, path: Path) -> None:
        """Let another rule stand here. For the undo stack; whoever edits uses `apply`."""
        self.rule, self.path = rule, path
        self.changed.emit()
        self.chosen.emit(path)


Standing = tuple[Rule, Path]


class _Step(QUndoCommand):
    """From one rule to another."""

    def __init__(
        self, put: Callable[[Rule, Path], None], before: Standing, after: Standing, text: str, merge: int
    ) -> None:
        super().__init__(text)
        self._put, self._merge = put, merge
        self.before, self.after = before, after

    def undo(self) -> None:
        self._put(*self.before)

    def redo(self) -> None:
        self._put(*self.after)

    def id(self) -> int:
        return self._merge

    def mergeWith(self, other: QUndoCommand) -> bool:
        assert isinstance(other, _Step)
        self.after = other.after
        return True
