"""When to talk to the centre: at once after a save, regularly otherwise, later and later while it does not answer.

The loop is a state machine without threads of its own. `step()` runs one cycle and says how long to wait;
`run()` does so until `stop()`. Every request has a deadline (client.py), every wait is finite, so no state can last.
"""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hcrm_core.errors import HcrmError, SignInRequired, Unreachable
from hcrm_core.wire import RefusalCode
from hcrm_desktop.cache import meta
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import Busy, CentreClient, ServerFailed, SessionEnded, UpgradeRequired
from hcrm_desktop.sync.engine import CycleReport, EpochChanged, Superseded, SyncEngine

POLL_SECONDS = 30.0
JITTER = 0.2  # of every wait, so that a group's workstations do not come all at once
BACKOFF_FIRST_SECONDS, BACKOFF_MOST_SECONDS = 1.0, 300.0
BLOCKED_SECONDS = 60.0  # blocked states end by a person; asking again is for the case that one did elsewhere
_log = logging.getLogger(__name__)


class SyncState(StrEnum):
    IDLE = "idle"
    TALKING = "talking"
    BACKOFF = "backoff"
    BLOCKED = "blocked"  # a person must sign in, or the program must be upgraded
    LEAVING = "leaving"  # what waits is sent, then the loop ends
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The part of rows.SyncStatus that the loop knows."""

    online: bool = False
    catching_up: bool = False
    last_success_at: datetime | None = None
    offline_since: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told. Called in the loop's thread.

    Attributes:
        state_changed: what queries.sync_status tells may have changed.
        data_changed: which kinds of rows changed.
    """

    state_changed: Callable[[], None]
    data_changed: Callable[[Changes], None]


class SyncLoop:
    """One workspace's conversation with one centre."""

    def __init__(
        self,
        workspace: Workspace,
        client: CentreClient,
        *,
        listeners: Listeners,
        chance: random.Random | None = None,
    ) -> None:
        self._workspace, self._listeners = workspace, listeners
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._wake, self._stop, self._leaving = threading.Event(), threading.Event(), threading.Event()
        self._failures = 0
        self._connection = self._remembered()
        self._write(self._connection)
        self.state = SyncState.IDLE
        self._engine = SyncEngine(
            workspace,
            client,
            on_changes=listeners.data_changed,
            on_catching_up=lambda: self._tell(replace(self._connection, catching_up=True)),
            stopped=self._interrupted,
        )

    def run(self) -> None:
        """Talk until `stop()` or `leave()`. To be called in a thread of its own."""
        while not self._ending():
            wait = self.step()
            if not self._ending():
                self._wake.wait(wait)
            self._wake.clear()
        if not self._stop.is_set():
            self._deliver()
        self.state = SyncState.STOPPED

    def kick(self) -> None:
        """Something was saved, or somebody asks: do not wait for the next poll."""
        self._wake.set()

    def leave(self) -> None:
        """Whoever works here leaves: send what waits, without its undo window, and end."""
        self._leaving.set()
        self._wake.set()

    def stop(self) -> None:
        """End after the request that runs now."""
        self._stop.set()
        self._wake.set()

    def step(self) -> float:
        """Run one cycle. Returns the seconds to wait before the next."""
        self.state = SyncState.TALKING
        try:
            return self._succeeded(self._engine.cycle())
        except (EpochChanged, Superseded):
            return 0.0
        except (SignInRequired, UpgradeRequired) as error:
            return self._blocked(error)
        except Exception as error:  # a bug in one cycle must not end the conversation unnoticed
            return self._failed(error)

    def _ending(self) -> bool:
        return self._stop.is_set() or self._leaving.is_set()

    def _interrupted(self) -> bool:
        """Whether a cycle shall end early; the last delivery goes on until it is told to stop."""
        return self._stop.is_set() or (self._leaving.is_set() and self.state is not SyncState.LEAVING)

    def _deliver(self) -> None:
        self.state = SyncState.LEAVING
        unsent, _ = self._workspace.outbox.unsent()
        if not unsent:
            return
        try:
            _log.info("before leaving: pushed %d of %d", self._engine.deliver(), unsent)
        except Exception as error:  # nobody waits for the answer; the entries wait for the next start
            _log.warning("before leaving: %d entries stay here (%s)", unsent, type(error).__name__)

    def _succeeded(self, report: CycleReport) -> float:
        self.state, self._failures = SyncState.IDLE, 0
        _log.info("sync cycle: pushed %d, pulled %d", report.pushed, report.pulled)
        problem = "" if report.stuck is None else "server_error"
        now = self._workspace.clock.now()
        self._tell(Connection(online=True, last_success_at=now, problem=problem))
        return self._until_next(now)

    def _until_next(self, now: datetime) -> float:
        """The next poll, or earlier when an entry leaves its undo window."""
        poll = self._jittered(POLL_SECONDS)
        person = self._workspace.person()
        due = None if person is None else self._workspace.outbox.next_due(person.account_id)
        if due is None or due - now < timedelta():
            return poll
        return min(poll, (due - now).total_seconds())

    def _blocked(self, error: SignInRequired | UpgradeRequired) -> float:
        self.state = SyncState.BLOCKED
        problem = "sign_in_required"
        if isinstance(error, UpgradeRequired):
            problem = "upgrade_required"
        elif isinstance(error, SessionEnded) and error.code == RefusalCode.DEVICE_REVOKED:
            problem = "revoked"
        self._offline(problem)
        return self._jittered(BLOCKED_SECONDS)

    def _failed(self, error: Exception) -> float:
        self.state = SyncState.BACKOFF
        self._failures += 1
        _log.warning("sync cycle failed (%s), attempt %d", type(error).__name__, self._failures)
        self._offline(_problem(error))
        if isinstance(error, Busy) and error.retry_after is not None:
            return self._jittered(min(error.retry_after, BACKOFF_MOST_SECONDS))
        return self._jittered(min(BACKOFF_FIRST_SECONDS * 2 ** min(self._failures - 1, 10), BACKOFF_MOST_SECONDS))

    def _jittered(self, seconds: float) -> float:
        return seconds * self._chance.uniform(1 - JITTER, 1 + JITTER)

    def _offline(self, problem: str) -> None:
        since = self._connection.offline_since or self._connection.last_success_at or self._workspace.clock.now()
        self._tell(replace(self._connection, online=False, catching_up=False, offline_since=since, problem=problem))

    def _tell(self, connection: Connection) -> None:
        if connection != self._connection:
            self._connection = connection
            self._write(connection)
            self._listeners.state_changed()

    def _write(self, connection: Connection) -> None:
        body = {
            "online": connection.online,
            "catching_up": connection.catching_up,
            "last_success_at": _iso(connection.last_success_at),
            "offline_since": _iso(connection.offline_since),
            "problem": connection.problem,
        }
        with self._workspace.write() as session:
            meta.write(session, meta.CONNECTION, body)

    def _remembered(self) -> Connection:
        """After a start nothing is known of the centre but when it was last heard."""
        with self._workspace.read() as session:
            body = meta.read(session, meta.CONNECTION) or {}
        last = body.get("last_success_at")
        return Connection(last_success_at=None if last is None else datetime.fromisoformat(last))


def _problem(error: Exception) -> str:
    if isinstance(error, Unreachable):
        return "server_error" if isinstance(error, ServerFailed) else "unreachable"
    return "server_error" if isinstance(error, HcrmError) else "internal_error"


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
