"""One case opened for editing: its name, its day, what is known of the customer, and what the rule should say."""

from collections.abc import Sequence
from datetime import date
from functools import partial

from PySide6.QtCore import QDate, Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from hcrm_core.facts.catalogue import CATALOGUE, Fact
from hcrm_core.rules.model import Case, Operator, Said
from hcrm_desktop.views.rules.inputs import QuietBox, QuietDay, Value, ValueField, first_value, value_field
from hcrm_desktop.views.rules.wording import RuleWords


class FactRow(QWidget):
    """One fact: ticked it is known, and has the value beside it.

    Signals:
        edited: the value, None for unknown.
    """

    edited = Signal(object)

    def __init__(self, fact: Fact, *, words: RuleWords, today: date) -> None:
        super().__init__()
        self._fact, self._today = fact, today
        self._is_waiting = False  # ticked, and nothing typed yet
        self._known = QCheckBox(words.fact(fact.name))
        self._known.setToolTip(self.tr("不勾选：没有这项数据（{meaning}）").format(meaning=fact.unknown_means))
        self._field: ValueField = value_field(fact, Operator.EQ, words=words, today=today)
        self._wrong = QLabel(wordWrap=True)
        self._wrong.setProperty("role", "danger")
        self._wrong.hide()
        line = QHBoxLayout()
        line.setContentsMargins(20, 0, 0, 0)
        line.addWidget(self._field)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(2)
        column.addWidget(self._known)
        column.addLayout(line)
        column.addWidget(self._wrong)
        self._known.clicked.connect(self._on_known)
        self._field.edited.connect(self._on_edited)
        self._field.wrong.connect(self._say)

    def show_value(self, value: Value) -> None:
        """What is known, None for nothing."""
        if value is None and self._is_waiting:
            return
        self._is_waiting = False
        self._known.setChecked(value is not None)
        self._field.setVisible(value is not None)
        if value is not None:
            self._field.show_value(value)

    @Slot()
    def _on_known(self) -> None:
        known = self._known.isChecked()
        self._field.setVisible(known)
        self._say("")
        value = first_value(self._fact, Operator.EQ, today=self._today) if known else None
        self._is_waiting = known and value is None
        if value is not None:
            self._field.show_value(value)
        if known:
            self._field.setFocus()
        if not self._is_waiting:
            self.edited.emit(value)

    @Slot(object)
    def _on_edited(self, value: Value) -> None:
        self._is_waiting = False
        self.edited.emit(value)

    @Slot(str)
    def _say(self, text: str) -> None:
        self._wrong.setText(text)
        self._wrong.setVisible(bool(text))


class CaseForm(QScrollArea):
    """The chosen case. What is typed acts at once.

    Signals:
        edited: the case as it is now.
    """

    edited = Signal(object)

    def __init__(self, words: RuleWords, *, today: date) -> None:
        super().__init__()
        self._words, self._today = words, today
        self._case: Case | None = None
        self._asked: Sequence[str] = ()
        self._rows: dict[str, FactRow] = {}
        self._name, self._expected, self._on = QLineEdit(maxLength=80), QuietBox(), QuietDay()
        self._facts = QVBoxLayout()
        self._build()
        self._name.textEdited.connect(self._on_name)
        self._expected.activated.connect(self._on_expected)
        self._on.dateChanged.connect(self._on_day)

    def _build(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        form = QFormLayout()
        for said in Said:
            self._expected.addItem(self._words.said(said), said)
        fields = ((self.tr("名称"), self._name), (self.tr("应为"), self._expected), (self.tr("按哪一天算"), self._on))
        for label, field in fields:
            field.setAccessibleName(label)
            form.addRow(label, field)
        known = QLabel(self.tr("知道的数据"))
        known.setProperty("role", "section")
        column.addLayout(form)
        column.addWidget(known)
        column.addLayout(self._facts)
        column.addStretch(1)
        self.setWidget(inside)

    def show_case(self, case: Case, *, asked: Sequence[str]) -> None:
        """A case, with the facts that the rule asks and those that it asked once."""
        self._case = case
        if self._name.text().strip() != case.name:
            self._name.setText(case.name)
        self._expected.setCurrentIndex(self._expected.findData(case.expected))
        self._on.blockSignals(True)
        self._on.setDate(QDate(case.on.year, case.on.month, case.on.day))
        self._on.blockSignals(False)
        wanted = [name for name in dict.fromkeys([*asked, *case.facts]) if name in CATALOGUE]
        if wanted != list(self._rows):
            self._replace_rows(wanted)
        for name, row in self._rows.items():
            row.show_value(case.facts.get(name))

    def begin(self) -> None:
        """A new case begins with its name."""
        self._name.setFocus()
        self._name.selectAll()

    def _replace_rows(self, names: Sequence[str]) -> None:
        for row in self._rows.values():
            row.hide()
            row.deleteLater()
        self._rows = {name: FactRow(CATALOGUE[name], words=self._words, today=self._today) for name in names}
        for name, row in self._rows.items():
            row.edited.connect(partial(self._on_fact, name))
            self._facts.addWidget(row)
            row.show()  # now, not with the next event: its field may get the focus

    # ── editing ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_name(self) -> None:
        if self._name.text().strip():
            self._put(name=self._name.text().strip())

    @Slot()
    def _on_expected(self) -> None:
        self._put(expected=Said(self._expected.currentData()))

    @Slot()
    def _on_day(self) -> None:
        day = self._on.date()
        self._put(on=date(day.year(), day.month(), day.day()))

    def _on_fact(self, name: str, value: Value) -> None:
        assert self._case is not None  # the row is of it
        facts = {other: one for other, one in self._case.facts.items() if other != name}
        self._put(facts=facts if value is None else {**facts, name: value})

    def _put(self, **values: object) -> None:
        if self._case is not None:
            self._case = self._case.model_copy(update=values)
            self.edited.emit(self._case)
