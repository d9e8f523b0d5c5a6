"""A condition opened for editing: typed inputs that act at once, and what counts where nothing is known."""

from datetime import date

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from hcrm_core.facts.catalogue import CATALOGUE, PER_EYE, Fact
from hcrm_core.facts.spoken import WITH_DECIMALS, without_eye
from hcrm_core.rules.checking import OPERATORS, check
from hcrm_core.rules.lowering import RELATIVE
from hcrm_core.rules.model import NO_OPERAND, Condition, Eyes, Node, Operator, Parameter, Unknown
from hcrm_core.rules.thresholds import threshold_of
from hcrm_desktop.views.rules.fact_picker import Choice, FactPicker
from hcrm_desktop.views.rules.form import LineForm, chosen_of
from hcrm_desktop.views.rules.inputs import QuietBox, Value, ValueField, first_value, value_field
from hcrm_desktop.views.rules.wording import RuleWords, asked_fact
from hcrm_desktop.views.widgets.flow import FlowLayout

SIDES = ("od", "os")
SEVERAL = (Operator.BETWEEN, Operator.IN)


class ConditionForm(LineForm):
    """A condition: what, whose eye, how compared, with which value or parameter, and what counts if it is unknown."""

    def __init__(self, words: RuleWords, parameters: dict[str, Parameter], *, today: date) -> None:
        super().__init__()
        self._words, self._parameters, self._today = words, parameters, today
        self._condition = Condition(fact="", op=Operator.EQ)
        self._value: ValueField | None = None
        self._value_for: tuple[str, Operator] | None = None
        self._build()
        self._connect()

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self._fact = FactPicker()
        self._eyes, self._op, self._source = QuietBox(), QuietBox(), QuietBox()
        for box, name in (
            (self._eyes, self.tr("眼别")),
            (self._op, self.tr("比较")),
            (self._source, self.tr("数的来源")),
        ):
            box.setAccessibleName(name)
        self._parameter = QPushButton()
        self._parameter.setProperty("kind", "quiet")
        self._place = QWidget()
        self._inside = QHBoxLayout(self._place)
        self._inside.setContentsMargins(0, 0, 0, 0)
        self._place.hide()
        first = FlowLayout(8)
        for widget in (self._fact, self._eyes, self._op, self._place, self._source, self._parameter):
            first.addWidget(widget)
        self.column.addLayout(first)
        self.column.addLayout(self._build_unknown())
        self._means, self._message = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._means.setProperty("role", "small")
        self.column.addWidget(self._means)
        self._message.setProperty("role", "danger")
        self._message.hide()
        self.column.addWidget(self._message)

    def _build_unknown(self) -> FlowLayout:
        self._unknown_row = QWidget()
        choices = QHBoxLayout(self._unknown_row)
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setSpacing(6)
        choices.addWidget(QLabel(self.tr("没有数据时")))
        self._unknown = QButtonGroup(self)
        for unknown in Unknown:
            button = QPushButton(self._words.unknown(unknown))
            button.setCheckable(True)
            button.setProperty("kind", "chip")
            button.setProperty("of", unknown.value)
            button.setToolTip(self._explained(unknown))
            self._unknown.addButton(button)
            choices.addWidget(button)
        self._citation = QLineEdit(placeholderText=self.tr("依据：指南、文献或院内规定"))
        self._citation.setAccessibleName(self.tr("依据"))
        self._citation.setMinimumWidth(260)
        row = FlowLayout(8)
        row.addWidget(self._unknown_row)
        row.addWidget(self._citation)
        return row

    def _explained(self, unknown: Unknown) -> str:
        return {
            Unknown.NO: self.tr("没有这项数据的客户，按不满足处理"),
            Unknown.YES: self.tr("没有这项数据的客户，按满足处理"),
            Unknown.NEEDS_MEASUREMENT: self.tr("没有这项数据的客户先不下结论，列入需补检查"),
        }[unknown]

    def _connect(self) -> None:
        self._fact.picked.connect(self._on_fact_picked)
        self._eyes.activated.connect(self._on_eyes_chosen)
        self._op.activated.connect(self._on_op_chosen)
        self._source.activated.connect(self._on_source_chosen)
        self._parameter.clicked.connect(self._on_parameter_clicked)
        self._unknown.buttonClicked.connect(self._on_unknown_chosen)
        self._citation.textEdited.connect(self._on_citation_edited)
        self._citation.returnPressed.connect(self.left)

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    def show_node(self, node: Node) -> None:
        assert isinstance(node, Condition)
        self._condition = node
        fact = asked_fact(node)
        self._fact.show_label(self._label(node) if node.fact else "")
        self._fill_eyes(node)
        for widget in (self._op, self._source, self._unknown_row, self._means):
            widget.setVisible(fact is not None)
        if fact is not None:
            self._fill_ops(fact, node)
            self._fill_sources(fact, node)
            self._means.setText(self.tr("；").join(self._explained_fact(fact, node)))
        self._show_value(fact, node)
        self._show_unknown(node)
        if self._citation.text().strip() != node.citation:
            self._citation.setText(node.citation)

    def _explained_fact(self, fact: Fact, node: Condition) -> list[str]:
        """Between what its values can be, and what it tells that there is none."""
        measured = node.parameter is None and node.op not in RELATIVE | NO_OPERAND
        span = [self._words.span(fact)] if measured and fact.span is not None else []
        return [*span, self.tr("没有数据是指：{meaning}").format(meaning=fact.unknown_means)]

    def _label(self, node: Condition) -> str:
        fact = asked_fact(node)
        if fact is None:
            return node.fact
        return without_eye(fact.label) if _is_sided(node) else fact.label

    def _fill_eyes(self, node: Condition) -> None:
        self._eyes.setVisible(_is_sided(node))
        self._eyes.clear()
        for value, label in self._eye_choices():
            self._eyes.addItem(label, value)
        self._eyes.setCurrentIndex(self._eyes.findData(_eyes_of(node)))

    def _eye_choices(self) -> tuple[tuple[str, str], ...]:
        either, both = (Eyes.EITHER.value, self.tr("任一眼")), (Eyes.BOTH.value, self.tr("双眼"))
        return either, both, ("od", self.tr("右眼")), ("os", self.tr("左眼"))

    def _fill_ops(self, fact: Fact, node: Condition) -> None:
        self._op.clear()
        for op in Operator:
            if op in OPERATORS[fact.kind]:
                self._op.addItem(self._words.operator(op, kind=fact.kind), op)
        self._op.setCurrentIndex(self._op.findData(node.op))

    def _fill_sources(self, fact: Fact, node: Condition) -> None:
        suiting = [one for one in self._parameters.values() if _suits(node, one)]
        self._source.clear()
        self._source.addItem(self.tr("本条自定"), None)
        for one in suiting:
            number = self._words.number(one.value, unit=one.unit)
            self._source.addItem(self.tr("参数：{label}（{n}）").format(label=one.label, n=number), one.key)
        self._source.setCurrentIndex(max(0, self._source.findData(node.parameter)))
        self._source.setVisible(bool(suiting) and node.op not in NO_OPERAND)
        self._parameter.setVisible(node.parameter is not None)
        self._parameter.setText(self.tr("参数表"))

    def _show_value(self, fact: Fact | None, node: Condition) -> None:
        wanted = None if fact is None or node.op in NO_OPERAND or node.parameter else (fact.name, node.op)
        if wanted != self._value_for:
            self._replace_value(fact, node.op, wanted=wanted)
        if self._value is not None:
            self._value.show_value(node.value)

    def _replace_value(self, fact: Fact | None, op: Operator, *, wanted: tuple[str, Operator] | None) -> None:
        if self._value is not None:
            self._value.hide()
            self._value.deleteLater()
        self._value, self._value_for = None, wanted
        self._place.setVisible(wanted is not None)
        self._say("")
        if wanted is None or fact is None:
            return
        self._value = value_field(fact, op, words=self._words, today=self._today)
        self._value.edited.connect(self._on_value_edited)
        self._value.wrong.connect(self._say)
        self._value.finished.connect(self.left)
        self._inside.addWidget(self._value)
        self._value.show()  # now, not with the next event: it may get the focus
        QWidget.setTabOrder(self._op, self._value)
        QWidget.setTabOrder(self._value, self._source)

    def _show_unknown(self, node: Condition) -> None:
        for button in self._unknown.buttons():
            button.setChecked(button.property("of") == node.unknown.value)
            button.setEnabled(node.op not in NO_OPERAND)

    def begin(self) -> None:
        """A new line begins with its fact, another one with its value."""
        if asked_fact(self._condition) is None:
            self._fact.setFocus()
        else:
            (self._value or self._op).setFocus()

    @Slot(str)
    def _say(self, text: str) -> None:
        if text != self._message.text():
            self._message.setText(text)
            self._message.setVisible(bool(text))

    # ── editing ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot(object)
    def _on_fact_picked(self, choice: Choice) -> None:
        sided = _eyes_of(self._condition) if _is_sided(self._condition) else Eyes.EITHER.value
        name, eyes = _sided(choice.name, sided) if choice.sided else (choice.name, None)
        fact = CATALOGUE[f"{name}_od" if eyes is not None else name]
        op = self._condition.op
        if not self._condition.fact or op not in OPERATORS[fact.kind]:
            op = _usual(fact)
        self._put(fact=name, eyes=eyes, op=op)
        (self._eyes if choice.sided else self._op).setFocus()

    @Slot()
    def _on_eyes_chosen(self) -> None:
        base = self._condition.fact
        base = base if self._condition.eyes is not None else base[:-3]
        name, eyes = _sided(base, self._eyes.currentData())
        self._put(fact=name, eyes=eyes)

    @Slot()
    def _on_op_chosen(self) -> None:
        self._put(op=Operator(self._op.currentData()))

    @Slot()
    def _on_source_chosen(self) -> None:
        key, old = self._source.currentData(), self._condition.parameter
        value = self._own_number(old) if key is None and old is not None else None
        if key != old:
            self._put(parameter=key, value=value)

    def _own_number(self, key: str) -> Value:
        """A parameter's number as this line's own, to begin with."""
        found = self._parameters.get(key)
        if found is None:
            return None
        number = threshold_of(self._condition, parameters=self._parameters)
        return int(number) if number % 1 == 0 and found.unit not in WITH_DECIMALS else f"{number:f}"

    @Slot()
    def _on_parameter_clicked(self) -> None:
        self.parameter_requested.emit(self._condition.parameter or "")

    @Slot(object)
    def _on_value_edited(self, value: Value) -> None:
        self._put(value=value, parameter=None)

    @Slot()
    def _on_unknown_chosen(self) -> None:
        self._put(unknown=Unknown(chosen_of(self._unknown)))

    @Slot(str)
    def _on_citation_edited(self, text: str) -> None:
        self._put(citation=text.strip())

    def _put(self, **values: object) -> None:
        """Another condition; what does not suit it any more is left out."""
        changed = _fitting(self._condition.model_copy(update=values), self._parameters, today=self._today)
        if changed != self._condition:
            self.show_node(changed)
            self.edited.emit(changed)


def _is_sided(node: Condition) -> bool:
    return node.eyes is not None or (node.fact.endswith(("_od", "_os")) and node.fact[:-3] in PER_EYE)


def _eyes_of(node: Condition) -> str:
    return node.eyes.value if node.eyes is not None else node.fact[-2:]


def _sided(base: str, eyes: str) -> tuple[str, Eyes | None]:
    return (f"{base}_{eyes}", None) if eyes in SIDES else (base, Eyes(eyes))


def _usual(fact: Fact) -> Operator:
    """With what a condition on a fact mostly begins."""
    allowed = OPERATORS[fact.kind]
    if fact.name == "birth_date":
        return Operator.AGE_GE
    order = (Operator.DAYS_AGO_GE, Operator.GE, Operator.EQ, Operator.IS_KNOWN)
    return next(op for op in order if op in allowed)


def _suits(node: Condition, parameter: Parameter) -> bool:
    """Whether a parameter may stand in a condition."""
    if node.op in SEVERAL or node.op in NO_OPERAND:
        return False
    asked = node.model_copy(update={"parameter": parameter.key, "value": None})
    return not check(asked, parameters={parameter.key: parameter})


def _fitting(node: Condition, parameters: dict[str, Parameter], *, today: date) -> Condition:
    """A condition without a value or parameter that does not suit it; with the value that its field shows."""
    fact = asked_fact(node)
    if fact is None:
        return node
    if node.parameter is not None and not (node.parameter in parameters and _suits(node, parameters[node.parameter])):
        node = node.model_copy(update={"parameter": None})
    if node.value is not None and check(node, parameters=parameters):
        node = node.model_copy(update={"value": _kept(node)})
        node = node.model_copy(update={"value": None}) if check(node, parameters=parameters) else node
    if node.value is None and node.parameter is None:
        node = node.model_copy(update={"value": first_value(fact, node.op, today=today)})
    return node


def _kept(node: Condition) -> Value:
    """What is left of a value when one is asked for instead of several, or several instead of one."""
    if isinstance(node.value, tuple):
        return node.value[0]
    return (node.value,) if node.op is Operator.IN and node.value is not None else None
