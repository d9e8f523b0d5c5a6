"""The tree editor: every line a sentence, opened in its place, moved by mouse and by keys."""

from dataclasses import dataclass
from datetime import date

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen

from hcrm_core.rules import Parameter
from hcrm_core.rules.model import Condition, Path, Reference
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_tree import TreeLine
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.cards import MARGIN, Button
from hcrm_desktop.views.rules.carrying import Carrying, Drop
from hcrm_desktop.views.rules.condition_form import ConditionForm
from hcrm_desktop.views.rules.form import GroupForm, LineForm, ReferenceForm
from hcrm_desktop.views.rules.keys import command_of
from hcrm_desktop.views.rules.lines import RuleLines
from hcrm_desktop.views.rules.menus import Offers, line_menu
from hcrm_desktop.views.rules.steps import Steps
from hcrm_desktop.views.rules.wording import RuleWords

FIELDS = 16  # fields of a form that may be taken back by themselves


class RuleTree(RuleLines):
    """The lines of a draft, to be edited.

    Signals:
        refused: why a step is not possible.
        parameter_requested: the key of a parameter to look at in its table.
    """

    refused = Signal(str)
    parameter_requested = Signal(str)
    _form: LineForm | None = None  # asked for while the view is still being made
    _form_at: Path = ()
    _carrying: Carrying | None = None

    def __init__(self, theme: Theme, words: RuleWords, draft: RuleDraft, *, today: date) -> None:
        super().__init__(theme, words, draft)
        self._today = today
        self.steps, self.offers = Steps(draft), Offers(self)
        self._parameters: dict[str, Parameter] = {}
        self._opened = 0  # how many forms were opened: steps of one form are taken back together
        self._read_only = False
        self._pressed: _Pressed | None = None
        self.setMouseTracking(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        self.steps.refused.connect(self.refused)

    def learn(self, parameters: dict[str, Parameter]) -> None:
        """Parameters in force, for the forms; names have changed with them."""
        self._parameters = parameters
        self._retell()

    def set_read_only(self, *, read_only: bool) -> None:
        """Lines can be looked at only."""
        self._read_only = read_only
        if read_only:
            self.close_form()

    @Slot(QModelIndex)
    def _on_current_changed(self, index: QModelIndex) -> None:
        line = self._model.line(index)
        if line is None:
            return
        if self._form is not None and line.path != self._form_at:
            self.close_form()
        self._draft.choose(line.path)

    # ── a line opened ────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def open_form(self) -> None:
        """Open the chosen line in its place."""
        if self._read_only:
            return
        self.close_form()
        line = self._line(self._draft.path)
        self._opened += 1
        self._form, self._form_at = self._made_form(line), line.path
        self._form.edited.connect(self._on_edited)
        self._form.regrouped.connect(self.steps.regroup)
        self._form.left.connect(self.close_form)
        self._form.grown.connect(self._on_grown)
        self._form.parameter_requested.connect(self.parameter_requested)
        self.setIndexWidget(self._model.index_of(line.path), self._form)
        self._form.show_node(line.node)
        self._retell()
        self.scrollTo(self._model.index_of(line.path))
        self._form.begin()

    def is_editing(self) -> bool:
        """Whether a line is open."""
        return self._form is not None

    def _made_form(self, line: TreeLine) -> LineForm:
        if isinstance(line.node, Condition):
            return ConditionForm(self._words, self._parameters, today=self._today)
        return ReferenceForm(self._others()) if isinstance(line.node, Reference) else GroupForm()

    def _others(self) -> dict[str, str]:
        """Rules that this one may refer to."""
        return {key: label for key, label in self._words.rules().items() if key != self._draft.rule.key}

    @Slot()
    def close_form(self) -> None:
        """Back to sentences; what was entered is in the draft already."""
        if self._form is None:
            return
        inside = self._form.isAncestorOf(self.focusWidget() or self)
        self._form.hide()  # it goes with the next event
        self.setIndexWidget(self._model.index_of(self._form_at), None)  # type: ignore[arg-type] # Qt takes none
        self._form = None
        self._retell()
        if inside or self.window().focusWidget() is None:
            self.setFocus()

    @Slot(object)
    def _on_edited(self, node: Condition) -> None:
        before = self._line(self._form_at).node
        self.steps.change(self._form_at, node, merge=self._opened * FIELDS + _field(before, node))

    @Slot()
    def _on_grown(self) -> None:
        """The form's line gets the height it needs."""
        index = self._model.index_of(self._form_at)
        needed = self.form_height(self._form_at)
        if needed is not None and needed != self.visualRect(index).height():
            self._retell()

    def form_height(self, path: Path) -> int | None:
        """How high the form at a path is, None if there is none."""
        if self._form is None or path != self._form_at:
            return None
        self._form.room = self.room(path)
        return self._form.sizeHint().height() + 2 * MARGIN

    def hint(self, line: TreeLine) -> QSize:
        form = self.form_height(line.path)
        return super().hint(line) if form is None else QSize(self.room(line.path), form)

    def paint_line(self, painter: QPainter, rect: QRect, line: TreeLine) -> None:
        if self._form is None or line.path != self._form_at:
            super().paint_line(painter, rect, line)
            return
        place = QRect(rect.left(), rect.top(), self.room(line.path), rect.height())
        self._cards.paint_ground(painter, place, chosen=True, muted=False)

    def _on_lines_altered(self) -> None:
        if self._form is not None:
            self._form.show_node(self._line(self._form_at).node)

    def _on_lines_replaced(self) -> None:
        """A form goes with the lines it was in."""
        if self._form is not None:
            self._form = None
            self.setFocus()

    # ── mouse ────────────────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._carrying is None or self._carrying.drop is None:
            return
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.tokens.primary), 2))
        self._carrying.paint(painter)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """What was pressed is noted first: choosing another line may close a form, and lines move."""
        here = event.position().toPoint()
        line = self._model.line(self.indexAt(here))
        self._pressed = None
        if event.button() is Qt.MouseButton.LeftButton and line is not None and not self._read_only:
            self._pressed = _Pressed(at=here, path=line.path, button=self._button_at(here))
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = event.position().toPoint()
        if self._carrying is not None:
            self._carrying.over(here)
            self.viewport().update()
        elif self._pressed is not None and Carrying.begins(self._pressed.at, here):
            self._take_up(self._pressed.path)
        elif self._pressed is None:
            pointing = self._button_at(here) is not None
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if pointing else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if self._carrying is not None:
            self._put_down()
        elif pressed is not None and pressed.button is None:
            self.open_form()
        elif pressed is not None and pressed.button is not None:
            self._press_button(pressed.button)

    def _press_button(self, button: Button) -> None:
        if button.finding is None:
            self.add_line()
        else:
            self.steps.mend(button.finding)

    def _button_at(self, here: QPoint) -> Button | None:
        index = self.indexAt(here)
        line = self._model.line(index)
        if line is None or self._read_only:
            return None
        rect = self.visualRect(index)
        card = self._cards.card(line, self.beside(line), width=self.room(line.path), font=self.font())
        inside = here - rect.topLeft() - QPoint(0, MARGIN)
        return next((button for button in card.buttons if button.place.contains(inside)), None)

    def _take_up(self, path: Path) -> None:
        if path:
            self.close_form()
            self._carrying = Carrying(self, self._model, path)
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def _put_down(self) -> None:
        drop = self._carrying.drop if self._carrying is not None else None
        path = self._carrying.path if self._carrying is not None else ()
        self.drop_carried()
        if isinstance(drop, Drop):
            self.steps.move(path, to=drop.group, index=drop.index)

    def drop_carried(self) -> None:
        """What was carried stays where it was."""
        self._carrying = None
        self.viewport().unsetCursor()
        self.viewport().update()

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────

    def add_line(self) -> None:
        """A new line, opened at its fact."""
        if self.steps.add():
            self.open_form()

    def add_reference(self) -> None:
        """A line that asks what another rule asks, opened to choose it."""
        others = self._others()
        if not others:
            self.refused.emit(self.tr("没有其他规则可以引用。"))
        elif self.steps.add(Reference(rule=next(iter(others)))):
            self.open_form()

    def mend_chosen(self) -> None:
        """Take over the first proposal of the linter for the chosen line."""
        found = (finding for finding in self._findings.get(self._draft.path, ()) if finding.fix is not None)
        finding = next(found, None)
        if finding is not None:
            self.steps.mend(finding)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._carrying is not None:
            self.drop_carried()
            return
        act = command_of(self, event)
        if act is None:
            super().keyPressEvent(event)
        elif not self._read_only:
            act()

    def event(self, event: QEvent) -> bool:
        """Keys that mean something here are not for the frame around."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and command_of(self, event):
            event.accept()
            return True
        return super().event(event)

    @Slot(QPoint)
    def _on_menu_requested(self, here: QPoint) -> None:
        if not self._read_only:
            line_menu(self).popup(self.viewport().mapToGlobal(here))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pressed:
    """Where the mouse went down, and on what."""

    at: QPoint
    path: Path
    button: Button | None


def _field(before: object, after: object) -> int:
    """The number of the first field in which two nodes differ."""
    if not isinstance(before, Condition) or not isinstance(after, Condition):
        return 0
    names = list(Condition.model_fields)
    return next((n for n, name in enumerate(names) if getattr(before, name) != getattr(after, name)), 0)
