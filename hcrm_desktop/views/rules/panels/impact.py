"""影响: who would enter and who would leave today, where, and what tomorrow's tasks would be for whom."""

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QPushButton

from hcrm_core.rules.messages import MOST_MOVERS, Diff, Load, Mover
from hcrm_desktop.models.rule_questions import RuleQuestions
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.panels.asking import Panel
from hcrm_desktop.views.rules.panels.tables import SmallTable

MOVER_ROLE = int(Qt.ItemDataRole.UserRole)


class ImpactPanel(Panel):
    """The difference against today's membership. The strip above the editor asks for it, too.

    Signals:
        customer_requested: open this customer's record.
        explain_requested: (id, name) of a customer of whom the person wants to know why.
    """

    customer_requested = Signal(object)
    explain_requested = Signal(object, str)

    def __init__(self, theme: Theme, questions: RuleQuestions) -> None:
        super().__init__(questions.difference, shared=True)
        self._theme, self._questions = theme, questions
        self._diff: Diff | None = None
        self.headed(self.tr("影响"), self.tr("和现在的客群相比；发布以前什么都不会变。"))
        self._sums = QLabel(wordWrap=True)
        columns = [self.tr("院区"), self.tr("负责人"), self.tr("进入"), self.tr("离开")]
        self._splits = SmallTable(self.tr("按院区和人"), columns)
        columns = [self.tr("负责人"), self.tr("明天已有"), self.tr("新增"), self.tr("上限")]
        self._loads = SmallTable(self.tr("明天的任务"), columns)
        self._load_title = QLabel(self.tr("明天的任务"))
        self._movers = QListWidget()
        self._which = QButtonGroup(self)
        self._why = QPushButton(self.tr("为什么"))
        self._build()
        self._connect()
        self._set_shown(shown=False)

    def _build(self) -> None:
        self._load_title.setProperty("role", "section")
        self._movers.setAccessibleName(self.tr("会进入或离开的客户"))
        filters = QHBoxLayout()
        for number, text in enumerate((self.tr("全部"), self.tr("进入"), self.tr("离开"))):
            button = QPushButton(text)
            button.setProperty("kind", "chip")
            button.setCheckable(True)
            button.setChecked(number == 0)
            self._which.addButton(button, number)
            filters.addWidget(button)
        filters.addStretch(1)
        filters.addWidget(self._why)
        self._why.setProperty("kind", "quiet")
        for widget in (self._sums, self._splits, self._load_title, self._loads):
            self.column.addWidget(widget)
        self.column.addLayout(filters)
        self.column.addWidget(self._movers, 1)

    def _connect(self) -> None:
        self._questions.old.connect(self._on_old)
        self._which.idClicked.connect(self._show_movers)
        self._movers.itemActivated.connect(self._on_activated)
        self._why.clicked.connect(self._on_why_clicked)
        self._theme.changed.connect(self._show_loads)

    @Slot()
    def _on_old(self) -> None:
        """The strip asks again once it has counted; until then nobody takes this for the rule as it stands."""
        if self._diff is not None:
            self.line.show_text(self.tr("规则或参数变了，下面是改之前的。"), role="warn")

    def show_answer(self, answer: object) -> None:
        assert isinstance(answer, Diff)
        self._diff = answer
        text = self.tr("留下 {stay} 人，进入 {enter} 人，离开 {leave} 人")
        self._sums.setText(text.format(stay=f"{answer.stay:,}", enter=f"{answer.enter:,}", leave=f"{answer.leave:,}"))
        nobody = self.tr("没有分配")
        self._splits.show_lines([(one.site, one.person or nobody, one.enter, one.leave) for one in answer.splits])
        self._set_shown(shown=True)
        self._show_loads()
        self._show_movers()

    def _set_shown(self, *, shown: bool) -> None:
        diff = self._diff
        self._splits.setVisible(shown and diff is not None and bool(diff.splits))
        for widget in (self._loads, self._load_title):
            widget.setVisible(shown and diff is not None and bool(diff.loads))
        named = shown and diff is not None and bool(diff.movers)
        for button in (self._why, *self._which.buttons()):
            button.setVisible(named)
        self._movers.setVisible(named)

    @Slot()
    def _show_loads(self) -> None:
        """Who would have more than a day takes stands out."""
        loads = [] if self._diff is None else by_person(self._diff.loads)
        self._loads.show_lines([(self._whose(one), one.open, one.new, one.capacity) for one in loads])
        for row, one in enumerate(loads):
            if is_over(one):
                self._loads.colour(row, self._theme.tokens.warn)

    def _whose(self, load: Load) -> str:
        name = load.person or load.site
        return self.tr("{person}（超出）").format(person=name) if is_over(load) else name

    @Slot()
    def _show_movers(self) -> None:
        self._movers.clear()
        movers = [] if self._diff is None else self._diff.movers
        wanted = {1: [True], 2: [False]}.get(self._which.checkedId(), [True, False])
        for mover in movers:
            if mover.enters in wanted:
                item = QListWidgetItem(self._line(mover))
                item.setData(MOVER_ROLE, mover)
                self._movers.addItem(item)
        if len(movers) == MOST_MOVERS:
            rest = QListWidgetItem(self.tr("只列出前 {n} 人").format(n=MOST_MOVERS))
            rest.setFlags(Qt.ItemFlag.NoItemFlags)
            self._movers.addItem(rest)

    def _line(self, mover: Mover) -> str:
        way = self.tr("＋ 进入") if mover.enters else self.tr("− 离开")
        return "   ".join(part for part in (way, mover.name, mover.site, mover.person) if part)

    @Slot(QListWidgetItem)
    def _on_activated(self, item: QListWidgetItem) -> None:
        self.customer_requested.emit(item.data(MOVER_ROLE).customer_id)

    @Slot()
    def _on_why_clicked(self) -> None:
        item = self._movers.currentItem()
        mover = None if item is None else item.data(MOVER_ROLE)
        if mover is not None:
            self.explain_requested.emit(mover.customer_id, mover.name)


def by_person(loads: Iterable[Load]) -> list[Load]:
    """One line for each person: what all SOPs would add is a day's work together."""
    found: dict[tuple[str, str], Load] = {}
    for load in loads:
        before = found.get((load.site, load.person))
        new = load.new + (0 if before is None else before.new)
        found[load.site, load.person] = load.model_copy(update={"new": new})
    return list(found.values())


def is_over(load: Load) -> bool:
    """Whether somebody would have more than a day takes."""
    return load.open + load.new > load.capacity
