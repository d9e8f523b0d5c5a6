"""How long the GUI thread is ever away: `QT_QPA_PLATFORM=offscreen python benchmarks/gui_stalls.py [CUSTOMERS]`.

Fills a workstation with a manager's view (workstation_cache.py), works at it as a person would, and names for each
step the longest time in which the event loop did not turn. Target: none over 50 ms at 20,000 customers.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QListView, QListWidget, QTableView, QWidget
from workstation_cache import SITE, STAFF, fill

from hcrm_core.terms import Role
from hcrm_core.wire import Person
from hcrm_desktop.app import Options, Workstation, build_application
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_store.base import new_id
from hcrm_store.clock import SystemClock

PATIENCE_S, QUIET_MS = 30.0, 400
NOWHERE = "http://127.0.0.1:9"


class Pulse(QObject):
    """Notes the longest time between two turns of the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.longest, self._last = 0.0, time.perf_counter()
        self._timer = QTimer(self, interval=1)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now

    def step(self, name: str, act: Callable[[], object], until: Callable[[], bool]) -> None:
        """Do something as a person would, wait until it shows, and a moment more."""
        wait(QUIET_MS)
        self.longest, self._last = 0.0, time.perf_counter()
        act()
        began = time.perf_counter()
        while not until() and time.perf_counter() - began < PATIENCE_S:
            wait(2)
        shown = time.perf_counter() - began
        wait(QUIET_MS)
        print(f"{name:34} longest stall {self.longest * 1000:6.1f} ms   shown after {shown * 1000:6.0f} ms")


def wait(milliseconds: int) -> None:
    """Let events happen. Not QTest.qWait, which keeps Python's lock and starves the workers."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def visible(window: QWidget, kind: type[QWidget]) -> QWidget:
    return next(view for view in window.findChildren(kind) if view.isVisible())


def work(station: Workstation, pulse: Pulse) -> None:
    window = station.window

    def rows() -> int:
        views = [view for view in (*window.findChildren(QListView), *window.findChildren(QTableView))
                 if view.isVisible() and not isinstance(view, QListWidget)]  # fmt: skip
        return views[0].model().rowCount() if views else 0

    def key(view: type[QWidget], *keys: Qt.Key) -> Callable[[], None]:
        def press() -> None:
            for one in keys:
                QTest.keyClick(visible(window, view), one)

        return press

    pulse.step("start, first page", station.start, lambda: station.frame is not None)
    frame = station.frame
    assert frame is not None
    pulse.step("today", lambda: frame.go("today"), lambda: rows() > 0)
    for _ in range(5):
        pulse.step("the next line", key(QListView, Qt.Key.Key_Down), lambda: True)
    pulse.step("an outcome", key(QListView, Qt.Key.Key_2), lambda: True)
    today = visible(window, QListView)
    assert isinstance(today, QListView)
    for _ in range(3):
        pulse.step("to the end: the next page", today.scrollToBottom, lambda: True)
    pulse.step("search", lambda: (frame.search.setFocus(), QTest.keyClicks(frame.search, "py")),
               window.findChildren(QListWidget)[0].isVisible)  # fmt: skip
    QTest.keyClick(frame.search, Qt.Key.Key_Escape)
    pulse.step("customers", lambda: frame.go("customers"), lambda: rows() > 0)
    pulse.step("first record", key(QTableView, Qt.Key.Key_Return), lambda: True)
    frame.go("customers")
    pulse.step("second record", key(QTableView, Qt.Key.Key_Down, Qt.Key.Key_Return), lambda: True)
    pulse.step("dark theme", station.theme.toggle, lambda: True)
    pulse.step("sync page", lambda: frame.go("sync"), lambda: True)
    pulse.step("back to today", lambda: frame.go("today"), lambda: rows() > 0)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        profile, key_file = Path(folder) / "profile", Path(folder) / "key"
        key_file.touch(mode=0o600)
        key_file.write_text(bytes(32).hex())
        workspace = open_workspace(profile, bytes(32), clock=SystemClock())
        workspace.admit(Person(account_id=new_id(), staff_id=STAFF[0], name="经理", role=Role.MANAGER, site_ids=[SITE]))
        fill(workspace, count)
        workspace.close()
        application = build_application(sys.argv[:1])
        station = Workstation(application, Options(profile=profile, key_file=key_file, server_url=NOWHERE))
        work(station, Pulse())
        station.tasks.stop()
        QApplication.closeAllWindows()


if __name__ == "__main__":
    main()
