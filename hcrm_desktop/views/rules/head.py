"""The line above the editor: which rule, how far it has come, what is unsaved, and what can be done with it."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from hcrm_core.rules.messages import RuleState
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.wording import RuleWords
from hcrm_desktop.views.widgets.chips import Chip

NAME_WIDTH, NARROW_NAME = 260, 96  # a longer name is told by the tip
WIDE = 700  # pixels from which on the buttons name the step, too
STATE_TONES = {
    RuleState.DRAFT: "info",
    RuleState.PROPOSED: "warn",
    RuleState.PUBLISHED: "good",
    RuleState.RETIRED: "neutral",
}


class RuleHead(QWidget):
    """Name, state, and the buttons.

    Signals:
        save_requested, publish_requested: by button.

    Attributes:
        room: a place for what is worth seeing before anything else, e.g. how many match.
    """

    save_requested = Signal()
    publish_requested = Signal()

    def __init__(self, theme: Theme, words: RuleWords, draft: RuleDraft) -> None:
        super().__init__()
        self._words, self._draft = words, draft
        self._read_only = False
        self._name, self._state, self._unsaved = QLabel(), Chip(theme), QLabel(self.tr("● 未保存"))
        self._name.setProperty("role", "h1")
        self._unsaved.setProperty("role", "warn")
        self.room = QHBoxLayout()
        self._undo, self._redo = QPushButton(), QPushButton()
        self._save, self._publish = QPushButton(self.tr("保存草稿")), QPushButton(self.tr("发布…"))
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        for button in (self._undo, self._redo):
            button.setProperty("kind", "quiet")
        self._save.setToolTip(self.tr("Ctrl+S：保存在中心，客群不变"))
        self._publish.setToolTip(self.tr("Ctrl+Enter：先看会发生什么，再决定"))
        self._publish.setProperty("kind", "primary")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self._name, self._state, self._unsaved):
            row.addWidget(widget)
        row.addLayout(self.room)
        row.addStretch(1)
        for button in (self._undo, self._redo, self._save, self._publish):
            row.addWidget(button)

    def _connect(self) -> None:
        stack = self._draft.stack
        self._undo.clicked.connect(stack.undo)
        self._redo.clicked.connect(stack.redo)
        self._save.clicked.connect(self.save_requested)
        self._publish.clicked.connect(self.publish_requested)
        self._draft.changed.connect(self._show)
        self._draft.stepped.connect(self._show)

    def set_read_only(self, *, read_only: bool) -> None:
        self._read_only = read_only
        self._show()

    @property
    def _is_wide(self) -> bool:
        return self.width() >= WIDE

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (event.oldSize().width() >= WIDE) is not self._is_wide:
            self._show()

    @Slot()
    def _show(self) -> None:
        draft, stack, free = self._draft, self._draft.stack, not self._read_only
        name = draft.rule.label or self.tr("未命名的规则")
        room = NAME_WIDTH if self._is_wide else NARROW_NAME
        self._name.setText(self._name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room))
        self._name.setToolTip(name)
        state = draft.version.state
        self._state.set_chip(self._words.state(state, number=draft.version.number), STATE_TONES[state])
        self._unsaved.setVisible(draft.unsaved)
        steps = (
            (self._undo, self.tr("撤销"), stack.undoText(), "Ctrl+Z"),
            (self._redo, self.tr("重做"), stack.redoText(), "Ctrl+Y"),
        )
        for button, verb, step, keys in steps:
            button.setText(self._step(verb, step if self._is_wide else ""))
            button.setToolTip(self.tr("{step}  {keys}").format(step=self._step(verb, step), keys=keys))
        self._undo.setEnabled(free and stack.canUndo())
        self._redo.setEnabled(free and stack.canRedo())
        self._save.setEnabled(free and draft.unsaved)
        self._publish.setEnabled(free)

    def _step(self, verb: str, text: str) -> str:
        return self.tr("{verb}：{step}").format(verb=verb, step=text) if text else verb
