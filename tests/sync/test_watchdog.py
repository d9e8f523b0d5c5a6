"""Nothing lasts for ever: a conversation that does not move is replaced, and the centre is told."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from hcrm_core.errors import Unreachable
from hcrm_core.terms import Channel, Outcome
from hcrm_core.wire import HelloRequest, IncidentCode
from hcrm_desktop.cache import commands, incidents
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.tables import CUSTOMER
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.conversation import Conversation
from hcrm_desktop.sync.loop import Listeners, SyncLoop
from hcrm_desktop.sync.states import DEADLINES, Course, SyncState
from hcrm_desktop.sync.watchdog import LOOK_SECONDS, LYING_SECONDS, RESTART_FIRST_SECONDS, SLEPT_SECONDS, Watchdog
from hcrm_store.base import new_id
from tests.fakes import Blackhole, FakeClock, Ticks
from tests.sync.scripted import ScriptedCentre

NOBODY = Listeners(state_changed=lambda: None, data_changed=lambda _changes: None)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def watched(signed_in: Workspace, centre: ScriptedCentre, ticks: Ticks) -> Iterator[tuple[Watchdog, SyncLoop]]:
    client = CentreClient("http://centre", transport=httpx.MockTransport(centre))
    yield Watchdog(signed_in, monotonic=ticks), SyncLoop(signed_in, client, listeners=NOBODY, monotonic=ticks)
    client.close()


def enter_something(workspace: Workspace, clock: FakeClock) -> None:
    """An entry that is past its undo window."""
    with workspace.write() as session:
        session.execute(CUSTOMER.insert().values(id=(child := new_id())))
    commands.record_follow_up(workspace, customer_id=child, channel=Channel.PHONE, outcome=Outcome.NO_ANSWER)
    clock.advance(UNDO_WINDOW)


def look_for(seconds: float, dog: Watchdog, loop: SyncLoop, *, ticks: Ticks) -> list[bool]:
    """What the watchdog says, look by look."""
    said = list[bool]()
    for _ in range(int(seconds // LOOK_SECONDS)):
        ticks.advance(LOOK_SECONDS)
        said.append(dog.is_stuck(loop))
    return said


# ── states and their deadlines ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [state for state in SyncState if state is not SyncState.STOPPED])
def test_every_state_has_a_deadline_and_is_stuck_beyond_it(state: SyncState, ticks: Ticks) -> None:
    course = Course(on_move=lambda: None, monotonic=ticks)
    course.enter(state)
    ticks.advance(DEADLINES[state])
    assert course.stuck_for() <= 0
    ticks.advance(1)
    assert course.stuck_for() > 0


def test_whoever_has_stopped_is_never_stuck(ticks: Ticks) -> None:
    course = Course(on_move=lambda: None, monotonic=ticks)
    course.enter(SyncState.STOPPED)
    ticks.advance(10**6)
    assert course.stuck_for() < 0


def test_a_long_read_that_goes_on_is_not_stuck(ticks: Ticks) -> None:
    course = Course(on_move=lambda: None, monotonic=ticks)
    for _ in range(10):
        course.enter(SyncState.PULL)
        ticks.advance(DEADLINES[SyncState.PULL])
    assert course.stuck_for() <= 0


def test_progress_is_told_by_the_hundredth_and_is_over_when_the_reading_is(ticks: Ticks) -> None:
    told = list[float | None]()
    course = Course(on_move=lambda: told.append(course.progress), monotonic=ticks)
    course.enter(SyncState.PULL)
    for share in (0.0, 0.001, 0.5, 0.2, 2.0):
        course.advance(share)
    course.enter(SyncState.IDLE)
    assert told == [None, 0.0, 0.5, 1.0, None]


# ── the watchdog's judgement ─────────────────────────────────────────────────────────────────────────────


def test_a_loop_that_does_not_move_is_stuck_once_its_deadline_is_over(
    watched: tuple[Watchdog, SyncLoop], ticks: Ticks
) -> None:
    dog, loop = watched
    loop.course.enter(SyncState.HELLO)
    said = look_for(DEADLINES[SyncState.HELLO] + 2 * LOOK_SECONDS, dog, loop, ticks=ticks)
    assert said.index(True) * LOOK_SECONDS == DEADLINES[SyncState.HELLO]


def test_a_machine_that_slept_is_no_stuck_loop(watched: tuple[Watchdog, SyncLoop], ticks: Ticks) -> None:
    dog, loop = watched
    loop.course.enter(SyncState.HELLO)
    ticks.advance(8 * 3600)
    assert not dog.is_stuck(loop)
    assert not any(look_for(DEADLINES[SyncState.HELLO], dog, loop, ticks=ticks))


def test_an_entry_that_lies_for_two_minutes_though_the_centre_answers_is_stuck(
    watched: tuple[Watchdog, SyncLoop], signed_in: Workspace, clock: FakeClock, ticks: Ticks
) -> None:
    dog, loop = watched
    enter_something(signed_in, clock)
    loop.course.enter(SyncState.IDLE)
    said = list[bool]()
    while not any(said):
        said += look_for(SLEPT_SECONDS, dog, loop, ticks=ticks)
        loop.course.move()
    assert LYING_SECONDS <= said.index(True) * LOOK_SECONDS <= LYING_SECONDS + 2 * LOOK_SECONDS


@pytest.mark.parametrize("state", [SyncState.BLOCKED, SyncState.BACKOFF])
def test_an_entry_that_cannot_be_sent_is_nobodys_fault(
    watched: tuple[Watchdog, SyncLoop], signed_in: Workspace, clock: FakeClock, ticks: Ticks, state: SyncState
) -> None:
    dog, loop = watched
    enter_something(signed_in, clock)
    loop.course.enter(state)
    for _ in range(20):
        loop.course.move()
        assert not any(look_for(SLEPT_SECONDS, dog, loop, ticks=ticks))


def test_restarts_that_do_not_help_come_later_and_later(watched: tuple[Watchdog, SyncLoop], ticks: Ticks) -> None:
    dog, loop = watched
    loop.course.enter(SyncState.HELLO)
    said = look_for(3600, dog, loop, ticks=ticks)
    times = [number * LOOK_SECONDS for number, stuck in enumerate(said) if stuck]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[:4] == [RESTART_FIRST_SECONDS * 2**number for number in range(4)]


# ── with threads and lines that hang ─────────────────────────────────────────────────────────────────────


def test_a_request_that_hangs_for_ever_is_left_and_the_centre_is_told(
    signed_in: Workspace, centre: ScriptedCentre, ticks: Ticks
) -> None:
    hole, told = Blackhole(centre), threading.Event()
    listeners = Listeners(state_changed=told.set, data_changed=lambda _changes: None)
    conversation = Conversation(
        signed_in,
        "http://centre",
        listeners=listeners,
        connect=lambda url: CentreClient(url, transport=hole),
        monotonic=ticks,
        look_seconds=3600,
    )
    assert hole.fallen.wait(10)
    (stuck,) = [thread for thread in threading.enumerate() if thread.name == "hcrm-sync"]
    for _ in range(int(DEADLINES[SyncState.HELLO] // LOOK_SECONDS) + 1):
        ticks.advance(LOOK_SECONDS)
        conversation.look()
    assert told.wait(10)
    reported = HelloRequest.model_validate_json(centre.requests[0].content)
    assert [one.code for one in reported.incidents] == [IncidentCode.STUCK]
    assert incidents.waiting(signed_in.outbox) == []

    assert conversation.end()
    pulls = centre.asked.count("/sync/pull")
    hole.let_go.set()  # the first request is answered after all: for nobody
    stuck.join(10)
    assert centre.asked.count("/sync/pull") == pulls


def test_a_conversation_ends_at_once_though_its_centre_says_nothing(signed_in: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        conversation = Conversation(signed_in, url, listeners=NOBODY)
        peer, _ = silent.accept()
        assert peer.recv(1)
        assert conversation.end()
        peer.close()


def test_whoever_watches_outlives_what_goes_wrong_in_looking(
    signed_in: Workspace, centre: ScriptedCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Semaphore(0)

    def stumble(_dog: Watchdog, _loop: SyncLoop) -> bool:
        looked.release()
        raise ZeroDivisionError

    monkeypatch.setattr(Watchdog, "is_stuck", stumble)
    conversation = Conversation(
        signed_in,
        "http://centre",
        listeners=NOBODY,
        connect=lambda url: CentreClient(url, transport=httpx.MockTransport(centre)),
        look_seconds=0.01,
    )
    assert looked.acquire(timeout=10)
    assert looked.acquire(timeout=10)
    assert conversation.end()


def test_what_was_noticed_is_told_once_and_kept_while_nobody_answers(
    watched: tuple[Watchdog, SyncLoop], signed_in: Workspace, centre: ScriptedCentre, clock: FakeClock
) -> None:
    _, loop = watched
    for _ in range(incidents.MOST + 5):
        incidents.note(signed_in.outbox, IncidentCode.STUCK, clock=clock)
        clock.advance(timedelta(seconds=1))
    centre.unplug()
    loop.step()
    assert len(incidents.waiting(signed_in.outbox)) == incidents.MOST
    centre.plug_in()
    loop.step()
    assert incidents.waiting(signed_in.outbox) == []
    loop.step()
    hellos = [request for request in centre.requests if request.url.path == "/sync/hello"]
    told = [len(HelloRequest.model_validate_json(hello.content).incidents) for hello in hellos]
    assert told == [incidents.MOST, incidents.MOST, 0]


def test_a_question_to_a_silent_centre_ends_when_whoever_asked_leaves(signed_in: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url, asked, ended = f"http://127.0.0.1:{silent.getsockname()[1]}", threading.Event(), list[str]()
        conversation = Conversation(signed_in, url, listeners=NOBODY)

        def question(client: CentreClient, headers: dict[str, str]) -> None:
            asked.set()
            client.fleet(headers=headers)

        def ask() -> None:
            try:
                conversation.consult(question)
            except Unreachable:
                ended.append("unreachable")

        asking = threading.Thread(target=ask)
        asking.start()
        assert asked.wait(10)
        assert conversation.end()
        asking.join(10)
        assert ended == ["unreachable"]
