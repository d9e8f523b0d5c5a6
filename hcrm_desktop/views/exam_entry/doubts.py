"""What is unusual on a slip is asked about once, in place: saving again is the answer."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from hcrm_core.errors import Problem


class DoubtPanel(QFrame):
    """Hidden until a slip with doubts is to be saved.

    Args:
        sentence: a problem with the eye and the value it concerns.
    """

    def __init__(self, sentence: Callable[[Problem], str]) -> None:
        super().__init__()
        self._sentence = sentence
        self._asked: tuple[Problem, ...] = ()
        self._title, self._list = QLabel(), QLabel(wordWrap=True)
        self._title.setProperty("role", "warn")
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("保存前请核对"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._list)
        self.hide()

    def is_confirmed(self, doubts: Sequence[Problem]) -> bool:
        """Whether nothing is in doubt, or a person was asked about exactly this and saves it still. Otherwise ask."""
        if tuple(doubts) == self._asked:
            return True
        self._asked = tuple(doubts)
        title = self.tr("有 {n} 处少见，请核对。没有错就仍然保存（再按 Ctrl+S）；有错就改。")
        self._title.setText(title.format(n=len(doubts)))
        self._list.setText(self.tr("；").join(self._sentence(problem) for problem in doubts))
        self.setVisible(bool(doubts))
        return not doubts

    def keep(self, doubts: Sequence[Problem]) -> None:
        """After an edit: what was asked holds for exactly those doubts."""
        if tuple(doubts) != self._asked:
            self._asked = ()
            self.hide()
