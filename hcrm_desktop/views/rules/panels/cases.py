"""用例: customers of whom it is known what the rule should say, read again at every step of editing."""

from datetime import date

from PySide6.QtCore import Slot
from PySide6.QtGui import QBrush, QColor, QShowEvent
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QWidget

from hcrm_core.rules.cases import CaseResult, facts_asked, run_cases
from hcrm_core.rules.model import MAX_CASES, Case, Said
from hcrm_desktop.models.rule_cases import with_case, without_case
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.theme import Theme, set_property
from hcrm_desktop.views.rules.case_form import CaseForm
from hcrm_desktop.views.rules.panels.asking import headed
from hcrm_desktop.views.rules.wording import RuleWords
from hcrm_desktop.views.widgets.flow import FlowLayout

LIST_PX = 190
MERGE = 3_000_000  # beyond the numbers of forms, properties and thresholds


class CasesPanel(QWidget):
    """The cases, what became of each, and the chosen one opened below."""

    def __init__(self, theme: Theme, words: RuleWords, draft: RuleDraft, *, today: date) -> None:
        super().__init__()
        self._theme, self._words, self._draft, self._today = theme, words, draft, today
        self._sum, self._list = QLabel(wordWrap=True), QListWidget()
        self._form = CaseForm(words, today=today)
        self._new, self._remove = QPushButton(self.tr("＋ 新用例")), QPushButton(self.tr("删除用例"))
        self._agree = QPushButton(self.tr("改为现在的结果"))
        self._results: list[CaseResult] = []
        self._read_only = False
        self._build()
        self._connect()

    def _build(self) -> None:
        hint = self.tr("写下应该怎样的例子，规则每改一步就重算一次；有一个不对就不能发布。不要写姓名和电话。")
        column = headed(self, self.tr("用例"), hint)
        self._list.setAccessibleName(self.tr("用例"))
        self._list.setWordWrap(True)
        self._list.setMaximumHeight(LIST_PX)
        row = FlowLayout(6)
        for button in (self._new, self._agree, self._remove):
            row.addWidget(button)
        for widget in (self._sum, self._list):
            column.addWidget(widget)
        column.addLayout(row)
        column.addWidget(self._form, 1)
        column.addStretch(1)  # holds the top where there is no form yet

    def _connect(self) -> None:
        self._draft.changed.connect(self._renew)
        self._draft.surrounded.connect(self._renew)
        self._list.currentRowChanged.connect(self._show_chosen)
        self._form.edited.connect(self._on_edited)
        self._new.clicked.connect(self.add)
        self._remove.clicked.connect(self.remove)
        self._agree.clicked.connect(self.agree)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._renew()

    def set_read_only(self, *, read_only: bool) -> None:
        """The cases can be looked at only."""
        self._read_only = read_only
        self._show_chosen()

    def choose_last(self) -> None:
        """Open the case that was put last."""
        self._renew()
        self._list.setCurrentRow(self._list.count() - 1)

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _renew(self) -> None:
        """Read all cases; while nobody looks, the linter does."""
        workshop = self._draft.workshop
        if workshop is None or not self.isVisible():
            return
        self._results = run_cases(self._draft.rule, within=workshop.within(self._today))
        chosen = min(max(self._list.currentRow(), 0), len(self._results) - 1)
        self._list.blockSignals(True)
        self._list.clear()
        for one in self._results:
            self._list.addItem(self._item(one))
        self._list.setCurrentRow(chosen)
        self._list.blockSignals(False)
        self._say_sum()
        self._show_chosen()

    def _item(self, one: CaseResult) -> QListWidgetItem:
        mark = "?" if one.found is None else "✓" if one.holds else "✗"
        item = QListWidgetItem(
            self.tr("{mark} {name}\n{said}").format(mark=mark, name=one.case.name, said=self._said(one))
        )
        if mark == "✗":
            item.setForeground(QBrush(QColor(self._theme.tokens.danger)))
        return item

    def _said(self, one: CaseResult) -> str:
        expected = self._words.said(one.case.expected)
        if one.odd:
            return self.tr("应为{expected}；里面有读不懂的数据").format(expected=expected)
        if one.found is None:
            return self.tr("应为{expected}；规则还没填完整").format(expected=expected)
        if one.holds:
            return self.tr("应为{expected}").format(expected=expected)
        return self.tr("应为{expected}，现在是{found}").format(expected=expected, found=self._words.said(one.found))

    def _say_sum(self) -> None:
        wrong = sum(not one.holds for one in self._results)
        count = len(self._results)
        text = self.tr("{n} 个用例都对").format(n=count) if not wrong else self.tr("{n} 个用例，{wrong} 个不对")
        text = text.format(n=count, wrong=wrong)
        self._sum.setText(text if count else self.tr("还没有用例。可以新建，或在“为什么”里把一位客户存为用例。"))
        set_property(self._sum, "role", "warn" if wrong else "ok" if count else "muted")

    @property
    def _chosen(self) -> CaseResult | None:
        row = self._list.currentRow()
        return self._results[row] if 0 <= row < len(self._results) else None

    @Slot()
    def _show_chosen(self) -> None:
        chosen, workshop = self._chosen, self._draft.workshop
        free = not self._read_only
        self._form.setVisible(chosen is not None)
        self._form.setEnabled(free)
        self._agree.setEnabled(free)
        self._remove.setEnabled(free and chosen is not None)
        self._agree.setVisible(chosen is not None and chosen.found is not None and not chosen.holds and not chosen.odd)
        self._new.setEnabled(free and len(self._results) < MAX_CASES)
        if chosen is not None and workshop is not None:
            asked = facts_asked(self._draft.rule, within=workshop.within(self._today))
            self._form.show_case(chosen.case, asked=asked)

    # ── editing ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def add(self) -> None:
        """A case of somebody of whom nothing is known yet."""
        name = self.tr("用例 {n}").format(n=len(self._draft.rule.cases) + 1)
        case = Case(name=name, on=self._today, expected=Said.TRUE)
        self._draft.apply(with_case(self._draft.rule, case), text=self.tr("新用例"))
        self.choose_last()
        self._form.begin()

    @Slot()
    def remove(self) -> None:
        """Take the chosen case away; one step brings it back."""
        if self._chosen is not None:
            rule = without_case(self._draft.rule, self._list.currentRow())
            self._draft.apply(rule, text=self.tr("删除用例"))

    @Slot()
    def agree(self) -> None:
        """Let the chosen case say what the rule says."""
        if self._chosen is not None and self._chosen.found is not None:
            self._put(self._chosen.case.model_copy(update={"expected": self._chosen.found}))

    @Slot(object)
    def _on_edited(self, case: Case) -> None:
        self._put(case, merge=MERGE + self._list.currentRow())

    def _put(self, case: Case, *, merge: int = -1) -> None:
        rule = with_case(self._draft.rule, case, number=self._list.currentRow())
        self._draft.apply(rule, text=self.tr("修改用例"), merge=merge)
