"""Wait: a workstation asks whether a stream has moved, and its answer is held until one has.

Who waits holds no thread and no connection; see wakeups.py for who looks.
"""

import asyncio
from collections.abc import Coroutine

from starlette.requests import Request

from hcrm_central.api.centre import Centre
from hcrm_central.api.hello import grants
from hcrm_central.api.refusals import RETRY_SECONDS, Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.api.wakeups import Waiter
from hcrm_core.wire import RefusalCode, WaitRequest, WaitResponse


async def wait(here: Centre, who: SignedIn, asked: WaitRequest, *, request: Request) -> WaitResponse:
    """Answer when a granted stream is beyond the number asked for, or after a while with nothing.

    Raises:
        Refused: the counters could not be read all the while, or the service ends.
    """
    heads = {grant.key: asked.heads[grant.key] for grant in grants(who.principal) if grant.key in asked.heads}
    waiter = Waiter(epoch=asked.epoch, heads=heads)
    with here.wakeups.expecting(waiter, here.store.service):
        await _first_of(waiter.woken.wait(), _gone(request), seconds=here.settings.wait_seconds)
        now = here.wakeups.now
    if now is None:
        raise Refused(RefusalCode.UNAVAILABLE, retry_after=RETRY_SECONDS)
    return WaitResponse(epoch=now.epoch, moved=waiter.moved(now))


async def _gone(request: Request) -> None:
    """Ends when the workstation has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _first_of(*awaited: Coroutine[None, None, object], seconds: float) -> None:
    tasks = [asyncio.create_task(one) for one in awaited]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
