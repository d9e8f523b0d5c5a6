"""A box that holds terms and is chosen from by a digit."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox

ValueT = TypeVar("ValueT")


class Choice(QComboBox, Generic[ValueT]):
    """One of several values. Items begin with their number: a combo box finds items by their first key.

    The values stay in Python: Qt would give a string enum back as a plain string.

    Signals:
        picked: one was chosen by its digit, also the one that stood there.
    """

    picked = Signal()

    def __init__(self, values: Sequence[ValueT], texts: Sequence[str]) -> None:
        super().__init__()
        self._values = tuple(values)
        for number, text in enumerate(texts, 1):
            self.addItem(self.tr("{n} {text}").format(n=number, text=text))

    def value(self) -> ValueT:
        return self._values[self.currentIndex()]

    def choose(self, value: ValueT) -> None:
        """Choose a value; one that is not offered becomes the last: not recorded."""
        known = value in self._values
        self.setCurrentIndex(self._values.index(value) if known else len(self._values) - 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        digit = event.text()
        if digit.isdecimal() and 1 <= int(digit) <= self.count():
            self.picked.emit()
