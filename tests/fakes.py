"""Fakes for our own seams, by name. Everything else in the tests is the real part."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from keyring.errors import KeyringLocked

from hcrm_core.errors import Unreachable
from hcrm_core.fleet import DecisionRequest, DecisionResponse, Fleet, FleetDevice, HeldItem, HeldQueue, OrderRequest
from hcrm_core.rules import Parameter, Rule
from hcrm_core.rules.messages import (
    DraftSaved,
    ParameterLine,
    ParameterRequest,
    PublishRequest,
    PublishResponse,
    RejectRequest,
    Requested,
    RestoreRequest,
    RetireRequest,
    RuleHead,
    RuleHistory,
    RuleState,
    RuleVersionLine,
    SaveDraftRequest,
    Scans,
    Shelf,
    SiteName,
    Standing,
)
from hcrm_core.wire import Message, ResultStatus
from hcrm_desktop.sync.client import NotOffered, RequestRefused, Sink, SnapshotAnswer


class FakeClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, at: datetime = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


class LosingTransport(httpx.BaseTransport):
    """Real HTTP whose answers get lost: the centre has worked, the workstation does not hear of it."""

    def __init__(self, *paths: str) -> None:
        self._http, self.losing = httpx.HTTPTransport(), set(paths)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._http.handle_request(request)
        if request.url.path not in self.losing:
            return response
        response.read()
        response.close()
        raise httpx.ReadError("the connection broke")

    def close(self) -> None:
        self._http.close()


class Blackhole(httpx.BaseTransport):
    """The first request gets no answer and no end before it is let go; all others reach an answering function.

    Attributes:
        fallen: set when the first request is in.
        let_go: to be set by the test.
    """

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer, self._first = answer, threading.Lock()
        self.fallen, self.let_go = threading.Event(), threading.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._first.acquire(blocking=False):
            self.fallen.set()
            self.let_go.wait(60)
        request.read()
        return self._answer(request)


class Ticks:
    """Monotonic seconds that pass when they are told to."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._seconds += seconds


class MissingPages(httpx.BaseTransport):
    """Real HTTP to a centre that lacks some pages, as an older one does.

    Attributes:
        asked: the paths, in order.
    """

    def __init__(self, *paths: str) -> None:
        self._http, self._missing = httpx.HTTPTransport(), paths
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if request.url.path.startswith(self._missing):
            return httpx.Response(404)
        return self._http.handle_request(request)

    def close(self) -> None:
        self._http.close()


class ListeningTransport(httpx.BaseTransport):
    """Real HTTP that keeps every byte that came in."""

    def __init__(self) -> None:
        self._http, self.received = httpx.HTTPTransport(), bytearray()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._http.handle_request(request)
        body = response.read()
        response.close()
        self.received += body
        headers = [(name, value) for name, value in response.headers.items() if name != "content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    def close(self) -> None:
        self._http.close()


class MemoryKeyring:
    """A key store that keeps what it is given."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], str] = {}

    @classmethod
    def named(cls, backend: str = "keyring.backends.SecretService") -> "MemoryKeyring":
        """One that comes from the module of a back end."""
        return type(cls.__name__, (cls,), {"__module__": backend})()

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self._kept[service, username]


class ForgetfulKeyring(MemoryKeyring):
    """Swallows what it is given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return


class LockedKeyring(MemoryKeyring):
    """Refuses."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")


class FakeOffice:
    """The centre as managers ask it: workstations and held operations, kept in memory.

    Attributes:
        error: raised instead of an answer, as when the cable is out.
        verdict: what deciding about a held operation answers.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.devices: list[FleetDevice] = []
        self.items: list[HeldItem] = []
        self.orders: list[tuple[UUID, OrderRequest]] = []
        self.decisions: list[tuple[UUID, DecisionRequest]] = []
        self.verdict = DecisionResponse(status=ResultStatus.APPLIED)
        self.error: Exception | None = None

    def fleet(self, *, headers: dict[str, str]) -> Fleet:
        self._answer()
        return Fleet(as_of=self._clock.now(), current_version="1.10.0", devices=self.devices)

    def order(self, device_id: UUID, request: OrderRequest, *, headers: dict[str, str]) -> None:
        self._answer()
        self.orders.append((device_id, request))

    def held(self, *, headers: dict[str, str]) -> HeldQueue:
        self._answer()
        return HeldQueue(items=self.items)

    def decide(self, op_id: UUID, request: DecisionRequest, *, headers: dict[str, str]) -> DecisionResponse:
        self._answer()
        self.decisions.append((op_id, request))
        if self.verdict.status is not ResultStatus.HELD:
            self.items = [item for item in self.items if item.op_id != op_id]
        return self.verdict

    def _answer(self) -> None:
        if self.error is not None:
            raise self.error


class FakeConversation:
    """A conversation that only puts questions, to a FakeOffice."""

    def __init__(self, office: FakeOffice) -> None:
        self._office = office

    def consult(self, question: Callable[[Any, dict[str, str]], Any]) -> Any:
        return question(self._office, {})

    def kick(self) -> None:
        """There is nothing to hurry."""

    def hang_up(self) -> None:
        """Nothing hangs."""

    def end(self) -> bool:
        return True


class SnapshotShelf:
    """Serves one file of a stream, or a part of it, in small pieces, and cuts the line where it is told to."""

    def __init__(self, content: bytes, *, etag: str = '"one"', says_total: bool = True) -> None:
        self.content, self.etag, self.says_total = content, etag, says_total
        self.cut_after: int | None = None
        self.asked: list[int] = []

    def __call__(self, stream: str, *, offset: int, etag: str | None, sink: Sink) -> SnapshotAnswer:
        start = offset if offset and etag == self.etag else 0
        self.asked.append(start)
        answer = SnapshotAnswer(start=start, etag=self.etag, total=len(self.content) if self.says_total else None)
        end = len(self.content) if self.cut_after is None else start + self.cut_after
        for place in range(start, min(end, len(self.content)), 1000):
            sink(answer, self.content[place : min(place + 1000, end)])
        if end < len(self.content):
            raise Unreachable("the line was cut", remedy="later")
        return answer


class FakeRuleOffice(FakeOffice):
    """The centre as the rule pages ask it: one published version of each rule, and drafts.

    Attributes:
        versions: by key, newest first.
        saved: what was asked to be kept.
        stale: somebody else has changed every draft.
        two_person: publishing takes a second person.
        published: what was asked to be put in force.
        set_parameters: what was asked to be set, by key.
        restored: what was gone back to.
        ended: what was taken out of force.
        scanned: how the scan does.
        scan_asked: how often a scan was asked for.
        answers: to questions about a rule, by name.
        asked: the questions, in order.
        called_off: those that were not of interest any more.
        standings: segments of customers.
        gate: answers wait for it; open from the beginning.
    """

    def __init__(self, clock: FakeClock, *, rules: Sequence[Rule], parameters: Sequence[Parameter]) -> None:
        super().__init__(clock)
        self.versions = {rule.key: [self._published(rule)] for rule in rules}
        self.parameters = list(parameters)
        self.saved: list[SaveDraftRequest] = []
        self.stale = False
        self.two_person = False
        self.published: list[PublishRequest] = []
        self.set_parameters: list[tuple[str, ParameterRequest]] = []
        self.restored: list[RestoreRequest] = []
        self.ended: list[RetireRequest] = []
        self.scanned = Scans(runs=[], missed=None, waiting=0, quarantine=[])
        self.scan_asked = 0
        self.answers: dict[str, Message] = {}
        self.asked: list[tuple[str, Any]] = []
        self.called_off: list[UUID] = []
        self.standings: dict[UUID, Standing] = {}
        self.gate = threading.Event()
        self.gate.set()

    def question(self, name: str, request: Any, answer: type[Message], *, headers: dict[str, str]) -> Message:
        self.asked.append((name, request))
        self.gate.wait(10)
        self._answer()
        if name not in self.answers:
            raise NotOffered("an older centre", remedy="upgrade it")
        return self.answers[name]

    def standing(self, customer_id: UUID, *, headers: dict[str, str]) -> Standing:
        self._answer()
        return self.standings[customer_id]

    def call_off(self, ask: UUID, *, headers: dict[str, str]) -> None:
        self.called_off.append(ask)

    def shelf(self, *, headers: dict[str, str]) -> Shelf:
        self._answer()
        lines = [
            ParameterLine(
                parameter=one.model_dump(mode="json"),
                default=one.value,
                number=1,
                set_at=self._clock.now(),
                author="",
                note="",
                used_by=[],
            )
            for one in self.parameters
        ]
        return Shelf(
            as_of=self._clock.now(),
            two_person=self.two_person,
            customers=12_480,
            rules=[self._head(key) for key in self.versions],
            parameters=lines,
            sops=[],
            sites=[SiteName(id=UUID(int=n), code=code, name=name) for n, code, name in SITES],
            unknown={},
            capacity=40,
        )

    def rule_history(self, key: str, *, headers: dict[str, str]) -> RuleHistory:
        self._answer()
        return RuleHistory(key=key, versions=self.versions[key])

    def save_draft(self, key: str, request: SaveDraftRequest, *, headers: dict[str, str]) -> DraftSaved:
        self._answer()
        if self.stale:
            raise RequestRefused("stale", "another draft is there", expected_n=None)
        self.saved.append(request)
        rule = Rule.model_validate(request.definition)
        others = [one for one in self.versions.get(key, []) if one.state is not RuleState.DRAFT]
        draft = self._published(rule).model_copy(
            update={"number": 2, "state": RuleState.DRAFT, "ver": len(self.saved), "based_on": request.based_on}
        )
        self.versions[key] = [draft, *others]
        return DraftSaved(number=2, ver=len(self.saved))

    def publish(self, key: str, request: PublishRequest, *, headers: dict[str, str]) -> PublishResponse:
        self._answer()
        if self.stale:
            raise RequestRefused("stale", "another draft is there", expected_n=None)
        self.published.append(request)
        draft, *others = self.versions[key]
        retired = [one.model_copy(update={"state": RuleState.RETIRED}) for one in others]
        state = RuleState.PROPOSED if self.two_person and draft.state is RuleState.DRAFT else RuleState.PUBLISHED
        kept = others if state is RuleState.PROPOSED else retired
        self.versions[key] = [draft.model_copy(update={"state": state, "ver": draft.ver + 1}), *kept]
        request_id = None if state is RuleState.PROPOSED else uuid4()
        return PublishResponse(state=state, number=draft.number, request_id=request_id)

    def reject(self, key: str, request: RejectRequest, *, headers: dict[str, str]) -> None:
        self._answer()
        draft, *others = self.versions[key]
        self.versions[key] = [draft.model_copy(update={"state": RuleState.DRAFT}), *others]

    def set_parameter(self, key: str, request: ParameterRequest, *, headers: dict[str, str]) -> Requested:
        self._answer()
        if self.stale:
            raise RequestRefused("stale", "another value is there", expected_n=None)
        self.set_parameters.append((key, request))
        return Requested(request_id=uuid4())

    def restore(self, key: str, request: RestoreRequest, *, headers: dict[str, str]) -> PublishResponse:
        self._answer()
        if self.stale:
            raise RequestRefused("stale", "another version is there", expected_n=None)
        self.restored.append(request)
        return PublishResponse(state=RuleState.PUBLISHED, number=9, request_id=uuid4())

    def retire(self, key: str, request: RetireRequest, *, headers: dict[str, str]) -> Requested:
        self._answer()
        self.ended.append(request)
        return Requested(request_id=uuid4())

    def scans(self, *, headers: dict[str, str]) -> Scans:
        self._answer()
        return self.scanned

    def ask_scan(self, *, headers: dict[str, str]) -> Requested:
        self._answer()
        self.scan_asked += 1
        return Requested(request_id=uuid4())

    def requested(self, request_id: UUID, *, headers: dict[str, str]) -> Requested:
        self._answer()
        return Requested(request_id=request_id, finished_at=self._clock.now(), entered=12, left=3, created=9)

    def _published(self, rule: Rule) -> RuleVersionLine:
        return RuleVersionLine(
            id=uuid4(),
            number=1,
            state=RuleState.PUBLISHED,
            ver=1,
            definition=rule.as_json(),
            author="",
            created_at=self._clock.now(),
            based_on=None,
            note="",
            published_at=self._clock.now(),
            published_by="",
            retired_at=None,
        )

    def _head(self, key: str) -> RuleHead:
        states = {one.state: one for one in self.versions[key]}
        rule = Rule.model_validate(self.versions[key][0].definition)
        draft = states.get(RuleState.DRAFT) or states.get(RuleState.PROPOSED)
        published = states.get(RuleState.PUBLISHED)
        return RuleHead(
            key=key,
            label=rule.label,
            segment_key=rule.segment.key,
            segment_label=rule.segment.label,
            tone=rule.segment.tone,
            rank=rule.segment.rank,
            exclusive=rule.exclusive,
            priority=rule.priority,
            published=None if published is None else published.number,
            published_at=self._clock.now(),
            draft=None if draft is None else draft.number,
            draft_state=None if draft is None else draft.state,
            draft_author="",
            customers=312,
            needs_measurement=0,
            failed=False,
            reevaluating=False,
        )


SITES = ((1, "north", "城北院区"), (2, "south", "城南院区"))
