"""扫描: the latest runs and whether they add up, a night that was missed, who is set aside and why."""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.facts.fact import Feed
from hcrm_core.rules.messages import Quarantined, Requested, ScanLine, Scans
from hcrm_desktop.models.rule_history import ask_for_scan, ask_scans
from hcrm_desktop.models.rule_release import Reevaluation
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.panels.tables import SmallTable

WIDTH, HEIGHT = 960, 600  # fits a screen of 768 lines
LOOK_MS = 3000


class ScansDialog(QDialog):
    """How the scan does, asked again every few seconds while it is looked at.

    Signals:
        customer_requested: open the record of somebody who is set aside.
    """

    customer_requested = Signal(object)

    def __init__(self, desk: Desk, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._failures = desk, Failures(self)
        self._scans: Scans | None = None
        self._sentence, self._asked = QLabel(), QLabel(wordWrap=True)
        self._missed, self._message = QLabel(wordWrap=True), QLabel(wordWrap=True)
        columns = [self.tr("开始"), self.tr("类别"), self.tr("应看"), self.tr("看到"), self.tr("有变化")]
        columns += [
            self.tr("隔离"),
            self.tr("提议"),
            self.tr("新建"),
            self.tr("合并"),
            self.tr("未派"),
            self.tr("对账"),
        ]
        self._runs = SmallTable(self.tr("最近的扫描"), columns, tall=True)
        self._aside = SmallTable(self.tr("隔离的客户"), [self.tr("客户"), self.tr("原因"), self.tr("从何时起")])
        self._aside_title = QLabel(self.tr("隔离的客户：他们的记录算不出来，客群和任务保持原样。双击打开档案。"))
        self._set_aside: tuple[QWidget, ...] = (self._aside_title, self._aside)
        self._now = QPushButton(self.tr("立即扫描"))
        self._looking = QTimer(self, interval=LOOK_MS)
        self._build()
        self._looking.timeout.connect(self._ask)
        self._now.clicked.connect(self._on_now)
        self._aside.itemDoubleClicked.connect(self._on_opened)
        self._ask()
        self._looking.start()

    def _build(self) -> None:
        self.setWindowTitle(self.tr("扫描"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._missed.setProperty("role", "warn")
        self._message.setProperty("role", "danger")
        close = QPushButton(self.tr("关闭 Esc"))
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self._message, 1)
        for button in (close, self._now):
            button.setAutoDefault(False)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        for told in (self._sentence, self._asked, self._missed):
            column.addWidget(told)
        column.addWidget(self._runs, 2)
        for part in self._set_aside:
            column.addWidget(part)
            part.hide()
        column.addLayout(row)
        self._asked.hide()
        self._missed.hide()
        self.resize(WIDTH, HEIGHT)

    @Slot()
    def _ask(self) -> None:
        self._desk.tasks.consult(self, ask_scans, done=self._on_scans, failed=self._on_failed, aside=True)

    @Slot(object)
    def _on_scans(self, scans: Scans) -> None:
        self._scans = scans
        self._message.clear()
        self._runs.show_lines([self._cells(run) for run in scans.runs])
        waiting = self.tr("{n} 位客户有新数据，等着重新归类").format(n=scans.waiting)
        self._sentence.setText(waiting if scans.waiting else self.tr("所有新数据都已归类"))
        self._missed.setVisible(scans.missed is not None)
        if scans.missed is not None:
            self._missed.setText(
                self.tr("{day} 的夜间扫描没有完成。中心会补做；也可以立即扫描。").format(day=scans.missed)
            )
        self._aside.show_lines([self._aside_cells(one) for one in scans.quarantine])
        for part in self._set_aside:
            part.setVisible(bool(scans.quarantine))

    def _cells(self, run: ScanLine) -> list[str]:
        counts = (run.expected, run.seen, run.changed, run.quarantined)
        tasks = (run.proposed, run.created, run.merged, run.suppressed)
        numbers = [f"{number:,}" for number in (*counts, *tasks)]
        if run.finished_at is None:
            numbers = [self.tr("…")] * len(numbers)
        agreed = self.tr("相符") if run.adds_up else self.tr("不符")
        ended = agreed if run.finished_at is not None else self.tr("进行中")
        return [self._desk.words.moment(run.started_at), self._kind(run.kind), *numbers, ended]

    def _kind(self, kind: str) -> str:
        return {
            "nightly": self.tr("夜间"),
            "asked": self.tr("全部"),
            "rule": self.tr("规则"),
            "parameter": self.tr("参数"),
            "customers": self.tr("新数据"),
            "absence": self.tr("请假"),
        }.get(kind, kind)

    def _aside_cells(self, one: Quarantined) -> list[str]:
        place = self._feeds().get(one.reason.rpartition(": ")[2])  # the error's type is for the log
        text = self.tr("档案里有算不出来的值") if place is None else self.tr("{place}里有算不出来的值")
        return [one.name, text.format(place=place), self._desk.words.moment(one.since)]

    def _feeds(self) -> dict[str, str]:
        return {
            Feed.CUSTOMERS: self.tr("客户资料"),
            Feed.EXAMS: self.tr("检查"),
            Feed.LENS_ORDERS: self.tr("订单"),
            Feed.MEDICATIONS: self.tr("用药"),
            Feed.VISITS: self.tr("到院"),
            Feed.RECHECK_PLANS: self.tr("复查安排"),
            Feed.FOLLOW_UPS: self.tr("跟进"),
            Feed.LEADS: self.tr("线索"),
        }

    @Slot()
    def _on_opened(self) -> None:
        row = self._aside.currentRow()
        if self._scans is not None and 0 <= row < len(self._scans.quarantine):
            self.customer_requested.emit(self._scans.quarantine[row].customer_id)
            self.accept()

    @Slot()
    def _on_now(self) -> None:
        self._now.setEnabled(False)
        self._message.clear()
        self._desk.tasks.consult(self, ask_for_scan, done=self._on_asked, failed=self._on_failed)

    @Slot(object)
    def _on_asked(self, requested: Requested) -> None:
        self._say(self.tr("已请中心扫描，完成后会出现在下面"))
        waiting = Reevaluation(self._desk.tasks, requested.request_id, parent=self)
        for ended in (waiting.finished, waiting.lost):
            ended.connect(waiting.deleteLater)
        waiting.finished.connect(self._on_finished)
        waiting.lost.connect(self._on_failed)
        waiting.look()

    @Slot(object)
    def _on_finished(self, requested: Requested) -> None:
        text = self.tr("扫描完成：进入客群 {entered} 人次，离开 {left} 人次，新建任务 {created} 个")
        if requested.failed:
            text = self.tr("扫描没有完成，请告诉管理员")
        self._say(text.format(entered=requested.entered, left=requested.left, created=requested.created))
        self._now.setEnabled(True)
        self._ask()

    def _say(self, text: str) -> None:
        self._asked.setText(text)
        self._asked.show()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._now.setEnabled(True)
        self._message.setText(self._failures.sentence(error))
