"""Who takes low-dose atropine is called for his rechecks, for as long as he takes it."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from hcrm_central.jobs.scan import ScanReport, scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.terms import TaskState
from hcrm_store.care import Medication
from hcrm_store.journeys import Task
from tests.fakes import FakeClock
from tests.scanning import TODAY, Library, ago, installed

Run = Callable[..., ScanReport]


@pytest.fixture
def library(store: Store, clock: FakeClock) -> Library:
    return Library(installed(store), clock)


@pytest.fixture
def run(store: Store, clock: FakeClock) -> Run:
    def once(on: date = TODAY) -> ScanReport:
        report = scan(store.jobs, clock=clock, on=on)
        assert report.adds_up
        return report

    return once


def called(library: Library, child: UUID) -> list[Task]:
    return [task for task in library.tasks(child) if task.sop_key == "atropine_care_recheck"]


def test_a_child_is_called_every_three_months_of_atropine(library: Library, run: Run) -> None:
    days = {86: None, 87: 90, 90: 90, 176: 90, 177: 180, 360: 360}
    children = {day: library.customer() for day in days}
    for day, child in children.items():
        library.drops(child, ago(day))
    run()
    found = {day: [task.anchor_on for task in called(library, child)] for day, child in children.items()}
    assert found == {day: [] if due is None else [ago(day) + timedelta(days=due)] for day, due in days.items()}


def test_another_strength_goes_on_and_a_long_pause_begins_anew(library: Library, run: Run) -> None:
    changed, paused = library.customer(), library.customer()
    library.drops(changed, ago(90), "0.01", ended_on=ago(40))
    library.drops(changed, ago(40), "0.05")
    library.drops(paused, ago(90), ended_on=ago(71))
    library.drops(paused, ago(40))
    run()
    assert (len(called(library, changed)), called(library, paused)) == (1, [])


def test_a_visit_or_the_end_of_the_treatment_settles_it(library: Library, run: Run, store: Store) -> None:
    came, stopped = library.customer(), library.customer()
    for child in (came, stopped):
        library.drops(child, ago(90))
    run()
    library.visit(came, TODAY)
    with transaction(store.jobs) as session:
        mine = Medication.customer_id == stopped
        session.execute(update(Medication).where(mine).values(ended_on=TODAY))
    run()
    states = [[task.state for task in called(library, child)] for child in (came, stopped)]
    assert states == [[TaskState.DONE], [TaskState.CANCELLED]]


def test_a_day_that_a_clinician_set_goes_before_it(library: Library, run: Run) -> None:
    child = library.customer()
    library.drops(child, ago(90))
    library.plan(child, ago(80), TODAY + timedelta(days=2))
    run()
    assert {task.sop_key for task in library.tasks(child)} == {"recheck_due"}


def test_who_took_it_once_is_not_called(library: Library, run: Run) -> None:
    child = library.customer()
    library.drops(child, ago(200), ended_on=ago(100))
    run()
    assert called(library, child) == []
