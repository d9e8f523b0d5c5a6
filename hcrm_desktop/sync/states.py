"""Where the conversation stands, since when, and for how long that is believable.

Every part of the conversation enters a state by `Course.enter` and nowhere else. Entering the same state again means
that it moved on: another page, another part of a file. What does not move on before its deadline is stuck, and the
watchdog begins anew.
"""

import logging
import threading
import time
from collections.abc import Callable
from enum import StrEnum

_log = logging.getLogger(__name__)


class SyncState(StrEnum):
    """What the conversation does."""

    IDLE = "idle"
    HELLO = "hello"
    PUSH = "push"
    PULL = "pull"
    SNAPSHOT = "snapshot"  # a large stream comes as one file
    VERIFY = "verify"  # the copy is compared with the centre's rows
    BACKOFF = "backoff"
    BLOCKED = "blocked"  # a person must sign in, upgrade, or have this workstation unblocked
    WIPING = "wiping"  # ordered to hand over what is unsent and to delete everything
    LEAVING = "leaving"  # what waits is sent, then the loop ends
    STOPPED = "stopped"


# Seconds without a move. A request ends after 60 at the latest, and a fresh token may cost it another 60; the longest
# wait is a poll of 72.
DEADLINES: dict[SyncState, float] = {state: 130.0 for state in SyncState if state is not SyncState.STOPPED}
_READING = frozenset({SyncState.HELLO, SyncState.PUSH, SyncState.PULL, SyncState.SNAPSHOT})


class Course:
    """The state of one conversation, and how far a long read has come. Safe to share between threads.

    Attributes:
        state: what it does now.
        progress: of a first read or a long one, 0 to 1; None while there is none.
    """

    def __init__(self, *, on_move: Callable[[], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        """Make a course.

        Args:
            on_move: told when the state or the progress is another one, in the thread that changed it.
        """
        self.state = SyncState.IDLE
        self.progress: float | None = None
        self._on_move, self._monotonic = on_move, monotonic
        self._since = self._moved = monotonic()
        self._cycles, self._cycle_ended = 0, threading.Condition()

    def enter(self, state: SyncState, *, count: int = 0) -> None:
        """Go to a state, or move on in it.

        Args:
            count: how much the state that is left has done: entries, rows or tries.
        """
        former, now = self.state, self._monotonic()
        self._moved = now
        if state is former:
            return
        _log.info("sync: %s for %.1f s (%d), then %s", former, now - self._since, count, state)
        self.state, self._since = state, now
        if state not in _READING:
            self.progress = None
        self._on_move()

    def advance(self, share: float) -> None:
        """A long read has come so far, 0 to 1. It never goes back within one cycle."""
        self._moved = self._monotonic()
        share = min(share, 1.0)
        if self.progress is None or share >= self.progress + 0.01:
            self.progress = share
            self._on_move()

    def stuck_for(self) -> float:
        """Seconds beyond the state's deadline; 0 or less while it is believable."""
        return self._monotonic() - self._moved - DEADLINES.get(self.state, float("inf"))

    def move(self) -> None:
        """It goes on: another request begins, or the machine slept and nothing could move."""
        self._moved = self._monotonic()

    def end_cycle(self) -> None:
        """One more cycle has ended, however."""
        with self._cycle_ended:
            self._cycles += 1
            self._cycle_ended.notify_all()

    def cycles(self) -> int:
        """How many cycles have ended."""
        return self._cycles

    def wait_for_cycle(self, *, after: int, seconds: float) -> bool:
        """Wait until more than `after` cycles have ended. Returns whether they have."""
        with self._cycle_ended:
            return self._cycle_ended.wait_for(lambda: self._cycles > after, seconds)
