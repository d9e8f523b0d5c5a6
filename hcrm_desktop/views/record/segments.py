"""所在客群: where a customer belongs, since when and why; for managers also where he belonged, and by which version."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from hcrm_core.rules.messages import MembershipLine, Standing
from hcrm_core.terms import Role
from hcrm_desktop.cache.rows import SegmentRow
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.today.evidence import EvidenceWords
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.words import Words

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient


class SegmentsTab(QWidget):
    """The segments of one customer. The past is asked of the centre, by managers, when somebody looks."""

    def __init__(self, tasks: Tasks, theme: Theme, words: Words, role: Role) -> None:
        super().__init__()
        self._tasks, self._words, self._evidence = tasks, words, EvidenceWords(words)
        self._failures = Failures(self)
        self._asks = role is Role.MANAGER
        self._customer: UUID | None = None
        self._segments: Sequence[SegmentRow] = ()
        self._standing: Standing | None = None
        self._list, self._message = QListWidget(), QLabel(wordWrap=True)
        self._again = QPushButton(self.tr("再试"))
        nowhere = EmptyState(
            theme,
            self.tr("现在不在任何客群里"),
            self.tr("有了新的检查、订单或跟进，中心会马上重新归类；每天夜里也会。"),
        )
        self._stack = StateStack(theme, self._list, nowhere)
        self._build()
        self._again.clicked.connect(self._ask)

    def _build(self) -> None:
        self._list.setAccessibleName(self.tr("所在客群"))
        self._list.setWordWrap(True)
        self._message.setProperty("role", "muted")
        self._again.setProperty("kind", "quiet")
        row = QHBoxLayout()
        row.setContentsMargins(12, 0, 12, 0)
        row.addWidget(self._message, 1)
        row.addWidget(self._again)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._stack, 1)
        column.addLayout(row)
        self._say("")

    def show_segments(self, customer_id: UUID, segments: Sequence[SegmentRow]) -> None:
        """What is known here; what the centre knows is asked again."""
        if customer_id != self._customer:
            self._standing = None
        self._customer, self._segments = customer_id, segments
        self._show()
        self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._standing is None:
            self._ask()

    # ── the past ─────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _ask(self) -> None:
        if not self._asks or self._customer is None or not self.isVisible():
            return
        self._say(self.tr("正在读以前的客群…"))
        ask = partial(_standing, customer_id=self._customer)
        done, failed = partial(self._on_told, self._customer), partial(self._on_failed, self._customer)
        self._tasks.consult(self, ask, done=done, failed=failed, aside=True)

    def _on_told(self, customer_id: UUID, standing: Standing) -> None:
        if customer_id == self._customer:
            self._standing = standing
            self._say("")
            self._show()

    def _on_failed(self, customer_id: UUID, error: Exception) -> None:
        if customer_id == self._customer:
            text = self.tr("以前的客群要问中心：{why}").format(why=self._failures.sentence(error))
            self._say(text, again=True)

    def _say(self, text: str, *, again: bool = False) -> None:
        self._message.setText(text)
        self._message.setVisible(bool(text))
        self._again.setVisible(again)

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    def _show(self) -> None:
        texts = list(self._here() if self._standing is None else map(self._told, self._standing.lines))
        self._list.clear()
        for text in texts:
            item = QListWidgetItem(text)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            self._list.addItem(item)
        if texts:
            self._stack.show_content()
        else:
            self._stack.show_empty()

    def _here(self) -> Iterator[str]:
        for one in self._segments:
            head = self.tr("{label}：{day} 起").format(label=one.label, day=self._words.day(one.entered_on))
            yield self._with_evidence(head, one.evidence)

    def _told(self, line: MembershipLine) -> str:
        if line.left_on is None:
            head = self.tr("{label}：{entered} 起（规则 v{version}）")
        else:
            head = self.tr("以前 · {label}：{entered} 到 {left}（规则 v{version}）")
        days = {"entered": self._words.day(line.entered_on), "left": self._words.day(line.left_on)}
        return self._with_evidence(head.format(label=line.label, version=line.version, **days), line.evidence)

    def _with_evidence(self, head: str, evidence: Sequence[object]) -> str:
        lines = self._evidence.lines(one for one in evidence if isinstance(one, dict))
        return "\n".join([head, *(self.tr("　{line}").format(line=line) for line in lines)])


def _standing(client: "CentreClient", headers: dict[str, str], *, customer_id: UUID) -> Standing:
    return client.standing(customer_id, headers=headers)
