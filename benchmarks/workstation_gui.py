"""How soon the window is painted and how long the GUI thread is away, at 20,000 customers.

`QT_QPA_PLATFORM=offscreen python benchmarks/workstation_gui.py [--customers N] [--rounds N]`

The real program with real files: a manager's view (workstation_cache.py), and a centre in this process that answers
from memory, so that parsing and applying a pull compete with the GUI thread as they do in a clinic. A beat of 5 ms
measures stalls.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import httpx
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QListView, QListWidget, QTableView
from workstation_cache import SITE, STAFF, customers, fill

from hcrm_core.terms import Role
from hcrm_core.wire import Json, Person, PushRequest
from hcrm_desktop.app import Options, Workstation, build_application
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_desktop.sync import conversation
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.session import SESSION
from hcrm_desktop.views.record.page import RecordPage
from hcrm_store.base import new_id
from hcrm_store.clock import SystemClock, business_date

BEAT_MS, GOAL_MS = 5, 50.0
PULLED_ROWS = 20_000
HEAVY = ("pyqtgraph", "numpy", "polars", "sqlalchemy.orm", "httpx", "openpyxl", "keyring")
PERSON = Person(account_id=new_id(), staff_id=STAFF[0], name="经理", role=Role.MANAGER, site_ids=[SITE])
EPOCH = str(new_id())

PAINTED = """
import sys
from PySide6.QtCore import QEvent, QObject
class Painted(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            print("PAINTED", *sorted({heavy} & set(sys.modules)), flush=True)
            import os; os._exit(0)
        return False
"""
BARE = """
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([]); window = QMainWindow(); window.resize(1366, 768)
painted = Painted(); window.installEventFilter(painted); window.show(); application.exec()
"""
REAL = """
from pathlib import Path
from hcrm_desktop.app import Options, Workstation, build_application
application = build_application(["hcrm-desktop"])
station = Workstation(application, Options(profile=Path({profile!r}), key_file=Path({key!r})))
painted = Painted(); station.window.installEventFilter(painted); station.start(); application.exec()
"""


# ── the first window ─────────────────────────────────────────────────────────────────────────────────────────


def first_paint(program: str) -> tuple[float, list[str]]:
    """Seconds from the start of the process to its first paint, and the heavy modules imported until then."""
    code = PAINTED.replace("{heavy}", repr(set(HEAVY))) + program
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().split()
        taken = time.perf_counter() - began
    assert line[:1] == ["PAINTED"], "no window was painted"
    return taken, line[1:]


def measure_start(profile: Path, key: Path, *, rounds: int) -> list["Line"]:
    real = REAL.format(profile=str(profile), key=str(key))
    runs = [(first_paint(BARE), first_paint(real)) for _ in range(rounds)]
    bare, ours = median(b for (b, _), _ in runs), median(r for _, (r, _) in runs)
    heavy = sorted({name for _, (_, found) in runs for name in found})
    return [
        Line("first paint, bare Qt window", f"{bare:.2f} s", "", met=True),
        Line("first paint, workstation", f"{ours:.2f} s ({ours / bare:.1f} times)", "< 1 s", met=ours < 1),
        Line("heavy modules before it", ", ".join(heavy) or "none", "none", met=not heavy),
    ]


# ── the beat ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    name: str
    measured: str
    goal: str
    met: bool


class Beat(QObject):
    """Notes how late each turn of the event loop is."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_beat)
        self._timer.start()

    def restart(self) -> None:
        self.late, self._last = [], time.perf_counter()

    def _on_beat(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self._last = now


@dataclass(slots=True)
class Desk:
    """Drives the station and keeps the table."""

    station: Workstation
    beat: Beat
    lines: list[Line] = field(default_factory=list)

    def phase(self, name: str, *steps: Callable[[], object], until: Callable[[], bool] | None = None) -> None:
        """Do the steps, each with time for what it sets off, and note how late the beat was."""
        self.beat.restart()
        for step in steps:
            step()
            wait(120)
        if until is not None:
            wait_for(until)
        wait(400)
        late = self.beat.late
        p50, p99 = median(late), quantiles(late, n=100)[98]
        measured = f"p50 {p50:5.1f}  p99 {p99:5.1f}  max {max(late):6.1f} ms"
        self.lines.append(Line(name, measured, f"< {GOAL_MS:.0f} ms", met=max(late) < GOAL_MS))

    def open(self, customer_id: UUID) -> None:
        """Open a record and wait until it shows."""
        assert self.station.frame is not None
        self.station.frame.open_customer(customer_id)
        page = self.station.frame.current_page()
        assert isinstance(page, RecordPage)
        wait_for(lambda: (study := page.study()) is not None and study.record.header.id == customer_id)

    def view(self, kind: type[QListView] | type[QTableView]) -> Any:
        views = self.station.window.findChildren(kind)
        return next((view for view in views if view.isVisible() and not isinstance(view, QListWidget)), None)

    def filled(self, kind: type[QListView] | type[QTableView]) -> Callable[[], bool]:
        return lambda: (view := self.view(kind)) is not None and view.model().rowCount() > 0


def wait(milliseconds: int) -> None:
    """Let events happen. Not QTest.qWait, which keeps Python's lock and starves the workers."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def wait_for(ready: Callable[[], bool], *, seconds: float = 120.0) -> None:
    until = time.perf_counter() + seconds
    while not ready():
        assert time.perf_counter() < until, "it never came"
        wait(5)


# ── the centre ───────────────────────────────────────────────────────────────────────────────────────────────


class Centre:
    """Answers from memory; once told, with rows that are new."""

    def __init__(self) -> None:
        self.pages: list[bytes] = []
        self.seq, self.expected_n = 10_000_000, 1

    def bring(self, count: int) -> None:
        """Prepare pages of rows, encoded as they travel."""
        rows = islice(customers(Random(2), count), count)
        bodies = [row.model_dump(mode="json") for row in rows]
        for start in range(0, count, 500):
            self.pages.append(self._page(bodies[start : start + 500], more=start + 500 < count))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/sync/hello":
                return httpx.Response(200, json=self._greeting())
            case "/sync/pull":
                return httpx.Response(200, content=self.pages.pop(0) if self.pages else self._page([], more=False))
            case "/sync/push":
                return httpx.Response(200, json=self._receipts(PushRequest.model_validate_json(request.content)))
        greeting = self._greeting()
        counts = {"as_of": greeting["server_now"], "sites": []}
        return httpx.Response(200, json=counts | {key: greeting[key] for key in ("business_date", "freshness")})

    def _page(self, rows: list[Json], *, more: bool) -> bytes:
        self.seq += len(rows)
        cursor = {"seq": self.seq, "fresh_to": None, "profile": "p"}
        page = {"stream": "all", "rows": rows, "tombstones": [], "next": cursor, "head": self.seq, "more": more}
        return json.dumps({"epoch": EPOCH, "pages": [page], "revoked": []}).encode()

    def _receipts(self, push: PushRequest) -> Json:
        self.expected_n = push.operations[-1].n + 1
        results = [{"n": one.n, "op_id": str(one.op_id), "status": "applied", "ver": 2} for one in push.operations]
        return {"epoch": EPOCH, "expected_n": self.expected_n, "results": results}

    def _greeting(self) -> Json:
        now = SystemClock().now()
        return {
            "protocol": 1,
            "epoch": EPOCH,
            "expected_n": self.expected_n,
            "server_now": now.isoformat(),
            "business_date": business_date(now).isoformat(),
            "lease_until": now.isoformat(),
            "streams": [{"key": "all", "profile": "p"}],
            "freshness": {"scanned_at": None, "scanned_for": None, "feeds": {}},
            "person": PERSON.model_dump(mode="json"),
        }


# ── the work ─────────────────────────────────────────────────────────────────────────────────────────────────


def work(desk: Desk, centre: Centre) -> None:
    station = desk.station
    desk.phase("opening the program", station.start, until=lambda: station.frame is not None)
    frame = station.frame
    assert frame is not None
    desk.phase("今日任务", lambda: frame.go("today"), until=desk.filled(QListView))
    tasks = desk.view(QListView)
    desk.phase("scrolling to its end", *[tasks.scrollToBottom] * 40)
    filters = ("子", "子涵", "p", "")
    text = next(one for one in frame.go("today").findChildren(QLineEdit) if one.isVisible())
    desk.phase("filtering", *[lambda word=word: text.setText(word) for word in filters])
    desk.phase("50 outcomes", *[lambda: QTest.keyClick(desk.view(QListView), Qt.Key.Key_2)] * 50)
    frame.go("customers")
    wait_for(desk.filled(QTableView))
    ids = [desk.view(QTableView).model().row(desk.view(QTableView).model().index(n, 0)).id for n in range(20)]
    desk.phase("first record", lambda: desk.open(ids[0]))
    desk.phase("20 records", *[lambda one=one: desk.open(one) for one in ids])
    desk.phase("search", frame.search.setFocus, lambda: QTest.keyClicks(frame.search, "py"))
    QTest.keyClick(frame.search, Qt.Key.Key_Escape)
    desk.phase("another theme", station.theme.toggle)
    desk.phase("同步", lambda: frame.go("sync"))
    frame.go("today")
    centre.bring(PULLED_ROWS)
    desk.phase("a pull of 20,000 rows", station.tasks.sync_now, until=lambda: not centre.pages)


def prepared(folder: Path, count: int) -> tuple[Path, Path]:
    profile, key = folder / "profile", folder / "key"
    key.touch(mode=0o600)
    key.write_text(bytes(32).hex())
    workspace = open_workspace(profile, bytes(32), clock=SystemClock())
    workspace.admit(PERSON)
    workspace.outbox.keep(SESSION, {"access_token": "a", "refresh_token": "r"})
    fill(workspace, count)
    workspace.close()
    return profile, key


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5, help="starts of each kind")
    asked = parser.parse_args()
    centre = Centre()
    client = partial(CentreClient, transport=httpx.MockTransport(centre))
    setattr(conversation, "CentreClient", client)  # noqa: B010 - a seam for this process only
    with tempfile.TemporaryDirectory() as folder:
        profile, key = prepared(Path(folder), asked.customers)
        lines = measure_start(profile, key, rounds=asked.rounds)
        application = build_application(sys.argv[:1])
        desk = Desk(
            Workstation(application, Options(profile=profile, key_file=key, server_url="http://centre")),
            Beat(),
        )
        work(desk, centre)
        desk.station.tasks.stop()
        desk.station.window.close()
    for line in (*lines, *desk.lines):
        print(f"{'ok  ' if line.met else 'MISS'} {line.name:30} {line.measured:44} {line.goal}")


if __name__ == "__main__":
    main()
