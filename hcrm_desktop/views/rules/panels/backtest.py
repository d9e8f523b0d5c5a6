"""回测: had the rule run on each of the last days."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton

from hcrm_core.rules.messages import Backtest
from hcrm_desktop.models.rule_questions import Question, RuleQuestions
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.panels.asking import Panel
from hcrm_desktop.views.rules.panels.plots import DayPlot


class BacktestPanel(Panel):
    """Asked by button only, because it takes the centre long; the result stays, and is marked once the rule changes."""

    def __init__(self, theme: Theme, questions: RuleQuestions) -> None:
        question = Question(questions.tasks, "backtest", Backtest, make=questions.trial, parent=questions)
        super().__init__(question, shared=True)
        self._shown: Backtest | None = None
        self.headed(self.tr("回测"), self.tr("假如过去一年都按这条规则：每天会进入多少人，当天在客群里有多少人。"))
        self._run, self._cancel = QPushButton(self.tr("开始回测")), QPushButton(self.tr("停止"))
        self._old = QLabel(self.tr("已过时：规则改过了，请重新回测"))
        self._old.setProperty("role", "warn")
        self._plot = DayPlot(theme)
        self._plot.setAccessibleName(self.tr("回测曲线"))
        self._day, self._sums, self._sample = QLabel(), QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._build()
        self._connect(questions)

    def _build(self) -> None:
        self._run.setProperty("kind", "primary")
        self._sample.setProperty("role", "small")
        row = QHBoxLayout()
        for button in (self._run, self._cancel):
            row.addWidget(button)
        row.addStretch(1)
        self.column.addLayout(row)
        for widget in (self._old, self._plot, self._day, self._sums, self._sample):
            self.column.addWidget(widget)
            widget.hide()
        self._cancel.hide()
        self.column.addStretch(1)

    def _connect(self, questions: RuleQuestions) -> None:
        self._run.clicked.connect(self.question.ask)
        self._cancel.clicked.connect(self._on_cancel_clicked)
        self._plot.pointed.connect(self._show_day)
        self.question.asked.connect(self._on_running)
        self.question.failed.connect(self._on_ended)
        self.question.nothing.connect(self._on_ended)
        questions.old.connect(self._on_old)

    def show_answer(self, answer: object) -> None:
        assert isinstance(answer, Backtest)
        self._shown = answer
        feet = (f"{answer.days[0]}", f"{answer.days[-1]}") if answer.days else ("", "")
        self._plot.show_days(bars=answer.entering, line=answer.inside, feet=feet)
        self._sums.setText(self._summary(answer))
        self._sample.setText(self._sampled(answer))
        for widget in (self._plot, self._day, self._sums, self._sample):
            widget.show()
        self._old.hide()
        self._show_day(len(answer.days) - 1)
        self._on_ended()

    def _summary(self, answer: Backtest) -> str:
        entering, came = sum(answer.entering), sum(answer.came)
        weekly = entering * 7 / max(1, len(answer.days))
        text = self.tr("平均每周进入 {week} 人。")
        if entering:
            text += self.tr("其中 {share}% 在 {days} 天内没有联系也自己来了。")
        share = round(100 * came / entering) if entering else 0
        return text.format(week=f"{weekly:.1f}", share=share, days=answer.window_days)

    def _sampled(self, answer: Backtest) -> str:
        if answer.sampled >= answer.customers:
            return self.tr("按全部 {n} 人计算").format(n=f"{answer.customers:,}")
        return self.tr("按 {n} 人抽样推算").format(n=f"{answer.sampled:,}")

    @Slot(int)
    def _show_day(self, day: int) -> None:
        shown = self._shown
        if shown is not None and 0 <= day < len(shown.days):
            text = self.tr("{day}：进入 {enter} 人，在客群里 {inside} 人")
            enter, inside = f"{shown.entering[day]:,}", f"{shown.inside[day]:,}"
            self._day.setText(text.format(day=shown.days[day], enter=enter, inside=inside))

    @Slot()
    def _on_running(self) -> None:
        self._run.setEnabled(False)
        self._cancel.show()

    @Slot()
    def _on_ended(self) -> None:
        self._run.setEnabled(True)
        self._cancel.hide()

    @Slot()
    def _on_cancel_clicked(self) -> None:
        self.question.drop()
        self.line.show_text("")
        self._on_ended()

    @Slot()
    def _on_old(self) -> None:
        """The rule is another one: what runs is of no interest, what is shown is of an earlier state."""
        if self.question.is_on_its_way:
            self._on_cancel_clicked()
        self.question.forget()
        self._old.setVisible(self._shown is not None)
