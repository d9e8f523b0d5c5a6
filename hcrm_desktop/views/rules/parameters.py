"""参数表: the named numbers behind rules and SOPs; a new value is shown with its effect before it is set."""

from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hcrm_core.errors import Rejected
from hcrm_core.rules import Parameter
from hcrm_core.rules.messages import ParameterEffect, ParameterLine, ParameterRequest, ParameterTrial, Requested
from hcrm_desktop.models.rule_desk import Workshop
from hcrm_desktop.models.rule_questions import Question
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.panels.asking import AskLine
from hcrm_desktop.views.rules.panels.tables import SmallTable
from hcrm_desktop.views.rules.wording import RuleWords

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient

WIDTH, HEIGHT = 960, 600  # fits a screen of 768 lines


class ParametersDialog(QDialog):
    """All parameters; the chosen one can be set.

    Signals:
        changed: (label, `Requested`) of a parameter that has another value now.
        outdated: somebody else has set one since the table was read.
    """

    changed = Signal(str, object)
    outdated = Signal()

    def __init__(self, desk: Desk, words: RuleWords, workshop: Workshop, *, key: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._words, self._workshop, self._failures = desk, words, workshop, Failures(self)
        self._lines = workshop.shelf.parameters
        self._effect: ParameterEffect | None = None
        self._sending = False
        columns = [
            self.tr("名称"),
            self.tr("值"),
            self.tr("范围"),
            self.tr("用在"),
            self.tr("谁在何时改"),
            self.tr("为什么"),
        ]
        self._table = SmallTable(self.tr("参数表"), columns, wide=3, tall=True)
        self._source, self._value, self._unit = QLabel(wordWrap=True), QLineEdit(), QLabel()
        self._default = QPushButton(self.tr("恢复默认"))
        self._asking, self._told = AskLine(), QLabel(wordWrap=True)
        self._note = QLineEdit(maxLength=400, placeholderText=self.tr("为什么改（留在历史里）"))
        self._message, self._save = QLabel(wordWrap=True), QPushButton(self.tr("保存参数"))
        self.question = Question(desk.tasks, "parameter", ParameterEffect, make=self._trial, parent=self)
        self._build()
        self._connect()
        keys = [line.parameter["key"] for line in self._lines]
        if keys:
            self._table.selectRow(keys.index(key) if key in keys else 0)

    def _build(self) -> None:
        self.setWindowTitle(self.tr("参数表"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._table.show_lines([self._cells(line) for line in self._lines])
        self._message.setProperty("role", "danger")
        self._save.setProperty("kind", "primary")
        self._value.setAccessibleName(self.tr("新的值"))
        self._note.setAccessibleName(self.tr("为什么改"))
        row = QHBoxLayout()
        for widget in (QLabel(self.tr("新的值")), self._value, self._unit, self._default):
            row.addWidget(widget)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.addWidget(self._table, 1)
        column.addWidget(self._source)
        column.addLayout(row)
        for part in (self._asking, self._told, self._note, self._message):
            column.addWidget(part)
        column.addLayout(self._buttons())
        self.resize(WIDTH, HEIGHT)

    def _buttons(self) -> QHBoxLayout:
        close = QPushButton(self.tr("关闭 Esc"))
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addStretch(1)
        for button in (close, self._save):
            row.addWidget(button)
        for button in (close, self._save, self._default):
            button.setAutoDefault(False)  # Enter in a field does not set anything
        return row

    def _connect(self) -> None:
        self._table.itemSelectionChanged.connect(self._on_chosen)
        self._value.textChanged.connect(self._on_typed)
        self._note.textChanged.connect(self._check)
        self._default.clicked.connect(self._on_default)
        self._save.clicked.connect(self.save)
        self._asking.again_requested.connect(self.question.ask)
        self.question.asked.connect(self._on_asked)
        self.question.answered.connect(self._on_answered)
        self.question.failed.connect(self._asking.show_error)

    def _cells(self, line: ParameterLine) -> list[str]:
        one = Parameter.model_validate(line.parameter)
        low, high = (self._words.number(end, unit="") for end in (one.minimum, one.maximum))
        names = self._workshop.labels | {sop.key: sop.label for sop in self._workshop.shelf.sops}
        used = self.tr("、").join(names.get(key, key) for key in line.used_by)
        by = (
            self.tr("{author} {at}")
            .format(author=self._words.author(line.author), at=self._desk.words.moment(line.set_at))
            .strip()
        )
        value = self._words.number(one.value, unit=one.unit)
        return [one.label, value, self.tr("{low} 到 {high}").format(low=low, high=high), used, by, line.note]

    # ── the chosen one ───────────────────────────────────────────────────────────────────────────────────

    @property
    def _line(self) -> ParameterLine | None:
        row = self._table.currentRow()
        return self._lines[row] if 0 <= row < len(self._lines) else None

    @Slot()
    def _on_chosen(self) -> None:
        line = self._line
        if line is None:
            return
        one = Parameter.model_validate(line.parameter)
        self._source.setText(self.tr("依据：{citation}").format(citation=one.citation))
        self._unit.setText(one.unit)
        self._default.setEnabled(line.default is not None and line.default != one.value)
        self._value.setText(f"{one.value:f}")
        self._on_typed()

    @Slot()
    def _on_default(self) -> None:
        if self._line is not None and self._line.default is not None:
            self._value.setText(f"{self._line.default:f}")

    def _typed(self) -> Decimal | None:
        """Another value within the range, or None."""
        if self._line is None:
            return None
        one = Parameter.model_validate(self._line.parameter)
        try:
            value = Decimal(self._value.text().strip())
        except InvalidOperation:
            return None
        return value if value.is_finite() and one.minimum <= value <= one.maximum and value != one.value else None

    @Slot()
    def _on_typed(self) -> None:
        """What was said of another value is no use any more."""
        self._effect = None
        self._told.setText("")
        self._message.setText("")
        if self._typed() is None:
            self.question.forget()
            self._asking.show_text(self.tr("填一个范围内的新值，就能看到会改变什么。"))
        else:
            self.question.want()
        self._check()

    def _trial(self, ask: UUID) -> ParameterTrial | None:
        value = self._typed()
        if value is None or self._line is None:
            return None
        return ParameterTrial(ask=ask, key=self._line.parameter["key"], value=value)

    @Slot()
    def _on_asked(self) -> None:
        self._asking.show_busy(self.tr("正在算会改变什么…"))

    @Slot(object)
    def _on_answered(self, effect: ParameterEffect) -> None:
        self._effect = effect
        self._asking.show_text("")
        rules = self.tr("规则“{label}”：进入 {enter} 人，离开 {leave} 人，留下 {stay} 人")
        sops = self.tr("SOP“{label}”：{moved} 个任务新增、改期或取消，其中 {due_today} 个今天就到期")
        said = [rules.format(**one.model_dump()) for one in effect.rules]
        said += [sops.format(**one.model_dump()) for one in effect.sops]
        self._told.setText("\n".join(said) or self.tr("没有规则或 SOP 因此改变"))
        self._check()

    @Slot()
    def _check(self) -> None:
        ready = self._effect is not None and not self._sending
        self._save.setEnabled(ready and bool(self._note.text().strip()))

    @Slot()
    def save(self) -> None:
        """Set it; rules and SOPs are worked out again."""
        value, line = self._typed(), self._line
        if value is None or line is None:
            return
        self._sending = True
        self._check()
        request = ParameterRequest(value=value, number=line.number, note=self._note.text().strip())
        ask = partial(_set, key=line.parameter["key"], request=request)
        self._desk.tasks.consult(
            self, ask, done=partial(self._on_set, line.parameter["label"]), failed=self._on_refused
        )

    def _on_set(self, label: str, requested: Requested) -> None:
        self.changed.emit(label, requested)
        self.accept()

    @Slot(object)
    def _on_refused(self, error: Exception) -> None:
        """What was written stays."""
        self._sending = False
        self._check()
        texts = {
            "stale": self.tr("没有保存：这个参数刚被别人改过，请关闭后重新打开参数表再看。"),
            "value_unsuitable": self.tr("没有保存：这个值不合适，例如天数要填整数。"),
        }
        code = error.code if isinstance(error, Rejected) else ""
        self._message.setText(texts.get(code) or self._failures.sentence(error))
        if code == "stale":
            self.outdated.emit()


def _set(client: "CentreClient", headers: dict[str, str], *, key: str, request: ParameterRequest) -> Requested:
    return client.set_parameter(key, request, headers=headers)
