"""When to talk to the centre: at once after a save, regularly otherwise, later and later while it does not answer.

The loop is a state machine without threads of its own (states.py). `step()` runs one cycle and says how long to wait;
`run()` does so until `stop()`. Every request has a deadline (client.py), every wait is finite, so no state can last;
if one lasts all the same, the watchdog abandons the loop and begins another.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hcrm_core.errors import HcrmError, NotPermitted, Rejected, SignInRequired, Unreachable
from hcrm_core.wire import RefusalCode
from hcrm_desktop.cache import orders
from hcrm_desktop.cache.orders import Order
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import Busy, CentreClient, DeviceWiped, ServerFailed, SessionEnded, UpgradeRequired
from hcrm_desktop.sync.connection import Board
from hcrm_desktop.sync.engine import CycleReport, SyncEngine
from hcrm_desktop.sync.line import EpochChanged
from hcrm_desktop.sync.session import CentreSession, Superseded
from hcrm_desktop.sync.states import Course, SyncState

POLL_SECONDS = 60.0  # only for what the wake-up misses
JITTER = 0.2  # of every wait, so that a group's workstations do not come all at once
# With a request that still hangs when the network heals (30 s), work flows again within a minute.
BACKOFF_FIRST_SECONDS, BACKOFF_MOST_SECONDS = 1.0, 20.0
BUSY_MOST_SECONDS = 45.0  # a centre that asks for more time is asked again after this
BLOCKED_SECONDS = 60.0  # blocked states end by a person; asking again is for the case that one did elsewhere
_log = logging.getLogger(__name__)


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told. Called in the thread where it happened.

    Attributes:
        state_changed: what queries.sync_status tells may have changed.
        data_changed: which kinds of rows changed.
        wiped: this workstation was emptied by order; the workspace is closed and its files are gone.
    """

    state_changed: Callable[[], None]
    data_changed: Callable[[Changes], None]
    wiped: Callable[[], None] = _nothing


class SyncLoop:
    """One workspace's conversation with one centre.

    Attributes:
        course: the state it is in, and since when.
    """

    def __init__(
        self,
        workspace: Workspace,
        client: CentreClient,
        *,
        listeners: Listeners,
        chance: random.Random | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace, self._listeners = workspace, listeners
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._wake, self._stop, self._leaving = threading.Event(), threading.Event(), threading.Event()
        self._failures = 0
        self._verifying, self._delivering = False, False
        self._board = Board(workspace, changed=listeners.state_changed)
        self.course = Course(on_move=self._on_move, monotonic=monotonic)
        self.session = CentreSession(workspace, client, stopped=self._stop.is_set)
        self._engine = SyncEngine(
            workspace,
            client,
            on_changes=listeners.data_changed,
            stopped=self._interrupted,
            course=self.course,
            session=self.session,
            monotonic=monotonic,
        )

    @property
    def state(self) -> SyncState:
        return self.course.state

    def run(self) -> None:
        """Talk until `stop()` or `leave()`. To be called in a thread of its own."""
        while not self._ending():
            wait = self.step()
            if not self._ending():
                self._workspace.tend()
                self._wake.wait(wait)
            self._wake.clear()
        if not self._stop.is_set():
            self._deliver()
        self.course.enter(SyncState.STOPPED)

    def kick(self) -> None:
        """Something was saved, moved at the centre, or somebody asks: do not wait for the next poll."""
        self._wake.set()

    def verify(self) -> None:
        """Compare with the centre now."""
        self._verifying = True
        self.kick()

    def network_up(self) -> None:
        """Another thread was answered: no reason to wait on."""
        if self.state is SyncState.BACKOFF:
            self._failures = 0
            self.kick()

    def leave(self) -> None:
        """Whoever works here leaves: send what waits, without its undo window, and end."""
        self._leaving.set()
        self._wake.set()

    def stop(self) -> None:
        """End after the request that runs now; its answer is for nobody."""
        self._stop.set()
        self._wake.set()

    def step(self) -> float:
        """Run one cycle. Returns the seconds to wait before the next."""
        try:
            if orders.given(self._workspace.outbox) in (Order.WIPED, Order.SURRENDERED):
                return self._wipe()
            return self._succeeded(self._engine.cycle())
        except (EpochChanged, Superseded):
            return 0.0
        except DeviceWiped:
            orders.obey(self._workspace.outbox, Order.WIPED)
            return 0.0
        except (SignInRequired, UpgradeRequired) as error:
            return self._blocked(error)
        except Exception as error:  # a bug in one cycle must not end the conversation unnoticed
            return self._failed(error)
        finally:
            self._workspace.tend()
            self.course.end_cycle()

    def _verify(self) -> None:
        """Now and then, and when somebody asks. Other than a cycle, it may fail: the next one tries again."""
        due = self._engine.is_verify_due(share=self._chance.uniform(1 - JITTER, 1.0))
        if not (due or self._verifying):
            return
        self._verifying = False
        try:
            self._engine.verify()
        except (Busy, ServerFailed, Rejected, NotPermitted) as error:
            _log.warning("not compared with the centre (%s)", type(error).__name__)

    def _ending(self) -> bool:
        return self._stop.is_set() or self._leaving.is_set()

    def _interrupted(self) -> bool:
        """Whether a cycle shall end early; the last delivery goes on until it is told to stop."""
        return self._stop.is_set() or (self._leaving.is_set() and not self._delivering)

    def _deliver(self) -> None:
        self.course.enter(SyncState.LEAVING)
        unsent, _ = self._workspace.outbox.unsent()
        if not unsent:
            return
        self._delivering = True
        try:
            _log.info("before leaving: pushed %d of %d", self._engine.deliver(), unsent)
        except Exception as error:  # nobody waits for the answer; the entries wait for the next start
            _log.warning("before leaving: %d entries stay here (%s)", unsent, type(error).__name__)

    def _wipe(self) -> float:
        """Hand over and delete; what cannot be handed over now is tried again, hidden and safe meanwhile."""
        self.course.enter(SyncState.WIPING)
        self._board.lost(problem="wiped", state=SyncState.WIPING)
        try:
            self._engine.wipe()
        except Exception as error:
            _log.warning("this workstation is to be emptied, but not yet (%s)", type(error).__name__)
            return self._backoff(error)
        self._stop.set()
        self._listeners.wiped()
        return 0.0

    def _succeeded(self, report: CycleReport) -> float:
        self._failures = 0
        _log.info("sync cycle: pushed %d, pulled %d", report.pushed, report.pulled)
        if self._ending():
            return 0.0
        problem = "" if report.stuck is None else "server_error"
        self._board.heard(problem=problem)
        self._verify()
        self._board.heard(problem=problem)
        self.course.enter(SyncState.IDLE, count=report.pushed + report.pulled)
        return self._until_next(self._workspace.clock.now())

    def _until_next(self, now: datetime) -> float:
        """The next poll, or earlier when an entry leaves its undo window."""
        poll = self._jittered(POLL_SECONDS)
        person = self._workspace.person()
        due = None if person is None else self._workspace.outbox.next_due(person.account_id)
        if due is None or due - now < timedelta():
            return poll
        return min(poll, (due - now).total_seconds())

    def _blocked(self, error: SignInRequired | UpgradeRequired) -> float:
        if self._stop.is_set():
            return 0.0
        if isinstance(error, SessionEnded) and error.code == RefusalCode.DEVICE_REVOKED:
            orders.obey(self._workspace.outbox, Order.REVOKED)
        elif isinstance(error, SessionEnded) and error.code == RefusalCode.SESSION_ENDED:
            orders.lift(self._workspace.outbox)  # a workstation that is blocked is not told so
        self._board.lost(problem=self._blocking(error), state=SyncState.BLOCKED)
        self.course.enter(SyncState.BLOCKED)
        return self._jittered(BLOCKED_SECONDS)

    def _blocking(self, error: SignInRequired | UpgradeRequired) -> str:
        if isinstance(error, UpgradeRequired):
            return "upgrade_required"
        return "revoked" if orders.given(self._workspace.outbox) is Order.REVOKED else "sign_in_required"

    def _failed(self, error: Exception) -> float:
        if self._stop.is_set():
            return 0.0
        self._board.lost(problem=_problem(error), state=SyncState.BACKOFF)
        return self._backoff(error)

    def _backoff(self, error: Exception) -> float:
        self._failures += 1
        _log.warning("sync cycle failed (%s), attempt %d", type(error).__name__, self._failures)
        self.course.enter(SyncState.BACKOFF, count=self._failures)
        if isinstance(error, Busy) and error.retry_after is not None:
            return self._jittered(min(error.retry_after, BUSY_MOST_SECONDS))
        return self._jittered(min(BACKOFF_FIRST_SECONDS * 2 ** min(self._failures - 1, 10), BACKOFF_MOST_SECONDS))

    def _jittered(self, seconds: float) -> float:
        return seconds * self._chance.uniform(1 - JITTER, 1 + JITTER)

    def _on_move(self) -> None:
        if not self._stop.is_set():
            self._board.moved(self.course)


def _problem(error: Exception) -> str:
    if isinstance(error, Unreachable):
        return "server_error" if isinstance(error, ServerFailed) else "unreachable"
    return "server_error" if isinstance(error, HcrmError) else "internal_error"
