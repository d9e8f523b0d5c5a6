"""Questions about the rule being edited: asked when it rests, one of a kind at a time, called off when it moves on."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from hcrm_core.rules.checking import check
from hcrm_core.rules.messages import Counts, Diff, Trial
from hcrm_core.wire import Message
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.tasks import Tasks

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient

PAUSE_MS = 150  # after the last edit
LATER_MS = 600  # for what costs the centre more
Make = Callable[[UUID], Message | None]  # what to ask, by the name that calls it off; None: there is nothing to ask


class Question(QObject):
    """One kind of question. Of several answers only the one to what was asked last is told.

    Signals:
        asked: it is on its way.
        answered: the answer.
        failed: the error; off line and refusals too.
        nothing: as the rule stands it cannot be asked.

    Attributes:
        answer: the last one, None once it is old.
    """

    asked = Signal()
    answered = Signal(object)
    failed = Signal(object)
    nothing = Signal()

    def __init__(
        self, tasks: Tasks, name: str, answer: type[Message], *, make: Make, parent: QObject, pause_ms: int = PAUSE_MS
    ) -> None:
        """Ask nothing yet.

        Args:
            name, answer: as `CentreClient.question`.
        """
        super().__init__(parent)
        self._tasks, self._name, self._kind, self._make = tasks, name, answer, make
        self._running: UUID | None = None  # not answered yet, perhaps called off
        self._awaited: UUID | None = None  # whose answer is told
        self._again = False
        self.answer: Message | None = None
        self._pause = QTimer(self, singleShot=True, interval=pause_ms)
        self._pause.timeout.connect(self.ask)

    @property
    def is_on_its_way(self) -> bool:
        """Whether an answer will come, if nothing changes."""
        return self._awaited is not None or self._again or self._pause.isActive()

    @Slot()
    def want(self) -> None:
        """Ask when the rule rests; an answer that is on its way is of no interest any more."""
        self.forget()
        self._pause.start()

    @Slot()
    def forget(self) -> None:
        """The rule is another one."""
        self.answer = None
        self.drop()

    @Slot()
    def drop(self) -> None:
        """Nobody looks any more; the last answer stays."""
        self._pause.stop()
        self._again = False
        ask, self._awaited = self._awaited, None
        if ask is not None:
            self._tasks.consult(self, partial(_call_off, ask=ask), done=_forget, failed=_forget, aside=True)

    @Slot()
    def ask(self) -> None:
        """Ask now, or as soon as the centre let go of what was asked before."""
        self.forget()
        if self._running is not None:
            self._again = True
            return
        name = uuid4()
        request = self._make(name)
        if request is None:
            self.nothing.emit()
            return
        self._running = self._awaited = name
        self.asked.emit()
        self._tasks.consult(
            self,
            partial(_put, name=self._name, request=request, answer=self._kind),
            done=partial(self._on_answered, name),
            failed=partial(self._on_failed, name),
            aside=True,
        )

    def _on_answered(self, name: UUID, answer: Message) -> None:
        if self._ends(name):
            self.answer = answer
            self.answered.emit(answer)

    def _on_failed(self, name: UUID, error: Exception) -> None:
        if self._ends(name):
            self.failed.emit(error)

    def _ends(self, name: UUID) -> bool:
        """The centre let go of a question. Tells whether anybody waited for it."""
        self._running = None
        if name == self._awaited:
            self._awaited = None
            return True
        if self._again:
            self.ask()
        return False


class RuleQuestions(QObject):
    """What several parts of the page ask about the same draft.

    Signals:
        old: answers are of an earlier state of the rule, or of other values of parameters.

    Attributes:
        counts: the live count.
        difference: against today's membership. The answers of both are told to the draft.
    """

    old = Signal()

    def __init__(self, tasks: Tasks, draft: RuleDraft) -> None:
        super().__init__(draft)
        self.tasks, self.draft = tasks, draft
        self.tried: dict[str, Decimal] = {}
        self.counts = Question(tasks, "counts", Counts, make=self.trial, parent=self)
        self.difference = Question(tasks, "diff", Diff, make=self.trial, parent=self, pause_ms=LATER_MS)
        self.counts.answered.connect(draft.tell_counts)
        self.difference.answered.connect(draft.tell_difference)
        draft.changed.connect(self._on_changed)
        draft.surrounded.connect(self.old)

    def trial(self, ask: UUID) -> Trial | None:
        """The rule as it stands; None while it is not complete or nothing is known of its surroundings."""
        rule, workshop = self.draft.rule, self.draft.workshop
        if workshop is None or check(rule.where, parameters=workshop.parameters):
            return None
        return Trial(ask=ask, definition=rule.as_json(), parameters=self.tried)

    def try_parameter(self, tried: dict[str, Decimal]) -> None:
        """Ask about other values of parameters from now on, or about those in force if there are none."""
        if tried != self.tried:
            self.tried = tried
            self.old.emit()

    @Slot()
    def _on_changed(self) -> None:
        self.tried = {}
        self.old.emit()


def _put(
    client: "CentreClient", headers: dict[str, str], *, name: str, request: Message, answer: type[Message]
) -> Message:
    return client.question(name, request, answer, headers=headers)


def _call_off(client: "CentreClient", headers: dict[str, str], *, ask: UUID) -> None:
    client.call_off(ask, headers=headers)


def _forget(_: object) -> None:
    """Whether it was heard makes no difference: the answer is not told."""
