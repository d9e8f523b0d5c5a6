"""The real workstation, its keys pressed without end: `python -m tests.acceptance.pressing PROFILE KEY_FILE`.

It says what the screen says of each outcome, until somebody kills it.
"""

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListView

from hcrm_desktop.app import Options, Workstation, build_application
from hcrm_desktop.views.today.page import TodayPage

NOWHERE = "http://127.0.0.1:9"


class Pressing:
    """Presses 2, nobody answered, as fast as a key repeats."""

    def __init__(self, station: Workstation) -> None:
        self._station, self._listening = station, False
        self._timer = QTimer(station, interval=30)
        self._timer.timeout.connect(self._press)
        self._timer.start()

    def _press(self) -> None:
        page = self._station.frame and self._station.frame.current_page()
        if not isinstance(page, TodayPage):
            return
        if not self._listening:
            page.recorded.connect(lambda text: print(text, flush=True))
            self._listening = True
        for view in page.findChildren(QListView):
            if view.isVisible():
                QTest.keyClicks(view, "2")


def main(profile: str, key_file: str) -> None:
    application = build_application(["hcrm-desktop"])
    station = Workstation(application, Options(profile=Path(profile), key_file=Path(key_file), server_url=NOWHERE))
    pressing = Pressing(station)  # noqa: F841 - lives as long as the program
    station.start()
    application.exec()


if __name__ == "__main__":
    main(*sys.argv[1:])
