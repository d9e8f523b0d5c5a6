"""参考曲线: which published percentiles the charts show, what they rest on, and which files are not used and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.errors import Problem
from hcrm_core.eye.percentiles import AxialLengthReference
from hcrm_desktop.cache.lease import shows_no_customer
from hcrm_desktop.references import FOLDER, LaidFile, Offer, References, choose_reference, offer
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.failures import Failures

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LIST_WIDTH = 260


@shows_no_customer
def read_offer(_: "Session", profile: Path) -> Offer:
    """Look into the profile's folder. Runs in a reader."""
    return offer(profile)


@shows_no_customer
def keep_choice(_: "Session", profile: Path, *, label: str) -> References:
    """Keep and use a choice. Runs in a reader."""
    return choose_reference(profile, label=label)


class ReferenceChoice(QDialog):
    """Chooses one table; they are never mixed.

    Signals:
        chosen: another table is shown from now on.
    """

    chosen = Signal()

    def __init__(self, tasks: Tasks, profile: Path, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks, self._profile = tasks, profile
        self._offer: Offer | None = None
        self._list, self._about, self._faults, self._message = QListWidget(), QLabel(), QLabel(), QLabel()
        self._use, self._reset = QPushButton(self.tr("用这份参考")), QPushButton(self.tr("恢复默认"))
        self.setWindowTitle(self.tr("参考曲线"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build()
        self._list.currentRowChanged.connect(self._on_row_changed)
        self._list.itemActivated.connect(self.use)
        self._use.clicked.connect(self.use)
        self._reset.clicked.connect(self.reset)
        tasks.query(self, read_offer, profile, done=self._on_offered, failed=self._on_failed)

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self._list.setFixedWidth(LIST_WIDTH)
        self._list.setAccessibleName(self.tr("可以选的参考"))
        self._about.setAccessibleName(self.tr("所选参考的来源"))
        for label, role in ((self._about, ""), (self._faults, "small"), (self._message, "danger")):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setProperty("role", role)
        self._about.setAlignment(Qt.AlignmentFlag.AlignTop)
        body = QHBoxLayout()
        body.setSpacing(16)
        body.addWidget(self._list)
        body.addWidget(self._about, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(12)
        column.addLayout(body, 1)
        for widget in (self._advice(), self._faults, self._message):
            column.addWidget(widget)
        column.addLayout(self._buttons())
        self.resize(820, 520)

    def _advice(self) -> QLabel:
        text = self.tr(
            "各份参考之间相差可达半毫米：换参考后百分位会跳，那不是孩子变了。一张图只用一份，名称和版本写在图上。"
            "自备的表（CSV）放进本机资料夹的 {folder}，格式见使用手册。"
        )
        advice = QLabel(text.format(folder=f"{FOLDER}/"), wordWrap=True)
        advice.setProperty("role", "small")
        return advice

    def _buttons(self) -> QHBoxLayout:
        close = QPushButton(self.tr("关闭 Esc"))
        close.clicked.connect(self.reject)
        self._use.setProperty("kind", "primary")
        row = QHBoxLayout()
        row.addWidget(self._reset)
        row.addStretch()
        for button in (close, self._use):
            row.addWidget(button)
        for button in (close, self._use, self._reset):
            button.setAutoDefault(False)
            button.setEnabled(button is close)
        return row

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot(object)
    def _on_offered(self, found: Offer) -> None:
        self._offer = found
        labels = [table.label for table in found.tables]
        marked = [self.tr("{label}（正在用）").format(label=one) if one == found.shown else one for one in labels]
        self._list.addItems(marked)
        self._list.setCurrentRow(labels.index(found.shown) if found.shown in labels else 0)  # its file may be gone
        self._list.setFocus()
        self._reset.setEnabled(found.shown != labels[0])
        self._faults.setText("\n".join(self._faulty(one) for one in found.faulty))
        self._faults.setVisible(bool(found.faulty))

    @Slot(int)
    def _on_row_changed(self, row: int) -> None:
        if self._offer is not None and row >= 0:
            table = self._offer.tables[row]
            self._about.setText(self._told(table))
            self._use.setEnabled(table.label != self._offer.shown)

    def _told(self, table: AxialLengthReference) -> str:
        first, last = table.ages
        return self.tr(
            "{name}，版本 {version}\n\n年龄：{first}–{last} 岁，此外不画百分位\n人群：{population}\n"
            "出处：{citation}\n许可：{licence}"
        ).format(
            name=table.name,
            version=table.version,
            first=first,
            last=last,
            population=table.population,
            citation=table.citation,
            licence=table.licence,
        )

    def _faulty(self, laid: LaidFile) -> str:
        """A file that is not used, and its first problems."""
        told = [self._fault(problem) for problem in laid.problems[:3]]
        if len(laid.problems) > len(told):
            told.append(self.tr("共 {n} 处").format(n=len(laid.problems)))
        return self.tr("没有采用 {name}：{problems}").format(name=laid.name, problems=self.tr("；").join(told))

    def _fault(self, problem: Problem) -> str:
        sentence = self._sentences().get(problem.code, problem.code)
        told = sentence.format_map({"missing": "", "seen": "", **problem.parameters})
        return self.tr("{place} {told}").format(place=self._place(problem.field), told=told)

    def _place(self, field: str) -> str:
        number, comma, column = field.removeprefix("row ").partition(", ")
        return self.tr("第 {n} 行 {column}").format(n=number, column=column) if comma else field

    def _sentences(self) -> dict[str, str]:
        return {
            "head_missing": self.tr("文件头缺这一项"),
            "ages_unreadable": self.tr("读不懂“{seen}”，写 4-18"),
            "ages_differ": self.tr("与表中的年龄 {seen} 不一致"),
            "columns_missing": self.tr("缺列 {missing}"),
            "sex_unreadable": self.tr("“{seen}”不是 male 或 female"),
            "number_unreadable": self.tr("“{seen}”不是数"),
            "out_of_range": self.tr("“{seen}”不可能"),
            "not_ascending": self.tr("“{seen}”没有大于前一个百分位"),
            "age_twice": self.tr("年龄“{seen}”写了两次"),
            "too_few_rows": self.tr("{seen} 不足两行"),
            "label_taken": self.tr("“{seen}”已有同名同版本的表"),
            "too_large": self.tr("超过 1 MB"),
            "unreadable": self.tr("打不开，或不是 UTF-8"),
        }

    # ── choosing ─────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def use(self) -> None:
        """Show the table that is marked in the list."""
        if self._offer is not None and self._use.isEnabled():
            self._keep(self._offer.tables, row=self._list.currentRow())

    @Slot()
    def reset(self) -> None:
        """Show what ships."""
        if self._offer is not None:
            self._keep(self._offer.tables, row=0)

    def _keep(self, tables: Sequence[AxialLengthReference], *, row: int) -> None:
        label = tables[row].label
        self._tasks.query(self, keep_choice, self._profile, label=label, done=self._on_kept, failed=self._on_failed)

    @Slot(object)
    def _on_kept(self, _: References) -> None:
        self.chosen.emit()
        self.accept()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._message.setText(Failures(self).sentence(error))
