"""One call to a mother is about everything that is due of her children: recorded, taken back and sent as one."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.errors import Rejected
from hcrm_core.tasks import CLOSED
from hcrm_core.terms import Channel, Outcome, Role, TaskState
from hcrm_core.wire import OperationResult, ResultStatus
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.commands import DOUBLE_PRESS
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import TaskCase, TaskFilter
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.models.contact import answered
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp, Visit
from hcrm_store.journeys import Task
from hcrm_store.people import Customer
from tests.factories import Clinic, add_child, add_task
from tests.fakes import FakeClock
from tests.gui.filling import SITE, open_clinic, put, row, task_row
from tests.sync.desk import KEY, NEXT_WEEK, TODAY, Desk, central_count

DeskFor = Callable[[str], Desk]
A_MOMENT = timedelta(milliseconds=1)


# ── off line ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def desk(tmp_path: Path, clock: FakeClock) -> Iterator[Workspace]:
    opened = open_workspace(tmp_path / "profile", KEY, clock=clock)
    open_clinic(opened)
    beside = ["另外，{child}也到时间了。"]
    script = {"key": "k", "label": "l", "sentences": [["{child}您好！"]], "words": {}, "beside": beside}
    care = {"script": script, "outcomes": ["satisfied", "discomfort", "booked", "no_answer"]}
    put(opened, row("sop", new_id(), key="ok_care", label="角塑随访", summary="{n}", rank=3, definition=care))
    yield opened
    opened.close()


def mother_of_three(desk: Workspace) -> list[UUID]:
    """Five due tasks, the most urgent first: two of the eldest, two of the second, one of the youngest."""
    family = new_id()
    children = [new_id() for _ in range(3)]
    names = ("大宝", "二宝", "三宝")
    home = {"site_id": str(SITE), "family_id": str(family)}
    put(desk, row("guardian", new_id(), family_id=str(family), name="王芳", phone="14399900011"))
    put(desk, *(row("customer", child, name=name, **home) for child, name in zip(children, names, strict=True)))
    due = [(0, "recheck", 9), (0, "ok_care", 8), (1, "recheck", 7), (1, "ok_care", 6), (2, "recheck", 5)]
    tasks = [new_id() for _ in due]
    made = zip(tasks, due, strict=True)
    put(desk, *(task_row(children[n], task_id=task, sop_key=sop, late_days=late) for task, (n, sop, late) in made))
    return tasks


def book(desk: Workspace, first: UUID, *others: UUID) -> None:
    commands.record_outcome(
        desk, task_id=first, also=others, channel=Channel.PHONE, outcome=Outcome.BOOKED, next_on=NEXT_WEEK
    )


def case_of(desk: Workspace, task_id: UUID) -> TaskCase:
    with desk.read() as session:
        case = queries.task_case(session, task_id, today=TODAY)
    assert case is not None
    return case


def due(desk: Workspace) -> set[UUID]:
    with desk.read() as session:
        return {task.id for task in queries.tasks_today(session, today=TODAY, filter=TaskFilter())}


def states(desk: Workspace, task_ids: list[UUID]) -> set[TaskState]:
    return {case_of(desk, one).task.state for one in task_ids}


def unsent(desk: Workspace) -> int:
    return desk.outbox.unsent()[0]


def test_a_case_tells_of_all_that_is_due_of_a_family_and_how_to_say_it(desk: Workspace) -> None:
    tasks = mother_of_three(desk)
    case = case_of(desk, tasks[0])
    assert [one.task.sop_key for one in case.items] == ["recheck", "ok_care", "recheck", "ok_care", "recheck"]
    assert [one.task.name for one in case.items] == ["大宝", "大宝", "二宝", "二宝", "三宝"]
    assert case.script.count("另外，") == 2  # whose SOP has no sentence for it is not spoken of twice
    with desk.read() as session:
        assert queries.count_contacts(session, today=TODAY) == 1
        assert queries.count_tasks(session, today=TODAY, filter=TaskFilter()) == 5


def test_one_call_settles_everything_in_one_transaction_and_makes_a_follow_up_for_each(desk: Workspace) -> None:
    first, *others = mother_of_three(desk)
    book(desk, first, *others)
    assert due(desk) == set()
    assert unsent(desk) == 5
    for one in (first, *others):
        case = case_of(desk, one)
        assert (case.task.state, case.task.next_on) == (TaskState.SNOOZED, NEXT_WEEK)
    laid = desk.outbox.laid(desk.worker().account_id)
    assert len({entry.body["follow_up_id"] for entry in laid}) == 5
    assert len({entry.body["together_id"] for entry in laid}) == 1


def test_what_is_left_out_stays_due(desk: Workspace) -> None:
    first, second, third, fourth, fifth = mother_of_three(desk)
    book(desk, first, second, third, fourth)
    assert due(desk) == {fifth}
    assert [one.task.id for one in case_of(desk, fifth).items] == [fifth]


def test_undo_takes_the_whole_call_back_and_only_that(desk: Workspace) -> None:
    first, second, *others = mother_of_three(desk)
    commands.record_outcome(desk, task_id=first, channel=Channel.PHONE, outcome=Outcome.DECLINED)
    book(desk, second, *others)
    commands.undo_last(desk)
    assert due(desk) == {second, *others}
    assert unsent(desk) == 1
    commands.undo_last(desk)
    assert states(desk, [first, second, *others]) == {TaskState.OPEN}
    assert unsent(desk) == 0


def test_a_call_of_which_a_part_was_sent_is_not_taken_back_by_halves(desk: Workspace, clock: FakeClock) -> None:
    first, *others = mother_of_three(desk)
    book(desk, first, *others)
    clock.advance(UNDO_WINDOW)
    me = desk.worker().account_id
    (offered,) = desk.outbox.offer(account_id=me, expected_n=1, limit=1)
    for _ in ("sent", "answered"):
        with pytest.raises(Rejected) as told:
            commands.undo_last(desk)
        assert told.value.code == "already_sent"
        applied = OperationResult(n=1, op_id=offered.op_id, status=ResultStatus.APPLIED, ver=2)
        desk.outbox.answer([applied], at=clock.now())
    assert due(desk) == set()
    assert unsent(desk) == 4


def test_an_item_that_cannot_be_recorded_keeps_all_from_being_recorded(desk: Workspace) -> None:
    first, second, *others = mother_of_three(desk)
    commands.record_outcome(desk, task_id=second, channel=Channel.PHONE, outcome=Outcome.DECLINED)
    with pytest.raises(Rejected) as told:
        book(desk, first, *others, second)
    assert told.value.code == "task_already_closed"
    assert due(desk) == {first, *others}
    assert unsent(desk) == 1


def test_an_item_of_a_colleague_is_refused_among_others_too(desk: Workspace) -> None:
    family, mine, theirs = new_id(), new_id(), new_id()
    open_clinic(desk, Role.OPTOMETRIST)
    child = row("customer", family, name="大宝", site_id=str(SITE))
    put(desk, child, task_row(family, task_id=mine), task_row(family, task_id=theirs, owner_id=str(new_id())))
    assert {one.task.id: one.workable for one in case_of(desk, mine).items} == {mine: True, theirs: False}
    with pytest.raises(Rejected) as told:
        book(desk, mine, theirs)
    assert told.value.code == "task_of_another"
    assert unsent(desk) == 0


@pytest.mark.parametrize(("later", "expected"), [(DOUBLE_PRESS - A_MOMENT, 5), (DOUBLE_PRESS, 10)])
def test_a_key_that_bounced_is_no_second_call(
    desk: Workspace, clock: FakeClock, later: timedelta, expected: int
) -> None:
    first, *others = mother_of_three(desk)
    for _ in range(2):
        commands.record_outcome(desk, task_id=first, also=others, channel=Channel.PHONE, outcome=Outcome.NO_ANSWER)
        clock.advance(later)
    assert unsent(desk) == expected


def test_all_is_put_off_and_brought_back_as_one(desk: Workspace) -> None:
    first, *others = mother_of_three(desk)
    commands.snooze_task(desk, task_id=first, also=others, until=NEXT_WEEK)
    assert states(desk, [first, *others]) == {TaskState.SNOOZED}
    commands.undo_last(desk)
    assert states(desk, [first, *others]) == {TaskState.OPEN}


@pytest.mark.parametrize(
    ("outcome", "taken"),
    [
        (Outcome.BOOKED, 5),
        (Outcome.NO_ANSWER, 5),
        (Outcome.WRONG_NUMBER, 5),  # true of the family, whatever the call was about
        (Outcome.MOVED_AWAY, 5),
        (Outcome.SATISFIED, 2),  # how a lens is worn says nothing of a recheck
        (Outcome.DISCOMFORT, 2),
        (Outcome.ARRIVED, 2),  # no SOP offers it: the child that stands first came, not its brothers
    ],
)
def test_an_outcome_is_recorded_of_what_it_answers(desk: Workspace, outcome: Outcome, taken: int) -> None:
    items = case_of(desk, mother_of_three(desk)[0]).items
    parts = answered(items, outcome)
    assert len(parts.taken) == taken
    assert {one.id for one in (*parts.taken, *parts.left)} == {one.task.id for one in items}


# ── with the centre ──────────────────────────────────────────────────────────────────────────────────────


def add_sibling(store: Store, clinic: Clinic, *, number: int) -> tuple[UUID, UUID]:
    """A brother of the assistant's child, with a task."""
    staff = clinic.staff
    with transaction(store.jobs) as session:
        child = add_child(session, site_id=clinic.north, assistant=staff["assistant"], optometrist=None, number=number)
        session.flush()
        session.get_one(Customer, child.customer_id).family_id = clinic.mine.family_id
    return child.customer_id, child.task_id


def test_a_call_about_a_family_arrives_whole_and_books_each_child_once(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    brothers = [add_sibling(store, clinic, number=number) for number in (7, 8)]
    mine = clinic.mine
    with transaction(store.jobs) as session:
        second, third = (
            add_task(
                session,
                customer_id=child,
                site_id=clinic.north,
                owner_id=clinic.staff["assistant"],
                anchor_on=date(2026, 6, 1),
            )
            for child in (mine.customer_id, brothers[0][0])
        )
    desk = desk_for("assistant")
    tasks = {mine.task_id, second, third, brothers[0][1], brothers[1][1]}
    assert {one.task.id for one in case_of(desk.workspace, mine.task_id).items} == tasks
    others = sorted(tasks - {mine.task_id})
    book(desk.workspace, mine.task_id, *others)
    desk.clock.advance(UNDO_WINDOW)
    assert desk.sync().pushed == 5
    assert desk.ask(queries.unsent_items) == []
    assert desk.tasks() == []
    with Session(store.jobs) as session:
        called = session.scalars(select(FollowUp.task_id).where(FollowUp.outcome == Outcome.BOOKED)).all()
        assert (len(called), set(called)) == (5, tasks)
        asleep = session.scalars(select(Task.next_on).where(Task.id.in_(tasks), Task.state == TaskState.SNOOZED))
        assert list(asleep) == [NEXT_WEEK] * 5
    assert central_count(store, Visit, visit_on=NEXT_WEEK) == 3


def test_an_item_that_a_colleague_closed_meanwhile_does_not_hold_up_the_others(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    child, theirs = add_sibling(store, clinic, number=7)
    desk = desk_for("assistant")
    with transaction(store.jobs) as session:
        session.get_one(Task, (child, theirs)).state = TaskState.DONE
    book(desk.workspace, clinic.mine.task_id, theirs)
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    assert desk.task(clinic.mine.task_id).next_on == NEXT_WEEK
    assert desk.task(theirs).state in CLOSED
    assert len(desk.ask(queries.unsent_items)) == 1  # the conflict, for its author to read


def test_a_manager_is_sent_what_was_escalated_and_sees_it_first(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    with transaction(store.jobs) as session:
        late = session.get_one(Task, (clinic.far.customer_id, clinic.far.task_id))
        late.escalated_on, late.priority = TODAY, 8
    desk = desk_for("manager")
    assert [task.escalated_on for task in desk.tasks()] == [TODAY, None, None]
    assert [task.id for task in desk.tasks(escalated_only=True)] == [clinic.far.task_id]
    assert desk.ask(queries.count_escalated, today=TODAY) == 1
