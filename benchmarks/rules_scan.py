"""The daily job over everybody, and one changed customer from row to task."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from figures import Figure
from rules_library import TODAY
from rules_measuring import DayOfLibrary, load, median_of, timed
from sqlalchemy import text

from hcrm_central.jobs.computing import Facts, Work
from hcrm_central.jobs.membership import classify
from hcrm_central.jobs.rulebook import read_rulebook
from hcrm_central.jobs.runs import RunKind
from hcrm_central.jobs.scan import Errand, ScanReport, Step, make_room, perform, rescan
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.facts import CUSTOMER_FACTS, compact
from hcrm_central.store.opening import Store

DAILY_SECONDS, BESIDE_SCAN, ONE_SECONDS = 5.0, 2.5, 1.0
SHARE = 100  # one customer in so many changed
CLOCK = DayOfLibrary()
_NEW = "0000000d-0000-7000-8000-"  # begins the ids of examinations that this benchmark adds
_ADD = f"""
WITH came AS (SELECT id, site_id, row_number() OVER (ORDER BY id) AS n FROM customer
  WHERE right(id::text, 2) = '07'),
added AS (INSERT INTO exam (customer_id, id, examined_on, method, cycloplegic, lens_state, source, status, site_id)
  SELECT id, ('{_NEW}' || lpad(n::text, 12, '0'))::uuid, :day, 'autorefraction', true, 'spectacles', 'his', 'final',
    site_id FROM came)
INSERT INTO eye_measurement (customer_id, id, exam_id, eye, sphere, cylinder, axial_length_mm, site_id)
  SELECT id, ('{_NEW}' || lpad(n::text, 12, '0'))::uuid, ('{_NEW}' || lpad(n::text, 12, '0'))::uuid, 'OD', -3, 0, 25,
    site_id FROM came
"""


@dataclass(slots=True)
class _Steps:
    """When each step of a run began; as text, how long they took."""

    began: dict[Step, float] = field(default_factory=dict)

    def begin(self, step: Step) -> None:
        self.began[step] = time.perf_counter()

    def __str__(self) -> str:
        ends = [*list(self.began.values())[1:], time.perf_counter()]
        told = zip(self.began.items(), ends, strict=True)
        return ", ".join(f"{step} {end - begin:.1f} s" for (step, begin), end in told)


def daily(store: Store, *, customers: int) -> list[Figure]:
    """The jobs of two days on which one customer in a hundred came, after a day that left nothing to do.

    On the first their rows may have to come from the disk; a server that has room for its database has them at hand.
    """
    with timed() as first:
        _everybody(store)
    with store.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))  # as autovacuum does within minutes
    before, after = compact(store.owner)  # as is advised after a first load
    goal = DAILY_SECONDS * max(1.0, customers / 1_000_000)
    days = [_day(store, name, goal=goal) for name in ("daily job, 1 % changed", "the day after, rows in memory")]
    quiet, plain = _classification(store), _plain_scan(store)
    return [
        Figure("first scan, all memberships and tasks", f"{first.seconds:.1f} s", "", None),
        Figure("facts compacted", f"{before / 1e6:,.0f} to {after / 1e6:,.0f} MB", "", None),
        *days,
        Figure(
            "classification of everybody",
            f"{quiet:.2f} s, {quiet / plain:.1f} ×",
            f"≤ {BESIDE_SCAN} ×",
            quiet <= BESIDE_SCAN * plain,
            f"every column of customer_facts counted: {plain:.2f} s",
        ),
    ]


def _day(store: Store, name: str, *, goal: float) -> Figure:
    changed, told, steps = _come(store), load(), _Steps()
    with timed() as night:
        report = _everybody(store, changed, told=steps.begin)
        spent = str(steps)
    counts = f"{report.changed:,} customers' facts, {report.created:,} tasks, {spent}"
    return Figure(name, f"{night.seconds:.1f} s", f"< {goal:.0f} s", night.seconds < goal, f"{counts}; {told}")


def one_customer(store: Store) -> list[Figure]:
    with snapshot(store.jobs) as reader:
        some = reader.scalars(text("SELECT id FROM customer ORDER BY id OFFSET 777 LIMIT 1")).all()
    seconds = median_of(lambda: rescan(store.jobs, some, clock=CLOCK), times=5)
    return [Figure("one customer rescanned", f"{1000 * seconds:.0f} ms", f"< {ONE_SECONDS:.0f} s", seconds < 1)]


def _everybody(store: Store, changed: Sequence[UUID] = (), told: Callable[[Step], None] = lambda _: None) -> ScanReport:
    """The night's work: facts of those who changed, rules and tasks of everybody."""
    work = Work(scope=Scope(), facts=Facts.RENEWED, changed=changed)
    errand = Errand(kind=RunKind.ASKED, take=lambda _: work)
    report = perform(store.jobs, errand, clock=CLOCK, on=TODAY, progress=told)
    assert report is not None
    assert report.adds_up
    return report


def _come(store: Store) -> list[UUID]:
    """One in a hundred is examined; on every second run these examinations are taken away again."""
    with store.owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        prefix = {"prefix": f"{_NEW}%"}
        former = connection.execute(text("DELETE FROM exam WHERE id::text LIKE :prefix"), prefix)
        connection.execute(text("DELETE FROM eye_measurement WHERE id::text LIKE :prefix"), prefix)
        if not former.rowcount:
            connection.execute(text(_ADD), {"day": TODAY})
        return list(connection.scalars(text("SELECT id FROM customer WHERE right(id::text, 2) = '07'")))


def _classification(store: Store) -> float:
    """Seconds to find that nobody enters or leaves."""

    def once() -> None:
        with transaction(store.jobs) as session:
            make_room(session)
            classify(session, read_rulebook(session, on=TODAY), scope=Scope())

    return median_of(once, times=3)


def _plain_scan(store: Store) -> float:
    """Seconds in which PostgreSQL reads the table once: it counts every column."""
    columns = ", ".join(f'count("{column.name}")' for column in CUSTOMER_FACTS.c)

    def once() -> None:
        with snapshot(store.jobs) as session:
            session.execute(text(f"SELECT {columns} FROM customer_facts")).all()

    return median_of(once, times=5)
