"""Axial length and refraction side by side over one time axis."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from hcrm_desktop.charts.eye_chart import EyeChart
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.chart_words import CurveWords
from hcrm_desktop.views.record.study import RecordStudy
from hcrm_desktop.views.words import Words

LEAST_HEIGHT = 200


class Curves(QWidget):
    """Both charts."""

    def __init__(self, theme: Theme, words: Words) -> None:
        super().__init__()
        said = CurveWords(words)
        self.axial, self.refraction = EyeChart(theme, said.axial_length()), EyeChart(theme, said.refraction())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(24)
        for chart in (self.axial, self.refraction):
            chart.setMinimumHeight(LEAST_HEIGHT)
            row.addWidget(chart, 1)

    def show_study(self, study: RecordStudy) -> None:
        """Show another child's curves."""
        self.axial.show_picture(study.axial)
        self.axial.setToolTip(study.references.axial_length.citation)
        self.refraction.show_picture(study.refraction)
