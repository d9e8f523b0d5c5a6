"""Axial length, refraction and growth rate below each other, on one time axis."""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.curves.picture import Picture, Quantity
from hcrm_core.errors import StoreUnusable
from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye
from hcrm_desktop.chart_print import write_charts
from hcrm_desktop.charts.eye_chart import EyeChart, Span
from hcrm_desktop.charts.wishes import ChartWishes, load_wishes, save_wishes
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.record.chart_words import CurveWords
from hcrm_desktop.views.record.verdict_words import VerdictWords
from hcrm_desktop.views.words import Words

QWIDGETSIZE_MAX = (1 << 24) - 1  # Qt's own, which PySide6 does not name
LEAST_HEIGHT = {Quantity.AXIAL_LENGTH: 170, Quantity.REFRACTION: 120, Quantity.GROWTH_RATE: 120}
SHARES = {Quantity.AXIAL_LENGTH: 3, Quantity.REFRACTION: 2, Quantity.GROWTH_RATE: 2}
ROOMY_PX = 900  # a lower window shows the first chart and the titles of the others, until a person unfolds them
EYES = (None, *Eye)  # whose projection may be chosen
FOLDED_FIRST = (Quantity.REFRACTION, Quantity.GROWTH_RATE)


class Curves(QWidget):
    """The charts and what is said below them.

    Signals:
        said: how an export ended, for the toast.
        pointed: the Point that is read out on any of the charts, or None.
        reference_changed: other percentiles were chosen; what is shown has to be studied anew.
    """

    said = Signal(str)
    pointed = Signal(object)
    reference_changed = Signal()

    def __init__(self, tasks: Tasks, theme: Theme, words: Words, *, folder: Path | None = None) -> None:
        super().__init__()
        self._tasks, self._folder, self._words = tasks, folder, words
        self._study: EyeStudy | None = None
        self._wishes: ChartWishes | None = None  # read when first shown
        self._verdicts, self._failures, self._told = VerdictWords(words), Failures(self), CurveWords(words)
        told = self._told
        self.axial = EyeChart(theme, told.axial_length(), foldable=True)
        self.refraction = EyeChart(theme, told.refraction(), foldable=True)
        self.rate = EyeChart(theme, told.growth_rate(), foldable=True)
        self.charts = {
            Quantity.AXIAL_LENGTH: self.axial,
            Quantity.REFRACTION: self.refraction,
            Quantity.GROWTH_RATE: self.rate,
        }
        self._turns: deque[Callable[[], None]] = deque()
        self._text, self._sentence = QPlainTextEdit(readOnly=True), QLabel(wordWrap=True)
        self._projection = QComboBox()
        self._text_button = QPushButton(self.tr("文字说明"))
        self._print_button = QPushButton(self.tr("导出 PDF"))
        self._reference_button = QPushButton(self.tr("参考曲线…"))
        self._column = QVBoxLayout()
        self._build()
        self._connect()

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self._text.setAccessibleName(self.tr("曲线的文字说明"))
        self._sentence.setProperty("role", "small")
        self._sentence.setAccessibleName(self.tr("增长的文字结论"))
        self._text_button.setCheckable(True)
        self._projection.setAccessibleName(self.tr("预测"))
        told = self.tr("预测：{eye}")
        for one in EYES:
            self._projection.addItem(told.format(eye=self._words.eye(one) if one else self.tr("不显示")))
        charts = QWidget()
        charts.setLayout(self._column)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        for quantity, chart in self.charts.items():
            self._column.addWidget(chart, SHARES[quantity])
            self._set_height(quantity)
        self._column.addStretch(0)
        self._stack = QStackedWidget()
        for shown in (charts, self._text):
            shown.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            self._stack.addWidget(shown)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._sentence, 1)
        for control in (self._projection, self._reference_button, self._text_button, self._print_button):
            foot.addWidget(control, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._stack, 1)
        column.addLayout(foot)

    def _connect(self) -> None:
        for quantity, chart in self.charts.items():
            chart.window_changed.connect(self._on_window_changed)
            chart.pointed.connect(self.pointed)
            chart.folded.connect(partial(self._on_folded, quantity))
        self._projection.activated.connect(self._on_projection_chosen)
        self._text_button.toggled.connect(self._on_text_toggled)
        self._print_button.clicked.connect(self._on_print_requested)
        self._reference_button.clicked.connect(self.choose_reference)
        self._reference_button.setEnabled(self._folder is not None)  # nowhere to keep a choice

    def prepare(self) -> None:
        """Make the charts in moments in which nobody waits, one in each turn of the event loop."""
        self._take_turns(chart.prepare for chart in self.charts.values())

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    def show_study(self, study: EyeStudy) -> None:
        """Show another child's curves, each in a turn of the event loop of its own: all together would hold the
        window for longer than a person overlooks."""
        self._study = study
        self._read_wishes()
        self._sentence.setText(self._verdicts.axial_sentence(study))
        self._projection.setEnabled(bool(study.axial.fans))
        self._text.setPlainText("\n\n".join(self._told.told(picture) for picture in self._pictures.values()))
        self.axial.setToolTip(study.references.axial_length.citation)
        self._draw()

    @property
    def _pictures(self) -> dict[Quantity, Picture]:
        """What is shown, on one time axis."""
        if self._study is None:
            return {}
        axial = self._study.axial.projected(self._eye)
        return {
            Quantity.AXIAL_LENGTH: axial,
            Quantity.REFRACTION: self._study.refraction.over(axial.x_range),
            Quantity.GROWTH_RATE: self._study.rate.over(axial.x_range),
        }

    @property
    def _eye(self) -> Eye | None:
        """Whose projection is shown."""
        return self._wishes.projected if self._wishes else None

    def _draw(self) -> None:
        shown = self._pictures
        self._take_turns(partial(self._draw_one, quantity) for quantity in shown)

    def _take_turns(self, turns: Iterable[Callable[[], None]]) -> None:
        waiting = bool(self._turns)
        self._turns = deque(turns)
        if not waiting:
            QTimer.singleShot(0, self, self._take_turn)  # not after the page is gone

    @Slot()
    def _take_turn(self) -> None:
        if self._turns:
            self._turns.popleft()()
        if self._turns:
            QTimer.singleShot(0, self, self._take_turn)

    @property
    def is_drawing(self) -> bool:
        """Whether a chart waits for its turn."""
        return bool(self._turns)

    def _draw_one(self, quantity: Quantity) -> None:
        """Not while it is folded: nobody sees it."""
        chart, picture = self.charts[quantity], self._pictures.get(quantity)
        if picture is not None and not chart.is_folded:
            chart.show_picture(picture)

    # ── what a person does ───────────────────────────────────────────────────────────────────────────────

    @Slot(object)
    def _on_window_changed(self, window: Span) -> None:
        for chart in self.charts.values():
            chart.show_window(window)

    def _on_folded(self, quantity: Quantity, folded: bool) -> None:  # noqa: FBT001 - Qt's signal
        self._set_height(quantity)
        self._draw_one(quantity)
        self._keep(folded=tuple(one for one, chart in self.charts.items() if chart.is_folded))

    def _set_height(self, quantity: Quantity) -> None:
        chart = self.charts[quantity]
        chart.setMinimumHeight(0 if chart.is_folded else LEAST_HEIGHT[quantity])
        chart.setMaximumHeight(chart.head_height if chart.is_folded else QWIDGETSIZE_MAX)

    @Slot(int)
    def _on_projection_chosen(self, row: int) -> None:
        self._keep(projected=EYES[row])
        self._draw()

    @Slot(bool)
    def _on_text_toggled(self, shown: bool) -> None:  # noqa: FBT001 - Qt's signal
        self._stack.setCurrentIndex(int(shown))
        if shown:
            self._text.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def choose_reference(self) -> None:
        """Offer the tables of percentiles."""
        from hcrm_desktop.views.record.reference_choice import ReferenceChoice

        if self._folder is not None:
            choice = ReferenceChoice(self._tasks, self._folder, parent=self.window())
            choice.chosen.connect(self.reference_changed)
            choice.open()

    def _read_wishes(self) -> None:
        """As a person left them; on a low window, before any wish, the first chart alone is open."""
        if self._wishes is not None:
            return
        kept = load_wishes(self._folder) if self._folder else ChartWishes()
        first = FOLDED_FIRST if self.window().height() < ROOMY_PX else ()
        folded = first if kept.folded is None else kept.folded
        for quantity, chart in self.charts.items():
            chart.fold_button.setChecked(quantity in folded)
        self._wishes = kept  # from here on what a person folds is kept
        self._projection.setCurrentIndex(EYES.index(kept.projected))

    def _keep(self, **wishes: Any) -> None:
        if self._wishes is None:
            return
        self._wishes = dataclasses.replace(self._wishes, **wishes)
        if self._folder is not None:
            save_wishes(self._folder, wishes=self._wishes)

    # ── on paper ─────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_print_requested(self) -> None:
        name = self.tr("生长曲线_{day}.pdf").format(day=self._tasks.today().isoformat())
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = QFileDialog(self, self.tr("导出曲线"), folder, self.tr("PDF 文件 (*.pdf)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.selectFile(name)
        dialog.fileSelected.connect(self.print_to)
        dialog.open()

    @Slot(str)
    def print_to(self, path: str) -> None:
        """Write what is shown to a place that a person chose."""
        title = self.tr("眼睛生长曲线 {day}").format(day=self._tasks.today().isoformat())
        pictures = tuple(self._pictures.values())
        if pictures:
            done, failed = self._on_printed, self._on_print_failed
            self._tasks.query(
                self, write_charts, pictures=pictures, title=title, path=Path(path), done=done, failed=failed
            )

    @Slot(object)
    def _on_printed(self, path: Path) -> None:
        self.said.emit(self.tr("已导出：{name}").format(name=path.name))

    @Slot(object)
    def _on_print_failed(self, error: Exception) -> None:
        shut = self.tr("写不进去：请关闭正在打开的同名文件，或换一个位置。")
        self.said.emit(shut if isinstance(error, StoreUnusable) else self._failures.sentence(error))
