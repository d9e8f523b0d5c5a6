"""为什么: one customer against the rule as it stands, line by line, and what would turn the verdict."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QPushButton, QWidget

from hcrm_core.rules.messages import ExplainRequest, Explanation, Standing
from hcrm_desktop.cache.rows import CustomerForm
from hcrm_desktop.models.rule_questions import Question, RuleQuestions
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.panels.asking import Panel
from hcrm_desktop.views.rules.panels.verdicts import VerdictWords
from hcrm_desktop.views.rules.wording import RuleWords
from hcrm_desktop.views.search import SearchField

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient

STANDING_PX = 96


class ExplainPanel(Panel):
    """Pick a customer, and read why.

    Signals:
        customer_requested: open the customer's record.
        case_requested: keep this `Explanation` as a case of the rule.
    """

    customer_requested = Signal(object)
    case_requested = Signal(object)

    def __init__(self, desk: Desk, words: RuleWords, questions: RuleQuestions, *, above: QWidget) -> None:
        """Nobody is chosen yet.

        Args:
            above: the window, over which the answers of the search unfold.
        """
        question = Question(questions.tasks, "explain", Explanation, make=self._request, parent=questions)
        super().__init__(question)
        self._desk, self._questions, self._draft = desk, questions, questions.draft
        self._words = VerdictWords(words)
        self._customer: UUID | None = None
        self._name = ""
        self._today: date = desk.tasks.today()
        self.headed(self.tr("为什么"), self.tr("选一位客户，看每个条件对他怎样；双击一行打开档案。"))
        self._search = SearchField(desk.tasks, desk.words, above)
        self._search.setPlaceholderText(self.tr("姓名 / 拼音首字母 / 手机尾号"))
        self._verdict, self._member = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._flip = QLabel(wordWrap=True)
        self._lines, self._standing = QListWidget(), QListWidget()
        self._record, self._keep = QPushButton(self.tr("打开档案")), QPushButton(self.tr("存为用例"))
        self._build()
        self._connect()
        self._set_shown(shown=False)

    def _build(self) -> None:
        self._verdict.setProperty("role", "title")
        self._member.setProperty("role", "small")
        self._flip.setProperty("role", "ok")
        self._keep.setToolTip(self.tr("只存规则看到的数据，不带姓名和电话"))
        for button in (self._record, self._keep):
            button.setProperty("kind", "quiet")
        for one, name in ((self._lines, self.tr("每个条件")), (self._standing, self.tr("所在客群"))):
            one.setAccessibleName(name)
            one.setWordWrap(True)
        self._standing.setMaximumHeight(STANDING_PX)
        row = QHBoxLayout()
        row.addWidget(self._verdict, 1)
        row.addWidget(self._keep)
        row.addWidget(self._record)
        self.column.insertWidget(2, self._search)
        self.column.addLayout(row)
        for widget in (self._member, self._flip):
            self.column.addWidget(widget)
        self.column.addWidget(self._lines, 1)
        self.column.addWidget(self._standing)
        self._rest = QWidget()
        self.column.addWidget(self._rest, 1)

    def _connect(self) -> None:
        self._search.customer_chosen.connect(self._on_customer_chosen)
        self._questions.old.connect(self.renew)
        self._lines.itemActivated.connect(self._on_record_wanted)
        self._record.clicked.connect(self._on_record_wanted)
        self._keep.clicked.connect(self._on_keep)

    def explain(self, customer_id: UUID, name: str) -> None:
        """Ask about this customer."""
        self._customer, self._name = customer_id, name
        self._set_shown(shown=False)
        self.question.want()
        ask = partial(_standing, customer_id=customer_id)
        done = partial(self._show_standing, customer_id)
        self._desk.tasks.consult(self, ask, done=done, failed=self.line.show_error, aside=True)

    @Slot(object)
    def _on_customer_chosen(self, customer_id: UUID) -> None:
        from hcrm_desktop.cache.queries.form import customer_form

        done = partial(self._on_named, customer_id)
        self._desk.tasks.query(self, customer_form, customer_id, done=done)

    def _on_named(self, customer_id: UUID, form: CustomerForm | None) -> None:
        self.explain(customer_id, self.tr("这位客户") if form is None else form.name)

    def _request(self, ask: UUID) -> ExplainRequest | None:
        trial = self._questions.trial(ask)
        if trial is None or self._customer is None:
            return None
        return ExplainRequest(**trial.model_dump(), customer_id=self._customer)

    def nothing(self) -> str:
        return super().nothing() if self._customer is not None else self.tr("还没有选客户。")

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    def _set_shown(self, *, shown: bool) -> None:
        for widget in (self._verdict, self._keep, self._record, self._member, self._flip, self._lines):
            widget.setVisible(shown)
        self._standing.setVisible(shown and self._standing.count() > 0)
        self._rest.setVisible(not shown)

    def show_answer(self, answer: object) -> None:
        assert isinstance(answer, Explanation)
        if answer.customer_id != self._customer:
            return
        self._verdict.setText(self._words.verdict(answer, name=self._name))
        self._member.setText(self._words.member(answer))
        self._flip.setText(self._words.flips(answer, today=self._today))
        self._lines.clear()
        for node in answer.nodes:
            item = QListWidgetItem(self._words.line(node, self._draft.rule))
            font = item.font()
            font.setBold(node.decisive)
            item.setFont(font)
            item.setToolTip(self.tr("只改这一条就可能改变结果") if node.decisive else "")
            self._lines.addItem(item)
        self._set_shown(shown=True)
        self._flip.setVisible(bool(self._flip.text()))

    def _show_standing(self, customer_id: UUID, standing: Standing) -> None:
        if customer_id != self._customer:
            return
        self._standing.clear()
        for line in standing.lines:
            item = QListWidgetItem(self._words.membership(line))
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self._standing.addItem(item)
        self._standing.setVisible(self._lines.isVisible() and bool(standing.lines))

    @Slot()
    def _on_keep(self) -> None:
        answer = self.question.answer
        if isinstance(answer, Explanation):
            self.case_requested.emit(answer)

    @Slot()
    def _on_record_wanted(self) -> None:
        if self._customer is not None:
            self.customer_requested.emit(self._customer)


def _standing(client: "CentreClient", headers: dict[str, str], *, customer_id: UUID) -> Standing:
    return client.standing(customer_id, headers=headers)
