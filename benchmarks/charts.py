"""How soon a child's charts stand, and whether they can be moved without a stutter.

`QT_QPA_PLATFORM=offscreen python benchmarks/charts.py [--rounds N]`

The real widgets with the real study of a child of 60 examinations of both eyes, bands and ribbons. A turn is the
longest that the event loop was away; a frame is one step of a pan of all three charts, painted by the CPU at the size
of the record's page on 1366 × 768. Frames are judged by the time of the GUI thread, so that other programs on the
computer do not count; wall time stands beside it.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from statistics import median, quantiles

from figures import Figure, table
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from hcrm_core.curves.picture import Quantity
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.record import ExamRecord, OrderRecord
from hcrm_core.study import EyeStudy, study
from hcrm_core.terms import ExamStatus, Eye, LensState, ProductKind, RefractionMethod, Sex, Source
from hcrm_desktop.references import references
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.curves import Curves
from hcrm_desktop.views.words import Words
from hcrm_store.base import new_id

TODAY = date(2026, 11, 22)
EXAMS, STEP_DAYS = 60, 45
FIRST_MS, REDRAW_MS, FRAME_MS, TURN_MS = 500.0, 50.0, 1000 / 60, 50.0
SIZE = (1180, 620)  # what the record's page has at 1366 × 768


def eye(which: Eye, number: int, *, start: str) -> EyeValues:
    sphere = Decimal("-0.50") - Decimal("0.05") * number
    length = Decimal(start) + Decimal("0.03") * number
    return EyeValues(eye=which, sphere=sphere, cylinder=Decimal("0.00"), axial_length_mm=length)


def exam(number: int) -> ExamRecord:
    return ExamRecord(
        id=new_id(),
        examined_on=TODAY - timedelta(days=STEP_DAYS * (EXAMS - number)),
        method=RefractionMethod.AUTOREFRACTION,
        cycloplegic=number % 2 == 0,
        lens_state=LensState.OK_LENS if number > EXAMS // 2 else LensState.SPECTACLES,
        washout_days=None,
        device="A" if number % 20 else "B",
        note="",
        examiner_name="",
        source=Source.HIS,
        status=ExamStatus.FINAL,
        od=eye(Eye.OD, number, start="22.80"),
        os=eye(Eye.OS, number, start="22.70"),
    )


def lens(which: Eye, number: int) -> OrderRecord:
    return OrderRecord(
        id=new_id(),
        eye=which,
        product=ProductKind.OK_LENS if number > 2 else ProductKind.SINGLE_VISION,
        brand="",
        manufacturer="",
        model="",
        ordered_on=None,
        dispensed_on=TODAY - timedelta(days=400 * (7 - number)),
        ended_on=None,
        sphere=None,
        cylinder=None,
        axis=None,
        price=None,
        source=Source.SALES,
    )


def child(count: int = EXAMS) -> EyeStudy:
    """A girl with so many examinations of both eyes."""
    return study(
        [exam(number) for number in range(EXAMS - count, EXAMS)],
        orders=[lens(which, number) for which in Eye for number in range(7)],
        sex=Sex.FEMALE,
        birth=date(2015, 9, 10),
        today=TODAY,
        references=references(),
    )


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


@contextmanager
def beaten() -> Iterator[list[float]]:
    """The gaps between turns of the event loop, ms."""
    gaps, last = [], time.perf_counter()

    def beat() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(1000 * (now - last))
        last = now

    timer = QTimer()
    timer.timeout.connect(beat)
    timer.start(1)
    yield gaps
    timer.stop()


def drawn(curves: Curves, shown: EyeStudy, application: QApplication) -> tuple[float, float]:
    """Milliseconds until every chart of a child is painted, and the longest turn on the way."""
    began = time.perf_counter()
    with beaten() as gaps:
        curves.show_study(shown)
        while curves.is_drawing:
            application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
        application.processEvents()
    return 1000 * (time.perf_counter() - began), max(gaps, default=0.0)


def panned(curves: Curves, *, steps: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each step of a pan, all three charts moved and painted: of the thread, and of the wall."""
    frames, walls = [], []
    for number in range(steps):
        forward = 0.02 if number < steps // 2 else -0.02

        def step(time_moved: float = forward) -> None:
            curves.axial.pan(time_moved)
            for chart in curves.charts.values():
                chart.repaint_plot()

        began = time.thread_time()
        walls.append(milliseconds(step))
        frames.append(1000 * (time.thread_time() - began))
    return frames, walls


def measured(application: QApplication, *, rounds: int) -> list[Figure]:
    theme = Theme(application)
    tasks = Tasks()
    curves = Curves(tasks, theme, Words(theme))
    curves.resize(*SIZE)
    curves.show()
    prepared = prepared_ms(curves, application)
    studied = milliseconds(child)
    first, first_turn = drawn(curves, child(), application)
    others = [drawn(curves, child(20 + number % 40), application) for number in range(rounds)]
    for quantity in Quantity:
        curves.charts[quantity].fold_button.setChecked(False)
    drawn(curves, child(), application)
    frames, walls = panned(curves, steps=20 * rounds)
    tasks.stop()
    redraws, turns = [one for one, _ in others], [turn for _, turn in others]
    tail = quantiles(frames, n=20)[18]
    return [
        Figure("canvases in idle moments, longest turn", f"{prepared:.0f} ms", "", None),
        Figure("study of 60 examinations", f"{studied:.0f} ms", "", None),
        Figure("first charts after that", f"{first:.0f} ms", f"< {FIRST_MS:.0f} ms", first < FIRST_MS),
        Figure("longest turn of them", f"{first_turn:.0f} ms", f"< {TURN_MS:.0f} ms", first_turn < TURN_MS),
        Figure(
            "another child, median", f"{median(redraws):.0f} ms", f"< {REDRAW_MS:.0f} ms", median(redraws) < REDRAW_MS
        ),
        Figure("longest turn of those", f"{max(turns):.0f} ms", f"< {TURN_MS:.0f} ms", max(turns) < TURN_MS),
        Figure(
            "a step of a pan, median",
            f"{median(frames):.1f} ms",
            f"< {FRAME_MS:.1f} ms",
            median(frames) < FRAME_MS,
            f"wall {median(walls):.1f} ms",
        ),
        Figure(
            "a step of a pan, p95",
            f"{tail:.1f} ms",
            f"< {FRAME_MS:.1f} ms",
            tail < FRAME_MS,
            f"wall {quantiles(walls, n=20)[18]:.1f} ms",
        ),
    ]


def prepared_ms(curves: Curves, application: QApplication) -> float:
    """The longest turn while the charts are made before anybody asks. The import happens in a worker before."""
    import hcrm_desktop.charts.canvas  # noqa: F401

    with beaten() as gaps:
        curves.prepare()
        while curves.is_drawing:
            application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
    return max(gaps, default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    application = QApplication([])
    print(table(measured(application, rounds=arguments.rounds)))


if __name__ == "__main__":
    main()
