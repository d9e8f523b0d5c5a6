"""The tabs under the curves: 检查, 配镜, 跟进, 任务, 到院, 变更."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from PySide6.QtCore import Qt, Signal, SignalInstance, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QTabWidget,
    QWidget,
)

from hcrm_core.corrections import STANDING
from hcrm_core.intents import KEPT_THEIRS
from hcrm_core.source import SourceKind
from hcrm_core.terms import ExamStatus, Eye, Role
from hcrm_desktop.cache.rows import (
    Delivery,
    ExamRow,
    EyeRow,
    FieldChangeRow,
    FollowUpRow,
    OrderRow,
    TaskRow,
    TimelineEntry,
    TimelineKind,
    VisitRow,
)
from hcrm_desktop.models.record_table import Column, RecordTable
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.study import RecordStudy
from hcrm_desktop.views.record.values import Line, Values
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.words import Words

_ROW_PX = 32
_WIDE, _WIDE_PX, _NARROW_PX = {"sphere", "cylinder", "se", "axial_length_mm", "k1", "k2"}, 66, 52
_WIDEST_PX = 80  # four characters of heading
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True, kw_only=True)
class EyeLine:
    """One eye of one examination: a line of the table."""

    exam: ExamRow
    eye: Eye
    measured: EyeRow

    @property
    def first(self) -> bool:
        """Whether the examination is written on this line."""
        return self.eye is Eye.OD or self.exam.od is None

    @property
    def alone(self) -> bool:
        """Whether the examination has no second line."""
        return self.exam.od is None or self.exam.os is None


def eye_lines(exams: Sequence[ExamRow]) -> Iterator[EyeLine]:
    """Newest examination first, the right eye first."""
    for exam in reversed(exams):
        for measured in (exam.od, exam.os):
            if measured is not None:
                yield EyeLine(exam=exam, eye=measured.eye, measured=measured)


class RecordTabs(QTabWidget):
    """Everything that happened, a kind a tab.

    Signals:
        correct_requested, void_requested: the chosen examination holds a mistake, or should not be there.
        history_requested: every version of the chosen examination.
        source_requested: what landed of the chosen row, by kind and id.
    """

    correct_requested = Signal(object)
    void_requested = Signal(object)
    history_requested = Signal(object)
    source_requested = Signal(object, object)

    def __init__(self, theme: Theme, words: Words, role: Role) -> None:
        super().__init__()
        self._theme, self._words, self._values = theme, words, Values(words)
        self._exams = self._tab(self._exam_columns(), self.tr("还没有检查。验光师按 E 录入，或等中心同步。"))
        self._orders = self._tab(self._order_columns(), self.tr("还没有配镜记录。"))
        self._follow_ups = self._tab(self._follow_up_columns(), self.tr("还没有跟进。按 F 记录一次联系。"))
        self._tasks = self._tab(self._task_columns(), self.tr("没有任务。"))
        self._visits = self._tab(self._visit_columns(), self.tr("没有预约或到院记录。"))
        self._changes = self._tab(self._change_columns(), self.tr("资料没有改动过。"))
        clinical = (self.tr("检查"), self.tr("配镜"), self.tr("跟进"))
        self._names = (*clinical, self.tr("任务"), self.tr("到院"), self.tr("变更"))
        tabs = (self._exams, self._orders, self._follow_ups, self._tasks, self._visits, self._changes)
        for (_, table, stack), name in zip(tabs, self._names, strict=True):
            table.setAccessibleName(name)
            self.addTab(stack, name)
        self._correct, self._void = QPushButton(self.tr("更正检查…")), QPushButton(self.tr("作废检查…"))
        self._history, self._source = QPushButton(self.tr("查看历史 H")), QPushButton(self.tr("原始记录 R"))
        self._build_corner(role)

    def _build_corner(self, role: Role) -> None:
        """What can be done about the chosen row."""
        corner = QWidget()
        row = QHBoxLayout(corner)
        row.setContentsMargins(0, 0, 0, 0)
        self._source.clicked.connect(self.ask_source)
        self._history.clicked.connect(self.ask_history)
        self._correct.clicked.connect(partial(self._ask_for, self.correct_requested))
        self._void.clicked.connect(partial(self._ask_for, self.void_requested))
        correcting = (self._correct, self._void) if role is Role.OPTOMETRIST else ()
        for button in (self._source, self._history, *correcting):
            button.setProperty("kind", "quiet")
            row.addWidget(button)
        self.setCornerWidget(corner)
        self.currentChanged.connect(self._offer_correcting)
        for _, table, _ in (self._exams, self._orders, self._follow_ups, self._visits):
            table.selectionModel().currentChanged.connect(self._offer_correcting)
            on_key(table, "R", self.ask_source)

    def show_study(self, study: RecordStudy) -> None:
        """Fill all tabs."""
        record = study.record
        self._fill(0, self._exams, list(eye_lines(record.exams)), count=len(record.exams))
        self._fill(1, self._orders, record.orders)
        self._fill(2, self._follow_ups, record.follow_ups)
        self._fill(3, self._tasks, record.tasks)
        self._fill(4, self._visits, record.visits)
        self._fill(5, self._changes, study.changes)
        self._offer_correcting()

    @Slot()
    def ask_history(self) -> None:
        """Of the chosen examination, if one is chosen."""
        exam = self._chosen_exam()
        if self.currentIndex() == 0 and exam is not None:
            self.history_requested.emit(exam)

    @Slot()
    def ask_source(self) -> None:
        """Of the chosen row, if one is chosen whose source can be asked for."""
        chosen = self._chosen_source()
        if chosen is not None:
            self.source_requested.emit(*chosen)

    def _chosen_source(self) -> tuple[SourceKind, UUID] | None:
        tabs: dict[int, tuple[SourceKind, tuple[RecordTable[Any], QTableView, StateStack]]] = {
            0: (SourceKind.EXAM, self._exams),
            1: (SourceKind.LENS_ORDER, self._orders),
            2: (SourceKind.FOLLOW_UP, self._follow_ups),
            4: (SourceKind.VISIT, self._visits),
        }
        if self.currentIndex() not in tabs:
            return None
        kind, (model, table, _) = tabs[self.currentIndex()]
        row = model.row(table.currentIndex())
        return None if row is None else (kind, row.exam.id if isinstance(row, EyeLine) else row.id)

    def reveal(self, entry: TimelineEntry) -> None:
        """Go to the tab of what a line of the timeline tells, and to its row if it has one."""
        place = self._tab_of(entry.kind)
        if place is None:
            return
        model, table, _ = place[1]
        self.setCurrentIndex(place[0])
        for number in range(model.rowCount()):
            index = model.index(number, 0)
            if getattr(model.row(index), "id", None) == entry.id:
                table.setCurrentIndex(index)
        table.setFocus()

    def _tab_of(self, kind: TimelineKind) -> tuple[int, tuple[RecordTable[Any], QTableView, StateStack]] | None:
        tabs: dict[TimelineKind, tuple[int, tuple[RecordTable[Any], QTableView, StateStack]]] = {
            TimelineKind.ORDER: (1, self._orders),
            TimelineKind.FOLLOW_UP: (2, self._follow_ups),
            TimelineKind.TASK: (3, self._tasks),
            TimelineKind.REPLACEMENT: (3, self._tasks),
            TimelineKind.VISIT: (4, self._visits),
            TimelineKind.CORRECTION: (5, self._changes),
        }
        return tabs.get(kind)

    def _chosen_exam(self) -> ExamRow | None:
        model, table, _ = self._exams
        line = model.row(table.currentIndex())
        return line.exam if line is not None else None

    @Slot()
    def _offer_correcting(self) -> None:
        exam = self._chosen_exam() if self.currentIndex() == 0 else None
        self._history.setEnabled(exam is not None)
        self._source.setEnabled(self._chosen_source() is not None)
        for button in (self._correct, self._void):
            button.setEnabled(exam is not None and exam.status in STANDING)

    def _ask_for(self, wanted: SignalInstance) -> None:
        exam = self._chosen_exam()
        if exam is not None and exam.status in STANDING:
            wanted.emit(exam)

    def _tab(self, columns: Sequence[Column[RowT]], empty: str) -> tuple[RecordTable[RowT], QTableView, StateStack]:
        model = RecordTable(columns, self)
        table = QTableView()
        table.setModel(model)
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW_PX)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for number, column in enumerate(columns):
            if column.width:
                table.setColumnWidth(number, column.width)
            else:
                table.horizontalHeader().setSectionResizeMode(number, QHeaderView.ResizeMode.Stretch)
        return model, table, StateStack(self._theme, table, EmptyState(self._theme, "", empty))

    def _fill(
        self,
        tab: int,
        shown: tuple[RecordTable[RowT], QTableView, StateStack],
        rows: Sequence[RowT],
        *,
        count: int | None = None,
    ) -> None:
        model, table, stack = shown
        model.replace(rows)
        for number in range(len(model.columns)):
            # Columns of another role's profile come empty: no room for what may not be known.
            table.setColumnHidden(number, bool(rows) and model.is_blank(number, blank=self._values.unknown))
        number_of = len(rows) if count is None else count
        title = self.tr("{name} {n}").format(name=self._names[tab], n=number_of) if number_of else self._names[tab]
        self.setTabText(tab, title)
        if rows:
            stack.show_content()
        else:
            stack.show_empty()

    # ── columns ──────────────────────────────────────────────────────────────────────────────────────────

    def _exam_columns(self) -> list[Column[EyeLine]]:
        words = self._words
        return [
            Column(
                title=self.tr("日期"), text=lambda row: words.day(row.exam.examined_on) if row.first else "", width=104
            ),
            Column(title=self.tr("眼"), text=lambda row: words.eye(row.eye), width=52),
            *(self._measured(line) for line in self._values.lines()),
            Column(title=self.tr("条件"), text=self._condition),
            Column(title=self.tr("状态"), text=self._exam_state, width=132),
        ]

    def _measured(self, line: Line) -> Column[EyeLine]:
        width = _WIDEST_PX if line.name == "se" else _WIDE_PX if line.name in _WIDE else _NARROW_PX
        return Column(title=line.label, text=lambda row: line.text(row.measured), width=width, number=True)

    def _condition(self, row: EyeLine) -> str:
        """What decides on comparing; machine and note on the second line, if there is one."""
        exam, words = row.exam, self._words
        parts = [words.cycloplegia(exam.cycloplegic), words.method(exam.method), words.lens_state(exam.lens_state)]
        if exam.washout_days is not None:
            parts.append(self.tr("停戴 {n} 天").format(n=exam.washout_days))
        aside = [text for text in (exam.device, exam.note) if text]
        if row.first and not row.alone:
            return " · ".join(parts)
        return " · ".join([*parts, *aside] if row.first else aside)

    def _exam_state(self, row: EyeLine) -> str:
        if not row.first:
            return row.exam.examiner_name
        parts = [self._words.source(row.exam.source)]
        if row.exam.status is not ExamStatus.FINAL:
            parts.insert(0, self._words.exam_status(row.exam.status))
        return " · ".join([*parts, *self._delivery(row.exam.delivery)])

    def _delivery(self, delivery: Delivery) -> list[str]:
        return (
            [] if delivery is Delivery.ACCEPTED else [self.tr("● {state}").format(state=self._words.delivery(delivery))]
        )

    def _order_columns(self) -> list[Column[OrderRow]]:
        words, known = self._words, self._known
        return [
            Column(title=self.tr("取镜"), text=lambda row: words.day(row.dispensed_on), width=104),
            Column(title=self.tr("眼"), text=lambda row: words.eye(row.eye), width=56),
            Column(title=self.tr("产品"), text=lambda row: words.product(row.product), width=84),
            Column(title=self.tr("品牌型号"), text=lambda row: known(f"{row.brand} {row.model}".strip())),
            Column(title=self.tr("厂家"), text=lambda row: known(row.manufacturer), width=140),
            Column(title=self.tr("处方"), text=self._prescription, width=170),
            Column(title=self.tr("停用"), text=lambda row: self._day(row.ended_on), width=104),
            Column(title=self.tr("价格 (元)"), text=self._price, width=100, number=True),
            Column(title=self.tr("来源"), text=lambda row: words.source(row.source), width=70),
        ]

    def _prescription(self, row: OrderRow) -> str:
        if row.sphere is None:
            return self._values.unknown
        text = self._words.diopters(row.sphere)
        if row.cylinder:
            text = self.tr("{sphere} / {cylinder}").format(sphere=text, cylinder=self._words.diopters(row.cylinder))
        return self.tr("{lens} × {axis}").format(lens=text, axis=row.axis) if row.axis and row.cylinder else text

    def _price(self, row: OrderRow) -> str:
        return self._known("" if row.price is None else f"{row.price:,.2f}")

    def _last_outcome(self, row: TaskRow) -> str:
        return self._known(self._words.outcome(row.last_outcome) if row.last_outcome else "")

    def _day(self, on: date | None) -> str:
        return self._known(self._words.day(on) if on else "")

    def _known(self, text: str) -> str:
        return text or self._values.unknown

    def _follow_up_columns(self) -> list[Column[FollowUpRow]]:
        words, known = self._words, self._known
        return [
            Column(title=self.tr("时间"), text=lambda row: words.moment(row.contacted_at), width=140),
            Column(title=self.tr("方式"), text=lambda row: words.channel(row.channel), width=84),
            Column(title=self.tr("结果"), text=lambda row: words.outcome(row.outcome), width=100),
            Column(title=self.tr("备注"), text=lambda row: known(row.note)),
            Column(title=self.tr("下次"), text=lambda row: self._day(row.next_on), width=104),
            Column(title=self.tr("谁"), text=lambda row: known(row.staff_name), width=100),
            Column(title=self.tr("状态"), text=self._follow_up_state, width=110),
        ]

    def _follow_up_state(self, row: FollowUpRow) -> str:
        return " ".join(self._delivery(row.delivery)) or self._words.delivery(row.delivery)

    def _task_columns(self) -> list[Column[TaskRow]]:
        words, known = self._words, self._known
        return [
            Column(title=self.tr("到期"), text=lambda row: words.day(row.due_on), width=104),
            Column(title=self.tr("任务"), text=lambda row: row.sop_label),
            Column(title=self.tr("状态"), text=lambda row: words.task_state(row.state), width=100),
            Column(title=self.tr("联系"), text=lambda row: self.tr("{n} 次").format(n=row.attempts), width=70),
            Column(title=self.tr("最近结果"), text=self._last_outcome, width=110),
            Column(title=self.tr("负责人"), text=lambda row: known(row.owner_name), width=110),
            Column(title=self.tr("上传"), text=lambda row: " ".join(self._delivery(row.delivery)), width=110),
        ]

    def _visit_columns(self) -> list[Column[VisitRow]]:
        words = self._words
        return [
            Column(title=self.tr("日期"), text=lambda row: words.day(row.visit_on), width=104),
            Column(title=self.tr("状态"), text=lambda row: words.visit_state(row.state), width=100),
            Column(title=self.tr("事由"), text=lambda row: self._known(row.purpose)),
        ]

    def _change_columns(self) -> list[Column[FieldChangeRow]]:
        words = self._words
        return [
            Column(title=self.tr("时间"), text=lambda row: words.moment(row.at), width=140),
            Column(title=self.tr("谁"), text=lambda row: self._known(row.by), width=84),
            Column(title=self.tr("什么"), text=lambda row: words.field(f"{row.subject}.{row.field}"), width=100),
            Column(title=self.tr("改动"), text=self._change),
            Column(title=self.tr("原因"), text=self._why, width=180),
            Column(title=self.tr("是否生效"), text=self._applied, width=168),
        ]

    def _change(self, row: FieldChangeRow) -> str:
        old, new = (self._words.value(row.field, text) for text in (row.old, row.new))
        return self.tr("{old} → {new}").format(old=old, new=new)

    def _why(self, row: FieldChangeRow) -> str:
        return self.tr("随同事的作废") if row.reason == KEPT_THEIRS else self._known(row.reason)

    def _applied(self, row: FieldChangeRow) -> str:
        return self.tr("已生效") if row.applied else self.tr("没有生效（晚于同事）")
