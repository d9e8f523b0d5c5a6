"""The centre and its workstations as processes of their own, which a test starts, drives by lines, and kills."""

import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from hcrm_central.store.opening import Store
from hcrm_store.care import FollowUp
from tests.acceptance import station
from tests.factories import Clinic

GRACE = 30.0  # seconds for a process to end that was told to


# Each is forked from one process that has imported everything: a start costs milliseconds instead of a second.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.acceptance.station", "tests.acceptance.working"])


class StationProcess:
    """A running tests.acceptance.station."""

    def __init__(self, folder: Path, url: str, *, dies_at: str | None = None) -> None:
        self._wire, theirs = FORKS.Pipe()
        self.process = FORKS.Process(target=station.main, args=(theirs, folder, url, dies_at))
        self.process.start()
        theirs.close()
        self._lines: queue.Queue[str] = queue.Queue()
        # A thread reads, so that a station that talks much never waits for who listens.
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def tell(self, *words: str) -> None:
        """Say a line; whoever is dead does not hear it."""
        with suppress(OSError):
            self._wire.send(list(words))

    def says(self) -> str:
        """The next line; empty if there will be none."""
        return self._lines.get(timeout=3 * GRACE)

    def do(self, *words: str) -> None:
        """Have a line obeyed."""
        self.tell(*words)
        answer = self.says()
        assert answer == "DONE", (words, answer)

    def has_killed_itself(self) -> bool:
        self.process.join(2 * GRACE)
        return self.process.exitcode == -signal.SIGKILL

    def kill(self, *, within: float = 0.0) -> list[str]:
        """End it at once, or after some seconds. Returns the lines it had said that nobody read."""
        self.process.join(within)
        self.process.kill()
        return list(iter(self.says, ""))

    def close(self) -> None:
        """Let it end by itself: there are no more lines."""
        self.tell("end")
        self.process.join(GRACE)
        if self.process.exitcode is None:
            self.process.kill()
        self._listening.join()
        assert self.process.exitcode in (0, -signal.SIGKILL), self.process.exitcode

    def _listen(self) -> None:
        with self._wire, suppress(EOFError, OSError):
            while True:
                self._lines.put(self._wire.recv())
        self._lines.put("")


@dataclass(slots=True, kw_only=True)
class Floor:
    """A clinic's database, folders for workstations, and a service that always comes back to the same port."""

    store: Store
    clinic: Clinic
    home: Path
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def service(self, *, dies_at: str | None = None) -> Iterator["subprocess.Popen[str]"]:
        """The central service, once it accepts."""
        module = ["hcrm_central", "serve"] if dies_at is None else ["tests.acceptance.dying_service", dies_at]
        command = [sys.executable, "-m", *module]
        with subprocess.Popen(command, env=self._environment(), stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                ready = next(line for line in process.stdout if line.startswith("READY "))
                self.port = int(ready.rsplit(":", 1)[1])
                yield process
            finally:
                process.kill()

    def workstation(self, name: str, *, url: str | None = None, dies_at: str | None = None) -> StationProcess:
        """A workstation with a profile of this name."""
        return StationProcess(self.home / name, url or self.url, dies_at=dies_at)

    def times_at_the_centre(self, *notes: str) -> dict[str, int]:
        """How often the centre has a call with each of these notes."""
        counted = select(FollowUp.note, func.count()).where(FollowUp.note.in_(notes)).group_by(FollowUp.note)
        times = dict.fromkeys(notes, 0)
        with Session(self.store.jobs) as session:
            times.update((note, count) for note, count in session.execute(counted))
        return times

    def _environment(self) -> dict[str, str]:
        addresses = {"HCRM_DATABASE_URL": self.store.service, "HCRM_JOBS_DATABASE_URL": self.store.jobs}
        wanted = {name: _address(engine) for name, engine in addresses.items()}
        return os.environ | wanted | {"HCRM_PORT": str(self.port), "HCRM_LOG_LEVEL": "ERROR"}


def _address(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)
