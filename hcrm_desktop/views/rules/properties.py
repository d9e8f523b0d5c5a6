"""What a rule says of itself, apart from its conditions: names, source, where and when it holds, what it excludes."""

from collections.abc import Callable
from datetime import date
from functools import partial

from PySide6.QtCore import QDate, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDateEdit,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSpinBox,
    QWidget,
)

from hcrm_core.rules import Rule
from hcrm_desktop.models.rule_draft import RuleDraft

MERGE = 1_000_000  # beyond the numbers of the tree's forms
TONES = ("neutral", "info", "good", "warn", "act")


class DayField(QWidget):
    """A day, or none."""

    def __init__(self, name: str, changed: Callable[[date | None], object], *, today: date) -> None:
        super().__init__()
        self._changed = changed
        self._wanted, self._day = QCheckBox(name), QDateEdit()
        self._day.setCalendarPopup(True)
        self._day.setDisplayFormat("yyyy-MM-dd")
        self._day.setDate(QDate(today.year, today.month, today.day))
        self._day.setAccessibleName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._wanted)
        row.addWidget(self._day)
        self._wanted.clicked.connect(self._on_changed)
        self._day.userDateChanged.connect(self._on_changed)

    def show_day(self, day: date | None) -> None:
        """Let a day stand here; nothing is told."""
        self._wanted.setChecked(day is not None)
        self._day.setVisible(day is not None)
        if day is not None:
            self._day.blockSignals(True)
            self._day.setDate(QDate(day.year, day.month, day.day))
            self._day.blockSignals(False)

    @Slot()
    def _on_changed(self) -> None:
        day = self._day.date()
        self._changed(date(day.year(), day.month(), day.day()) if self._wanted.isChecked() else None)


class RuleProperties(QFrame):
    """The fields."""

    def __init__(self, draft: RuleDraft, *, today: date) -> None:
        super().__init__()
        self._draft = draft
        self.setProperty("role", "card")
        self._label, self._segment, self._citation = QLineEdit(), QLineEdit(), QLineEdit()
        self._exclusive, self._priority = QLineEdit(), QSpinBox(minimum=1, maximum=999)
        self._tone, self._sites = QComboBox(), QPushButton()
        self._first = DayField(self.tr("从"), partial(self._put, "valid_from"), today=today)
        self._last = DayField(self.tr("到"), partial(self._put, "valid_until"), today=today)
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 10, 12, 10)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(8)
        for tone, name in zip(TONES, self._tone_names(), strict=True):
            self._tone.addItem(name, tone)
        days = QHBoxLayout()
        days.addWidget(self._first)
        days.addWidget(self._last)
        days.addStretch(1)
        self._place(grid, 0, ((self.tr("规则名称"), self._label), (self.tr("客群名称"), self._segment)))
        self._place(grid, 1, ((self.tr("院区范围"), self._sites), (self.tr("客群颜色"), self._tone)))
        self._place(grid, 2, ((self.tr("互斥组"), self._exclusive), (self.tr("优先级"), self._priority)))
        grid.addWidget(QLabel(self.tr("有效期")), 3, 0)
        grid.addLayout(days, 3, 1, 1, 3)
        grid.addWidget(QLabel(self.tr("说明与依据")), 4, 0)
        grid.addWidget(self._citation, 4, 1, 1, 3)
        self._citation.setAccessibleName(self.tr("说明与依据"))
        self._exclusive.setPlaceholderText(self.tr("同组的客群，一个客户只进一个"))
        self._priority.setToolTip(self.tr("互斥组里，数字小的先得"))
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)

    def _place(self, grid: QGridLayout, line: int, fields: tuple[tuple[str, QWidget], ...]) -> None:
        for column, (name, field) in enumerate(fields):
            grid.addWidget(QLabel(name), line, 2 * column)
            grid.addWidget(field, line, 2 * column + 1)
            field.setAccessibleName(name)

    def _tone_names(self) -> tuple[str, ...]:
        return self.tr("灰"), self.tr("蓝"), self.tr("绿"), self.tr("橙（注意）"), self.tr("红（要处理）")

    def _connect(self) -> None:
        self._label.textEdited.connect(partial(self._put, "label"))
        self._citation.textEdited.connect(partial(self._put, "citation"))
        self._exclusive.textEdited.connect(partial(self._put, "exclusive"))
        self._segment.textEdited.connect(partial(self._put_segment, "label"))
        self._priority.valueChanged.connect(partial(self._put, "priority"))
        self._tone.activated.connect(self._on_tone_chosen)
        self._sites.clicked.connect(self._on_sites_clicked)
        self._draft.changed.connect(self._show)
        self._draft.surrounded.connect(self._show)

    def begin(self) -> None:
        """Put the cursor into the name."""
        self._label.setFocus()

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _show(self) -> None:
        rule = self._draft.rule
        shown = ((self._label, rule.label), (self._citation, rule.citation), (self._exclusive, rule.exclusive))
        for field, text in (*shown, (self._segment, rule.segment.label)):
            if field.text() != text:
                field.setText(text)
        self._priority.blockSignals(True)
        self._priority.setValue(rule.priority)
        self._priority.blockSignals(False)
        self._tone.setCurrentIndex(self._tone.findData(rule.segment.tone))
        self._first.show_day(rule.valid_from)
        self._last.show_day(rule.valid_until)
        self._sites.setText(self._site_words(rule))

    def _site_words(self, rule: Rule) -> str:
        names = self._site_names()
        return self.tr("、").join(names.get(code, code) for code in rule.sites) or self.tr("全部院区")

    def _site_names(self) -> dict[str, str]:
        workshop = self._draft.workshop
        return {} if workshop is None else {site.code: site.name for site in workshop.shelf.sites}

    # ── editing ──────────────────────────────────────────────────────────────────────────────────────────

    def _put(self, field: str, value: object) -> None:
        self._apply(self._draft.rule.model_copy(update={field: value}), field)

    def _put_segment(self, field: str, value: object) -> None:
        segment = self._draft.rule.segment.model_copy(update={field: value})
        self._apply(self._draft.rule.model_copy(update={"segment": segment}), f"segment {field}")

    def _apply(self, rule: Rule, field: str) -> None:
        """Letters typed into one field are taken back together."""
        self._draft.apply(rule, text=self.tr("修改属性"), merge=MERGE + _FIELDS.index(field))

    @Slot()
    def _on_tone_chosen(self) -> None:
        self._put_segment("tone", self._tone.currentData())

    @Slot()
    def _on_sites_clicked(self) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        for code, name in self._site_names().items():
            action = QAction(name, menu)
            action.setCheckable(True)
            action.setChecked(code in self._draft.rule.sites)
            action.triggered.connect(partial(self.toggle_site, code))
            menu.addAction(action)
        menu.popup(self._sites.mapToGlobal(self._sites.rect().bottomLeft()))

    def toggle_site(self, code: str, _: object = None) -> None:
        """One site more or less; none at all is the whole group."""
        sites = self._draft.rule.sites
        chosen = [other for other in self._site_names() if (other in sites) is not (other == code)]
        self._put("sites", tuple(chosen))


_FIELDS = (
    "label",
    "citation",
    "exclusive",
    "priority",
    "sites",
    "valid_from",
    "valid_until",
    "segment label",
    "segment tone",
)
