"""Around every request: an id, one line of log, an answer even to a bug, and a limit to the body."""

import time
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hcrm_central import logs
from hcrm_central.api.refusals import Refused, answer
from hcrm_core.wire import RefusalCode
from hcrm_store.base import new_id


class RequestLog:
    """Gives each request an id, logs how it ended, and turns a bug into an incident without a word of content."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        log = structlog.get_logger("hcrm.request").bind(request=new_id().hex)
        scope["state"] = {"request": structlog.get_context(log)["request"]}
        answered = _Answered(send, request_id=scope["state"]["request"])
        started = time.perf_counter()
        try:
            await self._app(scope, receive, answered)
        except Exception as error:
            log.error("incident", **logs.described(error))  # noqa: TRY400 - a trace would quote the message
            await answered.with_incident(scope, receive)
        elapsed = round((time.perf_counter() - started) * 1000, 1)
        log.info("request", **_facts(scope), status=answered.status, ms=elapsed)


class _Answered:
    """A `send` that remembers the status and adds the request's id."""

    def __init__(self, send: Send, *, request_id: str) -> None:
        self._send, self._id, self.status = send, request_id, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self._id.encode())]
        await self._send(message)

    async def with_incident(self, scope: Scope, receive: Receive) -> None:
        if self.status == 0:
            await answer(Refused(RefusalCode.INTERNAL), incident=self._id)(scope, receive, self)


def _facts(scope: Scope) -> dict[str, Any]:
    """What may be said of a request: the route's pattern, not the address as typed, and who asked by id."""
    state = {name: value for name, value in scope["state"].items() if name != "request"}
    route = getattr(scope.get("route"), "path", "none")
    return {"method": scope["method"], "route": route, **state}


class BodyLimit:
    """Refuses a body that is larger than any honest request."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and int(Headers(scope=scope).get("content-length", "0")) > self._most:
            await answer(Refused(RefusalCode.TOO_LARGE))(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, most=self._most), send)


class _Counted:
    """A `receive` that counts: a body may come in pieces without saying how long it is."""

    def __init__(self, receive: Receive, *, most: int) -> None:
        self._receive, self._left = receive, most

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413)
        return message
