"""A workstation and the real centre, over real HTTP: what is entered arrives once, whatever breaks between."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Device, HeldOperation, Incarnation, Receipt, Token
from hcrm_core.errors import SignInRequired, Unreachable
from hcrm_core.terms import Eye, LensState, RefractionMethod, TaskState
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import Delivery, ExamEntry, EyeRow
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.journeys import Task
from hcrm_store.people import Customer
from tests.factories import Clinic, add_task, serving
from tests.fakes import FakeClock, LosingTransport
from tests.rights import give
from tests.sync.desk import NEXT_WEEK, TODAY, Desk, central_count, consider

DeskFor = Callable[[str], Desk]


def examined(customer_id: UUID) -> ExamEntry:
    return ExamEntry(
        customer_id=customer_id,
        examined_on=TODAY,
        method=RefractionMethod.AUTOREFRACTION,
        cycloplegic=True,
        lens_state=LensState.NONE,
        od=EyeRow(eye=Eye.OD, sphere=Decimal("-3.75"), cylinder=Decimal("-0.50"), axis=175),
        os=EyeRow(eye=Eye.OS, axial_length_mm=Decimal("24.61")),
    )


def central_task(store: Store, clinic: Clinic) -> Task:
    with Session(store.jobs) as session:
        return session.get_one(Task, (clinic.mine.customer_id, clinic.mine.task_id))


# ── what is sent here ────────────────────────────────────────────────────────────────────────────────────


def test_an_assistant_receives_the_tasks_of_assigned_customers_only(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("assistant")
    assert [task.id for task in desk.tasks()] == [clinic.mine.task_id]
    assert desk.count("customer") == 1


def test_a_change_at_the_centre_arrives_with_the_next_cycle(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("assistant")
    with transaction(store.jobs) as session:
        session.get_one(Customer, clinic.mine.customer_id).name = "改了名字"
    report = desk.sync()
    assert report.changes.kinds == {"customer"}
    assert desk.tasks()[0].name == "改了名字"


def test_a_customer_given_to_a_colleague_leaves_with_everything_of_his(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    with transaction(store.jobs) as session:
        session.get_one(Customer, clinic.mine.customer_id).assistant_id = clinic.staff["assistant2"]
    desk.sync()
    for kind in ("customer", "task", "follow_up", "guardian", "exam", "eye_measurement", "lens_order", "visit"):
        assert desk.count(kind) == 0, kind


def test_a_first_read_in_many_pages_ends_complete(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    with transaction(store.jobs) as session:
        for days in range(1_200):
            add_task(
                session,
                customer_id=clinic.mine.customer_id,
                site_id=clinic.north,
                owner_id=clinic.staff["assistant"],
                anchor_on=date(2020, 1, 1) + timedelta(days=days),
            )
    desk = desk_for("assistant")
    assert desk.count("task") == 1_201
    assert desk.sync().pulled == 0


def test_freshness_and_the_lease_come_with_hello(desk_for: DeskFor) -> None:
    status = desk_for("assistant").ask(queries.sync_status)
    assert set(status.feeds) == {"ledger"}
    assert status.lease_until > status.feeds["ledger"]


def test_a_manager_is_given_the_overview_and_an_assistant_is_not(desk_for: DeskFor) -> None:
    overview = desk_for("manager").ask(queries.overview)
    assert [(site.code, site.customers) for site in overview.sites] == [("north", 2), ("south", 1)]
    assert desk_for("assistant").ask(queries.overview) is None


# ── what is entered here ─────────────────────────────────────────────────────────────────────────────────


def test_an_outcome_moves_the_task_at_once_and_reaches_the_centre_once(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    shown = desk.task(clinic.mine.task_id)
    assert (shown.state, shown.next_on, shown.delivery) == (TaskState.SNOOZED, NEXT_WEEK, Delivery.LOCAL)

    desk.clock.advance(UNDO_WINDOW)
    assert desk.sync().pushed == 1
    assert desk.sync().pushed == 0

    shown = desk.task(clinic.mine.task_id)
    assert (shown.state, shown.delivery, shown.attempts) == (TaskState.SNOOZED, Delivery.ACCEPTED, 1)
    assert central_count(store, FollowUp, note="再想想") == 1
    assert (central_task(store, clinic).state, central_task(store, clinic).next_on) == (TaskState.SNOOZED, NEXT_WEEK)
    assert desk.ask(queries.unsent_items) == []
    assert desk.workspace.outbox.accepted() == []  # the centre's rows speak for themselves now


def test_an_exam_is_in_the_record_at_once_and_keeps_its_place_when_it_returns(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk, child = desk_for("optometrist"), clinic.mine.customer_id
    commands.record_exam(desk.workspace, entry=examined(child))
    local = desk.ask(queries.customer_record, child, today=TODAY).exams[-1]
    assert local.delivery is Delivery.LOCAL

    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    returned = desk.ask(queries.customer_record, child, today=TODAY).exams[-1]
    assert returned.delivery is Delivery.ACCEPTED
    assert (returned.id, returned.od, returned.os) == (local.id, local.od, local.os)
    assert central_count(store, Exam, customer_id=child, examined_on=TODAY) == 1


def test_an_amended_exam_is_marked_at_once(desk_for: DeskFor, clinic: Clinic) -> None:
    desk, child = desk_for("optometrist"), clinic.mine.customer_id
    former = desk.ask(queries.customer_record, child, today=TODAY).exams[-1]
    entry = examined(child)
    amended = ExamEntry(
        customer_id=child,
        examined_on=former.examined_on,
        method=entry.method,
        cycloplegic=True,
        lens_state=entry.lens_state,
        od=entry.od,
        supersedes_id=former.id,
        amend_reason="录错眼别",
    )
    commands.record_exam(desk.workspace, entry=amended)
    for _ in range(2):  # as entered, and as it returns
        exams = desk.ask(queries.customer_record, child, today=TODAY).exams
        assert [exam.status.value for exam in exams] == ["amended", "final"]
        desk.clock.advance(UNDO_WINDOW)
        desk.sync()


def test_two_entries_about_one_task_are_not_a_conflict_with_oneself(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    commands.snooze_task(desk.workspace, task_id=clinic.mine.task_id, until=NEXT_WEEK + timedelta(days=1))
    desk.clock.advance(UNDO_WINDOW)
    assert desk.sync().pushed == 2
    assert desk.ask(queries.unsent_items) == []
    assert central_task(store, clinic).next_on == NEXT_WEEK + timedelta(days=1)


def test_undo_leaves_no_trace_and_no_gap(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id, note="按错了")
    commands.undo_last(desk.workspace)
    assert desk.task(clinic.mine.task_id).state is TaskState.OPEN
    consider(desk.workspace, clinic.mine.task_id, note="对了")
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    assert central_count(store, FollowUp, note="按错了") == 0
    assert central_count(store, Receipt, n=1) == 1


def test_a_task_that_somebody_else_closed_is_a_conflict_and_the_contact_is_kept(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    with transaction(store.jobs) as session:
        session.get_one(Task, (clinic.mine.customer_id, clinic.mine.task_id)).state = TaskState.DONE
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    assert (desk.task(clinic.mine.task_id).state, central_count(store, FollowUp, note="再想想")) == (TaskState.DONE, 1)
    (item,) = desk.ask(queries.unsent_items)
    assert item.delivery is Delivery.CONFLICT
    assert desk.ask(queries.sync_status).needs_person == 1

    commands.dismiss(desk.workspace, op_id=item.op_id)
    assert desk.ask(queries.unsent_items) == []


def test_what_the_centre_holds_stays_visible_and_marked(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    """The customer had been given away, and nobody here knew."""
    desk = desk_for("assistant")
    give(store, desk.clock, clinic.mine.customer_id, assistant_id=clinic.staff["assistant2"])
    desk.clock.advance(UNDO_WINDOW)
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    (item,) = desk.ask(queries.unsent_items)
    assert item.delivery is Delivery.HELD
    assert central_count(store, HeldOperation, op_id=item.op_id) == 1
    assert desk.count("follow_up") == 0  # the customer is not ours to see any more


# ── what breaks between ──────────────────────────────────────────────────────────────────────────────────


def test_a_lost_answer_does_nothing_twice(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    desk.transport = LosingTransport("/sync/push")
    with pytest.raises(Unreachable):
        desk.sync()
    assert desk.ask(queries.unsent_items)[0].delivery is Delivery.SENDING
    assert central_count(store, FollowUp, note="再想想") == 1  # the centre has it, only we do not know

    desk.transport = None
    desk.reopen()
    assert desk.task(clinic.mine.task_id).attempts == 1
    desk.sync()
    assert central_count(store, FollowUp, note="再想想") == 1
    assert desk.ask(queries.unsent_items) == []
    assert desk.task(clinic.mine.task_id).attempts == 1


def test_a_lost_page_is_read_again(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("assistant")
    with transaction(store.jobs) as session:
        session.get_one(Customer, clinic.mine.customer_id).name = "改了名字"
    desk.transport = LosingTransport("/sync/pull")
    with pytest.raises(Unreachable):
        desk.sync()
    desk.transport = None
    desk.sync()
    assert desk.tasks()[0].name == "改了名字"


def test_work_done_while_unplugged_arrives_once_after_both_sides_restarted(
    desk_for: DeskFor, clinic: Clinic, store: Store, app: FastAPI, clock: object
) -> None:
    with transaction(store.jobs) as session:
        where = {"site_id": clinic.north, "owner_id": clinic.staff["assistant"]}
        more = [
            add_task(session, customer_id=clinic.mine.customer_id, anchor_on=date(2026, 6, day), **where)
            for day in (1, 2)
        ]
    assistant, optometrist = desk_for("assistant"), desk_for("optometrist")
    nowhere = "http://127.0.0.1:9"
    for desk in (assistant, optometrist):
        desk.url = nowhere
    for task_id in (clinic.mine.task_id, *more):
        consider(assistant.workspace, task_id)
    commands.record_exam(optometrist.workspace, entry=examined(clinic.mine.customer_id))
    assistant.clock.advance(UNDO_WINDOW)
    for desk in (assistant, optometrist):
        with pytest.raises(Unreachable):
            desk.sync()
        desk.reopen()
    assert assistant.tasks() == []

    with serving(app) as url:
        for desk in (assistant, optometrist, assistant, optometrist):
            desk.url = url
            desk.sync()
    assert central_count(store, FollowUp, note="再想想") == 3
    assert central_count(store, Task, customer_id=clinic.mine.customer_id, state=TaskState.SNOOZED) == 3
    assert central_count(store, Exam, examined_on=TODAY) == 1
    assert central_count(store, EyeMeasurement, customer_id=clinic.mine.customer_id) == 4
    for desk in (assistant, optometrist):
        assert desk.ask(queries.unsent_items) == []


def test_a_restored_centre_is_offered_again_what_it_has_forgotten(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    with transaction(store.jobs) as session:
        younger = add_task(
            session,
            customer_id=clinic.mine.customer_id,
            site_id=clinic.north,
            owner_id=None,
            anchor_on=date(2026, 6, 1),
        )
    desk.sync()
    assert desk.task(younger).id == younger
    restore_to_before_the_push(store, clinic, younger=younger)

    report = desk.sync()
    assert report.pushed == 1
    assert desk.ask(queries.task_case, younger, today=TODAY) is None  # made after the backup: it never was
    assert central_count(store, FollowUp, note="再想想") == 1
    assert central_task(store, clinic).state is TaskState.SNOOZED
    assert desk.task(clinic.mine.task_id).delivery is Delivery.ACCEPTED


@pytest.mark.parametrize("wrong_by", [-365, 365])
def test_a_wrong_clock_forgets_nothing_that_a_restored_centre_must_be_offered(
    desk_for: DeskFor, clinic: Clinic, store: Store, wrong_by: int
) -> None:
    """Once wrong when the centre answers and once when old entries are forgotten."""
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    desk.clock = FakeClock(desk.clock.now() + timedelta(days=wrong_by))
    desk.reopen()
    desk.sync()
    desk.clock.advance(timedelta(days=-2 * wrong_by))
    desk.sync()
    restore_to_before_the_push(store, clinic, younger=new_id())
    assert desk.sync().pushed == 1
    assert central_count(store, FollowUp, note="再想想") == 1


def test_a_centre_restored_without_saying_so_is_noticed_by_its_count(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    """A copy of the database brought back as it was, with the epoch of before: nobody ran a restore command."""
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    with Session(store.jobs) as session:
        epoch = session.query(Incarnation).one().epoch
    restore_to_before_the_push(store, clinic, younger=new_id())
    with transaction(store.jobs) as session:
        session.query(Incarnation).update({"epoch": epoch})

    assert desk.sync().pushed == 1
    assert desk.sync().pushed == 0
    assert central_count(store, FollowUp, note="再想想") == 1
    assert desk.task(clinic.mine.task_id).delivery is Delivery.ACCEPTED


def restore_to_before_the_push(store: Store, clinic: Clinic, *, younger: UUID) -> None:
    """What a restore from a backup leaves: effects, receipts and counts are gone, and the epoch is new."""
    with transaction(store.jobs) as session:
        session.query(Task).filter_by(id=younger).delete()
        session.execute(text("DELETE FROM stream_entry WHERE row_id = :id"), {"id": younger})
        session.query(FollowUp).filter_by(note="再想想").delete()
        task = session.get_one(Task, (clinic.mine.customer_id, clinic.mine.task_id))
        task.state, task.next_on, task.attempts = TaskState.OPEN, None, 0
        session.query(Receipt).delete()
        session.query(Device).update({"last_n": 0})
        session.query(Incarnation).update({"epoch": new_id()})


def test_a_copied_folder_becomes_a_device_of_its_own(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    """The centre has something else under our number: the copy has sent it."""
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    desk.transport = LosingTransport("/sync/push")
    with pytest.raises(Unreachable):
        desk.sync()
    desk.transport = None
    with transaction(store.jobs) as session:
        session.query(Receipt).update({"digest": b"another", "op_id": new_id()})
    former = desk.workspace.outbox.device().id
    with pytest.raises(SignInRequired):
        desk.sync()
    assert desk.workspace.outbox.device().id != former

    desk.sign_in("assistant")
    desk.sync()
    assert desk.ask(queries.sync_status).unsent == 0


def test_an_ended_token_is_refreshed_without_anybody_noticing(desk_for: DeskFor, store: Store) -> None:
    desk = desk_for("assistant")
    desk.clock.advance(timedelta(hours=2))
    desk.sync()
    assert desk.workspace.person() is not None


def test_a_session_ended_by_the_centre_needs_a_sign_in_and_keeps_the_work(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    with transaction(store.jobs) as session:
        session.execute(text("UPDATE token SET revoked_at = now()"))
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    with pytest.raises(SignInRequired):
        desk.sync()
    assert desk.ask(queries.sync_status).unsent == 1
    desk.sign_in("assistant")
    desk.sync()
    assert central_count(store, FollowUp, note="再想想") == 1
    assert central_count(store, Token, revoked_at=None) > 0
