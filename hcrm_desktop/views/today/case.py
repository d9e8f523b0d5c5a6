"""The case beside the list: why this contact, what was measured, what happened, what to say."""

from datetime import date

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from hcrm_core.eye.refraction import spherical_equivalent
from hcrm_core.terms import Eye, LensState
from hcrm_desktop.cache.rows import Delivery, ExamRow, EyeRow, TaskCase, TaskRow
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.today.items import DueItems
from hcrm_desktop.views.widgets.chips import DeliveryBadge
from hcrm_desktop.views.widgets.sparkline import Sparkline
from hcrm_desktop.views.words import Words


class CasePanel(QWidget):
    """One contact, whole.

    Attributes:
        items: what it is about.

    Signals:
        record_requested: open the customer's record.
        said: a short word for the toast.
    """

    record_requested = Signal()
    said = Signal(str)

    def __init__(self, theme: Theme, words: Words) -> None:
        super().__init__()
        self._theme, self._words = theme, words
        self._case: TaskCase | None = None
        self._column = QVBoxLayout()
        self._column.setContentsMargins(16, 14, 16, 12)
        self._column.setSpacing(6)
        self._build_head()
        self.items = DueItems(theme, words)
        self._column.addWidget(self.items)
        self._build_script()
        self._build_exam()
        self._contacts = self._section(self.tr("最近联系"))
        self._column.addStretch(1)
        inside = QWidget()
        inside.setLayout(self._column)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build_head(self) -> None:
        self._name, self._about, self._badge = QLabel(), QLabel(), DeliveryBadge(self._theme)
        self._name.setProperty("role", "display")
        self._about.setProperty("role", "muted")
        self._open = QPushButton(self.tr("档案 ↵"))
        self._open.setToolTip(self.tr("打开客户档案（Enter）"))
        self._open.setProperty("kind", "quiet")
        self._open.clicked.connect(self.record_requested)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self._name)
        row.addWidget(self._about)
        row.addWidget(self._badge)
        row.addStretch(1)
        row.addWidget(self._open)
        self._column.addLayout(row)
        self._guardian = QLabel(textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self._guardian.setProperty("role", "title")
        self._column.addWidget(self._guardian)

    def _build_exam(self) -> None:
        self._column.addWidget(self._heading(self.tr("上次检查")))
        self._exam, self._spark = QLabel(wordWrap=True), Sparkline(self._theme)
        self._spark.setAccessibleName(self.tr("眼轴变化"))
        row = QHBoxLayout()
        row.addWidget(self._exam, 1)
        row.addWidget(self._spark)
        self._column.addLayout(row)

    def _build_script(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self._heading(self.tr("话术")))
        row.addStretch(1)
        copy = QPushButton(self.tr("复制 C"))
        copy.setProperty("kind", "quiet")
        copy.clicked.connect(self.copy_script)
        row.addWidget(copy)
        self._column.addLayout(row)
        self._script = QLabel(wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self._column.addWidget(self._script)

    def _section(self, title: str) -> QLabel:
        self._column.addWidget(self._heading(title))
        text = QLabel(wordWrap=True)
        self._column.addWidget(text)
        return text

    def _heading(self, title: str) -> QLabel:
        label = QLabel(title)
        label.setProperty("role", "section")
        label.setContentsMargins(0, 6, 0, 0)
        return label

    # ── content ──────────────────────────────────────────────────────────────────────────────────────────

    def show_case(self, case: TaskCase, today: date) -> None:
        """Show a case, or the same one as it is now."""
        self._case = case
        task = case.task
        self._name.setText(task.name)
        self._about.setText(f"{self._words.sex(task.sex)}  {self._words.age(task.birth_date, today)}")
        self._badge.show_delivery(task.delivery, self._words.delivery(task.delivery))
        self._guardian.setText(self._guardian_line(case))
        self.items.show_items(case.items, today)
        self._show_exam(case, today)
        self._contacts.setText(self._contact_lines(case) or self.tr("还没有联系过。"))
        self._script.setText(case.script or self.tr("这类任务没有话术。"))

    def shown(self) -> TaskRow | None:
        """The task whose contact is shown."""
        return None if self._case is None else self._case.task

    def _guardian_line(self, case: TaskCase) -> str:
        name = case.task.guardian_name or self.tr("家长未登记")
        phone = case.task.phone or self.tr("无电话")
        return self.tr("家长 {name}   {phone}").format(name=name, phone=phone)

    def _show_exam(self, case: TaskCase, today: date) -> None:
        if not case.exams:
            self._exam.setText(self.tr("没有检查记录。"))
            self._spark.hide()
            return
        last = case.exams[-1]
        ago = self._words.span((today - last.examined_on).days)
        lines = [self.tr("{day}（{ago}前）{state}").format(day=last.examined_on, ago=ago, state=self._state(last))]
        lines += [self._eye_line(eye, row) for eye, row in ((Eye.OD, last.od), (Eye.OS, last.os)) if row]
        self._exam.setText("\n".join(lines))
        self._spark.show_series(_lengths(case.exams, Eye.OD), _lengths(case.exams, Eye.OS))

    def _state(self, exam: ExamRow) -> str:
        parts = [self._words.cycloplegia(exam.cycloplegic)]
        if exam.lens_state in (LensState.OK_LENS, LensState.OK_WASHOUT):
            parts.append(self._words.lens_state(exam.lens_state))
        return self.tr("、").join(parts)

    def _eye_line(self, eye: Eye, row: EyeRow) -> str:
        equivalent = spherical_equivalent(row.sphere, cylinder=row.cylinder)
        shown = self._words.diopters(equivalent) + (self.tr(" D") if equivalent is not None else "")
        length = self.tr("{mm} mm").format(mm=row.axial_length_mm) if row.axial_length_mm else self.tr("未测")
        return self.tr("{eye}  等效球镜 {se}   眼轴 {length}").format(eye=self._words.eye(eye), se=shown, length=length)

    def _contact_lines(self, case: TaskCase) -> str:
        lines = []
        for contact in case.follow_ups:
            parts = [self._words.moment(contact.contacted_at), self._words.channel(contact.channel)]
            parts += [self._words.outcome(contact.outcome), contact.staff_name, contact.note]
            if contact.delivery is not Delivery.ACCEPTED:
                parts.append(self.tr("● {state}").format(state=self._words.delivery(contact.delivery)))
            lines.append("  ".join(part for part in parts if part))
        return "\n".join(lines)

    # ── actions ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def copy_script(self) -> None:
        """The talk to the clipboard."""
        if self._case is not None and self._case.script:
            QGuiApplication.clipboard().setText(self._case.script)
            self.said.emit(self.tr("话术已复制"))

    @Slot()
    def toggle_why(self) -> None:
        self.items.toggle_why()


def _lengths(exams: tuple[ExamRow, ...], eye: Eye) -> list[tuple[float, float]]:
    rows = [(exam.examined_on, exam.od if eye is Eye.OD else exam.os) for exam in exams]
    return [(float(on.toordinal()), float(row.axial_length_mm)) for on, row in rows if row and row.axial_length_mm]
