"""Wake-up: the centre is asked to answer as soon as something moves beyond what is held here.

Nothing depends on it: it carries no data, and the loop polls all the same. It only makes that rarely necessary.
"""

import logging
import random
import threading
from collections.abc import Callable

from hcrm_core.errors import HcrmError
from hcrm_core.wire import WaitRequest, WaitResponse
from hcrm_desktop.cache import meta, streams
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import CentreClient, NotOffered
from hcrm_desktop.sync.loop import SyncLoop

RECONNECT_FIRST_SECONDS, RECONNECT_MOST_SECONDS = 1.0, 30.0
CYCLE_SECONDS = 60.0  # a woken loop has read what moved, or has given up, within this time
_log = logging.getLogger(__name__)


class Waiter:
    """Waits at the centre in a thread of its own, with a client of its own, and wakes the loop."""

    def __init__(
        self,
        workspace: Workspace,
        client: CentreClient,
        *,
        loop: Callable[[], SyncLoop],
        chance: random.Random | None = None,
    ) -> None:
        """Make a waiter.

        Args:
            loop: the loop that runs now; its session is shared.
        """
        self._workspace, self._client, self._loop = workspace, client, loop
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._stop = threading.Event()
        self._failures = 0
        self._woken_for: WaitRequest | None = None

    def run(self) -> None:
        """Wait again and again until `stop()`, or for good at a centre that does not know how."""
        while not self._stop.is_set():
            pause = self.step()
            if pause is None:
                _log.info("this centre wakes nobody: polling")
                return
            self._stop.wait(pause)

    def stop(self) -> None:
        """End; a request that is held is broken off."""
        self._stop.set()
        self._client.abort()

    def step(self) -> float | None:
        """Wait once. Returns the seconds until the next time; None if there is none."""
        loop = self._loop()
        cycles = loop.course.cycles()
        request = self._request()
        if request is None:  # nothing is held, or the first read is not complete: the loop is busy with it
            return 0.0 if loop.course.wait_for_cycle(after=cycles, seconds=self._backoff()) else self._failed()
        try:
            answer = loop.session.ask(lambda headers: self._client.wait(request, headers=headers))
        except NotOffered:
            return None
        except HcrmError as error:
            _log.debug("the wait ended (%s)", type(error).__name__)
            return self._failed()
        loop.network_up()
        return self._answered(request, answer)

    def _request(self) -> WaitRequest | None:
        with self._workspace.read() as session:
            epoch, held = meta.read(session, meta.EPOCH), streams.cursors(session)
        if epoch is None or not held or any(cursor.fresh_to is not None for cursor in held.values()):
            return None
        return WaitRequest(epoch=epoch, heads={key: cursor.seq for key, cursor in held.items()})

    def _answered(self, request: WaitRequest, answer: WaitResponse) -> float:
        if not answer.moved and answer.epoch == request.epoch:
            self._failures = 0
            return 0.0
        loop = self._loop()
        cycles = loop.course.cycles()
        loop.kick()
        loop.course.wait_for_cycle(after=cycles, seconds=CYCLE_SECONDS)
        if request == self._woken_for:  # woken for the same again: the loop cannot read it, or not yet
            return self._failed()
        self._woken_for, self._failures = request, 0
        return 0.0

    def _failed(self) -> float:
        self._failures += 1
        return self._backoff()

    def _backoff(self) -> float:
        seconds = min(RECONNECT_FIRST_SECONDS * 2.0 ** min(self._failures, 10), RECONNECT_MOST_SECONDS)
        return seconds * self._chance.uniform(0.5, 1.0)
