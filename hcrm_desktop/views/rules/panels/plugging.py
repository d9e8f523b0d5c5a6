"""Puts the panels beside the editor."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_questions import RuleQuestions
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.panels.counts import CountStrip, FunnelPanel
from hcrm_desktop.views.rules.panels.threshold import ThresholdPanel
from hcrm_desktop.views.rules.side import SidePanels
from hcrm_desktop.views.rules.wording import RuleWords


class RulePanels(QObject):
    """The strip above the editor, and each panel when it is first opened: most never are.

    Signals:
        customer_requested: open this customer's record.
        parameter_requested: the key of a parameter to look at in its table.
    """

    customer_requested = Signal(object)
    parameter_requested = Signal(str)

    def __init__(self, desk: Desk, words: RuleWords, draft: RuleDraft) -> None:
        super().__init__(draft)
        self._desk, self._words, self._draft = desk, words, draft
        self.questions = RuleQuestions(desk.tasks, draft)
        self.strip = CountStrip(draft, self.questions)

    def add_to(self, side: SidePanels) -> None:
        """A button for each of them."""
        side.add_panel("funnel", self.tr("漏斗"), self._funnel)
        side.add_panel("threshold", self.tr("阈值"), self._threshold)

    def _funnel(self) -> QWidget:
        panel = FunnelPanel(self._desk.theme, self._words, self._draft)
        panel.chosen.connect(self._draft.choose)
        return panel

    def _threshold(self) -> QWidget:
        panel = ThresholdPanel(self._desk.theme, self._words, self.questions, today=self._desk.tasks.today())
        panel.parameter_requested.connect(self.parameter_requested)
        return panel
