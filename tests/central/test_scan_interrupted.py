"""A scan that dies at any point leaves nothing half done: the next one gives exactly the same ledger."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

from hcrm_central.jobs.scan import Step, scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_central.store.tables import ScanRun
from hcrm_core.terms import TaskState
from hcrm_store.journeys import Membership, Task
from tests.conftest import copied
from tests.fakes import FakeClock
from tests.scanning import Library, ago, emptied, installed


class Died(Exception):
    """The process ended here."""


@pytest.fixture(scope="module")
def shared(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    with copied(postgres_server, template_database) as found:
        yield installed(found)


@pytest.fixture
def library(shared: Store, clock: FakeClock) -> Library:
    found = Library(emptied(shared), clock)
    for days in range(-3, 40, 3):
        found.overdue(days, assistant_id=None)
    for days in (1, 7, 500, 551):
        found.lenses(found.customer(), ago(days))
    return found


def _at(step: Step, action: Callable[[], None]) -> Callable[[Step], None]:
    return lambda reached: action() if reached is step else None


def _die() -> None:
    raise Died


@pytest.mark.parametrize("step", list(Step))
def test_a_crash_leaves_nothing_and_the_next_scan_everything(library: Library, step: Step) -> None:
    jobs, clock = library.store.jobs, library.clock
    with pytest.raises(Died):
        scan(jobs, clock=clock, progress=_at(step, _die))
    assert (library.count(Task), library.count(Membership)) == (0, 0)
    report = scan(jobs, clock=clock)
    assert report.adds_up
    ledger = library.ledger()
    assert scan(jobs, clock=clock).created == 0
    assert library.ledger() == ledger
    assert len(ledger) == report.created + sum(count.entered for count in report.segments.values())


@pytest.mark.parametrize("step", [Step.MEMBERSHIPS, Step.TASKS])
def test_a_connection_that_is_cut_gives_the_same_ledger_as_one_that_is_not(library: Library, step: Step) -> None:
    jobs, clock, owner = library.store.jobs, library.clock, library.store.owner
    holders = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hcrm_worker'")

    def cut() -> None:
        with owner.begin() as connection:
            connection.execute(holders)

    with pytest.raises(DBAPIError):
        scan(jobs, clock=clock, progress=_at(step, cut))
    jobs.dispose()
    assert library.count(Task) == 0
    report = scan(jobs, clock=clock)
    assert (report.created, library.count(Task)) == (report.created, report.created)
    assert scan(jobs, clock=clock).created == 0


def test_a_scan_that_died_is_seen_because_it_never_finished(library: Library) -> None:
    with pytest.raises(Died):
        scan(library.store.jobs, clock=library.clock, progress=_at(Step.TASKS, _die))
    with transaction(library.store.jobs) as session:
        assert session.scalars(select(ScanRun.finished_at)).all() == [None]


def test_a_second_scan_waits_for_the_first_and_finds_its_work_done(library: Library) -> None:
    jobs, clock = library.store.jobs, library.clock
    reached, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        reached.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(scan, jobs, clock=clock, progress=_at(Step.TASKS, pause))
        assert reached.wait(30)
        second = pool.submit(scan, jobs, clock=clock)
        _until_somebody_waits(library)
        assert not second.done()
        go_on.set()
        assert first.result(60).created > 0
        assert second.result(60).created == 0


def _until_somebody_waits(library: Library) -> None:
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE usename = 'hcrm_worker' AND wait_event_type = 'Lock'")
    with library.store.owner.connect() as connection:
        while not connection.execute(waiting).scalar_one():
            connection.rollback()


def test_a_task_worked_while_the_scan_runs_keeps_what_was_recorded(library: Library) -> None:
    jobs, clock = library.store.jobs, library.clock
    scan(jobs, clock=clock)
    worked = library.tasks()[0]

    def record() -> None:
        library.change_task(worked.customer_id, attempts=3)

    scan(jobs, clock=clock, progress=_at(Step.MEMBERSHIPS, record))
    assert library.tasks(worked.customer_id)[0].attempts == 3


def test_a_task_begun_while_it_is_being_closed_stays_with_who_began_it(library: Library) -> None:
    jobs, clock = library.store.jobs, library.clock
    child = library.overdue()
    scan(jobs, clock=clock)
    (task,) = [one for one in library.tasks(child) if one.sop_key == "recheck_overdue"]
    library.plan(child, ago(1), ago(-60))

    def begin(*told: Any) -> None:  # after the scan has found it, before it writes
        if told[2].startswith("UPDATE task t SET state"):
            library.change_task(child, state=TaskState.IN_PROGRESS, attempts=1)

    event.listen(jobs, "before_cursor_execute", begin)
    scan(jobs, clock=clock)
    event.remove(jobs, "before_cursor_execute", begin)
    (kept,) = [one for one in library.tasks(child) if one.id == task.id]
    assert (kept.state, kept.attempts, kept.close_reason) == (TaskState.IN_PROGRESS, 1, "")
