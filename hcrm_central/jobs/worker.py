"""The worker: answers requests, looks at changed customers, scans at night, and notices what did not happen.

Any number of workers may run. One holds the post and works, the others stand by and take over when it falls silent.
Correctness does not rest on that but on the lease of the scan: what there is to do is asked again under it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time as time_of_day
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from hcrm_central.jobs.changed import is_somebody_waiting, take_changed
from hcrm_central.jobs.computing import Work
from hcrm_central.jobs.nights import night
from hcrm_central.jobs.post import hold_post, leave_post
from hcrm_central.jobs.requests import errand_of, next_request, refuse
from hcrm_central.jobs.retention import tidy_daily
from hcrm_central.jobs.runs import RunKind
from hcrm_central.jobs.scan import Errand, perform
from hcrm_central.jobs.scope import Scope
from hcrm_central.jobs.watching import died, is_due, missed
from hcrm_central.logs import described
from hcrm_store.base import new_id
from hcrm_store.clock import Clock

# Operational defaults.
LOOK_SECONDS = 0.25  # a look asks a handful of small tables
HOLD_SECONDS = 1.0  # between two signs of life; several fit into hcrm_central.jobs.post.SILENT_AFTER
WATCH_SECONDS = 60.0
MOST_CUSTOMERS = 5_000  # of one run: a few seconds
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 600.0  # of a duty that fails; doubled each time

Tick = Callable[[], float]


@dataclass(slots=True, kw_only=True)
class _Duty:
    """Something to do again and again. One that fails is left alone for a while and holds up no other.

    Attributes:
        act: does one piece; whether there was one.
    """

    act: Callable[[], bool]
    tick: Tick
    log: Any  # why Any: structlog's loggers have no common type
    pause: float = 0.0
    not_before: float = float("-inf")

    def attempt(self) -> bool:
        if self.tick() < self.not_before:
            return False
        try:
            done = self.act()
        except Exception as error:
            self._leave_alone(error)
            return False
        self.pause = 0.0
        return done

    def _leave_alone(self, error: Exception) -> None:
        self.pause = min(LONGEST_PAUSE, 2 * self.pause or FIRST_PAUSE)
        self.not_before = self.tick() + self.pause
        name = self.act.__name__.strip("_")
        self.log.error("worker.failed", duty=name, again_in_s=self.pause, **described(error))


class Worker:
    """One worker.

    Attributes:
        id: what it holds the post by.
    """

    def __init__(self, engine: Engine, *, clock: Clock, scan_at: time_of_day, tick: Tick = time.monotonic) -> None:
        self.id = new_id()
        self._engine, self._clock, self._scan_at, self._tick = engine, clock, scan_at, tick
        self._log = structlog.get_logger("hcrm.worker").bind(worker=self.id.hex)
        self._told: set[object] = set()  # what the watch has told
        self._watch_at = self._hold_at = tick()
        self._holds = False
        acts = (self._watch, self._answer, self._scan_at_night, self._look_at_changed)
        self._duties = [_Duty(act=act, tick=tick, log=self._log) for act in acts]

    def run(self, *, pause: Callable[[float], object] = time.sleep) -> None:
        """Work until interrupted. Without a database it waits for one."""
        turn = _Duty(act=self.turn, tick=self._tick, log=self._log)
        try:
            while True:
                if not turn.attempt():
                    pause(LOOK_SECONDS)
        finally:
            leave_post(self._engine, self.id)

    def finish(self) -> None:
        """Do what there is to do, and leave. Nothing is done if another worker holds the post."""
        try:
            while self.turn():
                continue
        finally:
            leave_post(self._engine, self.id)

    def turn(self) -> bool:
        """One piece of the first duty that finds something, if the post is ours. Whether anything was done."""
        if self._tick() >= self._hold_at:
            self._hold()
        return self._holds and any(duty.attempt() for duty in self._duties)

    def _hold(self) -> None:
        holds = hold_post(self._engine, self.id)
        if holds != self._holds:
            self._log.info("worker.works" if holds else "worker.stands_by")
        self._holds, self._hold_at = holds, self._tick() + HOLD_SECONDS

    # ── duties ───────────────────────────────────────────────────────────────────────────────────────────

    def _watch(self) -> bool:
        """Tell, once each, of a nightly scan that is missed and of runs that died."""
        if self._tick() < self._watch_at:
            return False
        self._watch_at = self._tick() + WATCH_SECONDS
        now = self._clock.now()
        with Session(self._engine) as session:
            late = missed(session, now=now, scan_at=self._scan_at)
            dead = died(session, now=now)
        if late is not None and late not in self._told:
            self._log.error("scan.missed", scanned_for=late.isoformat())
        for run_id in set(dead) - self._told:
            self._log.error("scan.died", run=run_id.hex)
        self._told |= {late, *dead}
        return False

    def _answer(self) -> bool:
        with Session(self._engine) as session:
            request = next_request(session)
        if request is None:
            return False
        try:
            self._perform(errand_of(request, clock=self._clock))
        except (OperationalError, InterfaceError):
            raise  # it waits until the database is well again
        except Exception as error:
            self._log.error("request.failed", request=request.id.hex, **described(error))
            refuse(self._engine, request.id, failed=type(error).__name__, clock=self._clock)
        return True

    def _scan_at_night(self) -> bool:
        with Session(self._engine) as session:
            if not self._is_due(session):
                return False
        self._perform(Errand(kind=RunKind.NIGHTLY, take=self._night))
        tidy_daily(self._engine, clock=self._clock)
        return True

    def _night(self, session: Session) -> Work | None:
        return night(session, now=self._clock.now()) if self._is_due(session) else None

    def _is_due(self, session: Session) -> bool:
        return is_due(session, now=self._clock.now(), scan_at=self._scan_at)

    def _look_at_changed(self) -> bool:
        with Session(self._engine) as session:
            if not is_somebody_waiting(session):
                return False
        self._perform(Errand(kind=RunKind.CUSTOMERS, take=_changed))
        return True

    def _perform(self, errand: Errand) -> None:
        began = self._tick()
        report = perform(self._engine, errand, clock=self._clock)
        if report is not None:
            took = round(1000 * (self._tick() - began))
            self._log.info("run", kind=errand.kind.value, run=report.run_id.hex, ms=took, **report.totals)


def _changed(session: Session) -> Work | None:
    customers = take_changed(session, most=MOST_CUSTOMERS)
    return Work(scope=Scope(only=customers)) if customers else None
