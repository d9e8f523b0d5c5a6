"""A centre that answers as a test tells it to; what it is not told to answer is not there, as at an older one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx

from hcrm_core.terms import Role
from hcrm_core.wire import Person
from hcrm_store.base import new_id
from tests.fakes import FakeClock

ME = Person(account_id=new_id(), staff_id=new_id(), name="李医助", role=Role.ASSISTANT, site_ids=[])
EPOCH = str(new_id())
Answer = Callable[[httpx.Request], httpx.Response]


class ScriptedCentre:
    """Answers as a test tells it to; by default it greets and has nothing new."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.asked: list[str] = []
        self.requests: list[httpx.Request] = []
        self.decided: list[dict[str, Any]] = []
        self.expected_n = 1
        self.answers: dict[str, Answer] = {"/sync/hello": self._greeting, "/sync/pull": self._nothing}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        self.requests.append(request)
        answer = self.answers.get(request.url.path)
        return httpx.Response(404) if answer is None else answer(request)  # an older centre

    def refuse(self, status: int, code: str, *, path: str = "/sync/hello", **headers: str) -> None:
        body = {"code": code, "message": "m", "remedy": "r"}
        self.answers[path] = lambda _request: httpx.Response(status, json=body, headers=headers)

    def decide(self, op_id: UUID, decision: str, **more: Any) -> None:
        """From now on, hello tells what a supervisor decided."""
        at = self._clock.now().isoformat()
        self.decided = [{"op_id": str(op_id), "decision": decision, "by": "王经理", "at": at, **more}]

    def unplug(self) -> None:
        def nobody(_request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("nobody there")

        self.answers["/sync/hello"] = nobody

    def plug_in(self) -> None:
        self.answers["/sync/hello"] = self._greeting

    def _greeting(self, _request: httpx.Request) -> httpx.Response:
        now = self._clock.now()
        greeting: dict[str, Any] = {"protocol": 1, "epoch": EPOCH, "expected_n": self.expected_n}
        greeting |= {"decided": self.decided}
        greeting |= {"server_now": now.isoformat(), "business_date": "2026-11-22"}
        greeting |= {"lease_until": now.isoformat(), "streams": [{"key": "ref", "profile": "p"}]}
        greeting |= {"freshness": {"scanned_at": None, "scanned_for": None, "feeds": {}}}
        return httpx.Response(200, json=greeting | {"person": ME.model_dump(mode="json")})

    def _nothing(self, _request: httpx.Request) -> httpx.Response:
        cursor = {"seq": 0, "fresh_to": None, "profile": "p"}
        page = {"stream": "ref", "rows": [], "tombstones": [], "next": cursor, "head": 0, "more": False}
        return httpx.Response(200, json={"epoch": EPOCH, "pages": [page], "revoked": []})
