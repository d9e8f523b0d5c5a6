"""阈值: what the chosen condition's number does, tried by hand before it is set."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton

from hcrm_core.errors import Rejected
from hcrm_core.facts.catalogue import FactType
from hcrm_core.facts.spoken import DEGREES, FINE, in_degrees
from hcrm_core.rules.checking import check
from hcrm_core.rules.editing import at
from hcrm_core.rules.lowering import DEGREE, RELATIVE, relative_unit
from hcrm_core.rules.messages import Histogram, LeafTrial, Sweep, SweepRequest
from hcrm_core.rules.model import Condition, Parameter, Path
from hcrm_core.rules.thresholds import is_draggable, threshold_of, with_threshold
from hcrm_desktop.models.rule_questions import Question, RuleQuestions
from hcrm_desktop.models.rule_threshold import Curve, curve_of, curve_of_sweep, swept_values
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.panels.asking import Panel
from hcrm_desktop.views.rules.panels.plots import ThresholdPlot
from hcrm_desktop.views.rules.wording import RuleWords, asked_fact

MERGE = 2_000_000  # beyond the numbers of forms and properties


class ThresholdPanel(Panel):
    """A curve with a line to move, and a number beside it.

    A condition's own number is set when the line is let go. A parameter is only tried: it belongs to all rules.

    Signals:
        parameter_requested: the key of the parameter, to look at in its table.
    """

    parameter_requested = Signal(str)

    def __init__(self, theme: Theme, words: RuleWords, questions: RuleQuestions, *, today: date) -> None:
        self._words, self._questions, self._draft, self._today = words, questions, questions.draft, today
        tasks = questions.tasks
        self._histogram = Question(tasks, "histogram", Histogram, make=self._leaf_trial, parent=questions)
        self._sweep = Question(tasks, "sweep", Sweep, make=self._sweep_request, parent=questions)
        super().__init__(self._histogram)
        self.listen(self._sweep)
        self._curve: Curve | None = None
        self._of: object = None  # what the curve was asked for
        self._gesture, self._path = 0, self._draft.path
        self._plot = ThresholdPlot(theme, self._tick)
        self._build()
        self._connect()
        self._follow()

    def _build(self) -> None:
        self.headed(self.tr("阈值"), self.tr("拖动竖线，或用 ←→、PgUp/PgDn：人数马上跟着变，松手才写进规则。"))
        self._subject, self._many, self._note = QLabel(wordWrap=True), QLabel(), QLabel(wordWrap=True)
        self._many.setProperty("role", "h1")
        self._many.setAccessibleName(self.tr("这个阈值下符合的人数"))
        self._note.setProperty("role", "small")
        self._field = QDoubleSpinBox()
        self._field.setKeyboardTracking(False)
        self._field.setAccessibleName(self.tr("阈值"))
        self._plot.setAccessibleName(self.tr("阈值曲线"))
        self._table = QPushButton(self.tr("去参数表"))
        self._back = QPushButton(self.tr("不试了"))
        row = QHBoxLayout()
        row.addWidget(self._field)
        for button in (self._back, self._table):
            row.addWidget(button)
        row.addStretch(1)
        for widget in (self._subject, self._many, self._plot):
            self.column.addWidget(widget)
        self.column.addLayout(row)
        self.column.addWidget(self._note)
        self.column.addStretch(1)

    def _connect(self) -> None:
        self._questions.old.connect(self._follow)
        self._draft.chosen.connect(self._on_chosen)
        self._plot.moved.connect(self._show_value)
        self._plot.stepped.connect(self._set)
        self._plot.released.connect(self._on_released)
        self._field.valueChanged.connect(self._on_typed)
        self._table.clicked.connect(self._on_table_clicked)
        self._back.clicked.connect(self._on_back_clicked)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────

    def _condition(self) -> Condition | None:
        """The chosen line, if it has a number to move."""
        try:
            node = at(self._draft.rule.where, self._draft.path)
        except Rejected:
            return None
        workshop = self._draft.workshop
        if workshop is None or not isinstance(node, Condition) or check(node, parameters=workshop.parameters):
            return None
        return node if is_draggable(node) else None

    def _parameter(self) -> Parameter | None:
        condition, workshop = self._condition(), self._draft.workshop
        if condition is None or condition.parameter is None or workshop is None:
            return None
        return workshop.parameters[condition.parameter]

    def _leaf_trial(self, ask: UUID) -> LeafTrial | None:
        trial = None if self._condition() is None else self._questions.trial(ask)
        return None if trial is None else LeafTrial(**trial.model_dump(), path=self._draft.path)

    def _sweep_request(self, ask: UUID) -> SweepRequest | None:
        parameter, trial = self._parameter(), self._questions.trial(ask)
        if parameter is None or trial is None:
            return None
        bare = trial.model_dump() | {"parameters": {}}
        return SweepRequest(**bare, parameter=parameter.key, values=swept_values(parameter))

    def nothing(self) -> str:
        if self._condition() is not None:
            return super().nothing()
        return self.tr("在规则里选一个带数值的条件，这里就能拖动它。")

    @Slot(object)
    def _on_chosen(self, path: Path) -> None:
        if path == self._path:
            return
        self._gesture, self._path = self._gesture + 1, path
        self._questions.try_parameter({})
        self._follow()

    @Slot()
    def _follow(self) -> None:
        """The rule or the line is another one; where only the threshold moved, the curve holds."""
        wanted = self._subject_of_curve()
        if wanted is not None and wanted == self._of:
            self._show_now()
            return
        self._of, self._curve = wanted, None
        self.question.forget()
        self.question = self._histogram if self._parameter() is None else self._sweep
        self._set_shown(shown=False)
        self.renew()

    def _subject_of_curve(self) -> object:
        condition, workshop = self._condition(), self._draft.workshop
        if condition is None or workshop is None:
            return None
        rest = with_threshold(self._draft.rule, self._draft.path, value=Decimal(0))
        tried = {} if condition.parameter else self._questions.tried
        return condition.parameter, rest, self._draft.path, dict(workshop.parameters), tried

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    def show_answer(self, answer: object) -> None:
        condition, parameter = self._condition(), self._parameter()
        if condition is None:
            return
        if isinstance(answer, Sweep) and parameter is not None:
            self._curve = curve_of_sweep(swept_values(parameter), answer.matching)
        elif isinstance(answer, Histogram):
            self._curve = curve_of(
                answer,
                rule=self._draft.rule,
                condition=condition,
                now=self._now(condition),
                step=self._step(condition),
                on=self._today,
            )
        if self._curve is not None:
            self._plot.show_curve(self._curve)
            self._fit_field(self._curve)
            self._set_shown(shown=True)
            self._show_now()

    def _set_shown(self, *, shown: bool) -> None:
        for widget in (self._subject, self._many, self._plot, self._field, self._note):
            widget.setVisible(shown)
        tried = shown and self._parameter() is not None
        self._table.setVisible(tried)
        self._back.setVisible(tried)

    def _now(self, condition: Condition) -> Decimal:
        """Where the line stands: of a parameter in its own unit, tried or in force."""
        parameter = self._parameter()
        if parameter is not None:
            return self._questions.tried.get(parameter.key, parameter.value)
        return threshold_of(condition, parameters={})

    def _show_now(self) -> None:
        condition = self._condition()
        if condition is None or self._curve is None:
            return
        parameter = self._parameter()
        self._subject.setText(self._words.question(condition))
        text = self.tr("参数在所有规则里通用，这里只是试；要改请去参数表。") if parameter else ""
        self._note.setText(text)
        self._back.setEnabled(bool(self._questions.tried))
        self._plot.show_value(self._now(condition))
        self._show_value(self._now(condition))

    @Slot(object)
    def _show_value(self, value: Decimal) -> None:
        """The number at a value, read from the curve."""
        if self._curve is None:
            return
        text = self.tr("{value}：{n} 人")
        self._many.setText(text.format(value=self._in_words(value), n=f"{self._curve.count(value):,}"))
        self._field.blockSignals(True)
        self._field.setValue(float(value * self._shown_as()))
        self._field.blockSignals(False)

    def _fit_field(self, curve: Curve) -> None:
        times = self._shown_as()
        self._field.blockSignals(True)
        self._field.setDecimals(0 if not (curve.step * times) % 1 else 2)
        self._field.setSingleStep(float(curve.step * times))
        self._field.setRange(float(curve.values[0] * times), float(curve.values[-1] * times))
        self._field.setSuffix(self.tr(" {unit}").format(unit=self._unit()))
        self._field.blockSignals(False)

    # ── units ────────────────────────────────────────────────────────────────────────────────────────────

    def _degrees(self) -> bool:
        """Whether the number is kept in D and read in 度."""
        condition = self._condition()
        fact = None if condition is None or self._parameter() else asked_fact(condition)
        return condition is not None and condition.op not in RELATIVE and fact is not None and in_degrees(fact)

    def _shown_as(self) -> Decimal:
        return 1 / DEGREE if self._degrees() else Decimal(1)

    def _unit(self) -> str:
        condition, parameter = self._condition(), self._parameter()
        if parameter is not None or condition is None:
            return "" if parameter is None else parameter.unit
        if condition.op in RELATIVE:
            return relative_unit(condition.op)
        fact = asked_fact(condition)
        return DEGREES if self._degrees() or fact is None else fact.unit

    def _in_words(self, value: Decimal) -> str:
        return self._words.number(value * self._shown_as(), unit=self._unit())

    def _tick(self, value: Decimal) -> str:
        return f"{(value * self._shown_as()).normalize():f}"

    def _step(self, condition: Condition) -> Decimal:
        fact = asked_fact(condition)
        if condition.op in RELATIVE or fact is None or fact.kind is FactType.INTEGER:
            return Decimal(1)
        return 5 * DEGREE if in_degrees(fact) else Decimal(FINE.get(fact.unit, "1"))

    # ── setting ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot(object)
    def _on_released(self, value: Decimal) -> None:
        self._gesture += 1
        self._set(value)

    @Slot(float)
    def _on_typed(self, typed: float) -> None:
        value = Decimal(f"{typed:.2f}") / self._shown_as()
        self._show_value(value)
        self._set(value)

    @Slot(object)
    def _set(self, value: Decimal) -> None:
        """A parameter is tried; a condition's own number is set, as one step with those of the same gesture."""
        condition, parameter = self._condition(), self._parameter()
        if condition is None:
            return
        if parameter is not None:
            self._questions.try_parameter({} if value == parameter.value else {parameter.key: value})
        elif value != threshold_of(condition, parameters={}):
            rule = with_threshold(self._draft.rule, self._draft.path, value=value)
            self._draft.apply(rule, text=self.tr("调整阈值"), merge=MERGE + self._gesture)

    @Slot()
    def _on_table_clicked(self) -> None:
        parameter = self._parameter()
        if parameter is not None:
            self.parameter_requested.emit(parameter.key)

    @Slot()
    def _on_back_clicked(self) -> None:
        self._questions.try_parameter({})
