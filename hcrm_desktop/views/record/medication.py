"""用药: low-dose atropine begins, gets another strength, or is stopped."""

from datetime import date
from decimal import Decimal, InvalidOperation
from unicodedata import normalize

from PySide6.QtCore import QDate, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.record import MedicationRow
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.widgets.recording_dialog import RecordingDialog
from hcrm_desktop.views.words import Words

STRENGTHS = ("0.01", "0.025", "0.05")  # of the trials in resources/education (LAMP, Yam 2019); others are typed
WIDTH = 480


def running(record: CustomerRecord) -> MedicationRow | None:
    """The course that is taken now."""
    return next((one for one in record.medications if one.ended_on is None), None)


class MedicationDialog(RecordingDialog):
    """Begins a course, or stops the one that runs."""

    def __init__(self, tasks: Tasks, words: Words, record: CustomerRecord, *, parent: QWidget) -> None:
        super().__init__(tasks, parent=parent)
        self._words, self._customer_id = words, record.header.id
        self._running = running(record)
        self._birth = record.header.birth_date
        self._what, self._strength, self._day = QComboBox(), QComboBox(editable=True), QDateEdit()
        self._note, self._form = QLineEdit(maxLength=400), QFormLayout()
        self._save = QPushButton(self.tr("保存"))
        self.setWindowTitle(self.tr("用药 · {name}").format(name=record.header.name))
        self._build()
        self._show_kind()

    def _build(self) -> None:
        now = self._running
        names = [self.tr("改浓度"), self.tr("停用")] if now else [self.tr("开始用药")]
        self._what.addItems(names)
        self._strength.addItems(STRENGTHS)
        self._strength.setCurrentText("0.01" if now is None or now.percent is None else f"{now.percent.normalize():f}")
        today = self._tasks.today()
        self._day.setCalendarPopup(True)
        self._day.setDisplayFormat("yyyy-MM-dd")
        self._day.setDate(QDate(today.year, today.month, today.day))
        self._day.setMaximumDate(self._day.date())
        self._save.setProperty("kind", "primary")
        self._what.currentIndexChanged.connect(self._show_kind)
        self._save.clicked.connect(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(10)
        column.addWidget(QLabel(self._sentence(), wordWrap=True))
        self._fill_form()
        column.addLayout(self._form)
        column.addWidget(self._message)
        column.addLayout(self._buttons())
        self.setFixedWidth(WIDTH)

    def _fill_form(self) -> None:
        for name, field in (
            (self.tr("做什么"), self._what),
            (self.tr("浓度（%）"), self._strength),
            (self.tr("日期"), self._day),
            (self.tr("备注或原因"), self._note),
        ):
            self._form.addRow(name, field)
            field.setAccessibleName(name)

    def _buttons(self) -> QHBoxLayout:
        close = QPushButton(self.tr("取消 Esc"))
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addStretch(1)
        for button in (close, self._save):
            button.setAutoDefault(button is self._save)
            row.addWidget(button)
        return row

    def _sentence(self) -> str:
        if self._running is None:
            return self.tr("现在没有在用的低浓度阿托品。")
        course, since = self._words.course(self._running.percent), self._words.day(self._running.started_on)
        return self.tr("正在用：{course}，{since} 起").format(course=course, since=since)

    @property
    def _stops(self) -> bool:
        return self._running is not None and self._what.currentIndex() == 1

    @Slot()
    def _show_kind(self) -> None:
        self._form.setRowVisible(self._strength, not self._stops)
        self._message.clear()

    @Slot()
    def save(self) -> None:
        """Record it, or say what stands in the way."""
        day = self._chosen_day()
        problem = self._problem(day)
        self._message.setText(problem)
        if problem:
            return
        self._save.setEnabled(False)
        if self._stops:
            self._stop(day)
        else:
            self._begin(day)

    def _chosen_day(self) -> date:
        chosen = self._day.date()
        return date(chosen.year(), chosen.month(), chosen.day())

    def _problem(self, day: date) -> str:
        if self._birth is not None and day < self._birth:
            return self.tr("日期在出生以前，请检查。")
        if self._running is not None and day < self._running.started_on:
            begun = self._words.day(self._running.started_on)
            return self.tr("日期在这次用药开始（{day}）以前，请检查。").format(day=begun)
        if not self._stops and self._percent() is None:
            return self.tr("浓度应大于 0、不超过 1（%），最多三位小数，例如 0.05。")
        if not self._stops and self._running is not None and self._percent() == self._running.percent:
            return self.tr("浓度没有变。")
        return ""

    def _percent(self) -> Decimal | None:
        try:
            found = Decimal(normalize("NFKC", self._strength.currentText()).strip().rstrip("%"))
        except InvalidOperation:
            return None
        fits = found.is_finite() and 0 < found <= 1 and found == found.quantize(Decimal("0.001"))
        return found if fits else None

    def _begin(self, day: date) -> None:
        from hcrm_desktop.cache.medications import begin_medication

        self._record(
            begin_medication,
            customer_id=self._customer_id,
            percent=self._percent(),
            started_on=day,
            note=self._note.text().strip(),
        )

    def _stop(self, day: date) -> None:
        from hcrm_desktop.cache.medications import end_medication

        assert self._running is not None, "only what runs is stopped"
        self._record(
            end_medication,
            customer_id=self._customer_id,
            medication_id=self._running.id,
            ended_on=day,
            reason=self._note.text().strip(),
        )

    def _offer_again(self) -> None:
        self._save.setEnabled(True)
