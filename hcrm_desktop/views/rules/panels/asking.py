"""How a part of the page asks: quietly, only while somebody looks, and saying in its place what stands in the way."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from hcrm_core.errors import Rejected, Unreachable
from hcrm_desktop.models.rule_questions import Question
from hcrm_desktop.theme import set_property
from hcrm_desktop.views.failures import Failures


class BusyBar(QProgressBar):
    """Something is on its way, nobody knows for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.setRange(0, 0)
        self.setTextVisible(False)
        self.setFixedSize(72, 6)
        self.setAccessibleName(self.tr("正在算"))
        self.hide()


class AskLine(QWidget):
    """A line that says how the question stands, with a way on.

    Signals:
        again_requested: the person wants to try once more.
    """

    again_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text, self._again = QLabel(wordWrap=True), QPushButton(self.tr("再试"))
        self._busy = BusyBar()
        self._again.setProperty("kind", "quiet")
        self._again.clicked.connect(self.again_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._busy)
        row.addWidget(self.text, 1)
        row.addWidget(self._again)
        self.show_text("")

    def show_text(self, text: str, *, role: str = "muted", busy: bool = False, again: bool = False) -> None:
        """Say something; "" says nothing."""
        self.text.setText(text)
        set_property(self.text, "role", role)
        self._busy.setVisible(busy)
        self._again.setVisible(again)
        self.setVisible(bool(text))

    def show_busy(self, text: str) -> None:
        self.show_text(text, busy=True)

    def show_error(self, error: Exception) -> None:
        """Why there is no answer."""
        self.show_text(self.sentence(error), role="warn", again=True)

    def sentence(self, error: Exception) -> str:
        """An error in the words of somebody who edits a rule."""
        from hcrm_desktop.sync.client import Busy, NotOffered

        if isinstance(error, Busy):
            return self.tr("中心正忙，请稍后再试。")
        if isinstance(error, NotOffered):
            return self.tr("中心的版本还不会算这个。")
        if isinstance(error, Unreachable):
            return self.tr("连不上中心，连上以后再算。")
        if isinstance(error, Rejected):
            return self._rejected(error.code)
        return Failures(self).sentence(error)

    def _rejected(self, code: str) -> str:
        return {
            "asked_too_much": self.tr("这条规则算得太久，中心停下了。可以先停用几个条件再试。"),
            "not_draggable": self.tr("这个条件没有可以拖动的数值。"),
            "invalid_request": self.tr("规则还有没填对的地方，改好后再算。"),
        }.get(code, self.tr("中心没有算出来，请再试。"))


def headed(panel: QWidget, text: str, hint: str) -> QVBoxLayout:
    """The column of a panel, with its title and what it tells."""
    column = QVBoxLayout(panel)
    column.setContentsMargins(12, 0, 8, 0)
    column.setSpacing(8)
    title, small = QLabel(text), QLabel(hint, wordWrap=True)
    title.setProperty("role", "title")
    small.setProperty("role", "small")
    column.addWidget(title)
    column.addWidget(small)
    return column


class Panel(QWidget):
    """A part that shows the answer to one question. While it is hidden nothing is asked.

    Attributes:
        question: that is asked now; a panel may listen to several, and ask one of them at a time.
        column: title, hint and how the question stands are in it once `headed`; the rest follows.
    """

    column: QVBoxLayout

    def __init__(self, question: Question, *, shared: bool = False) -> None:
        """Ask nothing yet.

        Args:
            shared: somebody else asks, whether this panel is seen or not.
        """
        super().__init__()
        self.question, self._shared = question, shared
        self.line = AskLine()
        self.line.again_requested.connect(self._on_again_requested)
        self.listen(question)

    def listen(self, question: Question) -> None:
        """Hear what becomes of a question."""
        question.asked.connect(self._on_asked)
        question.answered.connect(self._on_answered)
        question.failed.connect(self.line.show_error)
        question.nothing.connect(self._on_nothing)

    def headed(self, text: str, hint: str) -> None:
        """Begin the layout with a title and what the panel tells."""
        self.column = headed(self, text, hint)
        self.column.addWidget(self.line)

    def show_answer(self, answer: object) -> None:
        """Show what the centre said of the rule as it stands."""
        raise NotImplementedError

    def nothing(self) -> str:
        """Why nothing is asked."""
        return self.tr("条件填完整后，这里就有数。")

    @Slot()
    def renew(self) -> None:
        """The rule is another one: ask, or ask when somebody looks."""
        self.question.forget()
        if self.isVisible():
            self.question.want()

    @Slot()
    def _on_again_requested(self) -> None:
        self.question.ask()

    @Slot()
    def _on_asked(self) -> None:
        self.line.show_busy(self.tr("正在算…"))

    @Slot(object)
    def _on_answered(self, answer: object) -> None:
        self.line.show_text("")
        self.show_answer(answer)

    @Slot()
    def _on_nothing(self) -> None:
        self.line.show_text(self.nothing())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._shared and self.question.answer is not None:
            self._on_answered(self.question.answer)
        elif not self._shared and self.question.answer is None and not self.question.is_on_its_way:
            self.question.want()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not self._shared:
            self.question.drop()
