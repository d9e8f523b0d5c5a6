"""The proxy itself, in a thread of its own, so that tests and the demo can switch its faults from theirs."""

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from hcrm_sim.flaky.faults import HEALTHY, Fault, Mode
from hcrm_sim.flaky.link import Link

LOOPBACK = "127.0.0.1"
_BREAKING = frozenset({Mode.DROP, Mode.REFUSE})  # what also ends the connections that there are


class Cable:
    """A way to the centre that can be broken and healed. Every method may be called from any thread.

    Attributes:
        url: where a workstation finds the centre through this cable.
    """

    def __init__(
        self, target_url: str, *, port: int = 0, seed: int = 0, on_change: Callable[[Fault], None] = lambda _: None
    ) -> None:
        """Listen on loopback and forward to `target_url` (http).

        Args:
            seed: of the jitter.
            on_change: told of each new state of the cable, in the cable's own thread.

        Raises:
            OSError: the port is taken.
        """
        parts = urlsplit(target_url)
        self._target = (parts.hostname or LOOPBACK, parts.port or 80)
        self._chance = random.Random(seed)
        self._fault, self._on_change = HEALTHY, on_change
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None
        # A second socket on the port, which never listens, keeps the port ours while it refuses.
        self._reserved = _bound(port)
        self._port: int = self._reserved.getsockname()[1]
        self.url = f"http://{LOOPBACK}:{self._port}"
        self._loop = asyncio.new_event_loop()
        self._playing: asyncio.Task[None] | None = None
        self._played = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="flaky", daemon=True)
        self._thread.start()
        self._wait_for(self._listen())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def fault(self) -> Fault:
        """The state of the cable now."""
        return self._fault

    def become(self, fault: Fault) -> None:
        """Change the cable's state, for connections that there are and for new ones. Ends a schedule."""
        self._wait_for(self._end_schedule())
        self._wait_for(self._switch(fault))

    def heal(self) -> None:
        """All is well from now on. A connection that lost bytes stays lost."""
        self.become(HEALTHY)

    def play(self, steps: Iterable[tuple[Fault, float]]) -> None:
        """Go through a schedule, and be healthy at its end."""
        self._wait_for(self._end_schedule())
        self._played.clear()
        self._wait_for(self._begin_schedule(steps))

    def wait_until_played(self, seconds: float) -> bool:
        """Wait for the end of a schedule. Returns whether it came."""
        return self._played.wait(seconds)

    def close(self) -> None:
        """Break every connection and stop listening."""
        self._wait_for(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._reserved.close()

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    # ── in the loop ──────────────────────────────────────────────────────────────────────────────────────

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._on_connection, sock=_bound(self._port))

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link((reader, writer), target=self._target, cable=lambda: self._fault, chance=self._chance)
        if self._fault.mode in _BREAKING:
            link.break_off()
            return
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def _switch(self, fault: Fault) -> None:
        self._fault = fault
        self._on_change(fault)
        if fault.mode is Mode.REFUSE:
            self._stop_listening()
        elif self._server is None:
            await self._listen()
        if fault.mode in _BREAKING:
            self._break_all()

    def _break_all(self) -> None:
        for link in list(self._links):
            link.break_off()

    async def _begin_schedule(self, steps: Iterable[tuple[Fault, float]]) -> None:
        self._playing = asyncio.create_task(self._go_through(steps))

    async def _go_through(self, steps: Iterable[tuple[Fault, float]]) -> None:
        for fault, seconds in steps:
            await self._switch(fault)
            await asyncio.sleep(seconds)
        await self._switch(HEALTHY)
        self._played.set()

    async def _end_schedule(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing
            self._playing = None

    async def _shut(self) -> None:
        await self._end_schedule()
        self._stop_listening()
        self._break_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


def _bound(port: int) -> socket.socket:
    # The protocol must be named: asyncio switches Nagle's delay off for sockets that say they are TCP, and no others.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
    except OSError:
        sock.close()
        raise
    return sock
