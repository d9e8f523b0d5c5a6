"""Unsaved edits of a rule outlast the program: a copy in the encrypted outbox, offered when it is opened again."""

from functools import partial

from PySide6.QtCore import QObject, QTimer, Slot

from hcrm_desktop.models.rule_desk import OpenedRule, copy_key, copy_of, rule_in
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.rules.question import QuestionBar

COPY_MS = 1000  # after the last change the copy is written


class LocalCopy(QObject):
    """The copy of the rule that is being edited."""

    def __init__(self, tasks: Tasks, draft: RuleDraft, question: QuestionBar) -> None:
        super().__init__(draft)
        self._tasks, self._draft, self._question = tasks, draft, question
        self._waiting = QTimer(self, singleShot=True, interval=COPY_MS)
        self._waiting.timeout.connect(self.keep)
        draft.changed.connect(self._waiting.start)

    @Slot()
    def keep(self) -> None:
        """Write what is unsaved; what is saved needs no copy."""
        from hcrm_desktop.cache.commands import save_draft

        rule = self._draft.rule
        if self._draft.unsaved:
            body = copy_of(rule, ver=self._draft.version.ver)
            self._tasks.command(self, save_draft, key=copy_key(rule.key), body=body)
        else:
            self.drop(rule.key)

    def drop(self, key: str) -> None:
        """Nobody wants it any more."""
        from hcrm_desktop.cache.commands import drop_draft

        self._waiting.stop()
        self._tasks.command(self, drop_draft, key=copy_key(key))

    def rest(self) -> None:
        """What was just opened needs no copy."""
        self._waiting.stop()

    def offer(self, opened: OpenedRule) -> None:
        """Ask whether a copy of this rule shall stand here again, if there is one."""
        from hcrm_desktop.cache.queries import draft

        done = partial(self._on_found, opened)
        self._tasks.query(self, draft, copy_key(opened.rule.key), done=done)

    def _on_found(self, opened: OpenedRule, copy: dict[str, object] | None) -> None:
        rule = rule_in(copy)
        if copy is None or rule is None or rule == opened.rule or self._draft.version is not opened:
            return
        text = self.tr("这台电脑上有这条规则没保存的修改。")
        if copy.get("ver") != opened.ver:
            text += self.tr("中心的版本后来又有改动，恢复后请核对。")
        restore = partial(self._draft.apply, rule, text=self.tr("恢复没保存的修改"), path=())
        answers = [(self.tr("恢复"), restore), (self.tr("丢弃"), partial(self.drop, rule.key))]
        self._question.ask(text, answers)
