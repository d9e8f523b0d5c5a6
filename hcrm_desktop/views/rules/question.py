"""A question above the editor that waits for an answer without standing in the way."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

Answer = tuple[str, Callable[[], object]]


class QuestionBar(QFrame):
    """Words and buttons; hidden while there is nothing to ask."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self.setProperty("tone", "warn")
        self._text = QLabel(wordWrap=True)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 6, 12, 6)
        self._row.addWidget(self._text, 1)
        self._buttons: list[QPushButton] = []
        self.hide()

    def ask(self, text: str, answers: Sequence[Answer]) -> None:
        """Ask; a question that was open is forgotten. Any answer closes it."""
        self.close_question()
        self._text.setText(text)
        for label, act in answers:
            button = QPushButton(label)
            button.clicked.connect(partial(self._on_answered, act))
            self._row.addWidget(button)
            self._buttons.append(button)
        self.show()
        if self._buttons:
            self._buttons[0].setFocus()

    def close_question(self) -> None:
        for button in self._buttons:
            button.hide()
            button.deleteLater()
        self._buttons = []
        self.hide()

    def _on_answered(self, act: Callable[[], object], _: object = None) -> None:
        self.close_question()
        act()
