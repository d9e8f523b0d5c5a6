"""Puts the panels beside the editor."""

from uuid import UUID

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from hcrm_core.rules.messages import Explanation
from hcrm_core.rules.model import MAX_CASES
from hcrm_desktop.models.rule_cases import case_of, with_case
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_questions import RuleQuestions
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.panels.backtest import BacktestPanel
from hcrm_desktop.views.rules.panels.cases import CasesPanel
from hcrm_desktop.views.rules.panels.counts import CountStrip, FunnelPanel
from hcrm_desktop.views.rules.panels.explain import ExplainPanel
from hcrm_desktop.views.rules.panels.impact import ImpactPanel
from hcrm_desktop.views.rules.panels.overlap import OverlapPanel
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
        self._read_only = False

    def add_to(self, side: SidePanels) -> None:
        """A button for each of them."""
        side.add_panel("funnel", self.tr("漏斗"), self._funnel)
        side.add_panel("threshold", self.tr("阈值"), self._threshold)
        side.add_panel("impact", self.tr("影响"), self._impact)
        side.add_panel("explain", self.tr("为什么"), self._explain)
        side.add_panel("cases", self.tr("用例"), self._cases)
        side.add_panel("backtest", self.tr("回测"), self._backtest)
        side.add_panel("overlap", self.tr("重叠"), self._overlap)
        self._side = side

    def _funnel(self) -> QWidget:
        panel = FunnelPanel(self._desk.theme, self._words, self._draft)
        panel.chosen.connect(self._draft.choose)
        return panel

    def _threshold(self) -> QWidget:
        panel = ThresholdPanel(self._desk.theme, self._words, self.questions, today=self._desk.tasks.today())
        panel.parameter_requested.connect(self.parameter_requested)
        return panel

    def _impact(self) -> QWidget:
        panel = ImpactPanel(self._desk.theme, self.questions)
        panel.customer_requested.connect(self.customer_requested)
        panel.explain_requested.connect(self._on_explain_requested)
        return panel

    def _explain(self) -> QWidget:
        panel = ExplainPanel(self._desk, self._words, self.questions, above=self._side.window())
        panel.customer_requested.connect(self.customer_requested)
        panel.case_requested.connect(self._on_case_requested)
        return panel

    def _cases(self) -> QWidget:
        panel = CasesPanel(self._desk.theme, self._words, self._draft, today=self._desk.tasks.today())
        panel.set_read_only(read_only=self._read_only)
        return panel

    def set_read_only(self, *, read_only: bool) -> None:
        """The rule can be looked at only."""
        self._read_only = read_only
        panel = self._side.panel("cases")
        if isinstance(panel, CasesPanel):
            panel.set_read_only(read_only=read_only)

    @Slot(object)
    def _on_case_requested(self, explanation: Explanation) -> None:
        if self._read_only or len(self._draft.rule.cases) >= MAX_CASES:
            return
        name = self.tr("客户的例子 {n}").format(n=len(self._draft.rule.cases) + 1)
        case = case_of(explanation, name=name, on=self._desk.tasks.today())
        self._draft.apply(with_case(self._draft.rule, case), text=self.tr("存为用例"))
        self._side.open_panel("cases")
        panel = self._side.panel("cases")
        assert isinstance(panel, CasesPanel)
        panel.choose_last()

    def _backtest(self) -> QWidget:
        return BacktestPanel(self._desk.theme, self.questions)

    def _overlap(self) -> QWidget:
        return OverlapPanel(self._desk.theme, self.questions)

    @Slot(object, str)
    def _on_explain_requested(self, customer_id: UUID, name: str) -> None:
        self._side.open_panel("explain")
        panel = self._side.panel("explain")
        assert isinstance(panel, ExplainPanel)
        panel.explain(customer_id, name)
