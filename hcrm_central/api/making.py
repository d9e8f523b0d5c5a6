"""Work that many ask for at once and that is done once."""

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

AT_ONCE = 2  # each holds a thread and a connection for seconds: the rest of the service must go on


class Making:
    """What is being made in this process, by name. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def once(self, name: str, make: Callable[[], None]) -> None:
        """Wait until a thing was made, by this call or by one that came before. Who waits holds no thread."""
        running = self._running.get(name)
        if running is None:
            running = asyncio.create_task(self._make(make))
            running.add_done_callback(lambda _: self._running.pop(name))
            self._running[name] = running
        await asyncio.shield(running)  # one who hangs up must not end it for the others

    async def _make(self, make: Callable[[], None]) -> None:
        async with self._turns:
            await run_in_threadpool(make)
