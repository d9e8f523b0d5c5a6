"""The look of the display: always light, and as large as its screen allows, whatever the workstation wears."""

import dataclasses

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from hcrm_desktop.theme import LIGHT, Theme, Tokens, palette

SHORT_SIDE = 1080  # px: sizes below are meant for it
LEAST, MOST = 0.75, 1.6  # how far they follow the screen


def large(short_side: int) -> Tokens:
    """Light tokens for a screen whose shorter side has so many pixels: text of 20 px and more at 1080."""
    scale = min(max(short_side / SHORT_SIDE, LEAST), MOST)
    return dataclasses.replace(
        LIGHT,
        radius=12,
        control=max(44, round(60 * scale)),
        chip=44,
        row=max(44, round(60 * scale)),
        size_small=round(20 * scale),
        size_text=round(26 * scale),
        size_title=round(38 * scale),
        size_display=round(60 * scale),
    )


class Daylight(Theme):
    """Dresses the display's window and leaves the application alone."""

    def __init__(self, application: QApplication) -> None:
        self._light = large(SHORT_SIDE)
        super().__init__(application, "light")

    def fit(self, window: QWidget) -> None:
        """Follow the size of the window."""
        wanted = large(min(window.width(), window.height()))
        if wanted != self._light:
            self._light = wanted
            self.choose("light")

    def choose(self, scheme: str) -> None:
        """There is one scheme only."""
        self.scheme, self.tokens = "light", self._light
        self.dress_again()

    def dress(self, window: QWidget) -> None:
        window.setPalette(palette(self.tokens))
        super().dress(window)

    def _sheet(self) -> str:
        return f"QWidget {{ font-size: {self.tokens.size_text}px; }}\n{super()._sheet()}"

    def _adopt(self, application: QApplication) -> None:
        """The application keeps the look that the workstation chose."""


def application() -> QApplication:
    found = QGuiApplication.instance()
    assert isinstance(found, QApplication)
    return found
