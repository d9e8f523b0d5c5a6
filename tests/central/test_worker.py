"""The worker: one works while others stand by, requests are answered once, a night that was missed is made up for."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from hcrm_central.jobs import worker as worker_
from hcrm_central.jobs.post import SILENT_AFTER, hold_post, leave_post, silence
from hcrm_central.jobs.runs import SMALL_KEPT, RunKind, forget_runs
from hcrm_central.jobs.scan import Step, perform, scan
from hcrm_central.jobs.watching import GRACE, died, is_due, missed, turn_of
from hcrm_central.jobs.worker import FIRST_PAUSE, HOLD_SECONDS, LONGEST_PAUSE, WATCH_SECONDS, Worker
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_central.store.tables import ScanLease, ScanRequest, ScanRun
from hcrm_core.clinic_time import SHANGHAI
from hcrm_store.base import new_id
from hcrm_store.journeys import RuleVersion, Task
from tests.conftest import copied
from tests.fakes import FakeClock, Ticks
from tests.scanning import TODAY, Library, emptied, installed, spoil_rule

AT = time(2, 30)
TURN = datetime(2026, 11, 22, 2, 30, tzinfo=SHANGHAI)  # FakeClock stands at 09:00 of that day
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def shared(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    with copied(postgres_server, template_database) as found:
        yield installed(found)


@pytest.fixture
def library(shared: Store, clock: FakeClock) -> Library:
    return Library(emptied(shared), clock)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def hire(library: Library, ticks: Ticks) -> Iterator[Callable[[], Worker]]:
    """A worker at each call; all leave at the end."""
    with ExitStack() as stack:

        def hired() -> Worker:
            found = Worker(library.store.jobs, clock=library.clock, scan_at=AT, tick=ticks)
            stack.callback(leave_post, library.store.jobs, found.id)
            return found

        yield hired


@pytest.fixture
def scanned(library: Library) -> Library:
    """The night is over."""
    scan(library.store.jobs, clock=library.clock)
    return library


def runs(library: Library, kind: str) -> list[ScanRun]:
    with Session(library.store.jobs) as session:
        return list(session.scalars(select(ScanRun).where(ScanRun.kind == kind).order_by(ScanRun.started_at)))


def ask(library: Library, kind: str, key: str = "") -> UUID:
    request_id = new_id()
    library.add(ScanRequest(id=request_id, kind=kind, key=key, requested_at=library.clock.now()))
    return request_id


def answer(library: Library, request_id: UUID) -> ScanRequest:
    with Session(library.store.jobs) as session:
        return session.get_one(ScanRequest, request_id)


# ── when a night is due, and when it is missed ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("now", "turn"),
    [
        (TURN - SECOND, TURN - timedelta(days=1)),
        (TURN, TURN),
        (TURN + SECOND, TURN),
        (datetime(2026, 11, 22, 23, 59, 59, tzinfo=SHANGHAI), TURN),
        (datetime(2026, 11, 23, 0, 0, tzinfo=SHANGHAI), TURN),
    ],
)
def test_the_last_turn_is_todays_from_its_minute_on(now: datetime, turn: datetime) -> None:
    assert turn_of(now.astimezone(UTC), scan_at=AT) == turn


@pytest.mark.parametrize(
    ("row", "due"),
    [
        ({}, False),
        ({"kind": "asked"}, False),
        ({"started_at": TURN - SECOND}, True),
        ({"finished_at": None}, True),
        ({"kind": "customers"}, True),
        ({"kind": "rule"}, True),
        ({"scanned_for": TODAY - timedelta(days=1)}, True),
    ],
)
def test_only_a_finished_scan_of_everybody_since_the_turn_is_a_nights_scan(
    library: Library, row: dict[str, Any], *, due: bool
) -> None:
    values = {"kind": "nightly", "scanned_for": TODAY, "started_at": TURN, "finished_at": TURN + SECOND}
    library.add(ScanRun(**values | row))
    with Session(library.store.jobs) as session:
        assert is_due(session, now=library.clock.now(), scan_at=AT) is due


@pytest.mark.parametrize(
    ("now", "late"),
    [
        (TURN - SECOND, date(2026, 11, 21)),
        (TURN, None),
        (TURN + GRACE - SECOND, None),
        (TURN + GRACE, TODAY),
        (TURN + timedelta(hours=21), TODAY),
        (TURN + timedelta(hours=22), TODAY),
    ],
)
def test_a_night_is_missed_an_hour_after_its_time_until_the_next(
    library: Library, now: datetime, late: date | None
) -> None:
    with Session(library.store.jobs) as session:
        assert missed(session, now=now, scan_at=AT) == late
        session.add(ScanRun(kind="nightly", scanned_for=TODAY, started_at=now, finished_at=now))
        session.flush()
        assert missed(session, now=now, scan_at=AT) is None
        session.rollback()


def test_the_service_can_tell_a_missed_night(library: Library) -> None:
    with Session(library.store.service) as session:
        assert missed(session, now=library.clock.now(), scan_at=AT) == TODAY


def test_a_run_died_if_it_has_not_finished_and_nobody_holds_the_lease(library: Library) -> None:
    began = library.clock.now() - timedelta(minutes=2)
    run = ScanRun(id=new_id(), kind="asked", scanned_for=TODAY, started_at=began)
    library.add(run)
    with Session(library.store.jobs) as session, Session(library.store.jobs) as other:
        other.execute(update(ScanLease).values(fence=ScanLease.fence))
        assert died(session, now=library.clock.now()) == []
        other.rollback()
        assert died(session, now=library.clock.now()) == [run.id]
        assert died(session, now=began + timedelta(minutes=1)) == []


# ── nights ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_missed_night_is_made_up_for_at_the_start_and_once(library: Library, hire: Callable[[], Worker]) -> None:
    child = library.overdue()
    hire().finish()
    hire().finish()
    (run,) = runs(library, "nightly")
    assert (run.scanned_for, run.finished_at) == (TODAY, library.clock.now())
    assert library.task(child).sop_key == "recheck_overdue"


def test_the_next_night_comes_at_its_minute(scanned: Library, hire: Callable[[], Worker]) -> None:
    worker = hire()
    scanned.clock.at = TURN.astimezone(UTC) + timedelta(days=1) - SECOND
    assert worker.turn() is False
    scanned.clock.advance(SECOND)
    assert worker.turn() is True
    assert worker.turn() is False
    assert [run.scanned_for for run in runs(scanned, "nightly")] == [TODAY + timedelta(days=1)]


def test_a_night_that_died_is_told_once_and_done_again(
    library: Library, hire: Callable[[], Worker], ticks: Ticks
) -> None:
    began = TURN.astimezone(UTC)
    dead = ScanRun(id=new_id(), kind="nightly", scanned_for=TODAY, started_at=began)
    library.add(dead)
    worker = hire()
    with capture_logs() as logs:
        for _ in range(3):
            worker.turn()
            ticks.advance(WATCH_SECONDS)
    told = [(one["event"], one.get("run"), one.get("scanned_for")) for one in logs if one["log_level"] == "error"]
    assert told == [("scan.missed", None, TODAY.isoformat()), ("scan.died", dead.id.hex, None)]
    assert [run.finished_at is None for run in runs(library, "nightly")] == [True, False]


# ── changed customers and requests ───────────────────────────────────────────────────────────────────────


def test_a_change_reaches_segments_and_tasks_without_a_scan(scanned: Library, hire: Callable[[], Worker]) -> None:
    child = scanned.overdue()
    hire().finish()
    assert scanned.task(child).sop_key == "recheck_overdue"
    (run,) = runs(scanned, "customers")
    assert run.counts["totals"]["seen"] == 1


def test_many_changed_are_taken_in_pieces(
    scanned: Library, hire: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_, "MOST_CUSTOMERS", 2)
    for _ in range(5):
        scanned.overdue()
    hire().finish()
    assert [run.counts["totals"]["created"] for run in runs(scanned, "customers")] == [2, 2, 1]


def test_a_nights_scan_takes_all_who_changed(library: Library, hire: Callable[[], Worker]) -> None:
    library.overdue()
    hire().finish()
    assert runs(library, "customers") == []


def test_a_request_is_answered_with_what_it_moved(store: Store, clock: FakeClock, ticks: Ticks) -> None:
    library = Library(installed(store), clock)
    library.customer()
    scan(store.jobs, clock=clock)
    with transaction(store.jobs) as session:
        session.scalars(select(RuleVersion).where(RuleVersion.rule_key == "potential")).one().state = "retired"
    asked = ask(library, "rule", "potential")
    Worker(store.jobs, clock=clock, scan_at=AT, tick=ticks).finish()
    told = answer(library, asked)
    assert (told.finished_at, told.failed) == (clock.now(), "")
    assert told.counts == {"entered": 0, "left": 1, "created": 0}
    assert len(runs(library, "rule")) == 1


def test_a_request_for_everybody_and_one_for_a_parameter_are_answered(
    scanned: Library, hire: Callable[[], Worker]
) -> None:
    asked = [ask(scanned, "asked"), ask(scanned, "parameter", "nobody_uses_it")]
    scanned.overdue()
    hire().finish()
    assert [answer(scanned, one).counts["created"] for one in asked] == [1, 0]


def test_the_same_asked_twice_is_done_once(scanned: Library, hire: Callable[[], Worker]) -> None:
    asked = [ask(scanned, "rule", "potential"), ask(scanned, "rule", "potential"), ask(scanned, "rule", "ok_lens")]
    hire().finish()
    assert all(answer(scanned, one).finished_at for one in asked)
    assert len(runs(scanned, "rule")) == 2


def test_what_cannot_be_done_is_answered_with_its_failure(scanned: Library, hire: Callable[[], Worker]) -> None:
    asked = ask(scanned, "weather")
    hire().finish()
    assert (answer(scanned, asked).failed, answer(scanned, asked).counts) == ("ValueError", {})


def test_a_rule_that_cannot_be_read_answers_so(store: Store, clock: FakeClock, ticks: Ticks) -> None:
    library = Library(installed(store), clock)
    spoil_rule(store, "potential")
    asked = ask(library, "rule", "potential")
    Worker(store.jobs, clock=clock, scan_at=AT, tick=ticks).finish()
    assert answer(library, asked).failed == "unusable"


def test_two_who_read_the_same_request_answer_it_once(scanned: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask(scanned, "rule", "potential")
    both = [Worker(scanned.store.jobs, clock=scanned.clock, scan_at=AT) for _ in range(2)]
    monkeypatch.setattr(worker_, "hold_post", lambda _engine, _worker: True)  # both believe that they are alone
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Worker.turn, both))
    assert answer(scanned, asked).finished_at is not None
    assert len(runs(scanned, "rule")) == 1


# ── one works ────────────────────────────────────────────────────────────────────────────────────────────


def _silence(library: Library, *, by: timedelta) -> None:
    with library.store.owner.begin() as connection:
        connection.execute(text("UPDATE worker_post SET seen_at = clock_timestamp() - :by"), {"by": by})


def test_a_second_worker_stands_by_and_takes_over_from_one_that_is_silent(
    scanned: Library, hire: Callable[[], Worker], ticks: Ticks
) -> None:
    first, second = hire(), hire()
    first.turn()
    child = scanned.overdue()
    assert second.turn() is False
    assert scanned.tasks(child) == []
    _silence(scanned, by=SILENT_AFTER)
    ticks.advance(HOLD_SECONDS)
    assert second.turn() is True
    assert scanned.tasks(child) != []
    ticks.advance(HOLD_SECONDS)
    assert first.turn() is False, "it has noticed"


def test_who_leaves_is_followed_at_once(scanned: Library, hire: Callable[[], Worker]) -> None:
    first, second = hire(), hire()
    first.turn()
    leave_post(scanned.store.jobs, first.id)
    second.turn()
    assert hold_post(scanned.store.jobs, second.id)
    assert not hold_post(scanned.store.jobs, first.id)


def test_nobody_takes_over_from_one_who_scans(library: Library) -> None:
    first, second = new_id(), new_id()
    assert hold_post(library.store.jobs, first)
    _silence(library, by=timedelta(hours=1))
    with Session(library.store.jobs) as scanning:
        scanning.execute(update(ScanLease).values(fence=ScanLease.fence))
        assert not hold_post(library.store.jobs, second)
        with Session(library.store.jobs) as session:
            assert silence(session) == timedelta(0)
    assert hold_post(library.store.jobs, second)
    leave_post(library.store.jobs, second)


def test_silence_is_told_until_somebody_works(library: Library) -> None:
    with Session(library.store.jobs) as session:
        assert silence(session) is None
    worker_id = new_id()
    hold_post(library.store.jobs, worker_id)
    _silence(library, by=timedelta(minutes=3))
    with Session(library.store.jobs) as session:
        found = silence(session)
    assert found is not None
    assert found > timedelta(minutes=2)
    leave_post(library.store.jobs, worker_id)


def test_a_worker_that_is_interrupted_leaves_its_post(scanned: Library, hire: Callable[[], Worker]) -> None:
    worker = hire()

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.run(pause=interrupt)
    with Session(scanned.store.jobs) as session:
        assert silence(session) is None


# ── when something fails ─────────────────────────────────────────────────────────────────────────────────


def test_a_duty_that_fails_waits_longer_each_time_and_holds_up_no_other(
    scanned: Library, hire: Callable[[], Worker], ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_session: Session) -> bool:
        raise OperationalError("SELECT", {}, Exception("locked by 王欣怡"))

    monkeypatch.setattr(worker_, "is_somebody_waiting", broken)
    worker, asked = hire(), ask(scanned, "asked")
    with capture_logs() as logs:
        worker.turn()
        assert worker.turn() is False
        assert worker.turn() is False, "it waits"
        ticks.advance(FIRST_PAUSE)
        worker.turn()
    assert answer(scanned, asked).finished_at is not None
    failures = [one for one in logs if one["event"] == "worker.failed"]
    assert [(one["duty"], one["again_in_s"]) for one in failures] == [
        ("look_at_changed", 1.0),
        ("look_at_changed", 2.0),
    ]
    assert "王欣怡" not in str(logs)


def test_a_duty_is_never_left_alone_for_long(
    scanned: Library, hire: Callable[[], Worker], ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_, "is_somebody_waiting", lambda _: 1 // 0)
    worker = hire()
    with capture_logs() as logs:
        for _ in range(14):
            worker.turn()
            ticks.advance(LONGEST_PAUSE)
    pauses = [one["again_in_s"] for one in logs if one["event"] == "worker.failed"]
    assert (len(pauses), max(pauses)) == (14, LONGEST_PAUSE)


def test_a_request_waits_for_a_database_that_is_unwell(
    scanned: Library, hire: Callable[[], Worker], ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(scanned, "asked")

    def locked(*_args: object, **_options: object) -> None:
        raise OperationalError("UPDATE", {}, Exception())

    worker = hire()
    monkeypatch.setattr(worker_, "perform", locked)
    worker.turn()
    assert answer(scanned, asked).finished_at is None
    monkeypatch.setattr(worker_, "perform", perform)
    ticks.advance(FIRST_PAUSE)
    worker.turn()
    assert answer(scanned, asked).finished_at is not None


# ── fencing ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_writer_that_stalled_and_lost_its_connection_cannot_commit(library: Library) -> None:
    jobs, clock = library.store.jobs, library.clock
    library.overdue()
    stalled, go_on = threading.Event(), threading.Event()

    def stall(step: Step) -> None:
        if step is Step.TASKS:
            stalled.set()
            assert go_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(scan, jobs, clock=clock, progress=stall)
        assert stalled.wait(30)
        with library.store.owner.begin() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hcrm_worker'"
                     " AND datname = current_database() AND state = 'idle in transaction'")
            )  # fmt: skip
        second = scan(jobs, clock=clock)
        ledger = library.ledger()
        go_on.set()
        with pytest.raises(DBAPIError):
            first.result(30)
    assert (second.created, library.count(Task)) == (1, 1)
    assert library.ledger() == ledger
    assert [run.finished_at is None for run in runs(library, "asked")] == [True, False]
    with Session(jobs) as session:
        last = session.get_one(ScanRun, second.run_id).fence
        assert session.scalar(select(ScanLease.fence)) == last


# ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────


def test_small_runs_are_forgotten_after_two_days_and_others_are_not(library: Library) -> None:
    now = library.clock.now()
    for kind in (RunKind.CUSTOMERS, RunKind.NIGHTLY, RunKind.RULE):
        for at in (now - SMALL_KEPT, now - SMALL_KEPT - SECOND):
            library.add(ScanRun(kind=kind.value, scanned_for=TODAY, started_at=at))
    with transaction(library.store.jobs) as session:
        assert forget_runs(session, now=now) == 1
        assert forget_runs(session, now=now) == 0
    assert library.count(ScanRun) == 5
