"""HTTP to the centre: one method a request, wire messages in and out, every refusal a typed error."""

import time
from collections.abc import Callable
from typing import TypeVar

import httpx
from pydantic import ValidationError

from hcrm_core.errors import HcrmError, NotPermitted, Rejected, SignInRequired, SurroundingsFailed, Unreachable
from hcrm_core.wire import (
    DeviceClaim,
    ErrorBody,
    HelloRequest,
    HelloResponse,
    LoginRequest,
    Message,
    Overview,
    PullRequest,
    PullResponse,
    PushRequest,
    PushResponse,
    RefreshRequest,
    TokenResponse,
)

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
WHOLE_SECONDS = 60.0  # a peer that drips bytes must not hold the conversation for ever
M = TypeVar("M", bound=Message)


class Busy(Unreachable):
    """The centre asks to come back later.

    Attributes:
        retry_after: seconds, if it said how many.
    """

    def __init__(self, message: str, *, remedy: str, retry_after: float | None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class ServerFailed(Unreachable):
    """The centre has a fault, or something else answers in its place."""


class SessionEnded(SignInRequired):
    """The token is not accepted any more; a refresh may help.

    Attributes:
        code: why, a RefusalCode value.
    """

    def __init__(self, message: str, *, remedy: str, code: str) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class UpgradeRequired(SurroundingsFailed):
    """The centre does not speak this release's protocol any more."""


class RequestRefused(Rejected):
    """The request as it is will never be honoured; the code is a RefusalCode value.

    Attributes:
        expected_n: the number the centre expects, for ``wrong_number``.
    """

    def __init__(self, code: str, message: str, *, expected_n: int | None) -> None:
        super().__init__(code, message)
        self.expected_n = expected_n


class CentreClient:
    """Requests to one centre from one device."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._http = httpx.Client(
            base_url=base_url.rstrip("/"),
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            transport=transport,
            trust_env=False,  # a clinic's centre is on its own network: no proxy of the environment
            headers={"Accept": "application/json"},
        )

    def login(self, username: str, password: str, *, device: DeviceClaim) -> TokenResponse:
        """Sign in. Raises SessionEnded with ``wrong_credentials``, ``account_inactive``, ``device_revoked`` …"""
        request = LoginRequest(username=username, password=password, device=device)
        return self._post("/auth/login", request, TokenResponse, headers={})

    def refresh(self, refresh_token: str, *, device: DeviceClaim) -> TokenResponse:
        request = RefreshRequest(refresh_token=refresh_token, device=device)
        return self._post("/auth/refresh", request, TokenResponse, headers={})

    def logout(self, *, headers: dict[str, str]) -> None:
        self._send("POST", "/auth/logout", content=b"", headers=headers)

    def hello(self, request: HelloRequest, *, headers: dict[str, str]) -> HelloResponse:
        return self._post("/sync/hello", request, HelloResponse, headers=headers)

    def pull(self, request: PullRequest, *, headers: dict[str, str]) -> PullResponse:
        return self._post("/sync/pull", request, PullResponse, headers=headers)

    def push(self, request: PushRequest, *, headers: dict[str, str]) -> PushResponse:
        """Raises RequestRefused: ``wrong_number``, ``new_device``, or for good, e.g. ``too_large``."""
        return self._post("/sync/push", request, PushResponse, headers=headers)

    def overview(self, *, headers: dict[str, str]) -> Overview:
        return _parsed(self._send("GET", "/overview", content=b"", headers=headers), Overview)

    def close(self) -> None:
        self._http.close()

    def _post(self, path: str, request: Message, answer: type[M], *, headers: dict[str, str]) -> M:
        content = request.model_dump_json().encode()
        return _parsed(self._send("POST", path, content=content, headers=headers), answer)

    def _send(self, method: str, path: str, *, content: bytes, headers: dict[str, str]) -> bytes:
        deadline = self._monotonic() + WHOLE_SECONDS
        sent = {"Content-Type": "application/json", **headers} if content else headers
        try:
            with self._http.stream(method, path, content=content, headers=sent) as response:
                body = self._read(response, deadline=deadline)
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.DecodingError) as error:
            raise Unreachable(
                f"the centre does not answer ({type(error).__name__})",
                remedy="check the network and the address of the centre; work goes on meanwhile",
            ) from None  # the original carries the address and may carry more
        if not response.is_success:
            raise _refusal(response, body)
        return body

    def _read(self, response: httpx.Response, *, deadline: float) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if self._monotonic() > deadline:
                raise httpx.ReadTimeout("the answer as a whole took too long")
        return bytes(body)


def _parsed(body: bytes, answer: type[M]) -> M:
    try:
        return answer.model_validate_json(body)
    except ValidationError as error:
        raise ServerFailed(
            f"the answer is not a {answer.__name__}: {error.error_count()} differences",
            remedy="check the address of the centre; something else may answer there",
        ) from None


def _refusal(response: httpx.Response, body: bytes) -> HcrmError:
    try:
        said = ErrorBody.model_validate_json(body)
    except ValidationError:
        said = ErrorBody(code="", message=f"status {response.status_code}", remedy="check the address of the centre")
    match response.status_code:
        case 401:
            return SessionEnded(said.message, remedy=said.remedy, code=said.code)
        case 403:
            return NotPermitted(said.message, remedy=said.remedy)
        case 426:
            return UpgradeRequired(said.message, remedy=said.remedy)
        case 429 | 503:
            return Busy(said.message, remedy=said.remedy, retry_after=_seconds(response.headers.get("Retry-After")))
        case 400 | 409 | 413 | 422 if said.code:
            return RequestRefused(said.code, said.message, expected_n=said.expected_n)
    return ServerFailed(f"{said.message} {said.incident or ''}".strip(), remedy=said.remedy)


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isdigit() else None
