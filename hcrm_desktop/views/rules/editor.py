"""The middle of the page: what can be done to a line, the rule's properties, its tree, and what is said of it."""

from datetime import date
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.rules.linting import Finding
from hcrm_core.rules.model import Rule
from hcrm_desktop.models.rule_desk import find_odd, statistics_of
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.properties import RuleProperties
from hcrm_desktop.views.rules.tree import RuleTree
from hcrm_desktop.views.rules.wording import RuleWords
from hcrm_desktop.views.widgets.flow import FlowLayout

PAUSE_MS = 150  # after the last change; the linter need not look at every letter
MESSAGE_MS = 6000


class RuleEditor(QWidget):
    """Everything about one rule.

    Attributes:
        tree: its lines.

    Signals:
        parameter_requested: the key of a parameter to look at in its table.
    """

    parameter_requested = Signal(str)

    def __init__(self, tasks: Tasks, theme: Theme, words: RuleWords, draft: RuleDraft, *, today: date) -> None:
        super().__init__()
        self._tasks, self._words, self._draft, self._today = tasks, words, draft, today
        self.tree = RuleTree(theme, words, draft, today=today)
        self.properties = RuleProperties(draft, today=today)
        self.unfold = QPushButton(self.tr("属性 ▸"))
        self._message, self._whole = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._forget = QTimer(self, singleShot=True, interval=MESSAGE_MS)
        self._buttons: list[QPushButton] = []
        self._build()
        self._connect()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        bar = FlowLayout(6)
        self.unfold.setProperty("kind", "chip")
        self.unfold.setCheckable(True)
        bar.addWidget(self.unfold)
        for offer in self.tree.offers.all():
            if offer.short:
                button = QPushButton(offer.short)
                button.setProperty("kind", "chip")
                button.setToolTip(self.tr("{text}  {keys}").format(text=offer.text, keys=offer.keys))
                button.setAccessibleName(offer.text)
                button.clicked.connect(partial(self._on_offer_clicked, offer.act))
                bar.addWidget(button)
                self._buttons.append(button)
        for label, role in ((self._message, "warn"), (self._whole, "warn")):
            label.setProperty("role", role)
            label.hide()
        self.properties.hide()
        numbers = QLabel(self.tr("右边的数：单独满足的人数，下面是一条条筛到这里还剩多少人"))
        numbers.setProperty("role", "small")
        numbers.setAlignment(Qt.AlignmentFlag.AlignRight)
        column.addLayout(bar)
        for widget in (self.properties, self._message, self._whole, numbers):
            column.addWidget(widget)
        column.addWidget(self.tree, 1)

    def _on_offer_clicked(self, act: object, _: object = None) -> None:
        assert callable(act)
        act()
        if not self.tree.is_editing():
            self.tree.setFocus()

    def _connect(self) -> None:
        self.unfold.toggled.connect(self._on_unfolded)
        self.tree.refused.connect(self.say)
        self.tree.parameter_requested.connect(self.parameter_requested)
        self._forget.timeout.connect(self._message.hide)
        self._pause.timeout.connect(self._check)
        self._draft.changed.connect(self._pause.start)
        self._draft.surrounded.connect(self._on_surrounded)
        self._draft.counted.connect(self._on_counted)
        self._draft.compared.connect(self._pause.start)

    @Slot(bool)
    def _on_unfolded(self, unfolded: bool) -> None:  # noqa: FBT001 - Qt's own
        self.properties.setVisible(unfolded)
        self.unfold.setText(self.tr("属性 ▾") if unfolded else self.tr("属性 ▸"))

    def set_read_only(self, *, read_only: bool) -> None:
        """The rule can be looked at only."""
        self.tree.set_read_only(read_only=read_only)
        self.properties.setEnabled(not read_only)
        for button in self._buttons:
            button.setEnabled(not read_only)

    def ask_name(self) -> None:
        """A rule without a name gets one first."""
        self.unfold.setChecked(True)
        self.properties.begin()

    @Slot(str)
    def say(self, text: str) -> None:
        """Why a step was not possible; it goes by itself."""
        self._message.setText(text)
        self._message.show()
        self._forget.start()

    # ── what is said of the rule ─────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_surrounded(self) -> None:
        workshop = self._draft.workshop
        assert workshop is not None  # it has just been told
        self._words.learn(parameters=workshop.parameters, rules=workshop.labels)
        self.tree.learn(dict(workshop.parameters))
        self._check()

    @Slot()
    def _on_counted(self) -> None:
        self.tree.show_counts(self._draft.counts)
        self._pause.start()

    @Slot()
    def _check(self) -> None:
        workshop, rule = self._draft.workshop, self._draft.rule
        if workshop is None:
            return
        within = workshop.within(self._today)
        statistics = statistics_of(workshop, self._draft.fresh_counts, self._draft.difference)
        self._tasks.query(self, find_odd, done=self._on_checked, rule=rule, within=within, statistics=statistics)

    @Slot(object)
    def _on_checked(self, checked: tuple[Rule, list[Finding]]) -> None:
        rule, findings = checked
        if rule is not self._draft.rule:
            return  # another answer is on its way
        self.tree.show_findings(findings)
        words = self.tree.finding_words
        whole = [
            self.tr("{level}：{text}").format(level=words.level(one.level), text=words.sentence(one))
            for one in findings
            if one.path is None
        ]
        self._whole.setText("\n".join(whole))
        self._whole.setVisible(bool(whole))
        self._draft.tell_findings(findings)
