"""记录跟进: a contact that no task asked for."""

from datetime import date
from uuid import UUID

from PySide6.QtCore import QDate, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDateEdit,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.exam_entry.choice import Choice
from hcrm_desktop.views.widgets.recording_dialog import RecordingDialog
from hcrm_desktop.views.words import Words


class FollowUpDialog(RecordingDialog):
    """Channel, outcome, note and the next day."""

    def __init__(self, tasks: Tasks, words: Words, customer_id: UUID, *, name: str, parent: QWidget) -> None:
        super().__init__(tasks, parent=parent)
        self._customer_id, self._today = customer_id, tasks.today()
        self._channel = Choice(list(Channel), [words.channel(one) for one in Channel])
        self._outcome = Choice(list(Outcome), [words.outcome(one) for one in Outcome])
        self._channel.choose(Channel.PHONE)
        self._note = QLineEdit(maxLength=2000, placeholderText=self.tr("说了什么，下次注意什么"))
        self._next = QDateEdit()
        self._save = QPushButton(self.tr("保存 Ctrl+S"))
        self.setWindowTitle(self.tr("记录跟进 · {name}").format(name=name))
        self._build()

    def _build(self) -> None:
        today = self._today
        self._next.setMinimumDate(QDate(today.year, today.month, today.day))
        self._next.setCalendarPopup(True)
        self._next.setDisplayFormat("yyyy-MM-dd")
        self._next.setSpecialValueText(self.tr("不约定"))  # shown at the least day, which is no appointment
        self._save.setProperty("kind", "primary")
        self._save.clicked.connect(self.save)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self, self.save)
        close = QPushButton(self.tr("取消 Esc"))
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self._message, 1)
        for button in (close, self._save):
            button.setAutoDefault(button is self._save)
            buttons.addWidget(button)
        form = QFormLayout(self)
        form.setContentsMargins(24, 20, 24, 16)
        form.setSpacing(10)
        for text, field in (
            (self.tr("结果"), self._outcome),
            (self.tr("方式"), self._channel),
            (self.tr("备注"), self._note),
            (self.tr("约定到院 / 下次联系"), self._next),
        ):
            field.setAccessibleName(text)
            form.addRow(text, field)
        form.addRow(buttons)
        self.setMinimumWidth(480)
        self._outcome.setFocus()

    def _next_on(self) -> date | None:
        chosen = self._next.date()
        return None if chosen == self._next.minimumDate() else date(chosen.year(), chosen.month(), chosen.day())

    @Slot()
    def save(self) -> None:
        """Record the contact."""
        from hcrm_desktop.cache.commands import record_follow_up

        outcome, next_on = self._outcome.value(), self._next_on()
        if outcome is Outcome.BOOKED and next_on is None:
            self._message.setText(self.tr("“已约”需要约定的日期。"))
            self._next.setFocus()
            return
        if not self._save.isEnabled():
            return
        self._save.setEnabled(False)
        self._record(
            record_follow_up,
            customer_id=self._customer_id,
            channel=self._channel.value(),
            outcome=outcome,
            note=self._note.text().strip(),
            next_on=next_on,
        )

    def _offer_again(self) -> None:
        self._save.setEnabled(True)
