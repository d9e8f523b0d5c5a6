"""Scans of some: changed customers alone, and what a rule or a parameter touches; on the way of the nightly scan."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.changed import take_all_changed, take_changed, waiting
from hcrm_central.jobs.runs import told
from hcrm_central.jobs.scan import ScanReport, reevaluate, rescan, scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_central.store.tables import ChangedCustomer, Quarantine, ScanRun
from hcrm_core.terms import LeadKind, Outcome, VisitState
from hcrm_store.base import new_id
from hcrm_store.journeys import Lead, Membership, RuleParameter, RuleVersion, Task
from hcrm_store.people import Customer
from tests.conftest import copied
from tests.fakes import FakeClock
from tests.scanning import TODAY, Library, ago, emptied, installed


@pytest.fixture(scope="module")
def shared(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    with copied(postgres_server, template_database) as found:
        yield installed(found)


@pytest.fixture
def library(shared: Store, clock: FakeClock) -> Library:
    return Library(emptied(shared), clock)


@pytest.fixture
def own(store: Store, clock: FakeClock) -> Library:
    """A library of this test's own: it changes rules."""
    return Library(installed(store), clock)


def changed(library: Library) -> set[UUID]:
    with Session(library.store.jobs) as session:
        return set(session.scalars(select(ChangedCustomer.customer_id)))


def settled(library: Library) -> None:
    with transaction(library.store.jobs) as session:
        take_all_changed(session)


def run_of(library: Library, report: ScanReport) -> ScanRun:
    with Session(library.store.jobs) as session:
        return session.get_one(ScanRun, report.run_id)


# ── who changed ──────────────────────────────────────────────────────────────────────────────────────────

CHANGES: dict[str, Callable[[Library, UUID], object]] = {
    "an exam": lambda library, child: library.exam(child, TODAY),
    "lenses": lambda library, child: library.lenses(child, TODAY),
    "a visit": lambda library, child: library.visit(child, TODAY),
    "a plan": lambda library, child: library.plan(child, TODAY, TODAY + timedelta(days=90)),
    "a contact": lambda library, child: library.contact(child, TODAY, Outcome.CONSIDERING),
    "a lead": lambda library, child: library.add(
        Lead(customer_id=child, site_id=library.site_id, kind=next(iter(LeadKind)), started_on=TODAY)
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whoever_gets_a_new_row_is_noted_and_nobody_else(
    library: Library, change: Callable[[Library, UUID], object]
) -> None:
    child, _ = library.customer(), library.customer()
    settled(library)
    change(library, child)
    assert changed(library) == {child}


def test_a_new_customer_is_noted(library: Library) -> None:
    child = library.customer()
    assert changed(library) == {child}


@pytest.mark.parametrize(
    ("values", "noted"),
    [
        ({"birth_date": date(2014, 1, 1)}, True),
        ({"do_not_contact": True}, True),
        ({"filed_on": None}, True),
        ({"name": "李想"}, False),
        ({"assistant_id": None}, False),
    ],
)
def test_of_a_customer_himself_only_what_facts_are_made_of_counts(
    library: Library, values: dict[str, Any], *, noted: bool
) -> None:
    child = library.customer()
    settled(library)
    with transaction(library.store.jobs) as session:
        for name, value in values.items():
            setattr(session.get_one(Customer, child), name, value)
    assert changed(library) == ({child} if noted else set())


def test_a_row_that_changes_or_goes_is_noted(library: Library) -> None:
    child = library.customer()
    library.visit(child, TODAY, VisitState.BOOKED)
    for statement in ("UPDATE visit SET state = 'arrived'", "DELETE FROM visit"):
        settled(library)
        with transaction(library.store.jobs) as session:
            session.execute(text(statement))
        assert changed(library) == {child}


def test_many_rows_of_one_statement_make_one_entry_a_customer(library: Library) -> None:
    children = [library.customer() for _ in range(3)]
    settled(library)
    with transaction(library.store.jobs) as session:
        session.execute(
            text(
                "INSERT INTO visit (customer_id, id, site_id, visit_on, state, source)"
                " SELECT c.id, gen_random_uuid(), c.site_id, DATE '2026-01-01' + n, 'arrived', 'his'"
                " FROM customer c, generate_series(1, 50) n"
            )
        )
        assert session.scalar(select(func.count()).select_from(ChangedCustomer)) == len(children)


def test_the_jobs_own_writing_notes_nobody(library: Library) -> None:
    library.overdue(assistant_id=None)
    report = scan(library.store.jobs, clock=library.clock)
    assert (report.created, report.assigned) == (1, 1)
    assert changed(library) == set()


def test_the_latest_changed_are_taken_first_and_each_once(library: Library) -> None:
    first, second, third = library.customer(), library.customer(), library.customer()
    library.visit(first, TODAY)
    with transaction(library.store.jobs) as session:
        assert waiting(session) == 3
        assert set(take_changed(session, most=2)) == {first, third}
        assert take_changed(session, most=2) == [second]
        assert take_changed(session, most=2) == []


def test_entries_taken_by_a_run_that_died_are_still_there(library: Library) -> None:
    child = library.customer()
    with Session(library.store.jobs) as session:
        assert take_changed(session, most=9) == [child]
        session.rollback()
    assert changed(library) == {child}


def test_a_change_that_commits_during_a_scan_keeps_its_entry(library: Library) -> None:
    child = library.customer()
    with Session(library.store.jobs) as other:
        other.execute(text("INSERT INTO changed_customer (customer_id) VALUES (:id)"), {"id": child})
        scan(library.store.jobs, clock=library.clock)
        other.commit()
    assert changed(library) == {child}


# ── some customers ───────────────────────────────────────────────────────────────────────────────────────


def test_a_rescan_moves_one_customer_and_nobody_else(library: Library) -> None:
    child, other = library.overdue(), library.overdue()
    report = rescan(library.store.jobs, [child], clock=library.clock)
    assert (report.expected, report.seen, report.created) == (1, 1, 1)
    assert report.adds_up
    assert [task.customer_id for task in library.tasks()] == [child]
    assert library.segments(child) == {"potential"}
    assert library.segments(other) == set()
    assert run_of(library, report).kind == "customers"


def test_one_by_one_gives_what_a_scan_of_everybody_gives(library: Library) -> None:
    children = [library.overdue(days) for days in range(-4, 60, 4)]
    for days in (1, 7, 500, 551, 700):
        children.append(library.customer())
        library.lenses(children[-1], ago(days))
    for child in children:
        assert rescan(library.store.jobs, [child], clock=library.clock).adds_up
    ledger = library.ledger()
    report = scan(library.store.jobs, clock=library.clock)
    assert (report.created, sum(count.entered + count.left for count in report.segments.values())) == (0, 0)
    assert library.ledger() == ledger


def test_a_visit_closes_the_task_with_a_rescan(library: Library) -> None:
    child = library.overdue()
    scan(library.store.jobs, clock=library.clock)
    library.visit(child, TODAY)
    report = rescan(library.store.jobs, [child], clock=library.clock)
    assert report.closed == {"visited": 1}


def test_nobody_and_strangers_are_rescanned_without_a_trace(library: Library) -> None:
    for ids in ([], [new_id()]):
        report = rescan(library.store.jobs, ids, clock=library.clock)
        assert (report.expected, report.seen, report.adds_up) == (0, 0, True)


# ── set aside ────────────────────────────────────────────────────────────────────────────────────────────


def _spoil(library: Library, child: UUID, born: str) -> None:
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE customer SET birth_date = CAST(:born AS date) WHERE id = :id"),
                        {"born": born, "id": child})  # fmt: skip


def _aside(library: Library) -> dict[UUID, Quarantine]:
    with Session(library.store.jobs) as session:
        return {one.customer_id: one for one in session.scalars(select(Quarantine))}


def test_who_cannot_be_computed_is_kept_with_reason_and_day_until_he_can(library: Library) -> None:
    child, other = library.customer(), library.customer()
    _spoil(library, child, "infinity")
    scan(library.store.jobs, clock=library.clock)
    began = library.clock.now()
    library.clock.advance(timedelta(days=1))
    rescan(library.store.jobs, [child], clock=library.clock)
    rescan(library.store.jobs, [other], clock=library.clock)
    assert {one: row.since for one, row in _aside(library).items()} == {child: began}
    assert _aside(library)[child].reason == "ComputeError: customers", "what failed where, and no value"
    _spoil(library, child, "2015-03-01")
    rescan(library.store.jobs, [child], clock=library.clock)
    assert _aside(library) == {}
    assert library.segments(child) == {"potential"}


def test_who_is_set_aside_stays_where_he_is_when_a_rule_changes(own: Library) -> None:
    child = own.customer()
    scan(own.store.jobs, clock=own.clock)
    _spoil(own, child, "infinity")
    scan(own.store.jobs, clock=own.clock)
    _retire(own, "potential")
    report = reevaluate(own.store.jobs, rules=["potential"], clock=own.clock)
    assert (report.quarantined, report.adds_up) == ((child,), True)
    assert own.segments(child) == {"potential"}


# ── rules and parameters ─────────────────────────────────────────────────────────────────────────────────


def _retire(library: Library, key: str) -> RuleVersion:
    with transaction(library.store.jobs) as session:
        version = session.scalars(select(RuleVersion).where(RuleVersion.rule_key == key)).one()
        version.state, version.retired_at = "retired", library.clock.now()
    return version


def _publish(library: Library, former: RuleVersion, **changes: Any) -> RuleVersion:
    version = RuleVersion(
        id=new_id(),
        rule_key=former.rule_key,
        number=former.number + 1,
        state="published",
        segment_key=former.segment_key,
        definition=former.definition | changes,
        published_at=library.clock.now(),
    )
    library.add(version)
    return version


def test_the_members_of_a_retired_rule_leave_and_its_untouched_tasks_with_them(own: Library) -> None:
    child = own.overdue(200)
    own.visit(child, ago(300))
    scan(own.store.jobs, clock=own.clock)
    assert own.task(child).segment_key == "lost_contact"
    _retire(own, "lost_contact")
    report = reevaluate(own.store.jobs, rules=["lost_contact"], clock=own.clock)
    count = report.segments["lost_contact"]
    assert (count.before, count.left, count.now) == (1, 1, 0)
    assert "lost_contact" not in own.segments(child)
    assert report.closed == {"reason_gone": 1}
    again = scan(own.store.jobs, clock=own.clock)
    assert (again.sops["recall"].proposed, "recall" in again.failed) == (0, False)


def test_who_enters_again_gets_a_new_row_and_the_version_that_spoke(own: Library) -> None:
    child = own.customer()
    scan(own.store.jobs, clock=own.clock)
    former = _retire(own, "potential")
    own.clock.advance(timedelta(days=1))
    reevaluate(own.store.jobs, rules=["potential"], clock=own.clock)
    own.clock.advance(timedelta(days=1))
    later = _publish(own, former)
    reevaluate(own.store.jobs, rules=["potential"], clock=own.clock)
    with Session(own.store.jobs) as session:
        rows = session.scalars(
            select(Membership).where(Membership.customer_id == child).order_by(Membership.entered_on)
        ).all()
    assert [(one.entered_on, one.left_on, one.rule_version_id) for one in rows] == [
        (TODAY, TODAY + timedelta(days=1), former.id),
        (TODAY + timedelta(days=2), None, later.id),
    ]
    assert all(row.evidence for row in rows)


def test_a_changed_rule_moves_its_own_segment_alone_and_computes_no_facts(own: Library) -> None:
    child = own.customer()
    scan(own.store.jobs, clock=own.clock)
    own.lenses(child, TODAY)
    report = reevaluate(own.store.jobs, rules=["potential"], clock=own.clock)
    assert (set(report.segments), report.changed, report.adds_up) == ({"potential"}, 0, True)
    assert own.segments(child) == {"potential"}, "new lenses are for the rescan"


def test_a_rule_that_asks_another_moves_with_it(own: Library) -> None:
    version = _retire(own, "ok_lens")
    _publish(own, version, where={"rule": "potential"})
    child = own.customer()
    scan(own.store.jobs, clock=own.clock)
    assert own.segments(child) == {"potential", "ok_lens"}
    asked = _retire(own, "potential")
    _publish(own, asked, where={"fact": "filed_on", "op": "is_unknown"})
    report = reevaluate(own.store.jobs, rules=["potential"], clock=own.clock)
    assert set(report.segments) == {"potential", "ok_lens"}
    assert own.segments(child) == set()


def test_a_rule_that_leaves_an_exclusive_set_sets_the_others_free(own: Library) -> None:
    everybody = {"fact": "filed_on", "op": "is_known"}
    first = _publish(own, _retire(own, "potential"), where=everybody, exclusive="kind", priority=1)
    _publish(own, _retire(own, "ok_lens"), where=everybody, exclusive="kind", priority=2)
    child = own.customer()
    scan(own.store.jobs, clock=own.clock)
    assert own.segments(child) == {"potential"}
    with transaction(own.store.jobs) as session:
        session.get_one(RuleVersion, first.id).state = "retired"
    _publish(own, first, where=everybody, exclusive="")
    reevaluate(own.store.jobs, rules=["potential"], clock=own.clock)
    assert own.segments(child) == {"potential", "ok_lens"}


def test_a_parameter_moves_who_stands_between_its_values(own: Library) -> None:
    child = own.customer()
    own.lenses(child, ago(540))
    own.visit(child, ago(5))
    scan(own.store.jobs, clock=own.clock)
    assert "ok_lens" in own.segments(child)
    with transaction(own.store.jobs) as session:
        rows = session.scalars(select(RuleParameter)).all()
        used = next(row for row in rows if row.definition["value"] == "550")
        lower = used.definition | {"value": "530"}
        session.add(RuleParameter(key=used.key, number=used.number + 1, definition=lower, set_at=own.clock.now()))
    report = reevaluate(own.store.jobs, parameters=[used.key], clock=own.clock)
    assert "ok_lens" not in own.segments(child)
    assert report.segments["replacement_overdue"].entered == 1
    assert "potential" not in report.segments


# ── the run's row ────────────────────────────────────────────────────────────────────────────────────────


def test_the_run_is_told_in_a_line_that_adds_up(library: Library) -> None:
    library.overdue()
    library.overdue(do_not_contact=True)
    _spoil(library, library.customer(), "infinity")
    line = told(run_of(library, scan(library.store.jobs, clock=library.clock)))
    assert (line.kind, line.expected, line.seen, line.quarantined) == ("asked", 3, 2, 1)
    assert (line.proposed, line.created, line.merged, line.suppressed) == (2, 1, 0, 1)
    assert line.adds_up
    again = told(run_of(library, scan(library.store.jobs, clock=library.clock)))
    assert (again.proposed, again.created, again.suppressed) == (1, 0, 1), "what the ledger has is not proposed again"


def test_each_run_has_the_number_of_its_lease(library: Library) -> None:
    library.overdue()
    reports = [scan(library.store.jobs, clock=library.clock), rescan(library.store.jobs, [], clock=library.clock)]
    first, second = (run_of(library, report).fence for report in reports)
    assert 0 < first < second


def test_tasks_are_unique_by_customer_sop_subject_and_anchor(library: Library) -> None:
    for days in range(0, 30, 3):
        library.overdue(days)
    for _ in range(3):
        scan(library.store.jobs, clock=library.clock)
        rescan(library.store.jobs, [task.customer_id for task in library.tasks()], clock=library.clock)
    with Session(library.store.jobs) as session:
        cycles = select(Task.customer_id, Task.sop_key, Task.subject, Task.anchor_on).distinct().subquery()
        assert session.scalar(select(func.count()).select_from(cycles)) == library.count(Task)
