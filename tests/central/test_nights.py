"""What a night computes: who changed, who is unknown; everybody once a week and when facts are defined anew."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from hcrm_central.jobs import nights
from hcrm_central.jobs.computing import edition
from hcrm_central.jobs.nights import EVERYBODY_EVERY, night
from hcrm_central.jobs.runs import RunKind
from hcrm_central.jobs.scan import Errand, ScanReport, perform, scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from tests.conftest import copied
from tests.fakes import FakeClock
from tests.scanning import TODAY, Library, ago, emptied, installed

Night = Callable[[], ScanReport]


@pytest.fixture(scope="module")
def shared(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    with copied(postgres_server, template_database) as found:
        yield installed(found)


@pytest.fixture
def library(shared: Store, clock: FakeClock) -> Library:
    return Library(emptied(shared), clock)


@pytest.fixture
def sleep(library: Library) -> Night:
    """One night, which adds up."""

    def slept() -> ScanReport:
        errand = Errand(kind=RunKind.NIGHTLY, take=lambda session: night(session, now=library.clock.now()))
        report = perform(library.store.jobs, errand, clock=library.clock)
        assert report is not None
        assert report.adds_up, report
        return report

    return slept


def _behind_the_triggers(library: Library, child: UUID, statement: str) -> None:
    with library.store.owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statement), {"id": child})


def _is_outdated(library: Library, child: UUID) -> None:
    _behind_the_triggers(library, child, "UPDATE customer SET do_not_contact = true WHERE id = :id")


def _is_held_back(library: Library, child: UUID) -> bool:
    query = text("SELECT do_not_contact FROM customer_facts WHERE customer_id = :id")
    with transaction(library.store.jobs) as session:
        return bool(session.execute(query, {"id": child}).scalar_one())


def test_the_first_night_computes_everybody_and_the_next_who_changed(library: Library, sleep: Night) -> None:
    still, moving = library.customer(), library.customer()
    assert (sleep().changed, sleep().changed) == (2, 0)
    _is_outdated(library, still)
    library.lenses(moving, TODAY)
    report = sleep()
    assert (report.expected, report.seen, report.changed, report.edition) == (2, 2, 1, "")
    assert not _is_held_back(library, still)
    assert library.segments(moving) >= {"ok_lens"}


def test_the_calendar_moves_customers_whose_facts_are_as_they_were(library: Library, sleep: Night) -> None:
    child = library.customer()
    library.lenses(child, ago(550))
    library.visit(child, ago(20))
    sleep()
    assert "ok_lens" in library.segments(child)
    library.clock.advance(timedelta(days=1))
    assert sleep().changed == 0
    assert "replacement_overdue" in library.segments(child)
    assert library.task(child).sop_key == "lens_overdue"


@pytest.mark.parametrize(
    ("later", "everybody"), [(EVERYBODY_EVERY - timedelta(seconds=1), False), (EVERYBODY_EVERY, True)]
)
def test_everybody_is_computed_once_a_week(
    library: Library, sleep: Night, later: timedelta, *, everybody: bool
) -> None:
    child = library.customer()
    assert sleep().edition == edition()
    _is_outdated(library, child)
    library.clock.advance(later)
    assert (sleep().edition == edition(), _is_held_back(library, child)) == (everybody, everybody)


def test_facts_that_are_defined_anew_are_computed_for_everybody(
    library: Library, sleep: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = library.customer()
    sleep()
    _is_outdated(library, child)
    monkeypatch.setattr(nights, "edition", lambda: "another")
    sleep()
    assert _is_held_back(library, child)


def test_a_scan_that_was_asked_for_computes_everybody(library: Library, sleep: Night) -> None:
    child = library.customer()
    sleep()
    _is_outdated(library, child)
    assert scan(library.store.jobs, clock=library.clock).changed == 1


def test_who_has_no_facts_gets_them_though_no_trigger_saw_him(library: Library, sleep: Night) -> None:
    library.customer()
    sleep()
    stranger = library.customer()
    _behind_the_triggers(library, stranger, "DELETE FROM changed_customer")
    assert (sleep().changed, library.segments(stranger)) == (1, {"potential"})


def test_who_was_set_aside_is_tried_again_every_night(library: Library, sleep: Night) -> None:
    child = library.customer()
    sleep()
    _behind_the_triggers(library, child, "UPDATE customer SET birth_date = 'infinity' WHERE id = :id")
    assert scan(library.store.jobs, clock=library.clock).quarantined == (child,)
    assert sleep().quarantined == (child,)
    _behind_the_triggers(library, child, "UPDATE customer SET birth_date = '2015-03-01' WHERE id = :id")
    assert sleep().quarantined == ()


def test_a_flood_of_changes_is_computed_with_everybody(
    library: Library, sleep: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.customer()
    sleep()
    monkeypatch.setattr(nights, "MOST_RENEWED", 1)
    library.customer()
    assert sleep().edition == ""
    library.customer()
    library.customer()
    assert sleep().edition == edition()
