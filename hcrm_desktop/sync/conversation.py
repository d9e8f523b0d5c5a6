"""A loop in a thread of its own, somebody who waits at the centre for news, and a watchdog over both.

Begun at sign-in or start, ended before anything else. A loop that is stuck is abandoned: its connection is broken, what
it still hears is for nobody, and another one goes on from the files.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from hcrm_core.wire import IncidentCode
from hcrm_desktop.cache import incidents
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.loop import Listeners, SyncLoop
from hcrm_desktop.sync.waiting import Waiter
from hcrm_desktop.sync.watchdog import LOOK_SECONDS, Watchdog

LEAVE_SECONDS = 3.0  # a person who switches off waits no longer
ABORT_SECONDS = 2.0  # a connection that is broken off ends at once; only a name that is looked up does not
_log = logging.getLogger(__name__)
T = TypeVar("T")


class _Running:
    """One loop with its client and its thread."""

    def __init__(
        self, workspace: Workspace, client: CentreClient, *, listeners: Listeners, monotonic: Callable[[], float]
    ) -> None:
        self.client = client
        self.loop = SyncLoop(workspace, client, listeners=listeners, monotonic=monotonic)
        # A daemon, because a name may be looked up for longer than a person waits for a window to close.
        self.thread = threading.Thread(target=self._run, name="hcrm-sync", daemon=True)

    def abandon(self) -> None:
        self.loop.stop()
        self.client.abort()

    def _run(self) -> None:
        try:
            self.loop.run()
        except Exception as error:
            # The thread's end would go unnoticed; the trace would quote rows.
            _log.critical("the sync thread ended: %s", type(error).__name__)
            raise
        finally:
            self.client.close()


class Conversation:
    """Talks to one centre until it is ended."""

    def __init__(
        self,
        workspace: Workspace,
        server_url: str,
        *,
        listeners: Listeners,
        connect: Callable[[str], CentreClient] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Begin to talk.

        Args:
            connect: makes a client of an address; each thread has its own.
            look_seconds: how often the watchdog looks.
        """
        self._workspace, self._listeners, self._monotonic = workspace, listeners, monotonic
        self._connect, self._server_url = connect or CentreClient, server_url
        self._look_seconds = look_seconds
        self._ended, self._changing = threading.Event(), threading.Lock()
        self._running = self._begin()
        self._consulted = self._client()
        self._waiter = Waiter(workspace, self._client(), loop=lambda: self._running.loop)
        self._watchdog = Watchdog(workspace, monotonic=monotonic)
        self._beside = [
            threading.Thread(target=self._waiter.run, name="hcrm-wait", daemon=True),
            threading.Thread(target=self._watch, name="hcrm-watch", daemon=True),
        ]
        for thread in self._beside:
            thread.start()

    def kick(self) -> None:
        """Do not wait for the next poll."""
        self._running.loop.kick()

    def verify(self) -> None:
        """Compare what is held here with the centre now."""
        self._running.loop.verify()

    def consult(self, question: Callable[[CentreClient, dict[str, str]], T]) -> T:
        """Ask the centre something in the calling thread, as the person who is signed in.

        Raises:
            HcrmError: as the question does; SignInRequired without a session.
        """
        return self._running.loop.session.ask(lambda headers: question(self._consulted, headers))

    def hang_up(self) -> None:
        """Break off what is asked by `consult`: whoever asked is leaving."""
        self._consulted.abort()

    def end(self) -> bool:
        """Send what waits, if that is quick, and stop.

        Returns:
            whether all threads have ended; if not, they will do nothing but end when their request does.
        """
        self._ended.set()
        self._waiter.stop()
        self.hang_up()
        with self._changing:
            running = self._running
        running.loop.leave()
        running.thread.join(LEAVE_SECONDS)
        running.abandon()
        threads = [running.thread, *self._beside]
        for thread in threads:
            thread.join(ABORT_SECONDS)
        return not any(thread.is_alive() for thread in threads)

    def _client(self) -> CentreClient:
        return self._connect(self._server_url)

    def _begin(self) -> _Running:
        running = _Running(self._workspace, self._client(), listeners=self._listeners, monotonic=self._monotonic)
        running.thread.start()
        return running

    def _watch(self) -> None:
        while not self._ended.wait(self._look_seconds):
            try:
                self.look()
            except Exception as error:  # whoever watches must not be the one who stops
                _log.error("the watchdog stumbled (%s)", type(error).__name__)

    def look(self) -> None:
        """Replace a loop that is stuck."""
        with self._changing:
            if self._ended.is_set() or not self._watchdog.is_stuck(self._running.loop):
                return
            _log.error("the sync was stuck in %s: beginning anew", self._running.loop.state)
            self._running.abandon()
            outbox, clock = self._workspace.outbox, self._workspace.clock
            with self._workspace.exclusive():
                incidents.note(outbox, IncidentCode.STUCK, clock=clock)
            self._running = self._begin()
