"""Is the conversation alive? Looked at from outside, every few seconds.

Stuck is a loop that does not move beyond its state's deadline, or that leaves an entry lying though the centre answers.
The machine's own sleep is neither.
"""

import time
from collections.abc import Callable
from uuid import UUID

from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.loop import SyncLoop
from hcrm_desktop.sync.states import SyncState

LOOK_SECONDS = 5.0
SLEPT_SECONDS = 30.0  # without a look: the machine was asleep, not the loop
LYING_SECONDS = 120.0  # an entry that could be sent and is not
RESTART_FIRST_SECONDS, RESTART_MOST_SECONDS = 60.0, 3600.0  # between restarts that did not help
_ANSWERING = frozenset({SyncState.IDLE, SyncState.HELLO, SyncState.PUSH, SyncState.PULL})


class Watchdog:
    """Judges one loop after the other."""

    def __init__(self, workspace: Workspace, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._workspace, self._monotonic = workspace, monotonic
        self._looked = monotonic()
        self._lying: tuple[UUID, float] | None = None  # the first entry that is due, and since when it is
        self._restarts, self._not_before = 0, float("-inf")

    def is_stuck(self, loop: SyncLoop) -> bool:
        """Whether this loop is to be replaced now. Told so, it counts as replaced."""
        now = self._monotonic()
        slept, self._looked = now - self._looked > SLEPT_SECONDS, now
        if slept:
            loop.course.move()
            self._lying = None
        if not (loop.course.stuck_for() > 0 or self._is_left_lying(loop, now)):
            return False
        if now < self._not_before:
            return False
        self._note_restart(now)
        return True

    def _is_left_lying(self, loop: SyncLoop, now: float) -> bool:
        """The same entry is the next to be sent, and the centre has answered other things for two minutes."""
        person = self._workspace.person()
        due = None if person is None else self._workspace.outbox.first_due(person.account_id)
        if due is None or loop.course.state not in _ANSWERING:
            self._lying = None
            return False
        if self._lying is None or self._lying[0] != due:
            self._lying = (due, now)
        return now - self._lying[1] > LYING_SECONDS

    def _note_restart(self, now: float) -> None:
        if now - self._not_before > RESTART_MOST_SECONDS:  # the last one helped for long
            self._restarts = 0
        self._lying = None
        self._not_before = now + min(RESTART_FIRST_SECONDS * 2**self._restarts, RESTART_MOST_SECONDS)
        self._restarts += 1
