"""Is this eye growing too fast? The largest thing on the page, one tile an eye, and a sentence on refraction."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye
from hcrm_desktop.theme import set_property
from hcrm_desktop.views.record.verdict_words import TONES, VerdictWords
from hcrm_desktop.views.words import Words


class EyeTile(QWidget):
    """The axial growth of one eye."""

    def __init__(self, words: Words, eye: Eye) -> None:
        super().__init__()
        self._verdicts, self._eye = VerdictWords(words), eye
        self._change, self._judgement, self._detail = QLabel(), QLabel(), QLabel(wordWrap=True)
        self._change.setProperty("role", "display")
        self._detail.setProperty("role", "small")
        name = QLabel(words.eye(eye))
        name.setProperty("role", "title")
        first = QHBoxLayout()
        first.setSpacing(6)
        for label in (name, self._change, self._judgement):
            first.addWidget(label)
        first.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(first)
        column.addWidget(self._detail)

    def show_study(self, study: EyeStudy) -> None:
        verdict = study.axial_verdicts[self._eye]
        self._change.setText(self._verdicts.headline(verdict))
        self._judgement.setText(self._verdicts.judgement(verdict))
        set_property(self._judgement, "role", TONES.get(verdict.pace, "muted"))
        self._detail.setText(self._verdicts.detail(verdict))
        self.setToolTip(self._verdicts.sources(study, verdict))


class VerdictCard(QFrame):
    """Both eyes."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._verdicts = VerdictWords(words)
        self._tiles = [EyeTile(words, eye) for eye in Eye]
        self._sentence = QLabel(wordWrap=True)
        self._sentence.setAccessibleName(self.tr("结论"))
        row = QHBoxLayout()
        row.setSpacing(8)
        for tile in self._tiles:
            row.addWidget(tile, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 8)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self._sentence)

    def show_study(self, study: EyeStudy) -> None:
        """Say it."""
        for tile in self._tiles:
            tile.show_study(study)
        self._sentence.setText(self._verdicts.refraction_sentence(study))
