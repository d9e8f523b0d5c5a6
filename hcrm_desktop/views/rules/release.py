"""From the button 发布… to the sentence that says what came of it."""

from functools import partial
from uuid import UUID

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from hcrm_core.rules import Rule
from hcrm_core.rules.messages import PublishResponse, Requested, RuleState
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_release import Reevaluation
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.parameters import ParametersDialog
from hcrm_desktop.views.rules.publish import PublishDialog
from hcrm_desktop.views.rules.scans import ScansDialog
from hcrm_desktop.views.rules.versions import VersionsDialog
from hcrm_desktop.views.rules.wording import RuleWords


class RuleRelease(QObject):
    """Opens the dialog and follows what was begun, also when another rule is open by then.

    Signals:
        said: for the toast.
        changed: the key of a rule of which a version or the customers are others now, "" after a parameter.
        customer_requested: open this customer's record.
    """

    said = Signal(str)
    changed = Signal(str)
    customer_requested = Signal(object)

    def __init__(self, desk: Desk, words: RuleWords, draft: RuleDraft, *, above: QWidget) -> None:
        super().__init__(above)
        self._desk, self._words, self._draft, self._above = desk, words, draft, above

    def show(self) -> None:
        """Show what publishing the saved draft would do; says so where there is none."""
        draft = self._draft
        if draft.unsaved:
            return  # edited while it was kept: what the centre has is not what stands here
        if draft.version.ver is None:
            self.said.emit(self.tr("没有要发布的修改"))
            return
        dialog = PublishDialog(self._desk, self._words, draft, parent=self._above)
        dialog.published.connect(partial(self._on_published, draft.rule.key, draft.rule.label))
        dialog.sent_back.connect(partial(self._on_sent_back, draft.rule.key))
        dialog.line_requested.connect(draft.choose)
        dialog.open()

    def _on_published(self, key: str, label: str, response: PublishResponse) -> None:
        if response.state is RuleState.PROPOSED:
            self.said.emit(self.tr("已提交复核，要另一位经理同意后才起作用"))
        else:
            text = self.tr("“{label}”v{n} 已发布，正在重新归类…")
            self.said.emit(text.format(label=label, n=response.number))
        self.changed.emit(key)
        if response.request_id is not None:
            self._follow(key, label, response.request_id)

    @Slot()
    def show_versions(self) -> None:
        """The history of the rule that is open."""
        rule = self._draft.rule
        dialog = VersionsDialog(self._desk, self._words, key=rule.key, label=rule.label, parent=self._above)
        dialog.loaded.connect(self._on_loaded)
        dialog.restored.connect(partial(self._on_published, rule.key, rule.label))
        dialog.retired.connect(partial(self._on_retired, rule.key, rule.label))
        dialog.thrown_away.connect(partial(self._on_thrown_away, rule.key))
        dialog.open()

    @Slot(object)
    def _on_loaded(self, rule: Rule) -> None:
        self._draft.apply(rule, text=self.tr("载入较早的版本"), path=())

    def _on_retired(self, key: str, label: str, requested: Requested) -> None:
        self.said.emit(self.tr("“{label}”已停用，客户正在离开客群…").format(label=label))
        self.changed.emit(key)
        self._follow(key, label, requested.request_id)

    def _on_thrown_away(self, key: str) -> None:
        self.said.emit(self.tr("草稿已放弃，在版本里还能找到"))
        self.changed.emit(key)

    @Slot()
    def show_scans(self) -> None:
        """How the scan does."""
        dialog = ScansDialog(self._desk, parent=self._above)
        dialog.customer_requested.connect(self.customer_requested)
        dialog.open()

    @Slot(str)
    def show_parameter(self, key: str) -> None:
        """The table of parameters, with this one chosen."""
        if self._draft.workshop is not None:
            workshop = self._draft.workshop
            dialog = ParametersDialog(self._desk, self._words, workshop, key=key, parent=self._above)
            dialog.changed.connect(self._on_parameter_set)
            dialog.outdated.connect(partial(self.changed.emit, ""))
            dialog.open()

    @Slot(str, object)
    def _on_parameter_set(self, label: str, requested: Requested) -> None:
        self.said.emit(self.tr("参数“{label}”已改，正在重新归类…").format(label=label))
        self.changed.emit("")
        self._follow("", label, requested.request_id)

    def _follow(self, key: str, label: str, request_id: UUID) -> None:
        waiting = Reevaluation(self._desk.tasks, request_id, parent=self)
        waiting.finished.connect(partial(self._on_finished, key, label))
        waiting.finished.connect(waiting.deleteLater)
        waiting.lost.connect(waiting.deleteLater)
        waiting.look()

    def _on_finished(self, key: str, label: str, requested: Requested) -> None:
        text = self.tr("“{label}”：进入 {entered} 人，离开 {left} 人，新建任务 {created} 个")
        if requested.failed:
            text = self.tr("“{label}”已保存，但没有归类成功，请告诉管理员")
        told = {"entered": requested.entered, "left": requested.left, "created": requested.created}
        self.said.emit(text.format(label=label, **told))
        self.changed.emit(key)

    def _on_sent_back(self, key: str) -> None:
        self.said.emit(self.tr("已退回，草稿可以继续修改"))
        self.changed.emit(key)
