"""为何: why a customer is in a segment, below the header, never in a second window."""

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from hcrm_desktop.cache.rows import SegmentRow
from hcrm_desktop.views.today.evidence import EvidenceWords
from hcrm_desktop.views.words import Words


class EvidencePanel(QFrame):
    """Every segment with its conditions as they were met."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.setProperty("role", "well")
        self._words, self._evidence = words, EvidenceWords(words)
        self._text = QLabel(wordWrap=True)
        self._text.setAccessibleName(self.tr("为何在这些分组"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.addWidget(self._text)

    def show_segments(self, segments: Sequence[SegmentRow]) -> None:
        """Write them out."""
        self._text.setText("\n".join(line for segment in segments for line in self._lines(segment)))

    def _lines(self, segment: SegmentRow) -> list[str]:
        head = self.tr("{label}（{day} 起）").format(label=segment.label, day=self._words.day(segment.entered_on))
        return [head, *(self.tr("　{line}").format(line=line) for line in self._evidence.lines(segment.evidence))]
