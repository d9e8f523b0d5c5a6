"""Over random libraries and days every run adds up, and what was done in pieces is what a scan of everybody does."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm_central.jobs.membership import note
from hcrm_central.jobs.runs import told
from hcrm_central.jobs.scan import ScanReport, reevaluate, rescan, scan
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_central.store.tables import ScanRun
from hcrm_core.terms import Outcome, ProductKind, VisitState
from tests.conftest import copied
from tests.fakes import FakeClock
from tests.scanning import TODAY, Library, ago, emptied, installed

DAYS = [-30, -3, 0, 1, 3, 7, 27, 29, 30, 31, 89, 120, 184, 480, 549, 550, 551, 730]  # on both sides of what rules ask


@pytest.fixture(scope="module")
def shared(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    with copied(postgres_server, template_database) as found:
        yield installed(found)


def _spoil(library: Library, child: UUID, born: str) -> None:
    with transaction(library.store.jobs) as session:
        values = {"born": born, "id": child}
        session.execute(text("UPDATE customer SET birth_date = CAST(:born AS date) WHERE id = :id"), values)


EVENTS: list[Callable[[Library, UUID, int], object]] = [
    lambda library, child, days: library.plan(child, ago(days + 90), ago(days)),
    lambda library, child, days: library.lenses(child, ago(abs(days))),
    lambda library, child, days: library.lenses(child, ago(abs(days)), ProductKind.FUNCTIONAL),
    lambda library, child, days: library.visit(child, ago(abs(days))),
    lambda library, child, days: library.visit(child, TODAY + timedelta(days=abs(days)), VisitState.BOOKED),
    lambda library, child, days: library.contact(child, ago(abs(days)), Outcome.CONSIDERING),
    lambda library, child, days: library.exam(child, ago(abs(days)), f"{-abs(days) / 100:.2f}"),
    lambda library, child, _: _spoil(library, child, "infinity"),
    lambda library, child, _: _spoil(library, child, "2012-02-29"),
]


def _happens(library: Library, customers: list[UUID], chance: Random) -> list[UUID]:
    """Something new of some customers, one of whom may be new himself. Whose facts may be others."""
    if not customers or chance.random() < 0.5:
        options = {"do_not_contact": chance.random() < 0.2, "family_id": chance.choice([None, library.family()])}
        customers.append(library.customer(assistant_id=chance.choice([None, library.first]), **options))
    touched = chance.choices(customers, k=chance.randrange(1, 4))
    for child in touched:
        chance.choice(EVENTS)(library, child, chance.choice(DAYS))
    return list({*touched, customers[-1]})


def _in_a_line(library: Library, report: ScanReport) -> None:
    assert report.adds_up, report
    with Session(library.store.jobs) as session:
        line = told(session.get_one(ScanRun, report.run_id))
        assert note(session, scope=Scope()) == 0  # beside the facts stands what the memberships say
    assert line.adds_up
    assert line.expected == line.seen + line.quarantined
    assert line.proposed == line.created + line.merged + line.suppressed
    assert line.changed <= line.seen


def _pieces_make_the_whole(store: Store, *, seed: int) -> None:
    library, chance, customers = Library(emptied(store), FakeClock()), Random(seed), list[UUID]()
    jobs, clock = store.jobs, library.clock
    for _ in range(3):
        _in_a_line(library, scan(jobs, clock=clock))  # the night: what the calendar moves is no piece's work
        changed = [one for _ in range(4) for one in _happens(library, customers, chance)]
        _in_a_line(library, rescan(jobs, changed, clock=clock))
        _in_a_line(library, reevaluate(jobs, rules=[chance.choice(["potential", "ok_lens"])], clock=clock))
        pieces = library.ledger()
        _in_a_line(library, scan(jobs, clock=clock))
        assert library.ledger() == pieces
        clock.advance(timedelta(days=chance.choice([0, 1, 40])))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_run_adds_up_and_pieces_make_the_whole(shared: Store, seed: int) -> None:
    _pieces_make_the_whole(shared, seed=seed)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_every_run_adds_up_over_many_libraries(shared: Store, seed: int) -> None:
    _pieces_make_the_whole(shared, seed=seed)
