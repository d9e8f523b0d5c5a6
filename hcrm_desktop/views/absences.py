"""请假: who is away, so that what is due meanwhile goes to a colleague. For managers, on line only."""

from datetime import date
from functools import partial

from PySide6.QtCore import QDate, Qt, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.absences import Absence, Absences, AbsenceSaved
from hcrm_core.errors import Rejected
from hcrm_desktop.models.absences import ask_absences, cancel_absence, enter_absence
from hcrm_desktop.models.rows import Column, RowsModel
from hcrm_desktop.theme import set_property
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.widgets.pill import PillDelegate
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.widgets.table import in_card, quiet_table

WIDTH, HEIGHT = 720, 520  # fits a screen of 768 lines
WIDTHS = (110, 130, 150)  # of all columns but the last


class AbsencesDialog(QDialog):
    """Present and coming absences; one is entered, or cancelled after a second word."""

    def __init__(self, desk: Desk, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._failures = desk, Failures(self)
        self._today = desk.tasks.today()
        self._model = RowsModel[Absence](self._columns(), self)
        self._table = quiet_table(self._model, self.tr("请假名单"))
        self._table.setItemDelegateForColumn(0, PillDelegate(desk.theme, self._table))
        hint = self.tr("登记后，请假期间到期的任务会交给同院区在岗的同事，回来后还给本人。")
        self._states = StateStack(desk.theme, in_card(self._table), EmptyState(desk.theme, self.tr("没有人请假"), hint))
        self._staff, self._first, self._last = QComboBox(), self._day(), self._day()
        self._enter, self._cancel = QPushButton(self.tr("登记请假")), QPushButton(self.tr("取消这次请假…"))
        self._message = QLabel(wordWrap=True)
        self._sure = QFrame()
        self._build()
        self._connect()
        self._check()
        self.read()

    def _columns(self) -> list[Column[Absence]]:
        return [
            Column(
                title=self.tr("状态"),
                text=lambda one: self.tr("今天不在") if one.first_on <= self._today else self.tr("将请假"),
                tone=lambda one: "warn" if one.first_on <= self._today else "neutral",
            ),
            Column(title=self.tr("姓名"), text=lambda one: one.name),
            Column(title=self.tr("院区"), text=lambda one: one.site or self.tr("—")),
            Column(title=self.tr("日期"), text=self._days),
        ]

    def _days(self, one: Absence) -> str:
        first, last = self._desk.words.day(one.first_on), self._desk.words.day(one.last_on)
        return first if first == last else self.tr("{first} 至 {last}").format(first=first, last=last)

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self.setWindowTitle(self.tr("请假"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for place, width in enumerate(WIDTHS):
            self._table.setColumnWidth(place, width)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._enter.setProperty("kind", "primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(10)
        column.addWidget(self._states, 1)
        column.addWidget(self._build_sure())
        column.addLayout(self._build_form())
        column.addWidget(self._message)
        column.addLayout(self._build_buttons())
        self.resize(WIDTH, HEIGHT)

    def _build_form(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        for text, field in ((self.tr("谁"), self._staff), (self.tr("从"), self._first), (self.tr("到"), self._last)):
            label = QLabel(text)
            label.setBuddy(field)
            field.setAccessibleName(text)
            row.addWidget(label)
            row.addWidget(field, 1 if field is self._staff else 0)
        row.addWidget(self._enter)
        return row

    def _build_sure(self) -> QFrame:
        """The second word, in place."""
        self._question, self._yes, self._no = QLabel(wordWrap=True), QPushButton(), QPushButton(self.tr("不取消"))
        self._yes.setText(self.tr("确定取消"))
        self._yes.setProperty("kind", "primary")
        self._sure.setProperty("role", "well")
        row = QHBoxLayout(self._sure)
        row.addWidget(self._question, 1)
        row.addWidget(self._no)
        row.addWidget(self._yes)
        self._sure.hide()
        return self._sure

    def _build_buttons(self) -> QHBoxLayout:
        close = QPushButton(self.tr("关闭 Esc"))
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self._cancel)
        row.addStretch(1)
        row.addWidget(close)
        for button in (close, self._cancel, self._enter, self._yes, self._no):
            button.setAutoDefault(False)  # Enter in a field does not enter anybody
        return row

    def _day(self) -> QDateEdit:
        field = QDateEdit()
        field.setCalendarPopup(True)
        field.setDisplayFormat("yyyy-MM-dd")
        field.setMinimumDate(_qdate(self._today))
        field.setDate(_qdate(self._today))
        return field

    def _connect(self) -> None:
        self._states.retry_requested.connect(self.read)
        self._first.dateChanged.connect(self._on_first_changed)
        self._enter.clicked.connect(self.enter)
        self._cancel.clicked.connect(self._on_cancel_asked)
        self._no.clicked.connect(self._sure.hide)
        self._yes.clicked.connect(self._on_cancel_agreed)
        self._table.selectionModel().selectionChanged.connect(self._on_chosen)

    @Slot()
    def _check(self) -> None:
        self._enter.setEnabled(self._staff.count() > 0)
        self._cancel.setEnabled(self._chosen() is not None)

    @Slot()
    def _on_chosen(self) -> None:
        self._sure.hide()
        self._check()

    @Slot(QDate)
    def _on_first_changed(self, first: QDate) -> None:
        """Nobody is back before he has gone."""
        self._last.setMinimumDate(first)

    def _chosen(self) -> Absence | None:
        chosen = self._table.selectionModel().selectedRows()
        return self._model.row(chosen[0]) if chosen else None

    # ── with the centre ──────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def read(self) -> None:
        """Ask who is away."""
        self._states.show_loading()
        self._desk.tasks.consult(self, ask_absences, done=self._on_read, failed=self._on_not_read)

    @Slot(object)
    def _on_read(self, read: Absences) -> None:
        self._model.replace(read.absences)
        chosen = self._staff.currentData()
        self._staff.clear()
        for one in read.staff:
            self._staff.addItem(self.tr("{name}  {site}").format(name=one.name, site=one.site), one.staff_id)
        self._staff.setCurrentIndex(max(self._staff.findData(chosen), 0))
        if read.absences:
            self._states.show_content()
        else:
            self._states.show_empty()
        self._on_chosen()

    @Slot(object)
    def _on_not_read(self, error: Exception) -> None:
        """Off line nothing can be entered: the centre deals the tasks."""
        self._model.replace([])
        self._staff.clear()
        self._states.show_error(error)
        self._on_chosen()

    @Slot()
    def enter(self) -> None:
        """Enter who is away, and from when until when."""
        self._enter.setEnabled(False)
        first, last = _date(self._first.date()), _date(self._last.date())
        entry = partial(enter_absence, staff_id=self._staff.currentData(), first_on=first, last_on=last)
        self._desk.tasks.consult(self, entry, done=partial(self._on_entered, first), failed=self._on_refused)

    def _on_entered(self, first: date, saved: AbsenceSaved) -> None:
        self._say(self._what_happens(first, saved.redealt))
        self.read()

    def _what_happens(self, first: date, redealt: int) -> str:
        if first > self._today:
            day = self._desk.words.day(first)
            return self.tr("已登记。{day} 起到期的任务会交给在岗的同事。").format(day=day)
        if redealt:
            return self.tr("已登记，今天到期的 {n} 项任务交给在岗的同事。").format(n=redealt)
        return self.tr("已登记。现在没有到期的任务要转交。")

    @Slot()
    def _on_cancel_asked(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            ask = self.tr("取消 {name} {days} 的请假？同事还没开始的任务会还回。")
            self._question.setText(ask.format(name=chosen.name, days=self._days(chosen)))
            self._sure.show()
            self._no.setFocus()

    @Slot()
    def _on_cancel_agreed(self) -> None:
        chosen = self._chosen()
        self._sure.hide()
        if chosen is not None:
            order = partial(cancel_absence, absence_id=chosen.id)
            self._desk.tasks.consult(self, order, done=self._on_cancelled, failed=self._on_refused)

    @Slot(object)
    def _on_cancelled(self, _: None) -> None:
        self._say(self.tr("已取消。"))
        self.read()

    @Slot(object)
    def _on_refused(self, error: Exception) -> None:
        unsuitable = isinstance(error, Rejected) and error.code == "invalid_request"
        sentence = self.tr("没有登记：请假最长一年，人员须在职。") if unsuitable else self._failures.sentence(error)
        self._say(sentence, tone="danger")
        if isinstance(error, Rejected):
            self.read()  # somebody else was first
        self._check()

    def _say(self, text: str, *, tone: str = "muted") -> None:
        self._message.setText(text)
        set_property(self._message, "role", tone)


def _qdate(on: date) -> QDate:
    return QDate(on.year, on.month, on.day)


def _date(on: QDate) -> date:
    return date(on.year(), on.month(), on.day())
