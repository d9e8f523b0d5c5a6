"""How long a parents' report takes, and how late the event loop turns while a school's are written.

`QT_QPA_PLATFORM=offscreen python benchmarks/reports.py [--children N]`
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from statistics import median, quantiles
from uuid import UUID

from figures import Figure, table
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication
from sqlalchemy.orm import Session
from workstation_cache import STAFF, TODAY, fill

from hcrm_core.terms import Role
from hcrm_core.wire import Person
from hcrm_desktop.cache.queries import list_customers
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_desktop.report.batch import Batch, Watch, write_batch
from hcrm_desktop.report.reading import Report, read_report
from hcrm_desktop.report.writing import pdf_of
from hcrm_desktop.tasks import Tasks
from hcrm_store.base import new_id
from hcrm_store.clock import SystemClock

BEAT_MS = 5
PREVIEW_DPI = 96


class Beat(QObject):
    """Notes how late each turn of the event loop is."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._last = time.perf_counter()
        timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(self._on_beat)
        timer.start()

    def _on_beat(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self._last = now


def waited(start: Callable[..., None]) -> float:
    """Seconds until the answer, with the event loop turning; `start` is given what to call then."""
    loop = QEventLoop()
    began = time.perf_counter()
    start(done=lambda _: loop.quit())
    loop.exec()
    return time.perf_counter() - began


def one(session: Session, customer_id: UUID) -> tuple[float, float]:
    """Seconds of reading with pictures, and of the PDF."""
    began = time.perf_counter()
    report: Report = read_report(session, customer_id, today=TODAY, address="", preview_dpi=PREVIEW_DPI)
    read = time.perf_counter()
    pdf_of(report.content)
    return read - began, time.perf_counter() - read


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--children", type=int, default=500)
    children = parser.parse_args().children
    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "profile", bytes(32), clock=SystemClock())
        person = Person(account_id=new_id(), staff_id=STAFF[0], name="经理", role=Role.MANAGER, site_ids=[])
        workspace.admit(person)
        fill(workspace, children)
        tasks = Tasks(workspace)
        gc.freeze()  # as the program does once its modules are there
        with workspace.read() as session:
            ids = [hit.id for hit in list_customers(session, limit=children)]
            singles = [one(session, customer_id) for customer_id in Random(1).sample(ids, 20)]
        print(table([*single_figures(singles), *batch_figures(tasks, ids, Path(folder) / "all.pdf")]))
        tasks.stop()
    application.quit()


def single_figures(singles: list[tuple[float, float]]) -> list[Figure]:
    first, rest = sum(singles[0]), [sum(single) for single in singles[1:]]
    return [
        Figure("first report, preview and PDF", f"{first * 1000:.0f} ms", "< 1000 ms", first < 1),
        Figure("later reports, median", f"{median(rest) * 1000:.0f} ms", "< 1000 ms", median(rest) < 1),
        Figure("of it the PDF", f"{median(pdf for _, pdf in singles) * 1000:.0f} ms", "", None),
    ]


def batch_figures(tasks: Tasks, ids: list[UUID], path: Path) -> list[Figure]:
    beat = Beat()
    batch = Batch(customer_ids=tuple(ids), path=path, apart=False, today=TODAY)
    took = waited(partial(tasks.query, beat, write_batch, batch=batch, watch=Watch()))
    late = quantiles(beat.late, n=100)
    size = path.stat().st_size / 1e6
    return [
        Figure(f"batch of {len(ids)}, one file of {size:.0f} MB", f"{took:.0f} s", "", None),
        Figure("event loop late meanwhile, p99", f"{late[98]:.0f} ms", "< 50 ms", late[98] < 50),
        Figure("event loop late meanwhile, longest", f"{max(beat.late):.0f} ms", "< 100 ms", max(beat.late) < 100),
    ]


if __name__ == "__main__":
    main()
