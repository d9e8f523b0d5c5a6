"""规则: the shelf at the left, the rule being edited in the middle, what is asked about it at the right.

All parts share one `RuleDraft`: the rule, the chosen line, what surrounds it, its numbers and its findings.
"""

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from hcrm_core.errors import Rejected
from hcrm_core.rules import Rule, SegmentSpec
from hcrm_core.rules.messages import DraftSaved
from hcrm_core.rules.model import AllOf
from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.models.rule_desk import (
    OpenedRule,
    Workshop,
    ask_rule,
    ask_workshop,
    keep_draft,
    known_of,
)
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_tree import BLANK
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.editor import RuleEditor
from hcrm_desktop.views.rules.exchange import RuleExchange
from hcrm_desktop.views.rules.head import RuleHead
from hcrm_desktop.views.rules.layout import PageLayout, load_layout, save_layout
from hcrm_desktop.views.rules.local_copy import LocalCopy
from hcrm_desktop.views.rules.panels.plugging import RulePanels
from hcrm_desktop.views.rules.question import QuestionBar
from hcrm_desktop.views.rules.release import RuleRelease
from hcrm_desktop.views.rules.rule_list import RuleList
from hcrm_desktop.views.rules.side import SidePanels
from hcrm_desktop.views.rules.wording import RuleWords
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.states import EmptyState, StateStack

NARROW = 1300  # pixels of page below which the right part is folded until somebody wants it
WIDTHS = (210, 560, 400)


class RulesPage(QWidget):
    """The page.

    Signals:
        customer_requested: open this customer's record.
        said: what became of something, for the toast.
        parameter_requested: the key of a parameter to look at in its table.
    """

    customer_requested = Signal(object)
    said = Signal(str)
    parameter_requested = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._failures = desk, Failures(self)
        self._workshop: Workshop | None = None
        self._online = True
        self._asked = ""  # the rule that was wanted last
        self._wish = load_layout(desk.profile)
        self.words = RuleWords(desk.words)
        self.draft = RuleDraft(self._blank(), self)
        self.list, self.side, self._question = RuleList(self.words), SidePanels(), QuestionBar()
        self.panels = RulePanels(desk, self.words, self.draft)
        self.editor = RuleEditor(desk.tasks, desk.theme, self.words, self.draft, today=desk.tasks.today())
        self.head = RuleHead(desk.theme, self.words, self.draft)
        self.release = RuleRelease(desk, self.words, self.draft, above=self)
        self._copy = LocalCopy(desk.tasks, self.draft, self._question)
        self.exchange = RuleExchange(desk, self.draft, ask=self._question.ask, above=self)
        self._build()
        self._connect()

    def _blank(self) -> Rule:
        key = self._new_key()
        where = AllOf(every=(BLANK,))
        return Rule(key=key, label="", segment=SegmentSpec(key=key, label=""), where=where)

    def _new_key(self) -> str:
        taken = set() if self._workshop is None else {head.key for head in self._workshop.shelf.rules}
        return next(key for n in range(1, len(taken) + 2) if (key := f"rule_{n}") not in taken)

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self._message = QLabel(wordWrap=True)
        self._message.setProperty("role", "warn")
        self._message.hide()
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(12, 0, 12, 0)
        for widget in (self.head, self.panels.strip):
            column.addWidget(widget)
        column.addWidget(self.editor, 1)
        empty = EmptyState(self._desk.theme, self.tr("从左边选一条规则"), self.tr("或新建一条。"))
        self._opened = StateStack(self._desk.theme, middle, empty)
        self._opened.show_empty()
        self._split = QSplitter(Qt.Orientation.Horizontal)
        for part in (self.list, self._opened, self.side):
            self._split.addWidget(part)
        self._split.setStretchFactor(1, 1)
        self._split.setChildrenCollapsible(False)
        nothing = EmptyState(self._desk.theme, self.tr("还没有规则"))
        self._states = StateStack(self._desk.theme, self._split, nothing)
        self._arrange()
        self.panels.add_to(self.side)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self._message)
        column.addWidget(self._question)
        column.addWidget(self._states, 1)
        self.list.setMinimumWidth(160)
        left, middle, right = self._wish.widths or WIDTHS
        self._split.setSizes([left, middle + right, 0])  # folded until something is opened
        self.editor.unfold.setChecked(self._wish.properties)

    def _connect(self) -> None:
        self._desk.tasks.sync_state_changed.connect(self._on_state_changed)
        self._states.retry_requested.connect(self.reload)
        self._opened.retry_requested.connect(self._on_retry_requested)
        self.list.chosen.connect(self.open_rule)
        self.list.new_requested.connect(self.begin_rule)
        self.head.save_requested.connect(self.save)
        self.head.publish_requested.connect(self._on_publish_requested)
        for part in (self.editor, self.panels):
            part.parameter_requested.connect(self.parameter_requested)
        self.panels.customer_requested.connect(self.customer_requested)
        self.release.said.connect(self.said)
        self.release.changed.connect(self._on_released)
        self.parameter_requested.connect(self.release.show_parameter)
        self.list.parameters.clicked.connect(partial(self.parameter_requested.emit, ""))
        self.list.versions.clicked.connect(self._on_versions_requested)
        self.list.scans.clicked.connect(self.release.show_scans)
        self.release.customer_requested.connect(self.customer_requested)
        self.list.duplicate_requested.connect(self._on_duplicate_requested)
        self.list.export_requested.connect(self._on_export_requested)
        self.list.import_requested.connect(self.exchange.choose_source)
        self.exchange.said.connect(self.said)
        self.exchange.duplicated.connect(self._on_duplicated)
        self.exchange.arrived.connect(self._on_arrived)
        self._split.splitterMoved.connect(self._keep_layout)
        self.side.unfolded.connect(self._on_unfolded)
        self.editor.unfold.toggled.connect(self._keep_layout)
        on_key(self, "Ctrl+S", self.save, children=True)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            on_key(self, keys, self._on_publish_requested, children=True)

    @Slot(str)
    def _on_unfolded(self, key: str) -> None:
        """A panel gets the room that its predecessor had; folded, the editor gets it."""
        left, middle, right = self._split.sizes()
        wanted = (self._wish.widths or WIDTHS)[2]
        self._split.setSizes([left, middle + right - wanted, wanted] if key else [left, middle + right, 0])
        self._keep_layout()

    @Slot()
    def _keep_layout(self) -> None:
        left, middle, right = self._split.sizes()
        side = right if self.side.open_key else (self._wish.widths or WIDTHS)[2]
        unfolded = self.editor.unfold.isChecked()
        self._wish = PageLayout(widths=(left, middle, side), panel=self.side.open_key, properties=unfolded)
        save_layout(self._desk.profile, layout=self._wish)

    # ── the shelf ────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def reload(self) -> None:
        """Ask the centre what is in force."""
        if self._workshop is None:
            self._states.show_loading()
        known = known_of(self._workshop)
        self._desk.tasks.consult(self, partial(ask_workshop, known=known), done=self._on_read, failed=self._on_not_read)

    @Slot(object)
    def _on_read(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._states.show_content()
        self.list.show_shelf(workshop.shelf)
        self.list.mark(self.draft.rule.key)
        self.draft.surround(workshop)
        self._set_online(online=True)

    @Slot(object)
    def _on_not_read(self, error: Exception) -> None:
        if self._workshop is None:
            self._states.show_error(error)
        else:
            self._set_online(online=False)

    @Slot(object)
    def _on_state_changed(self, status: SyncStatus) -> None:
        if not status.online:
            self._set_online(online=False)
        elif not self._online or (self._workshop is None and self.isVisible()):
            self.reload()

    def _set_online(self, *, online: bool) -> None:
        """Off line the last answer stays, to look at; what was edited is kept on this computer."""
        self._online = online
        self.editor.set_read_only(read_only=not online)
        for part in (self.head, self.panels):
            part.set_read_only(read_only=not online)
        self.list.set_read_only(read_only=not online)
        self._message.setVisible(not online and self._workshop is not None)
        if not online and self._workshop is not None:
            at = self._desk.words.moment(self._workshop.shelf.as_of)
            text = self.tr("连不上中心。规则保存在中心，以下是 {at} 的情况，只能查看；没保存的修改已留在本机。")
            self._message.setText(text.format(at=at))

    # ── opening ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot(str)
    def open_rule(self, key: str) -> None:
        """Open a rule; unsaved edits of the present one are asked about."""
        self._leave(partial(self._ask_rule, key))

    @Slot()
    def begin_rule(self, rule: Rule | None = None) -> None:
        """Begin a rule that the centre does not have yet."""
        self._leave(partial(self._show_new, rule or self._blank()))

    def _show_new(self, rule: Rule) -> None:
        self._show_rule(OpenedRule(rule=rule))
        if rule.label:
            self.draft.choose((0,))
            self.editor.tree.open_form()
        else:
            self.editor.ask_name()

    def _leave(self, onwards: partial[None]) -> None:
        if not self.draft.unsaved or not self._is_open():
            onwards()
            return
        text = self.tr("“{label}”有没保存的修改。").format(label=self.draft.rule.label or self.tr("未命名的规则"))
        self._question.ask(
            text,
            [
                (self.tr("保存草稿并离开"), partial(self.save, onwards)),
                (self.tr("不保存"), partial(self._give_up, onwards)),
                (self.tr("留下"), partial(self.list.mark, self.draft.rule.key)),
            ],
        )

    def _is_open(self) -> bool:
        return self.editor.isVisible()

    def _give_up(self, onwards: partial[None]) -> None:
        self._copy.drop(self.draft.rule.key)
        onwards()

    def _ask_rule(self, key: str, onwards: partial[None] | None = None) -> None:
        self._asked = key
        self._opened.show_loading()
        done = partial(self._on_rule, onwards)
        self._desk.tasks.consult(self, partial(ask_rule, key=key), done=done, failed=self._on_no_rule)

    @Slot()
    def _on_retry_requested(self) -> None:
        self._ask_rule(self._asked)

    def _on_rule(self, onwards: partial[None] | None, opened: OpenedRule) -> None:
        self._show_rule(opened)
        self._copy.offer(opened)
        if onwards is not None:
            onwards()

    @Slot(object)
    def _on_no_rule(self, error: Exception) -> None:
        if isinstance(error, Rejected) and error.code == "rule_unreadable":
            self._opened.show_empty(self.tr("这条规则由更新的版本写成"), self.tr("请先升级工作站，再打开它。"))
        else:
            self._opened.show_error(error)

    def _show_rule(self, opened: OpenedRule) -> None:
        self._question.close_question()
        self._opened.show_content()
        self.draft.open_version(opened)
        self._copy.rest()
        self.list.mark(opened.rule.key)
        self.editor.tree.setFocus()
        if self.side.open_key == "":
            self._unfold_side()

    def _unfold_side(self) -> None:
        wished = self._wish.panel
        if wished is None and self.width() >= NARROW:
            self.side.open_first()
            self._wish = replace(self._wish, panel=None)  # nobody's wish: a small screen stays free
            save_layout(self._desk.profile, layout=self._wish)
        elif wished:
            self.side.open_panel(wished)

    # ── copies and files ─────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_duplicate_requested(self) -> None:
        if self._online and self._is_open():
            self._leave(partial(self.exchange.duplicate, self.draft.rule))

    @Slot(object)
    def _on_duplicated(self, opened: OpenedRule) -> None:
        self._show_rule(opened)
        self.reload()

    @Slot()
    def _on_export_requested(self) -> None:
        if self._is_open():
            self.exchange.choose_target()

    @Slot(object)
    def _on_arrived(self, rule: Rule) -> None:
        """A rule from a file is an edit: of the rule of that key, or of a new one."""
        take = partial(self.draft.apply, rule, text=self.tr("导入"), path=())
        head = None if self._workshop is None else self._workshop.head(rule.key)
        if self._is_open() and self.draft.rule.key == rule.key:
            take()
        elif head is not None:
            self._leave(partial(self._ask_rule, rule.key, take))
        else:
            self._leave(partial(self._show_imported, rule.key, take))

    def _show_imported(self, key: str, take: partial[None]) -> None:
        self._show_rule(OpenedRule(rule=self._blank().model_copy(update={"key": key})))
        take()

    # ── saving ───────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def save(self, onwards: partial[None] | None = None) -> None:
        """Keep the draft at the centre; segments stay as they are."""
        rule, version = self.draft.rule, self.draft.version
        if not self._online or not self.draft.unsaved:
            return
        ask = partial(keep_draft, rule=rule, ver=version.ver, based_on=version.based_on)
        self._desk.tasks.consult(
            self, ask, done=partial(self._on_saved, rule, onwards), failed=partial(self._on_not_saved, rule)
        )

    def _on_saved(self, rule: Rule, onwards: partial[None] | None, saved: DraftSaved) -> None:
        if self.draft.rule.key == rule.key:
            based_on = self.draft.version.based_on
            self.draft.mark_saved(OpenedRule(rule=rule, number=saved.number, ver=saved.ver, based_on=based_on))
            self._copy.keep()
        self.said.emit(self.tr("草稿已保存，发布以后才起作用"))
        self.reload()
        if onwards is not None:
            onwards()

    def _on_not_saved(self, rule: Rule, error: Exception) -> None:
        stale = isinstance(error, Rejected) and error.code == "stale"
        if not stale:
            self.said.emit(self._failures.sentence(error))
            return
        self._question.ask(
            self.tr("这条规则的草稿已被别人改过，没有保存。您的修改留在本机。"),
            [
                (self.tr("看对方的版本"), partial(self._ask_rule, rule.key)),
                (self.tr("继续编辑"), self.editor.tree.setFocus),
            ],
        )

    @Slot()
    def _on_versions_requested(self) -> None:
        if self._is_open():
            self.release.show_versions()

    @Slot()
    def _on_publish_requested(self) -> None:
        """What is unsaved is kept first: what is looked at is what the centre has."""
        if not self._online or not self._is_open():
            return
        if self.draft.unsaved:
            self.save(partial(self.release.show))
        else:
            self.release.show()

    @Slot(str)
    def _on_released(self, key: str) -> None:
        """A version came into force, or its customers were worked out."""
        self.reload()
        if self.draft.rule.key == key and not self.draft.unsaved:
            self._ask_rule(key)

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────

    def event(self, event: QEvent) -> bool:
        """Ctrl+Z here takes back a step of the rule, not the last entry of the day."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _steps_back(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = _steps_back(event)
        if by and self._online:
            self.draft.stack.setIndex(max(0, min(self.draft.stack.index() + by, self.draft.stack.count())))
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: object) -> None:
        self.reload()


def _steps_back(event: QKeyEvent) -> int:
    """-1 for a step back, 1 for one forth, 0 for another key."""
    ctrl, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    steps = {(ctrl, Qt.Key.Key_Z): -1, (ctrl, Qt.Key.Key_Y): 1, (ctrl | shift, Qt.Key.Key_Z): 1}
    return steps.get((event.modifiers(), Qt.Key(event.key())), 0)
