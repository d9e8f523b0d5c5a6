"""Axial length and refraction side by side over one time axis."""

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from hcrm_core.study import EyeStudy
from hcrm_desktop.charts.eye_chart import EyeChart
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.chart_words import CurveWords
from hcrm_desktop.views.words import Words

LEAST_HEIGHT = 200


class Curves(QWidget):
    """Both charts."""

    def __init__(self, theme: Theme, words: Words) -> None:
        super().__init__()
        self._study: EyeStudy | None = None
        self._made = False
        said = CurveWords(words)
        self.axial, self.refraction = EyeChart(theme, said.axial_length()), EyeChart(theme, said.refraction())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(24)
        for chart in (self.axial, self.refraction):
            chart.setMinimumHeight(LEAST_HEIGHT)
            row.addWidget(chart, 1)

    def show_study(self, study: EyeStudy) -> None:
        """Show another child's curves. The first time each chart is made in a turn of the event loop of its own:
        both together would hold the window for longer than a person overlooks."""
        self._study = study
        if self._made:
            self._draw_axial_length()
            self._draw_refraction()
        else:
            QTimer.singleShot(0, self, self._make)  # not after the page is gone

    @Slot()
    def _make(self) -> None:
        self._draw_axial_length()
        QTimer.singleShot(0, self, self._make_second)

    @Slot()
    def _make_second(self) -> None:
        self._made = True
        self._draw_refraction()

    def _draw_axial_length(self) -> None:
        if self._study is not None:
            self.axial.show_picture(self._study.axial)
            self.axial.setToolTip(self._study.references.axial_length.citation)

    def _draw_refraction(self) -> None:
        if self._study is not None:
            self.refraction.show_picture(self._study.refraction)
