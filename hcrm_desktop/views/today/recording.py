"""Writes what a contact came to, of everything it was about, and says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.cache.rows import Changes, DueItem, TaskRow
from hcrm_desktop.models.contact import answered
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.words import Words

NAMES_SAID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a contact ended."""

    outcome: Outcome
    channel: Channel
    note: str
    next_on: date | None


class Recording(QObject):
    """Records outcomes and puts off.

    Signals:
        recorded: what was done, in words, and the tasks that are still due though the contact was about them.
        refused: why nothing was written.
    """

    recorded = Signal(str, object)
    refused = Signal(object)

    def __init__(self, tasks: Tasks, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks, self._words = tasks, words

    def record(self, items: Sequence[DueItem], contact: Contact) -> None:
        """Record an outcome of all items that it answers."""
        from hcrm_desktop.cache.commands import record_outcome

        parts = answered(items, contact.outcome)
        first, *others = parts.taken
        text = self.tr("已记录 {what}：{word}").format(
            what=self._what(parts.taken), word=self._words.outcome(contact.outcome)
        )
        self._tasks.command(
            self,
            record_outcome,
            task_id=first.id,
            also=tuple(one.id for one in others),
            channel=contact.channel,
            outcome=contact.outcome,
            note=contact.note,
            next_on=contact.next_on,
            done=partial(self._on_done, text + self._unanswered(parts.left), parts.left),
            failed=self._on_failed,
        )

    def put_off(self, items: Sequence[DueItem], until: date, *, note: str) -> None:
        """Put all items off."""
        from hcrm_desktop.cache.commands import snooze_task

        first, *others = [one.task for one in items]
        what = self._what([first, *others])
        text = self.tr("已推迟 {what} 到 {day}").format(what=what, day=self._words.day(until))
        self._tasks.command(
            self,
            snooze_task,
            task_id=first.id,
            also=tuple(one.id for one in others),
            until=until,
            note=note,
            done=partial(self._on_done, text, ()),
            failed=self._on_failed,
        )

    def _what(self, tasks: Sequence[TaskRow]) -> str:
        names = list(dict.fromkeys(task.name for task in tasks))
        said = self.tr("、").join(names[:NAMES_SAID]) + (self.tr("等") if len(names) > NAMES_SAID else "")
        return said if len(tasks) == 1 else self.tr("{names} {n} 项").format(names=said, n=len(tasks))

    def _unanswered(self, tasks: Sequence[TaskRow]) -> str:
        if not tasks:
            return ""
        each = [self.tr("{name} {sop}").format(name=task.name, sop=task.sop_label) for task in tasks]
        return self.tr("；{others} 不适用这个结果，请另选").format(others=self.tr("、").join(each))

    def _on_done(self, text: str, left: tuple[TaskRow, ...], _: Changes) -> None:
        self.recorded.emit(text, left)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.refused.emit(error)
