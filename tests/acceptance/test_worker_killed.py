"""Workers are killed at named points and anywhere, while others scan and work comes in: nothing is lost or twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing.process import BaseProcess
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.membership import note
from hcrm_central.jobs.post import silence
from hcrm_central.jobs.runs import told
from hcrm_central.jobs.scan import scan
from hcrm_central.jobs.scope import Scope
from hcrm_central.jobs.worker import Worker
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_central.store.tables import AuditEntry, ChangedCustomer, ScanLease, ScanRequest, ScanRun, StreamEntry
from hcrm_core.tasks import CLOSED
from hcrm_core.terms import Outcome, VisitState
from hcrm_store.base import new_id
from hcrm_store.journeys import Membership, RuleVersion, Task
from hcrm_store.people import Customer
from tests.acceptance.dying import worker_points
from tests.acceptance.processes import FORKS, GRACE
from tests.acceptance.working import AT, scan_without_end, work
from tests.conftest import copied
from tests.fakes import FakeClock
from tests.scanning import TODAY, Library, ago, emptied, installed

MOMENT = 0.6  # seconds: a kill comes at random within this, which is about as long as a run takes
RESPITE = 3  # kills, before which somebody comes to the end of a run
EVERYBODY = (work, scan_without_end, scan_without_end)  # of whom one is killed and two go on
LIBRARY = 40  # customers
CUTS = 0.3  # how often lines to the database are cut after a kill


@pytest.fixture(scope="module")
def shared(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    with copied(postgres_server, template_database) as found:
        yield installed(found)


@pytest.fixture
def library(shared: Store) -> Library:
    return Library(emptied(shared), FakeClock())


def url_of(library: Library) -> str:
    return library.store.jobs.url.render_as_string(hide_password=False)


def ask(library: Library, kind: str, key: str = "") -> UUID:
    request_id = new_id()
    library.add(ScanRequest(id=request_id, kind=kind, key=key, requested_at=library.clock.now()))
    return request_id


def started(target: Callable[..., None], *args: str) -> BaseProcess:
    process = FORKS.Process(target=target, args=args)
    process.start()
    return process


def killed(process: BaseProcess, *, within: float = 0.0) -> int | None:
    """Kill it, if it does not end by itself before. How it ended."""
    process.join(within)
    process.kill()
    process.join()
    return process.exitcode


def cut(library: Library) -> None:
    """All lines of workers and scans to the database, as by a restart of it or of what lies between."""
    with library.store.owner.begin() as connection:
        of_here = "datname = current_database() AND usename = 'hcrm_worker'"
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {of_here}"))
    library.store.jobs.dispose()


def open_requests(library: Library) -> int:
    with Session(library.store.jobs) as session:
        unanswered = select(func.count()).select_from(ScanRequest).where(ScanRequest.finished_at.is_(None))
        return session.scalar(unanswered) or 0


def settle(library: Library) -> None:
    """The next worker takes over at once and does what there is to do."""
    with library.store.owner.begin() as connection:
        connection.execute(text("DELETE FROM worker_post"))
    Worker(library.store.jobs, clock=library.clock, scan_at=AT).finish()


# ── at every named point ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("point", worker_points())
def test_a_worker_that_dies_at_a_point_has_done_nothing_and_the_next_does_all(library: Library, point: str) -> None:
    scan(library.store.jobs, clock=library.clock)
    child, asked = library.overdue(), ask(library, "asked")
    process = started(work, url_of(library), point)
    process.join(GRACE)
    has_killed_itself = process.exitcode == -signal.SIGKILL
    killed(process)
    assert has_killed_itself
    assert (library.count(Task), open_requests(library)) == (0, 1)
    settle(library)
    assert library.task(child).sop_key == "recheck_overdue"
    assert library.segments(child) == {"potential"}
    with Session(library.store.jobs) as session:
        assert session.get_one(ScanRequest, asked).failed == ""
    is_whole(library)


# ── anywhere ─────────────────────────────────────────────────────────────────────────────────────────────


def filled(library: Library, chance: Random) -> list[UUID]:
    """Customers of every kind, half of them siblings, one of whom cannot be computed."""
    families = [library.family() if number % 2 else None for number in range(LIBRARY // 2)]
    customers = [
        library.overdue(chance.randrange(-5, 200), assistant_id=None, family_id=families[number // 2])
        for number in range(LIBRARY)
    ]
    for one in customers[::3]:
        library.lenses(one, ago(chance.choice([1, 7, 28, 400, 500, 549, 550, 551])))
    for one in customers[::5]:
        library.visit(one, ago(chance.randrange(200)))
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE customer SET birth_date = 'infinity' WHERE id = :id"), {"id": customers[0]})
    return customers


def _republish(library: Library, chance: Random) -> None:
    """A rule is retired or comes back, as a manager would have it, and the worker is asked to look."""
    key = chance.choice(["potential", "ok_lens", "lost_contact"])
    with transaction(library.store.jobs) as session:
        newest = select(RuleVersion).where(RuleVersion.rule_key == key).order_by(RuleVersion.number.desc()).limit(1)
        last = session.scalars(newest).one()
        if last.state == "published":
            last.state = "retired"
        else:
            again = {"segment_key": last.segment_key, "definition": last.definition}
            session.add(RuleVersion(rule_key=key, number=last.number + 1, state="published", **again))
        asked = ScanRequest(kind="rule", key=key, requested_at=library.clock.now())
        session.add(asked)


def pours() -> list[Callable[[Library, UUID, Random], object]]:
    """What comes in while everybody scans."""
    return [
        lambda library, child, _: library.exam(child, TODAY),
        lambda library, child, _: library.lenses(child, TODAY),
        lambda library, child, _: library.visit(child, TODAY),
        lambda library, child, _: library.visit(child, TODAY + timedelta(days=3), VisitState.BOOKED),
        lambda library, child, _: library.contact(child, TODAY, Outcome.NO_ANSWER),
        lambda library, child, chance: library.plan(child, ago(90), ago(chance.randrange(-5, 60))),
        lambda library, _, __: library.overdue(assistant_id=None),
        lambda library, _, chance: _republish(library, chance),
        lambda library, _, __: ask(library, "asked"),
    ]


def is_whole(library: Library) -> None:
    """After the dust has settled: everything is worked out, nothing is twice, and every run that ended adds up."""
    with Session(library.store.jobs) as session:
        nothing_is_twice(session)
        rows_are_what_runs_told(session)
        everybody_has_one_owner(session)
        assert note(session, scope=Scope()) == 0, "segments stood beside the facts otherwise than in the memberships"
        readers_will_see_everything(session)
        assert session.scalar(select(func.count()).select_from(ChangedCustomer)) == 0
    assert open_requests(library) == 0
    ledger = library.ledger()
    report = scan(library.store.jobs, clock=library.clock)
    assert (report.adds_up, report.changed, report.created, report.closed) == (True, 0, 0, {})
    assert library.ledger() == ledger, "a scan found something that had been lost"


def nothing_is_twice(session: Session) -> None:
    cycles = session.execute(select(Task.customer_id, Task.sop_key, Task.subject, Task.anchor_on)).all()
    assert len(cycles) == len(set(cycles))
    current = select(Membership.customer_id, Membership.segment_key).where(Membership.left_on.is_(None))
    assert len(rows := session.execute(current).all()) == len(set(rows))
    assigned = session.scalars(select(AuditEntry.customer_id).where(AuditEntry.action == "customer:assigned")).all()
    assert len(assigned) == len(set(assigned)), "somebody was dealt twice"


def rows_are_what_runs_told(session: Session) -> None:
    """Tasks and memberships are those of the runs that ended, each of which held the lease alone."""
    finished = session.scalars(select(ScanRun).where(ScanRun.finished_at.is_not(None))).all()
    assert all(told(run).adds_up for run in finished)
    assert len({run.fence for run in finished}) == len(finished)
    assert max(run.fence for run in finished) <= (session.scalar(select(ScanLease.fence)) or 0)
    segments = [count for run in finished for count in run.counts["segments"].values()]
    memberships = session.scalars(select(Membership)).all()
    assert len(memberships) == sum(count["entered"] for count in segments)
    assert sum(one.left_on is not None for one in memberships) == sum(count["left"] for count in segments)
    assert session.scalar(select(func.count()).select_from(Task)) == sum(run.counts["created"] for run in finished)


def everybody_has_one_owner(session: Session) -> None:
    """An open task is its customer's assistant's, and siblings have the same one."""
    query = (
        select(Task.owner_id, Customer.assistant_id, Customer.family_id)
        .join_from(Task, Customer, Customer.id == Task.customer_id)
        .where(Task.state.not_in(CLOSED))
    )
    owners: dict[UUID | None, set[UUID | None]] = {}
    for owner_id, assistant_id, family_id in session.execute(query):
        assert owner_id == assistant_id is not None
        owners.setdefault(family_id, set()).add(owner_id)
    assert all(len(found) == 1 for family, found in owners.items() if family is not None)


def readers_will_see_everything(session: Session) -> None:
    """Each row has its number in its stream."""
    assert session.scalar(select(func.count()).select_from(StreamEntry).where(StreamEntry.seq.is_(None))) == 0
    for table in (Task, Membership):
        ids = set(session.scalars(select(table.id)))
        assert ids == set(session.scalars(select(StreamEntry.row_id).where(StreamEntry.row_id.in_(ids))))


@pytest.mark.parametrize("kills", [10, pytest.param(300, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_random_kills_while_others_scan_lose_and_double_nothing(store: Store, kills: int) -> None:
    library = Library(installed(store), FakeClock())
    chance, url = Random(kills), url_of(library)
    customers = filled(library, chance)
    living = [started(target, url) for target in EVERYBODY]
    try:
        for number in range(kills):
            for pour in chance.sample(pours(), k=2):
                pour(library, chance.choice(customers), chance)
            if number % RESPITE == 0:
                let_a_run_end(library, living)
            victim = chance.randrange(len(living))
            assert killed(living[victim], within=chance.uniform(0, MOMENT)) == -signal.SIGKILL
            living[victim] = started(EVERYBODY[victim], url)
            if chance.random() < CUTS:
                cut(library)
        assert all(process.is_alive() for process in living), "a cut line is no reason to give up"
    finally:
        for process in living:
            killed(process)
    died, ended = runs(library, have_ended=False), runs(library, have_ended=True)
    assert died >= kills // 3, "kills met nobody at work"
    assert ended >= kills // RESPITE
    settle(library)
    is_whole(library)


def let_a_run_end(library: Library, living: list[BaseProcess]) -> None:
    """However busy the machine is."""
    before = runs(library, have_ended=True)
    while runs(library, have_ended=True) == before:
        living[0].join(0.05)


def runs(library: Library, *, have_ended: bool) -> int:
    with Session(library.store.jobs) as session:
        query = select(func.count()).select_from(ScanRun).where(ScanRun.finished_at.is_not(None).is_(have_ended))
        return session.scalar(query) or 0


# ── the real command ─────────────────────────────────────────────────────────────────────────────────────


def test_the_command_works_until_it_is_told_to_stop_and_leaves_its_post(library: Library) -> None:
    addresses = {"HCRM_DATABASE_URL": library.store.service, "HCRM_JOBS_DATABASE_URL": library.store.jobs}
    environment = {name: engine.url.render_as_string(hide_password=False) for name, engine in addresses.items()}
    command = [sys.executable, "-m", "hcrm_central", "work"]
    with subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "WORKING\n"
        while not library.count(ScanRun):
            assert process.poll() is None
        process.terminate()
        assert process.wait(GRACE) == 0
    with Session(library.store.jobs) as session:
        assert silence(session) is None
