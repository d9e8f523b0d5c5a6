"""Who waits for news in this process, and the task that looks for them.

While somebody waits, one task reads all counters every quarter of a second, in a thread and on a connection of its own,
and wakes whom a change concerns. There is no LISTEN/NOTIFY: it serialises commits and does not pass connection poolers.
Correctness rests on none of this: a workstation that is never woken asks by itself once a minute.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hcrm_central.api.refusals import TRANSIENT
from hcrm_central.api.streams import Standing, standing
from hcrm_central.store.engine import make_engine

LOOK_SECONDS = 0.25


@dataclass(slots=True, kw_only=True, eq=False)
class Waiter:
    """One held request: what its workstation knows, and whether there is news."""

    epoch: UUID
    heads: dict[str, int]
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def moved(self, now: Standing) -> list[str]:
        return sorted(key for key, seq in self.heads.items() if now.head(key).seq > seq)

    def concerned(self, now: Standing) -> bool:
        return now.epoch != self.epoch or bool(self.moved(now))


class Wakeups:
    """Who waits in this process, and the task that looks for them. Belongs to the event loop's thread.

    Attributes:
        now: where streams stood at the last look; None before the first, and once the service ends.
        waiters: whose answers are held.
    """

    def __init__(self) -> None:
        self.now: Standing | None = None
        self.waiters: set[Waiter] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    @contextlib.contextmanager
    def expecting(self, waiter: Waiter, engine: Engine) -> Iterator[None]:
        """Look for a waiter as long as the block runs."""
        self.waiters.add(waiter)
        if self._closed or (self.now is not None and waiter.concerned(self.now)):
            waiter.woken.set()
        elif self._looking is None:
            self._looking = asyncio.create_task(self._look(engine))
        try:
            yield
        finally:
            self.waiters.discard(waiter)

    def close(self) -> None:
        """The service ends: let everybody go."""
        self._closed, self.now = True, None
        for waiter in self.waiters:
            waiter.woken.set()

    async def _look(self, engine: Engine) -> None:
        # A connection of its own: requests that hold all the others must not delay the news.
        own = make_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
        try:
            while self.waiters and not self._closed:
                with contextlib.suppress(*TRANSIENT):  # the database will be back
                    self._tell(await asyncio.to_thread(_read, own))
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._looking, self.now = None, None
            own.dispose()

    def _tell(self, now: Standing) -> None:
        if self._closed or now == self.now:
            return
        self.now = now
        for waiter in self.waiters:
            if waiter.concerned(now):
                waiter.woken.set()


def _read(engine: Engine) -> Standing:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection, Session(connection) as session:
        return standing(session)
