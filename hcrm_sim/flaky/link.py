"""One connection through the proxy. The client speaks first; the centre is called when the first word may pass."""

import asyncio
import contextlib
import random
from collections.abc import Callable

from hcrm_sim.flaky.faults import Fault, Mode

PIECE = 16_384
DRIPS_A_SECOND = 10
_BODY = b"<html><body>502 Bad Gateway</body></html>"
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
    % (
        len(_BODY),
        _BODY,
    )
)


class Link:
    """Carries bytes in both directions, as the cable lets it.

    What a black hole swallowed is gone: a link that lost bytes stays dumb when the cable heals, until the client
    gives it up. That is what happens to a connection whose other end was forgotten on the way.
    """

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        target: tuple[str, int],
        cable: Callable[[], Fault],
        chance: random.Random,
    ) -> None:
        self._reader, self._writer = client
        self._target, self._cable, self._chance = target, cable, chance
        self._centre: asyncio.StreamWriter | None = None
        self._answers: asyncio.Task[None] | None = None
        self._mute = False  # nothing reaches the client any more
        self._left: int | None = None  # bytes of the answer before the cut

    async def run(self) -> None:
        """Carry until the client closes or the cable breaks."""
        try:
            with contextlib.suppress(OSError):
                await self._carry_requests()
        finally:
            self.break_off()
            if self._answers is not None:
                await asyncio.gather(self._answers, return_exceptions=True)

    def break_off(self) -> None:
        """Both ends lose the connection now."""
        self._writer.transport.abort()
        if self._centre is not None:
            self._centre.transport.abort()
        if self._answers is not None:
            self._answers.cancel()

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────

    async def _carry_requests(self) -> None:
        while data := await self._reader.read(PIECE):
            fault = self._cable()
            match fault.mode:
                case Mode.DROP | Mode.REFUSE:
                    return
                case Mode.BLACKHOLE:
                    self._mute = True
                case Mode.BAD_GATEWAY if not self._mute:
                    self._answer_in_its_place()
                case _:
                    await self._request(data, fault)

    def _answer_in_its_place(self) -> None:
        self._writer.write(BAD_GATEWAY)
        self._writer.write_eof()
        self._mute = True

    async def _request(self, data: bytes, fault: Fault) -> None:
        if self._mute:
            return
        await self._delay(fault)
        if self._centre is None:
            answers, self._centre = await asyncio.open_connection(*self._target)
            self._answers = asyncio.create_task(self._carry_answers(answers))
        self._centre.write(data)
        await self._centre.drain()

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────

    async def _carry_answers(self, answers: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while data := await answers.read(PIECE):
                while data and not self._mute:
                    data = await self._answer(data)
        if not self._mute:
            self._writer.close()

    async def _answer(self, data: bytes) -> bytes:
        """Let a piece through. Returns what must wait, for which the cable is asked again."""
        fault = self._cable()
        now = data
        match fault.mode:
            case Mode.BLACKHOLE | Mode.HALF_OPEN:
                self._mute = True
                return b""
            case Mode.SLOW:
                await asyncio.sleep(1 / DRIPS_A_SECOND)
                now = data[: max(1, fault.amount // DRIPS_A_SECOND)]
            case Mode.CUT:
                now = data[: self._before_the_cut(fault)]
            case Mode.DELAY:
                await self._delay(fault)
        self._writer.write(now)
        await self._writer.drain()
        if fault.mode is Mode.CUT:
            self._count_down(len(now))
        return data[len(now) :]

    def _before_the_cut(self, fault: Fault) -> int:
        if self._left is None:
            self._left = fault.amount
        return self._left

    def _count_down(self, passed: int) -> None:
        assert self._left is not None
        self._left -= passed
        if self._left <= 0:
            self._mute = True
            self._writer.close()

    async def _delay(self, fault: Fault) -> None:
        if fault.mode is Mode.DELAY:
            await asyncio.sleep((fault.amount + self._chance.uniform(0, fault.jitter)) / 1000)
