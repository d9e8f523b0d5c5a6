"""HTTP to the centre: one method a request, wire messages in and out, every refusal a typed error."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import ValidationError

from hcrm_core.absences import AbsenceRequest, Absences, AbsenceSaved
from hcrm_core.errors import HcrmError, NotPermitted, Rejected, SignInRequired, SurroundingsFailed, Unreachable
from hcrm_core.fleet import DecisionRequest, DecisionResponse, Fleet, HeldQueue, OrderRequest
from hcrm_core.handout import Share, ShareRequest
from hcrm_core.rules.messages import (
    DraftSaved,
    ParameterRequest,
    PublishRequest,
    PublishResponse,
    RejectRequest,
    Requested,
    RestoreRequest,
    RetireRequest,
    RuleHistory,
    SaveDraftRequest,
    ScanRequest,
    Scans,
    Shelf,
    Standing,
)
from hcrm_core.source import SourceKind, SourceRows
from hcrm_core.wire import (
    DeviceClaim,
    DigestRequest,
    DigestResponse,
    ErrorBody,
    FirstRequest,
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
    RefusalCode,
    SurrenderRequest,
    SurrenderResponse,
    TokenResponse,
    WaitRequest,
    WaitResponse,
)

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
WHOLE_SECONDS = 60.0  # a peer that drips bytes must not hold the conversation for ever
HELD_SECONDS = 35.0  # the centre holds the answer to a wait for 25
MAKING_SECONDS = 60.0  # the centre may have to make a file first
SNAPSHOT_SECONDS = 600.0  # a large file over a slow line; what came counts even when it is cut
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


class NotOffered(ServerFailed):
    """An older centre has no such page: do without it."""


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


class DeviceWiped(SurroundingsFailed):
    """This workstation was ordered to hand over what is unsent and to delete its files."""


class RequestRefused(Rejected):
    """The request as it is will never be honoured; the code is a RefusalCode value.

    Attributes:
        expected_n: the number the centre expects, for ``wrong_number``.
    """

    def __init__(self, code: str, message: str, *, expected_n: int | None) -> None:
        super().__init__(code, message)
        self.expected_n = expected_n


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotAnswer:
    """What is said about a snapshot file before its bytes come.

    Attributes:
        start: the place in the file of the first byte that comes; 0 if it comes whole, whatever was asked for.
        etag: names this very file; another one has nothing to do with parts held of it.
        total: bytes of the whole file; None if the centre did not say.
    """

    start: int
    etag: str
    total: int | None


_PLAIN: dict[int, type[SurroundingsFailed]] = {
    403: NotPermitted,
    404: NotOffered,
    405: NotOffered,
    426: UpgradeRequired,
}
Sink = Callable[[SnapshotAnswer, bytes], None]


class CentreClient:
    """Requests to one centre from one device. Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._aborted = False
        self._streams: list[Any] = []  # why Any: httpcore's network streams, which httpx hands on untyped
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

    def first(self, request: FirstRequest, *, headers: dict[str, str]) -> PullResponse:
        """What an empty workstation needs now. Raises NotOffered at an older centre, as do the next five."""
        return self._post("/sync/first", request, PullResponse, headers=headers)

    def wait(self, request: WaitRequest, *, headers: dict[str, str]) -> WaitResponse:
        """Returns when something moved, or after some 25 seconds without."""
        return self._post("/sync/wait", request, WaitResponse, headers=headers, read_seconds=HELD_SECONDS)

    def digests(self, request: DigestRequest, *, headers: dict[str, str]) -> DigestResponse:
        return self._post("/sync/digests", request, DigestResponse, headers=headers)

    def snapshot(
        self, stream: str, *, offset: int, etag: str | None, headers: dict[str, str], sink: Sink
    ) -> SnapshotAnswer:
        """Read a stream's snapshot file from `offset` on, if the file is still `etag`, or else whole.

        Args:
            sink: given the bytes as they come, each with the answer they belong to.
        """
        ranged = {"Range": f"bytes={offset}-", "If-Range": etag} if offset and etag else {}
        deadline = self._monotonic() + SNAPSHOT_SECONDS
        path, making = f"/sync/snapshots/{stream}", MAKING_SECONDS
        with self._response("GET", path, headers=headers | ranged, read_seconds=making) as response:
            if not response.is_success:
                raise _refusal(response, self._read(response, deadline=deadline))
            answer = _snapshot_answer(response)
            for part in response.iter_raw():
                sink(answer, part)
                self._require_time(deadline)
        return answer

    def surrender(self, request: SurrenderRequest) -> SurrenderResponse:
        """Hand over what was not sent. The device speaks for itself: its session is over."""
        return self._post("/sync/surrender", request, SurrenderResponse, headers={})

    def overview(self, *, headers: dict[str, str]) -> Overview:
        return self._get("/overview", Overview, headers=headers)

    def fleet(self, *, headers: dict[str, str]) -> Fleet:
        """All workstations. Managers and administrators."""
        return self._get("/fleet", Fleet, headers=headers)

    def order(self, device_id: UUID, request: OrderRequest, *, headers: dict[str, str]) -> None:
        """Block, unblock or wipe a workstation."""
        content = request.model_dump_json().encode()
        self._send("POST", f"/fleet/{device_id}/orders", content=content, headers=headers)

    def held(self, *, headers: dict[str, str]) -> HeldQueue:
        """Operations that wait for a decision. Managers."""
        return self._get("/held", HeldQueue, headers=headers)

    def decide(self, op_id: UUID, request: DecisionRequest, *, headers: dict[str, str]) -> DecisionResponse:
        """Apply or dismiss a held operation."""
        return self._post(f"/held/{op_id}", request, DecisionResponse, headers=headers)

    def share(self, request: ShareRequest, *, headers: dict[str, str]) -> Share:
        """Open a child's page to a tablet. Raises NotPermitted where the child is not the sharer's."""
        return self._post("/shares", request, Share, headers=headers)

    def end_share(self, share_id: UUID, *, headers: dict[str, str]) -> None:
        """Close such a page before its time."""
        self._send("DELETE", f"/shares/{share_id}", content=b"", headers=headers)

    def sources(self, kind: SourceKind, row_id: UUID, *, headers: dict[str, str]) -> SourceRows:
        """The source rows behind one row. Raises NotPermitted where there is none for the reader."""
        return self._get(f"/sources/{kind}/{row_id}", SourceRows, headers=headers)

    # ── rules: managers ──────────────────────────────────────────────────────────────────────────────────

    def shelf(self, *, headers: dict[str, str]) -> Shelf:
        """All rules, parameters and SOPs in force."""
        return self._get("/rules", Shelf, headers=headers)

    def rule_history(self, key: str, *, headers: dict[str, str]) -> RuleHistory:
        return self._get(f"/rules/{key}", RuleHistory, headers=headers)

    def save_draft(self, key: str, request: SaveDraftRequest, *, headers: dict[str, str]) -> DraftSaved:
        """Raises RequestRefused ``stale``, as all that follow do when somebody else was first."""
        return self._post(f"/rules/{key}/draft", request, DraftSaved, headers=headers)

    def drop_draft(self, key: str, ver: int, *, headers: dict[str, str]) -> None:
        self._send("DELETE", f"/rules/{key}/draft/{ver}", content=b"", headers=headers)

    def publish(self, key: str, request: PublishRequest, *, headers: dict[str, str]) -> PublishResponse:
        """Raises RequestRefused ``rule_unsound``."""
        return self._post(f"/rules/{key}/publish", request, PublishResponse, headers=headers)

    def reject(self, key: str, request: RejectRequest, *, headers: dict[str, str]) -> None:
        self._send("POST", f"/rules/{key}/reject", content=request.model_dump_json().encode(), headers=headers)

    def retire(self, key: str, request: RetireRequest, *, headers: dict[str, str]) -> Requested:
        return self._post(f"/rules/{key}/retire", request, Requested, headers=headers)

    def restore(self, key: str, request: RestoreRequest, *, headers: dict[str, str]) -> PublishResponse:
        return self._post(f"/rules/{key}/restore", request, PublishResponse, headers=headers)

    def set_parameter(self, key: str, request: ParameterRequest, *, headers: dict[str, str]) -> Requested:
        return self._post(f"/parameters/{key}", request, Requested, headers=headers)

    def requested(self, request_id: UUID, *, headers: dict[str, str]) -> Requested:
        """What became of a re-evaluation; `finished_at` is None while it runs."""
        return self._get(f"/scans/requests/{request_id}", Requested, headers=headers)

    def scans(self, *, headers: dict[str, str]) -> Scans:
        return self._get("/scans", Scans, headers=headers)

    def ask_scan(self, *, headers: dict[str, str]) -> Requested:
        return self._post("/scans", ScanRequest(), Requested, headers=headers)

    def question(self, name: str, request: Message, answer: type[M], *, headers: dict[str, str]) -> M:
        """Ask about a rule that is being edited. Raises RequestRefused ``asked_too_much``, ``called_off``.

        Args:
            name: "counts", "histogram", "sweep", "diff", "backtest", "overlap", "explain" or "parameter".
            request: a `hcrm_core.rules.messages.Trial`, or what the question takes.
            answer: the message that it is answered with.
            headers: of the session.
        """
        path = f"/questions/{name}"
        return self._post(path, request, answer, headers=headers, read_seconds=WHOLE_SECONDS)

    def call_off(self, ask: UUID, *, headers: dict[str, str]) -> None:
        """A question is not of interest any more."""
        self._send("DELETE", f"/questions/{ask}", content=b"", headers=headers)

    def standing(self, customer_id: UUID, *, headers: dict[str, str]) -> Standing:
        """All segments of a customer, present and past."""
        return self._get(f"/customers/{customer_id}/segments", Standing, headers=headers)

    def absences(self, *, headers: dict[str, str]) -> Absences:
        return self._get("/absences", Absences, headers=headers)

    def enter_absence(self, request: AbsenceRequest, *, headers: dict[str, str]) -> AbsenceSaved:
        return self._post("/absences", request, AbsenceSaved, headers=headers)

    def cancel_absence(self, absence_id: UUID, *, headers: dict[str, str]) -> None:
        self._send("DELETE", f"/absences/{absence_id}", content=b"", headers=headers)

    def abort(self) -> None:
        """Break off what runs in other threads: they are told Unreachable. Nothing can be asked any more."""
        self._aborted = True
        for stream in self._streams:
            _break(stream)
        self.close()

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, answer: type[M], *, headers: dict[str, str]) -> M:
        return _parsed(self._send("GET", path, content=b"", headers=headers), answer)

    def _post(
        self,
        path: str,
        request: Message,
        answer: type[M],
        *,
        headers: dict[str, str],
        read_seconds: float = READ_SECONDS,
    ) -> M:
        content = request.model_dump_json().encode()
        return _parsed(self._send("POST", path, content=content, headers=headers, read_seconds=read_seconds), answer)

    def _send(
        self, method: str, path: str, *, content: bytes, headers: dict[str, str], read_seconds: float = READ_SECONDS
    ) -> bytes:
        deadline = self._monotonic() + WHOLE_SECONDS
        sent = {"Content-Type": "application/json", **headers} if content else headers
        with self._response(method, path, content=content, headers=sent, read_seconds=read_seconds) as response:
            body = self._read(response, deadline=deadline)
        if not response.is_success:
            raise _refusal(response, body)
        return body

    @contextlib.contextmanager
    def _response(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        content: bytes = b"",
        read_seconds: float = READ_SECONDS,
    ) -> Iterator[httpx.Response]:
        if self._http.is_closed:
            raise _unreachable("closed")
        timeout = httpx.Timeout(read_seconds, connect=CONNECT_SECONDS)
        extensions = {"trace": self._note_connection}
        try:
            with self._http.stream(
                method, path, content=content, headers=headers, timeout=timeout, extensions=extensions
            ) as response:
                yield response
        except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
            raise _unreachable(type(error).__name__) from None  # the original carries the address and may carry more

    def _note_connection(self, event: str, said: dict[str, Any]) -> None:
        """Remember what `abort` has to break; the latest few, because a client keeps few connections."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams = [*self._streams[-8:], said["return_value"]]
            if self._aborted:  # while it connected
                _break(said["return_value"])

    def _read(self, response: httpx.Response, *, deadline: float) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            self._require_time(deadline)
        return bytes(body)

    def _require_time(self, deadline: float) -> None:
        if self._monotonic() > deadline:
            raise httpx.ReadTimeout("the answer as a whole took too long")


def _break(stream: Any) -> None:
    with contextlib.suppress(OSError, AttributeError):  # closed already
        stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def _unreachable(what: str) -> Unreachable:
    return Unreachable(
        f"the centre does not answer ({what})",
        remedy="check the network and the address of the centre; work goes on meanwhile",
    )


def _snapshot_answer(response: httpx.Response) -> SnapshotAnswer:
    """Content-Range: ``bytes 100-199/200``; a whole file has none."""
    etag, length = response.headers.get("ETag", ""), response.headers.get("Content-Length", "")
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return SnapshotAnswer(start=0, etag=etag, total=int(length) if length.isdigit() else None)
    span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    if not first.isdigit():
        raise ServerFailed("a part of a file without its place", remedy="check the address of the centre")
    return SnapshotAnswer(start=int(first), etag=etag, total=int(total) if total.isdigit() else None)


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
    plain = _PLAIN.get(response.status_code)
    if plain is not None:
        return plain(said.message, remedy=said.remedy)
    match response.status_code:
        case 401:
            return SessionEnded(said.message, remedy=said.remedy, code=said.code)
        case 410 if said.code == RefusalCode.DEVICE_WIPED:
            return DeviceWiped(said.message, remedy=said.remedy)
        case 429 | 503:
            return Busy(said.message, remedy=said.remedy, retry_after=_seconds(response.headers.get("Retry-After")))
        case 400 | 408 | 409 | 413 | 422 if said.code:
            return RequestRefused(said.code, said.message, expected_n=said.expected_n)
    return ServerFailed(f"{said.message} {said.incident or ''}".strip(), remedy=said.remedy)


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isdigit() else None
