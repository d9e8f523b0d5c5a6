"""The line between a workstation and the centre: real requests and answers in one process, and what a network does.

No socket, so a conversation takes milliseconds; everything above the transport is the product.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

import httpx
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

SMALL_PAGE = b'"limit":10'  # so that a stream of a small clinic has many pages


class Fault(StrEnum):
    """What happens to one request."""

    LOST = "the request is lost"
    UNANSWERED = "the answer is lost"
    DOUBLED = "the request arrives twice"
    LATE = "the request arrives long after the workstation gave up"
    CROSSED = "the answer that was lost before comes to this request"


@dataclass(slots=True, kw_only=True)
class Line(httpx.BaseTransport):
    """One workstation's line.

    Attributes:
        trouble: faults to come, each for the next request to its path.
        under_way: requests that have not arrived yet.
        answers: answers that got lost, by path.
    """

    portal: BlockingPortal
    app: FastAPI
    trouble: dict[str, Fault] = field(default_factory=dict)
    under_way: deque[httpx.Request] = field(default_factory=deque)
    answers: dict[str, httpx.Response] = field(default_factory=dict)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Deliver a request, as far as the line is sound."""
        request = _paged_small(request)
        match self.trouble.pop(request.url.path, None):
            case Fault.LOST:
                raise httpx.ConnectError("nobody there")
            case Fault.LATE:
                self.under_way.append(request)
                raise httpx.ReadTimeout("no answer")
            case Fault.UNANSWERED:
                self.answers[request.url.path] = self._delivered(request)
                raise httpx.ReadError("the connection broke")
            case Fault.CROSSED if request.url.path in self.answers:
                self._delivered(request)
                return self.answers.pop(request.url.path)
            case Fault.DOUBLED:
                self._delivered(request)
        return self._delivered(request)

    def arrive_late(self) -> None:
        """A request that was under way arrives; nobody waits for its answer."""
        if self.under_way:
            self._delivered(self.under_way.popleft())

    def mend(self) -> None:
        """Sound again. What is under way still arrives."""
        self.trouble.clear()
        self.answers.clear()
        while self.under_way:
            self.arrive_late()

    def _delivered(self, request: httpx.Request) -> httpx.Response:
        response = self.portal.call(self._ask, request)
        assert response.status_code != 500, f"the centre broke at {request.url.path}"
        return response

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        answer = await httpx.ASGITransport(self.app).handle_async_request(request)
        body = await answer.aread()
        headers = [(name, value) for name, value in answer.headers.items() if name not in _OF_THE_BODY]
        return httpx.Response(answer.status_code, headers=headers, content=body, request=request)


_OF_THE_BODY = frozenset({"content-encoding", "content-length"})


def _paged_small(request: httpx.Request) -> httpx.Request:
    if request.url.path != "/sync/pull":
        return request
    head, _, rest = request.content.partition(b'"limit":')
    body = head + SMALL_PAGE + rest.lstrip(b"0123456789")
    headers = [(name, value) for name, value in request.headers.items() if name != "content-length"]
    return httpx.Request(request.method, request.url, headers=headers, content=body)
