"""The daily scan: who enters which segment and gets which task, and that a second scan adds nothing."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from hcrm_central.jobs.scan import ScanReport, Step, scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_central.store.tables import AuditEntry, ScanRun, StreamEntry
from hcrm_core.terms import Outcome, ProductKind, TaskState, VisitState
from hcrm_store.journeys import Membership, RuleVersion, Task
from hcrm_store.people import Customer
from tests.conftest import copied
from tests.fakes import FakeClock
from tests.scanning import TODAY, Library, ago, emptied, installed, spoil_rule

Scan = Callable[[], ScanReport]


@pytest.fixture(scope="module")
def shared(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    with copied(postgres_server, template_database) as found:
        yield installed(found)


@pytest.fixture
def library(shared: Store, clock: FakeClock) -> Library:
    return Library(emptied(shared), clock)


@pytest.fixture
def run(shared: Store, clock: FakeClock) -> Scan:
    """Scan today, and check that every customer and task is accounted for."""

    def run_once() -> ScanReport:
        report = scan(shared.jobs, clock=clock)
        assert report.adds_up, report
        return report

    return run_once


def _crowd(library: Library) -> list[UUID]:
    """A few of every kind."""
    potential, wearer, overdue = library.customer(), library.customer(), library.overdue()
    library.lenses(wearer, ago(500))
    late = library.customer(assistant_id=None)
    library.lenses(late, ago(551))
    library.visit(late, ago(60))
    fresh = library.customer()
    library.lenses(fresh, ago(1))
    return [potential, wearer, overdue, late, fresh]


def test_a_scan_mends_what_stands_wrong_beside_the_facts(library: Library, run: Scan) -> None:
    _crowd(library)
    run()
    ledger = library.ledger()
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE customer_facts SET segments = '{ok_lens,no_such_segment}'"))
    report = run()
    assert library.ledger() == ledger
    assert not any(count.entered or count.left for count in report.segments.values())


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────


def test_everybody_is_sorted_with_evidence(library: Library, run: Scan) -> None:
    potential, wearer, overdue, late, fresh = _crowd(library)
    report = run()
    assert (report.expected, report.seen, report.quarantined) == (5, 5, ())
    found = {one: library.segments(one) for one in (potential, wearer, overdue, late, fresh)}
    assert found == {
        potential: {"potential"},
        wearer: {"ok_lens"},
        overdue: {"potential"},
        late: {"replacement_overdue"},
        fresh: {"ok_lens"},
    }
    with transaction(library.store.jobs) as session:
        of_him = select(Membership).where(Membership.customer_id == late)
        membership = session.scalars(of_him.where(Membership.segment_key == "replacement_overdue")).one()
        version = session.get_one(RuleVersion, membership.rule_version_id)
    assert (membership.entered_on, version.rule_key) == (TODAY, "replacement_overdue")
    told = {one["fact"]: (one["value"], one["quantity"], one["verdict"]) for one in membership.evidence}
    assert told["lens_dispensed_on_od"] == (ago(551).isoformat(), 551, "true")


def test_who_changes_leaves_one_segment_and_enters_another(library: Library, run: Scan) -> None:
    child = library.customer()
    run()
    library.lenses(child, TODAY, ProductKind.FUNCTIONAL)
    library.clock.advance(timedelta(days=1))
    report = run()
    assert (report.segments["potential"].left, report.segments["frame_functional"].entered) == (1, 1)
    assert library.segments(child) == {"frame_functional"}
    with transaction(library.store.jobs) as session:
        former = session.scalars(select(Membership).where(Membership.segment_key == "potential")).one()
    assert (former.entered_on, former.left_on) == (TODAY, TODAY + timedelta(days=1))


def test_the_calendar_alone_moves_a_customer(library: Library) -> None:
    child = library.customer()
    library.lenses(child, ago(550))
    library.visit(child, ago(20))
    assert scan(library.store.jobs, clock=library.clock).segments["ok_lens"].now == 1
    assert (
        scan(library.store.jobs, clock=library.clock, on=TODAY + timedelta(days=1))
        .segments["replacement_overdue"]
        .entered
        == 1
    )
    assert library.segments(child) == {"replacement_overdue"}


def test_who_lacks_a_measurement_is_counted_and_not_marked(library: Library, run: Scan) -> None:
    adult = library.customer(birth_date=date(2000, 1, 1))
    library.exam(adult, ago(30), "-3.00")
    report = run()
    count = report.segments["referral_refractive"]
    assert (count.now, count.needs_measurement) == (0, 1)
    assert "referral_refractive" not in library.segments(adult)


def test_a_rule_that_cannot_be_read_is_named_and_its_members_stay(store: Store, clock: FakeClock) -> None:
    library = Library(installed(store), clock)
    child = library.customer()
    scan(store.jobs, clock=clock)
    spoil_rule(store, "potential")
    library.lenses(child, TODAY)
    assert scan(store.jobs, clock=clock).failed == ("potential",)
    assert "potential" in library.segments(child)


# What every wearer is reminded of in its time, beside what these tests are about.
_REGULAR = {"ok_care_quarterly", "supplies_case", "supplies_solution"}

# ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────


def test_todays_tasks_are_in_the_ledger_with_owner_day_and_reason(library: Library, run: Scan) -> None:
    _, wearer, overdue, late, fresh = _crowd(library)
    run()
    found = {one.customer_id: one for one in library.tasks() if one.sop_key not in _REGULAR}
    assert {key: task.sop_key for key, task in found.items()} == {
        wearer: "lens_replacement",
        overdue: "recheck_overdue",
        late: "lens_overdue",
        fresh: "ok_care_day1",
    }
    task = found[overdue]
    assert (task.owner_id, task.state, task.anchor_on, task.due_on) == (library.first, TaskState.OPEN, ago(10), TODAY)
    assert task.created_at == library.clock.now()
    assert task.evidence[0]["quantity"] == 10
    assert found[late].segment_key == "replacement_overdue"
    assert found[late].rule_version_id is not None


def test_a_reminder_is_due_on_the_day_of_the_recheck(library: Library, run: Scan) -> None:
    child = library.overdue(-2)
    run()
    assert (library.task(child).sop_key, library.task(child).due_on) == ("recheck_due", TODAY + timedelta(days=2))


def test_a_second_scan_adds_nothing(library: Library, run: Scan) -> None:
    _crowd(library)
    first = run()
    ledger = library.ledger()
    second = run()
    assert second.created == 0
    assert {key: count.already_there for key, count in second.sops.items()} == {
        key: count.created + count.merged for key, count in first.sops.items()
    }
    assert all((count.entered, count.left) == (0, 0) for count in second.segments.values())
    assert library.ledger() == ledger


def test_two_scans_at_once_add_no_more_than_one(library: Library) -> None:
    _crowd(library)
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: scan(library.store.jobs, clock=library.clock), range(2)))
    none, all_of_them = sorted(report.created for report in reports)
    assert (none, all_of_them) == (0, library.count(Task))
    assert all(report.adds_up for report in reports)


def test_a_cycle_that_was_closed_by_staff_is_not_called_again(library: Library, run: Scan) -> None:
    child = library.overdue()
    run()
    library.change_task(child, state=TaskState.CANCELLED, close_reason="declined")
    library.clock.advance(timedelta(days=1))
    assert run().sops["recheck_overdue"].already_there == 1
    assert len(library.tasks(child)) == 1


@pytest.mark.parametrize(
    ("reason", "prepare"),
    [
        ("do_not_contact", lambda library: library.overdue(do_not_contact=True)),
        ("future_appointment", lambda library: _booked(library, TODAY)),
        ("future_appointment", lambda library: _booked(library, TODAY + timedelta(days=3))),
    ],
)
def test_who_must_not_be_called_is_held_back_and_counted(
    library: Library, run: Scan, reason: str, prepare: Callable[[Library], UUID]
) -> None:
    prepare(library)
    count = run().sops["recheck_overdue"]
    assert (count.created, count.suppressed) == (0, {reason: 1})


def _booked(library: Library, visit_on: date) -> UUID:
    child = library.overdue()
    library.visit(child, visit_on, VisitState.BOOKED)
    return child


def test_a_past_booking_holds_nobody_back(library: Library, run: Scan) -> None:
    _booked(library, ago(1))
    assert run().sops["recheck_overdue"].created == 1


def test_a_new_wearer_who_already_came_is_not_asked_to(library: Library, run: Scan) -> None:
    child = library.customer()
    library.lenses(child, ago(7))
    library.visit(child, ago(3))
    assert run().sops["ok_care_week1"].suppressed == {"already_came": 1}


def test_a_more_urgent_task_takes_over_what_nobody_began(library: Library, run: Scan) -> None:
    child = library.overdue(6)
    run()
    library.clock.advance(timedelta(days=1))
    report = run()
    assert report.closed == {"superseded": 1}
    assert library.task(child).sop_key == "recheck_overdue"


def test_a_task_that_was_begun_is_left_to_its_owner(library: Library, run: Scan) -> None:
    child = library.overdue(6)
    run()
    library.change_task(child, state=TaskState.IN_PROGRESS, attempts=1)
    library.clock.advance(timedelta(days=1))
    assert run().sops["recheck_overdue"].suppressed == {"already_open": 1}
    assert library.task(child).sop_key == "recheck_due"


def test_the_lost_get_one_recall_and_not_three_calls(library: Library, run: Scan) -> None:
    child = library.overdue(200)
    library.lenses(child, ago(600))
    report = run()
    assert library.task(child).sop_key == "recall"
    assert report.sops["recheck_overdue"].suppressed == report.sops["lens_overdue"].suppressed == {"already_open": 1}


# ── closing and waking ───────────────────────────────────────────────────────────────────────────────────


def test_a_visit_closes_the_task_by_itself(library: Library, run: Scan) -> None:
    child = library.overdue()
    run()
    library.change_task(child, state=TaskState.SNOOZED, attempts=1, next_on=TODAY + timedelta(days=9))
    library.exam(child, TODAY)
    assert run().closed == {"visited": 1}
    (task,) = library.tasks(child)
    assert (task.state, task.close_reason, task.next_on) == (TaskState.DONE, "visited", None)
    assert task.closed_at == library.clock.now()


def test_new_lenses_close_the_reminder_to_replace_and_a_visit_does_not(library: Library, run: Scan) -> None:
    child = library.customer()
    library.lenses(child, ago(500))
    run()
    library.visit(child, TODAY)
    assert "purchased" not in run().closed
    library.lenses(child, TODAY)
    assert run().closed == {"purchased": 1}


def test_a_reason_that_went_closes_what_nobody_began_and_brings_it_back_with_the_reason(
    library: Library, run: Scan
) -> None:
    child = library.overdue()
    run()
    library.plan(child, ago(1), TODAY + timedelta(days=60))
    assert run().closed == {"reason_gone": 1}
    with transaction(library.store.jobs) as session:
        session.execute(text("DELETE FROM recheck_plan WHERE planned_on = :day"), {"day": ago(1)})
    library.clock.advance(timedelta(days=2))
    assert run().sops["recheck_overdue"].reopened == 1
    task = library.task(child)
    assert (task.state, task.close_reason, task.closed_at) == (TaskState.OPEN, "", None)
    assert task.due_on == TODAY + timedelta(days=2)


def test_who_no_longer_wishes_contact_is_left_alone(library: Library, run: Scan) -> None:
    child = library.overdue()
    run()
    library.change_task(child, state=TaskState.IN_PROGRESS, attempts=2)
    with transaction(library.store.jobs) as session:
        session.get_one(Customer, child).do_not_contact = True
    assert run().closed == {"do_not_contact": 1}


@pytest.mark.parametrize(("attempts", "state"), [(0, TaskState.OPEN), (2, TaskState.IN_PROGRESS)])
def test_a_sleeping_task_wakes_on_its_day(library: Library, run: Scan, attempts: int, state: TaskState) -> None:
    child = library.overdue()
    run()
    library.change_task(child, state=TaskState.SNOOZED, attempts=attempts, next_on=TODAY + timedelta(days=1))
    assert run().woken == 0
    library.clock.advance(timedelta(days=1))
    assert run().woken == 1
    assert (library.task(child).state, library.task(child).next_on) == (state, None)


def test_an_open_task_sleeps_through_a_booked_visit_and_wakes_if_nobody_came(library: Library, run: Scan) -> None:
    child = library.overdue()
    run()
    library.visit(child, TODAY + timedelta(days=1), VisitState.BOOKED)
    assert run().held == 1
    assert run().held == 0
    library.clock.advance(timedelta(days=1))
    assert (run().woken, library.task(child).state) == (0, TaskState.SNOOZED)
    library.clock.advance(timedelta(days=1))
    assert (run().woken, library.task(child).state) == (1, TaskState.OPEN)


def test_an_unanswered_call_does_not_end_being_lost_and_an_answer_does(library: Library, run: Scan) -> None:
    silent, answering = library.overdue(60), library.overdue(60)
    library.contact(silent, ago(100), Outcome.CONSIDERING)
    library.contact(answering, ago(100), Outcome.CONSIDERING)
    run()
    library.contact(silent, TODAY, Outcome.NO_ANSWER)
    library.contact(answering, TODAY, Outcome.CONSIDERING)
    run()
    assert "lost_contact" in library.segments(silent)
    assert "lost_contact" not in library.segments(answering)


# ── owners ───────────────────────────────────────────────────────────────────────────────────────────────


def test_customers_without_an_assistant_are_dealt_evenly_and_siblings_together(library: Library, run: Scan) -> None:
    family = library.family()
    siblings = [library.overdue(assistant_id=None, family_id=family) for _ in range(2)]
    others = [library.overdue(assistant_id=None) for _ in range(5)]
    assert run().assigned == 7
    owners = {task.customer_id: task.owner_id for task in library.tasks()}
    assert owners[siblings[0]] == owners[siblings[1]]
    assert sorted([list(owners.values()).count(one) for one in (library.first, library.second)]) in ([3, 4], [2, 5])
    with transaction(library.store.jobs) as session:
        assert {session.get_one(Customer, one).assistant_id for one in others} <= {library.first, library.second}
        entries = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "customer:assigned")).all()
    assert len(entries) == 7


def test_a_child_goes_to_the_assistant_of_a_sibling(library: Library, run: Scan) -> None:
    family = library.family()
    library.customer(assistant_id=library.second, family_id=family)
    child = library.overdue(assistant_id=None, family_id=family)
    run()
    assert library.task(child).owner_id == library.second


def test_the_customers_of_a_colleague_who_left_are_dealt_anew(library: Library, run: Scan) -> None:
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE staff SET active = false WHERE code = 'a1'"))
    child = library.overdue()
    assert run().assigned == 1
    assert library.task(child).owner_id == library.second


def test_a_site_without_assistants_still_has_its_tasks(library: Library, run: Scan) -> None:
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE staff SET active = false"))
    child = library.overdue()
    assert run().created == 1
    assert library.task(child).owner_id is None


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_run_row_tells_what_was_done(library: Library, run: Scan) -> None:
    _crowd(library)
    report = run()
    with transaction(library.store.jobs) as session:
        row = session.get_one(ScanRun, report.run_id)
    assert (row.scanned_for, row.finished_at) == (TODAY, library.clock.now())
    assert row.counts == json.loads(json.dumps(report.as_json()))
    assert row.counts["adds_up"] is True


def test_a_bad_customer_is_named_and_stops_nobody(library: Library, run: Scan) -> None:
    good, bad = library.overdue(), library.overdue()
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE customer SET birth_date = 'infinity' WHERE id = :id"), {"id": bad})
    report = run()
    assert (report.expected, report.seen, report.quarantined) == (2, 1, (bad,))
    assert [task.customer_id for task in library.tasks()] == [good]


def test_a_customer_set_aside_keeps_segments_and_tasks(library: Library, run: Scan) -> None:
    child = library.overdue()
    run()
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE customer SET birth_date = 'infinity', do_not_contact = true"))
    library.lenses(child, TODAY)
    before = library.ledger()
    assert run().quarantined == (child,)
    assert library.ledger() == before


def test_an_empty_store_is_scanned(library: Library, run: Scan) -> None:
    assert (run().expected, run().created) == (0, 0)


def test_whoever_watches_is_told_each_step(library: Library) -> None:
    steps: list[Step] = []
    scan(library.store.jobs, clock=library.clock, progress=steps.append)
    assert steps == list(Step)


def test_what_the_scan_wrote_is_numbered_for_readers(library: Library, run: Scan) -> None:
    child = library.overdue()
    run()
    with transaction(library.store.jobs) as session:
        query = select(StreamEntry.kind).where(StreamEntry.row_id == library.task(child).id, StreamEntry.seq > 0)
        assert session.scalars(query).all() == ["task"]
