"""The rule that a manager edits: what it is now, which line is chosen, what surrounds it, every step to take back."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from hcrm_core.rules.linting import Finding
from hcrm_core.rules.messages import Counts, Diff
from hcrm_core.rules.model import Path, Rule
from hcrm_desktop.models.rule_desk import OpenedRule, Workshop


class RuleDraft(QObject):
    """One rule being edited. Rules are immutable: a change puts another one in its place.

    Signals:
        changed: another rule stands here, by an edit, undo, redo or opening.
        chosen: the path of the line that is looked at.
        stepped: what can be taken back or done again is something else now.
        surrounded: parameters, other rules or sites are others now.
        counted: there are numbers for the rule as it stands, or none.
        compared: it is known what the rule as it stands would change.
        checked: the linter has looked at the rule as it stands.

    Attributes:
        rule: as it stands.
        opened: as it was opened or last saved; what differs is unsaved.
        version: which version it was opened from, and what a save has to name.
        path: the chosen line.
        stack: undo and redo.
        workshop: what surrounds it, None until the centre told.
        counts: the last ones, perhaps of an earlier state.
        difference: what the rule as it stands would change, None until the centre told.
        findings: of the rule as it stands, once `checked`.
    """

    changed = Signal()
    chosen = Signal(object)
    stepped = Signal()
    surrounded = Signal()
    counted = Signal()
    compared = Signal()
    checked = Signal()

    def __init__(self, rule: Rule, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rule, self.opened = rule, rule
        self.version = OpenedRule(rule=rule)
        self.path: Path = ()
        self.stack = QUndoStack(self)
        self.stack.indexChanged.connect(self.stepped)
        self.workshop: Workshop | None = None
        self.counts: Counts | None = None
        self._counted = rule
        self.difference: Diff | None = None
        self.findings: Sequence[Finding] = ()

    def open(self, rule: Rule) -> None:
        """Begin with a rule that no version holds yet; there is nothing to take back."""
        self.open_version(OpenedRule(rule=rule))

    def open_version(self, version: OpenedRule) -> None:
        """Begin with a version; there is nothing to take back."""
        self.stack.clear()
        self.version, self.opened = version, version.rule
        self.tell_counts(None)
        self.put(version.rule, ())

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

    def mark_saved(self, version: OpenedRule) -> None:
        """What this version holds is kept at the centre; what was edited meanwhile is not."""
        self.version, self.opened = version, version.rule
        self.changed.emit()

    @property
    def unsaved(self) -> bool:
        return self.rule != self.opened

    def put(self, rule: Rule, path: Path) -> None:
        """Let another rule stand here. For the undo stack; whoever edits uses `apply`."""
        self.rule, self.path, self.difference = rule, path, None
        self.changed.emit()
        self.chosen.emit(path)

    # ── what is known about it ───────────────────────────────────────────────────────────────────────────

    def surround(self, workshop: Workshop) -> None:
        self.workshop, self.difference = workshop, None
        self.surrounded.emit()

    def tell_counts(self, counts: Counts | None) -> None:
        """How many the rule as it stands would match."""
        self.counts, self._counted = counts, self.rule
        self.counted.emit()

    @property
    def fresh_counts(self) -> Counts | None:
        """The numbers, if they are of the rule as it stands."""
        return self.counts if self._counted is self.rule else None

    def tell_difference(self, difference: Diff) -> None:
        """What the rule as it stands would change."""
        self.difference = difference
        self.compared.emit()

    def tell_findings(self, findings: Sequence[Finding]) -> None:
        self.findings = findings
        self.checked.emit()


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
