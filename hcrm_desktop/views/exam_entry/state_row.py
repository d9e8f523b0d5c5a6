"""The state row: first, because it decides which values of this examination may be compared."""

from datetime import date

from PySide6.QtCore import QDate, Signal, Slot
from PySide6.QtWidgets import QDateEdit, QGridLayout, QLabel, QLineEdit, QSpinBox, QWidget

from hcrm_core.terms import LensState, RefractionMethod
from hcrm_core.wire import Json
from hcrm_desktop.views.exam_entry.choice import Choice
from hcrm_desktop.views.exam_entry.reading import Conditions
from hcrm_desktop.views.words import Words

_DROPS = (True, False, None)
_METHODS = (
    RefractionMethod.AUTOREFRACTION,
    RefractionMethod.RETINOSCOPY,
    RefractionMethod.SUBJECTIVE,
    RefractionMethod.UNKNOWN,
)
_LENSES = (
    LensState.NONE,
    LensState.SPECTACLES,
    LensState.OK_LENS,
    LensState.OK_WASHOUT,
    LensState.SOFT_LENS,
    LensState.UNKNOWN,
)
_NO_DAYS = -1  # the spin box's word for "not said"


class StateRow(QWidget):
    """Day, drops, method, device, lens state and days without OK lens. A digit chooses in every box.

    Signals:
        edited: something was changed.
        picked: a box was answered by a digit; what is still to be said comes next, or nothing.
    """

    edited = Signal()
    picked = Signal(object)

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words
        self._day = QDateEdit()
        self._drops = Choice(_DROPS, [words.cycloplegia(one) for one in _DROPS])
        self._method = Choice(_METHODS, [words.method(one) for one in _METHODS])
        self._device = QLineEdit(maxLength=80)
        self._lens = Choice(_LENSES, [words.lens_state(one) for one in _LENSES])
        self._washout = QSpinBox(minimum=_NO_DAYS, maximum=999, value=_NO_DAYS)
        self._washout.setSpecialValueText(self.tr("未填"))
        self._washout.setSuffix(self.tr(" 天"))
        self._washout.lineEdit().setTextMargins(8, 0, 8, 0)  # the padding of a style sheet does not reach a spin box
        self._build()
        self._connect()

    def fields(self) -> list[QWidget]:
        """In the order of Enter."""
        return [self._day, self._drops, self._method, self._device, self._lens, self._washout]

    def first_field(self) -> QWidget:
        """Where a person begins: the day is today nearly always."""
        return self._drops

    def day_field(self) -> QWidget:
        return self._day

    def still_open(self, *, after: QWidget) -> QWidget | None:
        """The next field that says nothing yet and has to; drops, method, lens and days without an OK lens do."""
        unsaid = {
            self._drops: self._drops.value() is None,
            self._method: self._method.value() is RefractionMethod.UNKNOWN,
            self._lens: self._lens.value() is LensState.UNKNOWN,
            self._washout: self._washout.isEnabled() and self._washout.value() == _NO_DAYS,
        }
        following = self.fields()[self.fields().index(after) + 1 :]
        return next((field for field in following if unsaid.get(field)), None)

    def conditions(self) -> Conditions:
        """What is said now. Days without lens count only where wear was stopped."""
        lens, days = self._lens.value(), self._washout.value()
        stopped = lens is LensState.OK_WASHOUT and days != _NO_DAYS
        return Conditions(
            examined_on=_date(self._day.date()),
            cycloplegic=self._drops.value(),
            method=self._method.value(),
            lens_state=lens,
            washout_days=days if stopped else None,
            device=self._device.text().strip(),
        )

    def set_conditions(self, conditions: Conditions) -> None:
        """Show conditions, as of a draft or the defaults."""
        self._day.setDate(_qdate(conditions.examined_on))
        self._drops.choose(conditions.cycloplegic)
        self._method.choose(conditions.method)
        self._lens.choose(conditions.lens_state)
        self._device.setText(conditions.device)
        self._device.setCursorPosition(0)  # the beginning names it
        self._washout.setValue(_NO_DAYS if conditions.washout_days is None else conditions.washout_days)

    def _build(self) -> None:
        self._day.setCalendarPopup(True)
        self._day.setDisplayFormat("yyyy-MM-dd")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        labels = (
            self.tr("检查日期"),
            self.tr("散瞳？"),
            self.tr("方法"),
            self.tr("设备"),
            self.tr("戴镜状态"),
            self.tr("停戴天数"),
        )
        for column, (text, field) in enumerate(zip(labels, self.fields(), strict=True)):
            label = QLabel(text)
            label.setProperty("role", "small")
            label.setBuddy(field)
            field.setAccessibleName(text)
            grid.addWidget(label, 0, column)
            grid.addWidget(field, 1, column)
            grid.setColumnStretch(column, 1)

    def _connect(self) -> None:
        self._day.dateChanged.connect(self._on_edited)
        self._device.textEdited.connect(self._on_edited)
        self._washout.valueChanged.connect(self._on_edited)
        for box in (self._drops, self._method, self._lens):
            box.currentIndexChanged.connect(self._on_edited)
            box.picked.connect(self._on_picked)
        self._on_edited()

    @Slot()
    def _on_edited(self) -> None:
        self._washout.setEnabled(self._lens.value() is LensState.OK_WASHOUT)
        self.edited.emit()

    @Slot()
    def _on_picked(self) -> None:
        box = self.sender()
        if isinstance(box, QWidget):
            self.picked.emit(self.still_open(after=box))


def to_json(conditions: Conditions) -> Json:
    """Conditions as a draft keeps them."""
    return {
        "examined_on": conditions.examined_on.isoformat(),
        "cycloplegic": conditions.cycloplegic,
        "method": conditions.method.value,
        "lens_state": conditions.lens_state.value,
        "washout_days": conditions.washout_days,
        "device": conditions.device,
    }


def from_json(body: Json) -> Conditions:
    """Conditions of a draft."""
    return Conditions(
        examined_on=date.fromisoformat(body["examined_on"]),
        cycloplegic=body["cycloplegic"],
        method=RefractionMethod(body["method"]),
        lens_state=LensState(body["lens_state"]),
        washout_days=body["washout_days"],
        device=body["device"],
    )


def _qdate(day: date) -> QDate:
    return QDate(day.year, day.month, day.day)


def _date(day: QDate) -> date:
    return date(day.year(), day.month(), day.day())
