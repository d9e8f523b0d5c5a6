"""How a contact ended: one key an outcome, with a note, a channel and the next day."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from PySide6.QtCore import QDate, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.theme import set_property
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.words import Words

ORDER = (
    Outcome.BOOKED,
    Outcome.NO_ANSWER,
    Outcome.CONSIDERING,
    Outcome.DECLINED,
    Outcome.ARRIVED,
    Outcome.WRONG_NUMBER,
    Outcome.MOVED_AWAY,
    Outcome.SATISFIED,
    Outcome.DISCOMFORT,
)
CHANNELS = (Channel.PHONE, Channel.WECOM, Channel.SMS, Channel.IN_PERSON)
COLUMNS = 5
BOOK_AHEAD_DAYS = 3  # what the date field offers for a booking; the person changes it


class OutcomeBar(QFrame):
    """The bottom of the case.

    Signals:
        outcome_chosen: Outcome, next day or None.
        snooze_chosen: the day.
        refused: a sentence: what is missing.
        left: typing is over, the keys belong to the list again.
    """

    outcome_chosen = Signal(object, object)
    snooze_chosen = Signal(object)
    refused = Signal(str)
    left = Signal()

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words
        self._today = date.min
        self._dated = False
        self._channel = QComboBox()
        self._note = QLineEdit(placeholderText=self.tr("备注（N）"), maxLength=2000)
        self._note.setAccessibleName(self.tr("备注"))
        self._next = QDateEdit()
        self._next.setCalendarPopup(True)
        self._next.setDisplayFormat(self.tr("'下次' yyyy-MM-dd"))
        self._next.setAccessibleName(self.tr("下次日期"))
        self._buttons: dict[Outcome, QPushButton] = {}
        self._build()
        self._next.userDateChanged.connect(self._on_date_changed)
        for key in ("Return", "Enter", "Escape"):
            on_key(self, key, self.left.emit, children=True)

    def _build(self) -> None:
        self.setProperty("role", "well")
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        for channel in CHANNELS:
            self._channel.addItem(self._words.channel(channel), channel)
        self._channel.setAccessibleName(self.tr("联系方式"))
        self._of_another = QLabel(self.tr("同事负责的任务：只有负责人、医助或运营经理可以记录结果。"), wordWrap=True)
        self._of_another.setProperty("role", "warn")
        self._of_another.hide()
        column.addWidget(self._of_another)
        column.addLayout(self._build_grid())
        column.addLayout(self._build_fields())

    def _build_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(6)
        for number, outcome in enumerate(ORDER, 1):
            label = self.tr("{n} {outcome}").format(n=number, outcome=self._words.outcome(outcome))
            button = QPushButton(label)
            button.setProperty("kind", "key")
            button.setToolTip(self.tr("按数字键 {n}").format(n=number))
            button.clicked.connect(partial(self.choose, outcome))
            grid.addWidget(button, (number - 1) // COLUMNS, (number - 1) % COLUMNS)
            self._buttons[outcome] = button
        return grid

    def _build_fields(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        snooze = QPushButton(self.tr("S 推迟"))
        snooze.setToolTip(self.tr("不联系，先推迟到所选日期"))
        snooze.clicked.connect(self.snooze)
        for widget in (self._channel, self._next, snooze):
            row.addWidget(widget)
        row.addWidget(self._note, 1)
        return row

    # ── for the page ─────────────────────────────────────────────────────────────────────────────────────

    def prepare(self, today: date) -> None:
        """Another contact: an empty note and sensible defaults."""
        self._today = today
        self._note.clear()
        self._next.setMinimumDate(_qdate(today))
        self._next.setDate(_qdate(today + timedelta(days=BOOK_AHEAD_DAYS)))
        self._dated = False
        self._say_default()

    def offer(self, offered: tuple[Outcome, ...], *, workable: bool, is_open: bool) -> None:
        """Take outcomes, or none, and say why if the task is a colleague's. Those offered first are emphasised."""
        for outcome, button in self._buttons.items():
            set_property(button, "offered", not offered or outcome in offered)
        self._of_another.setVisible(not workable)
        self.setEnabled(workable and is_open)

    def add_shortcuts(self, owner: QWidget) -> None:
        """Number keys, S, N and D, while the page has the focus and nobody is typing."""
        acts: list[tuple[str, Callable[[], object]]] = [
            (str(number), partial(self.choose, outcome)) for number, outcome in enumerate(ORDER, 1)
        ]
        for keys, act in (*acts, ("S", self.snooze), ("N", self._note.setFocus), ("D", self._next.setFocus)):
            # A key that is held down acts once: a resting finger must not record one family after another.
            QShortcut(QKeySequence(keys), owner, act).setAutoRepeat(False)

    def note(self) -> str:
        return self._note.text().strip()

    def channel(self) -> Channel:
        return Channel(self._channel.currentData())

    # ── choosing ─────────────────────────────────────────────────────────────────────────────────────────

    def choose(self, outcome: Outcome) -> None:
        """An outcome was chosen. The day belongs to it only if it means something: a booking, or a day picked."""
        if self._note.hasFocus() or not self.isEnabled():
            return
        chosen = _date(self._next.date())
        self.outcome_chosen.emit(outcome, chosen if outcome is Outcome.BOOKED or self._dated else None)

    def snooze(self) -> None:
        if self._note.hasFocus() or not self.isEnabled():
            return
        until = _date(self._next.date())
        if until <= self._today:
            self.refused.emit(self.tr("推迟需要选一个以后的日期。"))
            return
        self.snooze_chosen.emit(until)

    @Slot()
    def _on_date_changed(self) -> None:
        self._dated = self._next.hasFocus() or self._next.calendarWidget().isVisible()
        self._say_default()

    def _say_default(self) -> None:
        if self._dated:
            self._next.setToolTip(self.tr("所有结果都按所选日期再次提醒。按 D 修改。"))
        else:
            self._next.setToolTip(self.tr("日期只用于“已约”和推迟；未接、考虑、不适会自动安排下次。按 D 修改。"))


def _qdate(on: date) -> QDate:
    return QDate(on.year, on.month, on.day)


def _date(on: QDate) -> date:
    return date(on.year(), on.month(), on.day())
