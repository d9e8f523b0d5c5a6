"""Journeys in the ledger: steps that return, ladders, escalation, full days, and intervals that change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from hcrm_central.jobs.replanning import preview
from hcrm_central.jobs.rulebook import read_rulebook, sop_in_force, surroundings
from hcrm_central.jobs.scan import ScanReport, scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.rules import Parameter, Surroundings
from hcrm_core.sop import Sop
from hcrm_core.terms import Outcome, ProductKind, Role, TaskState
from hcrm_store.journeys import RuleParameter, Task
from hcrm_store.journeys import Sop as SopRow
from hcrm_store.organisation import Staff
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


def wearer(library: Library, days: int, product: ProductKind = ProductKind.OK_LENS, **options: Any) -> UUID:
    child = library.customer(**options)
    library.lenses(child, ago(days), product)
    return child


def seen_half_a_year_ago(library: Library) -> UUID:
    child = wearer(library, 400, ProductKind.SINGLE_VISION)
    library.visit(child, ago(180))
    return child


def of(library: Library, child: UUID, key: str) -> list[Task]:
    return [task for task in library.tasks(child) if task.sop_key == key]


def set_parameter(store: Store, key: str, value: int) -> None:
    with transaction(store.jobs) as session:
        row = session.scalars(select(RuleParameter).where(RuleParameter.key == key)).one()
        definition = row.definition | {"value": str(value)}
        session.add(RuleParameter(key=key, number=row.number + 1, definition=definition, author="m1"))


# ── steps that return ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("days", "anchor"), [(86, None), (87, 90), (90, 90), (176, 90), (177, 180), (360, 360)])
def test_an_ok_wearer_is_called_every_three_months(library: Library, run: Run, days: int, anchor: int | None) -> None:
    child = wearer(library, days)
    run()
    found = of(library, child, "ok_care_quarterly")
    assert [task.anchor_on for task in found] == ([] if anchor is None else [ago(days) + timedelta(days=anchor)])


def test_a_visit_settles_the_occurrence_it_is_near_to_and_not_the_next(library: Library, run: Run) -> None:
    child = wearer(library, 89)
    run()
    (task,) = of(library, child, "ok_care_quarterly")
    library.visit(child, TODAY)
    run()
    assert of(library, child, "ok_care_quarterly")[0].state == TaskState.DONE
    run(TODAY + timedelta(days=90))
    assert [one.anchor_on for one in of(library, child, "ok_care_quarterly")] == [
        task.anchor_on,
        task.anchor_on + timedelta(days=90),
    ]


def test_a_missed_occurrence_gives_way_to_the_next_and_stays_in_the_history(library: Library, run: Run) -> None:
    child = wearer(library, 90)
    run()
    run(TODAY + timedelta(days=90))
    states = [(one.anchor_on, one.state) for one in of(library, child, "ok_care_quarterly")]
    assert states == [(TODAY, TaskState.CANCELLED), (TODAY + timedelta(days=90), TaskState.OPEN)]


def test_a_gap_of_years_makes_one_task_and_not_twelve(library: Library, run: Run) -> None:
    child = wearer(library, 540)
    run()
    run(TODAY + timedelta(days=3 * 365))
    assert len([one for one in of(library, child, "ok_care_quarterly") if one.state == TaskState.OPEN]) <= 1


def test_a_day_that_a_clinician_set_goes_before_the_schedule(library: Library, run: Run) -> None:
    child = wearer(library, 90)
    library.plan(child, ago(80), TODAY + timedelta(days=2))
    run()
    assert {task.sop_key for task in library.tasks(child)} & {"ok_care_quarterly", "recheck_due"} == {"recheck_due"}


def test_supplies_are_renewed_in_their_own_time(library: Library, run: Run) -> None:
    fresh, late = wearer(library, 90), wearer(library, 105)
    run()
    assert len(of(library, fresh, "supplies_case")) == 1
    assert len(of(library, fresh, "supplies_solution")) == 1
    assert of(library, late, "supplies_case") == []


# ── the ladder ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_family_that_was_not_reached_is_called_again_then_by_the_manager(
    library: Library, run: Run, clock: FakeClock
) -> None:
    boss = Staff(code="m1", name="m1", role=Role.MANAGER, site_id=library.site_id)
    library.add(boss)
    child = library.overdue(days=200)
    library.visit(child, ago(300))
    run()
    assert library.task(child).sop_key == "recall"
    library.change_task(child, state=TaskState.CANCELLED, close_reason="unreachable", closed_at=clock.now())
    run(TODAY + timedelta(days=6))
    assert len(library.tasks(child)) == 1
    run(TODAY + timedelta(days=7))
    assert library.task(child).sop_key == "recall_again"
    library.change_task(child, state=TaskState.CANCELLED, close_reason="unreachable", closed_at=clock.now())
    run(TODAY + timedelta(days=30))
    last = library.task(child)
    assert (last.sop_key, last.owner_id) == ("recall_last", boss.id)


# ── what waits too long, and what does not fit ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(("days", "raised"), [(2, False), (3, True)])
def test_what_nobody_took_up_goes_to_the_supervisors_once(
    library: Library, run: Run, days: int, *, raised: bool
) -> None:
    child = library.overdue(days=10)
    run()
    before = library.task(child)
    run(before.due_on + timedelta(days=days))
    after = library.task(child)
    assert (after.escalated_on is not None) is raised
    assert after.priority == before.priority - raised
    again = run(before.due_on + timedelta(days=days + 1))
    assert again.escalated == (0 if raised else 1)


def test_what_somebody_began_is_not_raised(library: Library, run: Run) -> None:
    child = library.overdue(days=10)
    run()
    library.change_task(child, attempts=1, state=TaskState.IN_PROGRESS)
    assert run(TODAY + timedelta(days=9)).escalated == 0


def test_a_full_day_passes_what_is_not_urgent_on_to_the_next(library: Library, run: Run, store: Store) -> None:
    set_parameter(store, "daily_capacity", 5)
    for _ in range(7):
        seen_half_a_year_ago(library)
    report = run()
    days = sorted(task.due_on for task in library.tasks())
    assert days == [TODAY] * 5 + [TODAY + timedelta(days=1)] * 2
    assert report.spread == 2


def test_urgent_tasks_are_never_put_off_and_nothing_waits_longer_than_a_week(
    library: Library, run: Run, store: Store
) -> None:
    set_parameter(store, "daily_capacity", 5)
    urgent = [library.overdue(days=10) for _ in range(3)]
    for _ in range(42):
        seen_half_a_year_ago(library)
    run()
    assert {library.task(child).due_on for child in urgent} == {TODAY}
    assert max(task.due_on for task in library.tasks()) == TODAY + timedelta(days=7)


# ── one contact a day ────────────────────────────────────────────────────────────────────────────────────


def test_what_siblings_need_is_counted_as_one_contact(library: Library, run: Run) -> None:
    family = library.family()
    for days in (8, 10, 12):
        library.overdue(days=days, family_id=family)
    library.overdue(days=9)
    count = run().sops["recheck_overdue"]
    assert (count.proposed, count.created, count.merged) == (4, 2, 2)


def test_two_reasons_of_one_child_are_one_contact(library: Library, run: Run) -> None:
    child = wearer(library, 90)
    report = run()
    assert len(library.tasks(child)) == report.created == 3
    assert sum(one.merged for one in report.sops.values()) == 2


def test_a_family_that_was_spoken_with_today_is_called_about_the_rest_tomorrow(library: Library, run: Run) -> None:
    family = library.family()
    first = library.overdue(family_id=family)
    library.contact(first, TODAY, Outcome.BOOKED)
    second = library.overdue(family_id=family)
    assert run().sops["recheck_overdue"].suppressed == {"family_reached": 2}
    assert library.tasks(second) == []
    run(TODAY + timedelta(days=1))
    assert library.task(second).due_on == TODAY + timedelta(days=1)


def test_a_call_that_nobody_answered_is_no_contact(library: Library, run: Run) -> None:
    family = library.family()
    first, second = library.overdue(family_id=family), library.overdue(family_id=family)
    library.contact(first, TODAY, Outcome.NO_ANSWER)
    run()
    assert library.task(second).due_on == TODAY


# ── intervals that change ────────────────────────────────────────────────────────────────────────────────


def test_a_changed_interval_says_what_it_would_move_before_it_does(library: Library, run: Run, store: Store) -> None:
    near, far = wearer(library, 88), wearer(library, 130)
    run()
    assert len(of(library, near, "ok_care_quarterly")) == 1
    with transaction(store.jobs) as session:
        row = session.scalars(select(SopRow).where(SopRow.key == "ok_care_quarterly")).one()
        sop, within = Sop.model_validate(row.definition), surroundings(session, on=TODAY)
        changed = within.parameters["ok_recheck_days"].model_copy(update={"value": Decimal(120)})
        after = sop_in_force(sop, within=surroundings_with(within, changed))
        rulebook = read_rulebook(session, on=TODAY)
        found = preview(session, sop_in_force(sop, within=within), after, rulebook=rulebook)
    assert (found.moved, found.due_today) == (2, 1)
    set_parameter(store, "ok_recheck_days", 120)
    run()
    open_now = {task.customer_id: task.anchor_on for task in library.tasks() if task.state == TaskState.OPEN}
    assert near not in {key for key in open_now if of(library, key, "ok_care_quarterly")[-1].state == TaskState.OPEN}
    assert of(library, far, "ok_care_quarterly")[-1].anchor_on == ago(130) + timedelta(days=120)


def surroundings_with(within: Surroundings, parameter: Parameter) -> Surroundings:
    return replace(within, parameters={**within.parameters, parameter.key: parameter})
