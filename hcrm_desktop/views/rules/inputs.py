"""Typed inputs of a condition's value: numbers with their unit, days, words, two ends, several words."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation

from PySide6.QtCore import QDate, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QDateEdit, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from hcrm_core.facts.catalogue import Fact, FactType
from hcrm_core.facts.spoken import STEPS, in_degrees, plain_number, spoken_unit
from hcrm_core.rules.lowering import DEGREE, RELATIVE, relative_unit
from hcrm_core.rules.model import NO_OPERAND, Operator, Scalar
from hcrm_desktop.theme import set_property
from hcrm_desktop.views.rules.wording import RuleWords

Value = Scalar | tuple[Scalar, ...] | None
NUMBER_WIDTH = 92


class QuietBox(QComboBox):
    """A list that the wheel scrolls past: who scrolls the tree means no other value."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class QuietDay(QDateEdit):
    """A day that the wheel scrolls past."""

    def __init__(self) -> None:
        super().__init__()
        self.setCalendarPopup(True)
        self.setDisplayFormat("yyyy-MM-dd")

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ValueField(QWidget):
    """A value being typed or chosen.

    Signals:
        edited: the value, None while nothing is chosen.
        wrong: why what stands there is no value, "" once it is one. It stays as it was typed.
        finished: the person pressed Enter.
    """

    edited = Signal(object)
    wrong = Signal(str)
    finished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(6)

    def show_value(self, value: Value) -> None:
        """Let a value stand here; nothing is emitted."""
        raise NotImplementedError


class NumberEdit(QLineEdit):
    """A number; ↑ and ↓ go by one step.

    Signals:
        stepped: the number after a step.
    """

    stepped = Signal(object)

    def __init__(self, step: Decimal) -> None:
        super().__init__()
        self._step = step
        self.setFixedWidth(NUMBER_WIDTH)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def number(self) -> Decimal | None:
        """What was typed, full-width or not; None if it is no number."""
        try:
            number = Decimal(plain_number(self.text()))
        except InvalidOperation:
            return None
        return number if number.is_finite() else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
        number = self.number()
        if by is None or event.modifiers() or number is None:
            super().keyPressEvent(event)
            return
        self.setText(f"{number + by * self._step:f}")
        self.textEdited.emit(self.text())


class NumberField(ValueField):
    """One number with its unit, or the two ends of a range.

    Args:
        unit: behind the field.
        step: of the arrow keys; also says how many decimals there are.
        read: a typed number as the rule keeps it, None if it cannot be.
        told: the rule's value as it is typed.
    """

    def __init__(
        self,
        *,
        unit: str,
        step: Decimal,
        read: Callable[[Decimal], Scalar | None],
        told: Callable[[Scalar], str],
        ends: int = 1,
    ) -> None:
        super().__init__()
        self._read, self._told = read, told
        self._shown: Value = None
        self._fields = [NumberEdit(step) for _ in range(ends)]
        names = [self.tr("值")] if ends == 1 else [self.tr("从"), self.tr("到")]
        for number, (field, name) in enumerate(zip(self._fields, names, strict=True)):
            field.setAccessibleName(self.tr("{name}（{unit}）").format(name=name, unit=unit))
            if number:
                self.row.addWidget(QLabel(self.tr("到")))
            self.row.addWidget(field)
            field.textEdited.connect(self._on_edited)
            field.returnPressed.connect(self.finished)
        self.row.addWidget(QLabel(unit))
        self.setFocusProxy(self._fields[0])

    def show_value(self, value: Value) -> None:
        if value == self._shown and any(field.property("state") == "error" for field in self._fields):
            return  # what was typed wrongly stays in sight
        self._shown = value
        values = value if isinstance(value, tuple) else (value,)
        for field, one in zip(self._fields, values, strict=False):
            text = "" if one is None else self._told(one)
            if field.text() != text and not self._is_same(field, one):
                field.setText(text)
                set_property(field, "state", "")
                self.wrong.emit("")

    def _is_same(self, field: NumberEdit, value: Scalar | None) -> bool:
        """What is typed means that value already: 0.5 stays 0.5, while the rule says 0.50."""
        number = field.number()
        return number is not None and value is not None and self._read(number) == value

    @Slot()
    def _on_edited(self) -> None:
        read = [None if (number := field.number()) is None else self._read(number) for field in self._fields]
        for field, one in zip(self._fields, read, strict=True):
            set_property(field, "state", "error" if one is None and field.text().strip() else "")
        values = [one for one in read if one is not None]
        empty = any(not field.text().strip() for field in self._fields)
        if len(values) == len(self._fields):
            self.wrong.emit("")
            self.edited.emit(values[0] if len(values) == 1 else tuple(values))
        elif empty:
            self.wrong.emit(self.tr("请填写数值。"))
        else:
            self.wrong.emit(self.tr("这不是可用的数值，规则仍按原来的值。"))


class DateField(ValueField):
    """One day, or two."""

    def __init__(self, *, ends: int, today: date) -> None:
        super().__init__()
        self._fields = [QuietDay() for _ in range(ends)]
        for number, field in enumerate(self._fields):
            field.setAccessibleName(self.tr("日期") if ends == 1 else (self.tr("从"), self.tr("到"))[number])
            field.setDate(QDate(today.year, today.month, today.day))
            if number:
                self.row.addWidget(QLabel(self.tr("到")))
            self.row.addWidget(field)
            field.dateChanged.connect(self._on_edited)
        self.setFocusProxy(self._fields[0])

    def show_value(self, value: Value) -> None:
        values = value if isinstance(value, tuple) else (value,)
        for field, one in zip(self._fields, values, strict=False):
            day = QDate.fromString(str(one), Qt.DateFormat.ISODate)
            if day.isValid():
                field.blockSignals(True)
                field.setDate(day)
                field.blockSignals(False)

    @Slot()
    def _on_edited(self) -> None:
        days = tuple(field.date().toString(Qt.DateFormat.ISODate) for field in self._fields)
        self.edited.emit(days[0] if len(days) == 1 else days)


class ChoiceField(ValueField):
    """One of several words, or yes and no."""

    def __init__(self, choices: list[tuple[Scalar, str]]) -> None:
        super().__init__()
        self._box = QuietBox()
        self._box.setAccessibleName(self.tr("值"))
        self._box.setPlaceholderText(self.tr("请选择"))
        for value, label in choices:
            self._box.addItem(label, value)
        self.row.addWidget(self._box)
        self._box.activated.connect(self._on_activated)
        self.setFocusProxy(self._box)

    def show_value(self, value: Value) -> None:
        self._box.setCurrentIndex(self._box.findData(value))

    @Slot()
    def _on_activated(self) -> None:
        self.edited.emit(self._box.currentData())


class SeveralField(ValueField):
    """Any of several words, each to tick."""

    def __init__(self, choices: list[tuple[Scalar, str]]) -> None:
        super().__init__()
        self._buttons: list[tuple[Scalar, QPushButton]] = []
        for value, label in choices:
            button = QPushButton(label)
            button.setCheckable(True)
            button.setProperty("kind", "chip")
            button.clicked.connect(self._on_clicked)
            self.row.addWidget(button)
            self._buttons.append((value, button))
        self.setFocusProxy(self._buttons[0][1])

    def show_value(self, value: Value) -> None:
        chosen = value if isinstance(value, tuple) else (value,)
        for one, button in self._buttons:
            button.setChecked(one in chosen)

    @Slot()
    def _on_clicked(self) -> None:
        chosen = tuple(value for value, button in self._buttons if button.isChecked())
        self.wrong.emit("" if chosen else self.tr("至少选一项。"))
        if chosen:
            self.edited.emit(chosen)


def value_field(fact: Fact, op: Operator, *, words: RuleWords, today: date) -> ValueField:
    """The input that suits a fact and an operator."""
    if op in RELATIVE:
        return NumberField(unit=relative_unit(op), step=Decimal(1), read=_whole, told=str)
    if fact.kind is FactType.DATE:
        return DateField(ends=_ends(op), today=today)
    if fact.kind in (FactType.BOOLEAN, FactType.WORD):
        values: list[Scalar] = [True, False] if fact.words is None else [word.value for word in fact.words]
        choices = [(value, words.value(value, fact=fact)) for value in values]
        return SeveralField(choices) if op is Operator.IN else ChoiceField(choices)
    return _number_field(fact, ends=_ends(op))


def first_value(fact: Fact, op: Operator, *, today: date) -> Value:
    """What a field that is never empty shows, and so means, before anybody touches it."""
    if fact.kind is FactType.BOOLEAN:
        return True
    if fact.kind is FactType.DATE and op not in RELATIVE | NO_OPERAND:
        return today.isoformat() if _ends(op) == 1 else (today.isoformat(), today.isoformat())
    return None


def _ends(op: Operator) -> int:
    return 2 if op is Operator.BETWEEN else 1


def _number_field(fact: Fact, *, ends: int) -> NumberField:
    if fact.kind is FactType.INTEGER:
        return NumberField(unit=fact.unit, step=Decimal(1), read=_signed_whole, told=str, ends=ends)
    unit = spoken_unit(fact)
    step = Decimal(STEPS.get(unit, "0.01"))
    if in_degrees(fact):
        return NumberField(unit=unit, step=step, read=_from_degrees, told=_in_degrees, ends=ends)
    return NumberField(unit=unit, step=step, read=_decimal, told=str, ends=ends)


def _whole(number: Decimal) -> Scalar | None:
    return int(number) if number >= 0 and number % 1 == 0 else None


def _signed_whole(number: Decimal) -> Scalar | None:
    return int(number) if number % 1 == 0 else None


def _decimal(number: Decimal) -> Scalar | None:
    return f"{number:.2f}" if number == round(number, 2) else f"{number.normalize():f}"


def _from_degrees(number: Decimal) -> Scalar | None:
    return _decimal(number * DEGREE)


def _in_degrees(value: Scalar) -> str:
    try:
        return f"{(Decimal(str(value)) / DEGREE).normalize():f}"
    except InvalidOperation:
        return str(value)
