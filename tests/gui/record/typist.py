"""Hands at a keyboard."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from hcrm_desktop.views.exam_entry.slip import ExamSlip


class Typist:
    """Types where the focus is, and counts; a key with Ctrl is two."""

    def __init__(self) -> None:
        self.keys = 0

    def type(self, text: str) -> None:
        for character in text:
            QTest.keyClicks(self.focus(), character)
        self.keys += len(text)

    def fill(self, *texts: str) -> None:
        """Values one after the other; Enter only where the field was not left by itself."""
        for text in texts:
            before = self.focus()
            self.type(text)
            if self.focus() is before:
                self.enter()

    def enter(self, times: int = 1) -> None:
        self.press(Qt.Key.Key_Return, times)

    def down(self, times: int = 1) -> None:
        self.press(Qt.Key.Key_Down, times)

    def press(self, key: Qt.Key, times: int = 1) -> None:
        for _ in range(times):
            QTest.keyClick(self.focus(), key)
        self.keys += times

    def save(self, slip: ExamSlip) -> None:
        QTest.keyClick(slip, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        self.keys += 2

    def focus(self) -> QWidget:
        focus = QApplication.focusWidget()
        assert focus is not None
        return focus
