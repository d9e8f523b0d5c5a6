"""What happens at one workstation shows at another without a poll; and one token is fetched for all threads."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.wire import Cursor
from hcrm_desktop.cache import meta
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.tables import CURSOR
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync import loop as loops
from hcrm_desktop.sync.client import CentreClient, SessionEnded
from hcrm_desktop.sync.conversation import Conversation
from hcrm_desktop.sync.loop import Listeners, SyncLoop
from hcrm_desktop.sync.session import SESSION, CentreSession, Superseded
from hcrm_desktop.sync.waiting import RECONNECT_FIRST_SECONDS, RECONNECT_MOST_SECONDS, Waiter
from hcrm_store.people import Customer
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.sync.desk import Desk, consider
from tests.sync.scripted import EPOCH, ME, ScriptedCentre

SECONDS = 20.0
DeskFor = Callable[[str], Desk]


# ── with the real centre ─────────────────────────────────────────────────────────────────────────────────


class Watching:
    """Sees what a conversation tells, and waits for it."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self.listeners = Listeners(state_changed=self._notify, data_changed=lambda _changes: self._notify())

    def until(self, reached: Callable[[], bool]) -> bool:
        with self._news:
            return self._news.wait_for(reached, SECONDS)

    def _notify(self) -> None:
        with self._news:
            self._news.notify_all()


@contextmanager
def talking(desk: Desk) -> Iterator[Watching]:
    watching = Watching()
    conversation = Conversation(desk.workspace, desk.url, listeners=watching.listeners)
    try:
        yield watching
    finally:
        assert conversation.end()


def test_a_change_at_the_centre_shows_without_a_poll(
    desk_for: DeskFor, clinic: Clinic, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "POLL_SECONDS", 10 * SECONDS)
    desk = desk_for("assistant")
    with talking(desk) as watching:
        for name in ("改了名字", "又改了名字"):
            with transaction(store.jobs) as session:
                session.get_one(Customer, clinic.mine.customer_id).name = name
            assert watching.until(lambda name=name: desk.tasks()[0].name == name)  # type: ignore[misc]


def test_a_call_at_one_workstation_shows_at_another_of_the_site(
    desk_for: DeskFor, clinic: Clinic, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "POLL_SECONDS", 10 * SECONDS)
    assistant, manager = desk_for("assistant"), desk_for("manager")
    with talking(manager) as watching:
        consider(assistant.workspace, clinic.mine.task_id, note="周末再来")
        clock.advance(UNDO_WINDOW)
        assistant.sync()
        assert watching.until(lambda: manager.task(clinic.mine.task_id).attempts == 1)


# ── waits, one by one ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def loop(signed_in: Workspace, centre: ScriptedCentre) -> Iterator[SyncLoop]:
    client = CentreClient("http://centre", transport=httpx.MockTransport(centre))
    nobody = Listeners(state_changed=lambda: None, data_changed=lambda _changes: None)
    yield SyncLoop(signed_in, client, listeners=nobody)
    client.close()


@pytest.fixture
def waiter(signed_in: Workspace, centre: ScriptedCentre, loop: SyncLoop) -> Iterator[Waiter]:
    """One at a workstation that holds all that the centre had a moment ago."""
    with signed_in.write() as session:
        meta.write(session, meta.EPOCH, EPOCH)
        session.execute(CURSOR.insert().values(stream="ref", body=Cursor(seq=7).model_dump(mode="json")))
    made = Waiter(
        signed_in,
        CentreClient("http://centre", transport=httpx.MockTransport(centre)),
        loop=lambda: loop,
        chance=random.Random(1),
    )
    yield made
    made.stop()


def answer_waits(centre: ScriptedCentre, *moved: str) -> None:
    centre.answers["/sync/wait"] = lambda _request: httpx.Response(200, json={"epoch": EPOCH, "moved": moved})


@contextmanager
def running(loop: SyncLoop) -> Iterator[None]:
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert loop.course.wait_for_cycle(after=0, seconds=SECONDS)
    yield
    loop.stop()
    thread.join(SECONDS)


def test_an_older_centre_is_asked_once(waiter: Waiter, centre: ScriptedCentre) -> None:
    assert waiter.step() is None
    assert centre.asked == ["/sync/wait"]


def test_nothing_new_is_waited_for_again_at_once(waiter: Waiter, centre: ScriptedCentre, loop: SyncLoop) -> None:
    answer_waits(centre)
    assert waiter.step() == 0.0
    assert loop.course.cycles() == 0


def test_news_wake_the_loop_and_the_next_wait_begins_when_they_are_read(
    waiter: Waiter, centre: ScriptedCentre, loop: SyncLoop
) -> None:
    answer_waits(centre, "ref")
    with running(loop):
        cycles = loop.course.cycles()
        assert waiter.step() == 0.0
        assert loop.course.cycles() > cycles


def test_news_that_cannot_be_read_do_not_make_a_storm(
    waiter: Waiter, centre: ScriptedCentre, loop: SyncLoop, signed_in: Workspace
) -> None:
    """The centre says again and again that a stream moved, and sends nothing of it."""
    page = {"stream": "ref", "rows": [], "tombstones": [], "head": 9, "more": False}
    page["next"] = Cursor(seq=7).model_dump(mode="json")
    pull = {"epoch": EPOCH, "pages": [page], "revoked": []}
    centre.answers["/sync/pull"] = lambda _request: httpx.Response(200, json=pull)
    answer_waits(centre, "ref")
    with running(loop):
        pauses = [waiter.step() or 0.0 for _ in range(8)]
    assert pauses[0] == 0.0
    assert all(RECONNECT_FIRST_SECONDS <= pause <= RECONNECT_MOST_SECONDS for pause in pauses[1:])
    assert pauses[-1] >= RECONNECT_MOST_SECONDS / 2


def test_a_line_that_breaks_is_tried_again_later_and_later(waiter: Waiter, centre: ScriptedCentre) -> None:
    def broken(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone")

    centre.answers["/sync/wait"] = broken
    pauses = [waiter.step() or 0.0 for _ in range(8)]
    assert all(RECONNECT_FIRST_SECONDS <= pause <= RECONNECT_MOST_SECONDS for pause in pauses)
    assert pauses[0] < pauses[3] <= pauses[-1] * 2


def test_an_answer_ends_the_back_off_of_the_loop(waiter: Waiter, centre: ScriptedCentre, loop: SyncLoop) -> None:
    centre.unplug()
    answer_waits(centre)
    with running(loop):
        cycles = loop.course.cycles()
        centre.plug_in()
        assert waiter.step() == 0.0
        assert loop.course.wait_for_cycle(after=cycles, seconds=SECONDS)


def test_nobody_waits_before_the_first_read_is_complete(
    waiter: Waiter, centre: ScriptedCentre, signed_in: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hcrm_desktop.sync.waiting.RECONNECT_FIRST_SECONDS", 0.01)
    with signed_in.write() as session:
        session.execute(CURSOR.update().values(body=Cursor(seq=7, fresh_to=9).model_dump(mode="json")))
    assert waiter.step()
    assert centre.asked == []


# ── one session for all threads ──────────────────────────────────────────────────────────────────────────


def test_one_fresh_token_is_fetched_though_all_threads_need_one(desk_for: DeskFor) -> None:
    """A refresh token buys one pair; bought twice, the second buyer would end the session of both."""
    desk, together = desk_for("assistant"), threading.Barrier(6)
    kept = desk.workspace.outbox.kept(SESSION)
    assert kept is not None
    client, got = CentreClient(desk.url), list[str]()
    session = CentreSession(desk.workspace, client)

    def question(headers: dict[str, str]) -> str:
        if headers["Authorization"].endswith(kept["access_token"]):
            together.wait(SECONDS)
            raise SessionEnded("it ended", remedy="refresh", code="session_ended")
        return headers["Authorization"]

    threads = [threading.Thread(target=lambda: got.append(session.ask(question))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    client.close()
    assert (len(got), len(set(got))) == (6, 1)
    desk.sync()  # and the session goes on


def test_a_token_that_comes_after_signing_out_is_for_nobody(signed_in: Workspace, centre: ScriptedCentre) -> None:
    def sign_out_meanwhile(_request: httpx.Request) -> httpx.Response:
        signed_in.outbox.keep(SESSION, None)
        tokens = {"access_token": "b", "access_expires_at": "2026-11-22T02:00:00Z"}
        tokens |= {"refresh_token": "s", "refresh_expires_at": "2026-12-22T02:00:00Z"}
        return httpx.Response(200, json=tokens | {"person": ME.model_dump(mode="json")})

    centre.answers["/auth/refresh"] = sign_out_meanwhile
    client = CentreClient("http://centre", transport=httpx.MockTransport(centre))
    session = CentreSession(signed_in, client)

    def refused(_headers: dict[str, str]) -> None:
        raise SessionEnded("it ended", remedy="refresh", code="session_ended")

    with pytest.raises(Superseded):
        session.ask(refused)
    client.close()
    assert signed_in.outbox.kept(SESSION) is None
