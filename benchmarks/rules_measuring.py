"""Time, room and load: what the measures of benchmarks/rules.py share."""

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from rules_library import TODAY


@dataclass(slots=True)
class Span:
    """How long a block took."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DayOfLibrary:
    """A clock that stands on the library's last day."""

    def now(self) -> datetime:
        return datetime(TODAY.year, TODAY.month, TODAY.day, 4, tzinfo=UTC)


@contextmanager
def timed() -> Iterator[Span]:
    span, began = Span(), time.perf_counter()
    yield span
    span.seconds = time.perf_counter() - began


def median_of(act: Callable[[], object], *, times: int) -> float:
    """Seconds, after one call that does not count."""
    act()
    return statistics.median(_seconds(act) for _ in range(times))


def peak_gb() -> float:
    """The most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _seconds(act: Callable[[], object]) -> float:
    with timed() as span:
        act()
    return span.seconds
