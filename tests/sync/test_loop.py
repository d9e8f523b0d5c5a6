"""When the workstation talks, how long it waits, and what it says of the connection."""

import random
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from hcrm_core.terms import Channel, Outcome, Role
from hcrm_core.wire import OperationKind, Person, PushRequest
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW, Intent
from hcrm_desktop.cache.rows import Changes, Delivery, SyncStatus, UnsentItem
from hcrm_desktop.cache.tables import CUSTOMER
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync import conversation as conversations
from hcrm_desktop.sync import loop as loops
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.conversation import Conversation
from hcrm_desktop.sync.loop import Listeners, SyncLoop
from hcrm_desktop.sync.session import SESSION
from hcrm_desktop.sync.states import SyncState
from hcrm_store.base import new_id
from tests.fakes import FakeClock
from tests.sync.scripted import EPOCH, ME, ScriptedCentre


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def loop(signed_in: Workspace, centre: ScriptedCentre, told: list[Any]) -> Iterator[SyncLoop]:
    client = CentreClient("http://centre", transport=httpx.MockTransport(centre))
    listeners = Listeners(state_changed=lambda: told.append(status(signed_in)), data_changed=told.append)
    yield SyncLoop(signed_in, client, listeners=listeners, chance=random.Random(1))
    client.close()


def status(workspace: Workspace) -> SyncStatus:
    with workspace.read() as session:
        return queries.sync_status(session)


def around(seconds: float) -> Any:
    return pytest.approx(seconds, rel=loops.JITTER)


def test_a_good_cycle_says_when_and_polls_later(loop: SyncLoop, signed_in: Workspace, clock: FakeClock) -> None:
    assert loop.step() == around(loops.POLL_SECONDS)
    found = status(signed_in)
    assert (found.online, found.last_success_at, found.offline_since, found.problem) == (True, clock.now(), None, "")
    assert loop.state is SyncState.IDLE


def test_waits_grow_while_nobody_answers_and_never_beyond_the_limit(loop: SyncLoop, centre: ScriptedCentre) -> None:
    centre.unplug()
    waits = [loop.step() for _ in range(14)]
    assert waits[0] == around(loops.BACKOFF_FIRST_SECONDS)
    assert waits[4] == around(16)
    assert waits[-1] == around(loops.BACKOFF_MOST_SECONDS)
    assert loop.state is SyncState.BACKOFF
    centre.plug_in()
    assert loop.step() == around(loops.POLL_SECONDS)
    centre.unplug()
    assert loop.step() == around(loops.BACKOFF_FIRST_SECONDS)


def test_offline_is_told_since_the_last_answer(
    loop: SyncLoop, signed_in: Workspace, centre: ScriptedCentre, clock: FakeClock
) -> None:
    loop.step()
    heard = clock.now()
    centre.unplug()
    for _ in range(3):
        clock.advance(timedelta(minutes=5))
        loop.step()
    found = status(signed_in)
    assert (found.online, found.offline_since, found.last_success_at, found.problem) == (
        False,
        heard,
        heard,
        "unreachable",
    )


def test_after_a_start_the_connection_is_not_claimed_before_it_is_there(
    loop: SyncLoop, signed_in: Workspace, clock: FakeClock
) -> None:
    loop.step()
    client = CentreClient("http://centre")
    SyncLoop(signed_in, client, listeners=Listeners(state_changed=lambda: None, data_changed=lambda _changes: None))
    client.close()
    assert (status(signed_in).online, status(signed_in).last_success_at) == (False, clock.now())


@pytest.mark.parametrize(
    ("refusal", "problem"),
    [
        ((401, "device_revoked"), "revoked"),
        ((401, "account_inactive"), "sign_in_required"),
        ((426, "upgrade_required"), "upgrade_required"),
    ],
)
def test_what_needs_a_person_is_named_and_asked_for_seldom(
    loop: SyncLoop, signed_in: Workspace, centre: ScriptedCentre, refusal: tuple[int, str], problem: str
) -> None:
    centre.refuse(*refusal)
    assert loop.step() == around(loops.BLOCKED_SECONDS)
    assert loop.state is SyncState.BLOCKED
    assert status(signed_in).problem == problem


def test_without_a_session_nothing_is_asked_but_whether_the_workstation_may_stay(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace
) -> None:
    signed_in.outbox.keep(SESSION, None)
    for refusal in ("session_ended", "device_revoked", "session_ended"):
        centre.refuse(401, refusal, path="/auth/refresh")
        loop.step()
        found = status(signed_in)
        assert found.problem == ("revoked" if refusal == "device_revoked" else "sign_in_required")
        assert found.lease_over == (refusal == "device_revoked")
    assert centre.asked == ["/auth/refresh"] * 3


def test_a_busy_centre_is_left_alone_for_as_long_as_it_says(loop: SyncLoop, centre: ScriptedCentre) -> None:
    centre.refuse(503, "unavailable", **{"Retry-After": "40"})
    assert loop.step() == around(40)
    centre.refuse(503, "unavailable", **{"Retry-After": "999999"})
    assert loop.step() == around(loops.BUSY_MOST_SECONDS)


def test_a_fault_of_the_centre_is_not_called_a_lost_connection(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace
) -> None:
    centre.refuse(500, "internal")
    loop.step()
    assert status(signed_in).problem == "server_error"


def test_a_bug_in_one_cycle_does_not_end_the_conversation(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(_request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError("王欣怡")

    greeting, centre.answers["/sync/hello"] = centre.answers["/sync/hello"], stumble
    assert loop.step() == around(loops.BACKOFF_FIRST_SECONDS)
    assert status(signed_in).problem == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    assert "王欣怡" not in caplog.text
    centre.answers["/sync/hello"] = greeting
    assert loop.step() == around(loops.POLL_SECONDS)


def test_a_stuck_push_does_not_keep_the_pull(loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace) -> None:
    with signed_in.write() as session:
        session.execute(CUSTOMER.insert().values(id=(child := new_id())))
    commands.record_follow_up(signed_in, customer_id=child, channel=Channel.PHONE, outcome=Outcome.NO_ANSWER)
    signed_in.clock.advance(UNDO_WINDOW)  # type: ignore[attr-defined]
    fault = {"code": "internal", "message": "m", "remedy": "r"}
    centre.answers["/sync/push"] = lambda _request: httpx.Response(500, json=fault)
    loop.step()
    assert centre.asked == ["/sync/hello", "/sync/push", "/sync/pull"]
    assert (status(signed_in).online, status(signed_in).problem) == (True, "server_error")


def test_an_entry_is_sent_when_it_leaves_its_undo_window(loop: SyncLoop, signed_in: Workspace) -> None:
    with signed_in.write() as session:
        session.execute(CUSTOMER.insert().values(id=(child := new_id())))
    commands.record_follow_up(signed_in, customer_id=child, channel=Channel.PHONE, outcome=Outcome.NO_ANSWER)
    assert loop.step() == UNDO_WINDOW.total_seconds()


def test_listeners_hear_of_changes_only(loop: SyncLoop, told: list[Any]) -> None:
    for _ in range(2):
        loop.step()
    assert [type(one) for one in told] == [SyncStatus]


def test_one_entry_that_can_never_be_taken_does_not_keep_back_the_others(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace, clock: FakeClock
) -> None:
    with signed_in.write() as session:
        session.execute(CUSTOMER.insert().values(id=(child := new_id())))
    for outcome in (Outcome.NO_ANSWER, Outcome.DECLINED, Outcome.CONSIDERING):
        commands.record_follow_up(signed_in, customer_id=child, channel=Channel.PHONE, outcome=outcome)
    clock.advance(UNDO_WINDOW)
    pushes = centre.answers["/sync/push"] = Refusing("declined")
    loop.step()
    assert pushes.taken == ["no_answer", "considering"]
    with signed_in.read() as session:
        (item,) = queries.unsent_items(session)
    assert (item.reason, item.delivery.value) == ("invalid_request", "held")


class Refusing:
    """Answers for pushes: refuses any with one outcome in it, for good."""

    def __init__(self, outcome: str) -> None:
        self._outcome, self.taken = outcome, list[str]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        operations = PushRequest.model_validate_json(request.content).operations
        outcomes = [operation.body["outcome"] for operation in operations]
        if self._outcome in outcomes:
            return httpx.Response(422, json={"code": "invalid_request", "message": "m", "remedy": "r"})
        first = len(self.taken) + 1
        assert [operation.n for operation in operations] == list(range(first, first + len(operations)))
        self.taken += outcomes
        results = [{"n": one.n, "op_id": str(one.op_id), "status": "applied", "ver": 1} for one in operations]
        return httpx.Response(200, json={"epoch": EPOCH, "expected_n": len(self.taken) + 1, "results": results})


def test_the_loop_runs_at_a_kick_and_ends_at_a_stop(loop: SyncLoop, centre: ScriptedCentre) -> None:
    asked = threading.Semaphore(0)
    greeting = centre.answers["/sync/hello"]

    def greet(request: httpx.Request) -> httpx.Response:
        asked.release()
        return greeting(request)

    centre.answers["/sync/hello"] = greet
    thread = threading.Thread(target=loop.run)
    thread.start()
    for _ in range(3):
        assert asked.acquire(timeout=10)
        loop.kick()
    loop.stop()
    thread.join(10)
    assert loop.state is SyncState.STOPPED


def test_a_conversation_ends_when_it_is_told_to(signed_in: Workspace) -> None:
    tried = threading.Event()

    def changed() -> None:
        tried.set()

    listeners = Listeners(state_changed=changed, data_changed=lambda _changes: None)
    conversation = Conversation(signed_in, "http://127.0.0.1:9", listeners=listeners)
    assert tried.wait(10)
    conversation.kick()
    assert conversation.end()


def test_whoever_leaves_a_centre_that_does_not_answer_is_not_kept_and_loses_nothing(
    signed_in: Workspace, centre: ScriptedCentre, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last push hangs in the network: the window closes all the same, and the entry waits for the next start."""
    monkeypatch.setattr(conversations, "LEAVE_SECONDS", 0.05)
    monkeypatch.setattr(conversations, "ABORT_SECONDS", 0.05)
    asked, let_go = threading.Event(), threading.Event()

    def hang(_request: httpx.Request) -> httpx.Response:
        asked.set()
        let_go.wait(30)
        raise httpx.ReadError("gone")

    def client(_url: str) -> CentreClient:
        return CentreClient("http://centre", transport=httpx.MockTransport(centre))

    centre.answers["/sync/push"] = hang
    with signed_in.write() as session:
        session.execute(CUSTOMER.insert().values(id=(child := new_id())))
    commands.record_follow_up(signed_in, customer_id=child, channel=Channel.PHONE, outcome=Outcome.NO_ANSWER)
    clock.advance(UNDO_WINDOW)
    listeners = Listeners(state_changed=lambda: None, data_changed=lambda _changes: None)
    conversation = Conversation(signed_in, "http://centre", listeners=listeners, connect=client)
    assert asked.wait(10)
    assert not conversation.end()
    monkeypatch.undo()
    let_go.set()
    assert conversation.end()
    assert status(signed_in).unsent == 1


def test_an_answer_that_comes_after_somebody_else_signed_in_is_for_nobody(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace
) -> None:
    other = Person(account_id=new_id(), staff_id=None, name="王经理", role=Role.MANAGER, site_ids=[])
    nothing = centre.answers["/sync/pull"]

    def slow(request: httpx.Request) -> httpx.Response:
        signed_in.admit(other)
        answer = nothing(request).json()
        answer["pages"][0]["rows"] = [{"kind": "customer", "id": str(new_id()), "ver": 1, "body": {}}]
        return httpx.Response(200, json=answer)

    centre.answers["/sync/pull"] = slow
    assert loop.step() == 0.0
    with signed_in.read() as session:
        assert queries.count_customers(session) == 0


def test_changes_of_a_pull_are_told(loop: SyncLoop, centre: ScriptedCentre, told: list[Any]) -> None:
    nothing = centre.answers["/sync/pull"]

    def news(request: httpx.Request) -> httpx.Response:
        answer = nothing(request).json()
        answer["pages"][0]["rows"] = [{"kind": "segment", "id": str(new_id()), "ver": 1, "body": {"key": "ok"}}]
        return httpx.Response(200, json=answer)

    centre.answers["/sync/pull"] = news
    loop.step()
    assert Changes.of("segment") in told


def hold(loop: SyncLoop, centre: ScriptedCentre, workspace: Workspace, clock: FakeClock) -> UUID:
    """An entry that the centre holds for a person."""
    with workspace.write() as session:
        session.execute(CUSTOMER.insert().values(id=(child := new_id())))
    commands.record_follow_up(workspace, customer_id=child, channel=Channel.PHONE, outcome=Outcome.NO_ANSWER)
    clock.advance(UNDO_WINDOW)

    def held(request: httpx.Request) -> httpx.Response:
        (one,) = PushRequest.model_validate_json(request.content).operations
        result = {"n": one.n, "op_id": str(one.op_id), "status": "held", "reason": "not_visible"}
        return httpx.Response(200, json={"epoch": EPOCH, "expected_n": one.n + 1, "results": [result]})

    centre.answers["/sync/push"] = held
    loop.step()
    centre.expected_n = 2
    (item,) = unsent(workspace)
    assert (item.delivery, item.reason, item.decision) == (Delivery.HELD, "not_visible", "")
    return item.op_id


def unsent(workspace: Workspace) -> list[UnsentItem]:
    with workspace.read() as session:
        return queries.unsent_items(session)


def test_what_a_supervisor_applied_is_off_the_list_and_is_told_once(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace, clock: FakeClock, told: list[Any]
) -> None:
    op_id = hold(loop, centre, signed_in, clock)
    centre.decide(op_id, "apply", ver=3)
    told.clear()
    loop.step()
    assert unsent(signed_in) == []
    assert signed_in.outbox.accepted() == []  # the pull of the same cycle has brought its effect
    news = len(told)
    loop.step()
    assert len(told) == news


def test_what_a_supervisor_dismissed_stays_with_his_words_until_it_is_taken_off(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace, clock: FakeClock
) -> None:
    op_id = hold(loop, centre, signed_in, clock)
    centre.decide(op_id, "dismiss", note="重复录入")
    loop.step()
    (item,) = unsent(signed_in)
    assert (item.decision, item.decided_by, item.decision_note) == ("dismiss", "王经理", "重复录入")
    commands.dismiss(signed_in, op_id=op_id)
    loop.step()
    assert unsent(signed_in) == []


def test_corrections_are_sent_at_once_and_calls_can_be_taken_back(
    loop: SyncLoop, signed_in: Workspace, centre: ScriptedCentre
) -> None:
    for kind, waits in ((OperationKind.EDIT_CUSTOMER, False), (OperationKind.RECORD_FOLLOW_UP, True)):
        intent = Intent(
            account_id=ME.account_id, kind=kind, row_id=new_id(), customer_id=new_id(), base_ver=None, body={}
        )
        entry = signed_in.outbox.add([intent])[0]
        offered = signed_in.outbox.offer(account_id=ME.account_id, expected_n=1)
        assert (entry.op_id in [operation.op_id for operation in offered]) is not waits
