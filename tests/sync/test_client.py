"""Every way a request can end, as a typed error that a person can act on."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from hcrm_core.errors import HcrmError, NotPermitted, Rejected, Unreachable
from hcrm_core.wire import DeviceClaim, HelloRequest
from hcrm_desktop.sync.client import (
    WHOLE_SECONDS,
    Busy,
    CentreClient,
    DeviceWiped,
    NotOffered,
    RequestRefused,
    ServerFailed,
    SessionEnded,
    UpgradeRequired,
)
from hcrm_store.base import new_id

HELLO = HelloRequest(app_version="1", now=datetime(2026, 11, 22, tzinfo=UTC))
SECRET = "kept-between-us-" * 3


def refusal(status: int, code: str, **more: Any) -> httpx.Response:
    headers = {"Retry-After": str(more.pop("retry_after"))} if "retry_after" in more else {}
    return httpx.Response(status, headers=headers, json={"code": code, "message": "m", "remedy": "r", **more})


def told(answer: httpx.Response | Callable[[httpx.Request], httpx.Response]) -> HcrmError:
    handler = answer if callable(answer) else lambda _request: answer
    client = CentreClient("http://centre", transport=httpx.MockTransport(handler))
    with pytest.raises(HcrmError) as caught:
        client.hello(HELLO, headers={})
    client.close()
    return caught.value


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(401, "session_ended"), SessionEnded),
        (refusal(403, "not_permitted"), NotPermitted),
        (refusal(409, "wrong_number", expected_n=7), RequestRefused),
        (refusal(413, "too_large"), RequestRefused),
        (refusal(422, "invalid_request"), RequestRefused),
        (refusal(426, "upgrade_required"), UpgradeRequired),
        (refusal(429, "too_many_attempts", retry_after=9), Busy),
        (refusal(503, "unavailable"), Busy),
        (refusal(500, "internal", incident="i1"), ServerFailed),
        (httpx.Response(502, text="<html>Bad Gateway</html>"), ServerFailed),
        (httpx.Response(404, text="not found"), NotOffered),
        (refusal(410, "device_wiped"), DeviceWiped),
        (httpx.Response(410, text="gone"), ServerFailed),
        (httpx.Response(302, headers={"Location": "http://portal/"}), ServerFailed),
        (httpx.Response(200, text="<html>Welcome to the Wi-Fi</html>"), ServerFailed),
        (httpx.Response(200, json={"protocol": 1}), ServerFailed),
        (httpx.Response(200, content=b""), ServerFailed),
        (httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")), Unreachable),
    ],
)
def test_every_answer_that_is_none_has_its_error(answer: httpx.Response, error: type[HcrmError]) -> None:
    assert type(told(answer)) is error


def test_what_the_answer_says_is_kept() -> None:
    busy, refused = told(refusal(503, "unavailable", retry_after=9)), told(refusal(409, "wrong_number", expected_n=7))
    assert isinstance(busy, Busy)
    assert busy.retry_after == 9
    assert isinstance(refused, Rejected)
    assert (refused.code, getattr(refused, "expected_n", None)) == ("wrong_number", 7)
    assert "i1" in str(told(refusal(500, "internal", incident="i1")))


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
def test_a_broken_connection_is_unreachable_and_says_no_address(error: type[httpx.TransportError]) -> None:
    def break_off(request: httpx.Request) -> httpx.Response:
        raise error(f"no route to {request.url}", request=request)

    found = told(break_off)
    assert type(found) is Unreachable
    assert "centre/" not in str(found)
    assert found.__cause__ is None


@pytest.mark.parametrize("url", ["", "centre", "ftp://centre", "http://", "http://[", "http://127.0.0.1:9"])
def test_an_address_that_leads_nowhere_is_unreachable(url: str) -> None:
    with pytest.raises(Unreachable):
        _greet(url)


def _greet(url: str) -> None:
    client = CentreClient(url)
    try:
        client.hello(HELLO, headers={})
    finally:
        client.close()


def test_an_answer_that_drips_is_given_up_as_a_whole() -> None:
    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            while True:
                yield b" "

    ticks = iter(range(1_000_000))
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=Drip()))
    client = CentreClient("http://centre", transport=transport, monotonic=lambda: next(ticks))
    with pytest.raises(Unreachable):
        client.hello(HELLO, headers={})
    client.close()
    assert next(ticks) <= WHOLE_SECONDS + 3


def test_secrets_travel_in_the_body_and_never_in_an_address() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return refusal(401, "wrong_credentials")

    client = CentreClient("http://centre", transport=httpx.MockTransport(answer))
    device = DeviceClaim(id=new_id(), secret=SECRET, name="PC", app_version="1")
    with pytest.raises(SessionEnded):
        client.login("li", "Geheim-1234", device=device)
    client.close()
    assert json.loads(seen[0].content)["password"] == "Geheim-1234"
    assert "Geheim" not in str(seen[0].url) + str(seen[0].headers)
