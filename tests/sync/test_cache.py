"""What the centre sends, in the cache; and the work laid over it."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from hcrm_core.errors import NotPermitted, Rejected, SignInRequired
from hcrm_core.terms import Channel, LensState, Outcome, RefractionMethod, Role, TaskState
from hcrm_core.wire import (
    Cursor,
    OperationResult,
    Person,
    ResetReason,
    ResultStatus,
    Row,
    StreamPage,
    Tombstone,
)
from hcrm_desktop.cache import commands, overlay, queries, streams
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import Changes, Delivery, ExamEntry, TaskFilter
from hcrm_desktop.cache.tables import CUSTOMER, KIND_TABLES, TASK
from hcrm_desktop.cache.values import from_wire, to_wire
from hcrm_desktop.cache.workspace import Workspace
from hcrm_store.base import new_id
from tests.pages import put, row

TODAY = date(2026, 11, 22)
SITE, CHILD, WORK = new_id(), new_id(), new_id()
HERE = {"customer_id": str(CHILD), "site_id": str(SITE)}


def person(role: Role = Role.ASSISTANT) -> Person:
    return Person(account_id=new_id(), staff_id=new_id(), name="李医助", role=role, site_ids=[SITE])


def customer(name: str = "王小欣", *, row_id: UUID = CHILD, ver: int = 1) -> Row:
    return row("customer", row_id, ver=ver, site_id=str(SITE), name=name, birth_date="2017-03-04")


def task(*, ver: int = 1, **body: Any) -> Row:
    due = {"due_on": "2026-11-20", "anchor_on": "2026-05-01", "sop_key": "recheck", "priority": 2}
    return row("task", WORK, ver=ver, **{**HERE, **due, "state": "open", "attempts": 0, **body})


def names(workspace: Workspace) -> list[str]:
    with workspace.read() as session:
        return list(session.execute(select(CUSTOMER.c.name).order_by(CUSTOMER.c.name)).scalars())


def shown(workspace: Workspace) -> Any:
    with workspace.read() as session:
        found = queries.task_case(session, WORK, today=TODAY)
    assert found is not None
    return found.task


def decline(workspace: Workspace) -> Changes:
    return commands.record_outcome(workspace, task_id=WORK, channel=Channel.PHONE, outcome=Outcome.DECLINED)


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_replaces_rows_whole_and_keeps_its_cursor(workspace: Workspace) -> None:
    assert put(workspace, customer("旧名"), customer("另一个", row_id=new_id())) == {"customer"}
    put(workspace, row("customer", CHILD, ver=2, name="新名"), next=Cursor(seq=9, profile="p"))
    assert names(workspace) == ["另一个", "新名"]
    with workspace.read() as session:
        assert session.execute(select(CUSTOMER.c.birth_date).where(CUSTOMER.c.id == CHILD)).scalar() is None
        assert streams.cursors(session) == {"north:people": Cursor(seq=9, profile="p")}


def test_half_a_page_is_no_page(workspace: Workspace) -> None:
    put(workspace, customer("旧名"))

    page = StreamPage(
        stream="north:people", rows=[customer("新名")], tombstones=[], next=Cursor(seq=2), head=2, more=False
    )
    with pytest.raises(KeyboardInterrupt):
        _interrupted(workspace, page)
    assert names(workspace) == ["旧名"]
    with workspace.read() as session:
        assert streams.cursors(session)["north:people"].seq == 1


def _interrupted(workspace: Workspace, page: StreamPage) -> None:
    with workspace.write() as session:
        streams.apply_page(session, page)
        raise KeyboardInterrupt


def test_the_same_page_twice_changes_nothing(workspace: Workspace) -> None:
    for _ in range(2):
        put(workspace, customer())
    assert names(workspace) == ["王小欣"]


def test_a_tombstone_takes_a_row_out_of_its_stream_only(workspace: Workspace) -> None:
    gone = {"tombstones": [Tombstone(kind="customer", id=CHILD)]}
    put(workspace, customer(), stream="south:people")  # moved there, and that page came first
    put(workspace, stream="north:people", **gone)
    assert names(workspace) == ["王小欣"]
    put(workspace, stream="south:people", **gone)
    assert names(workspace) == []


def test_more_tombstones_than_a_statement_can_bind_are_applied(workspace: Workspace) -> None:
    ids = [new_id() for _ in range(1_100)]
    put(workspace, *(customer(str(number), row_id=one) for number, one in enumerate(ids)))
    put(workspace, tombstones=[Tombstone(kind="customer", id=one) for one in ids])
    assert names(workspace) == []


def test_a_reset_drops_the_stream_and_no_other(workspace: Workspace) -> None:
    put(workspace, customer("北"), stream="north:people")
    put(workspace, customer("南", row_id=new_id()), stream="south:people")
    put(workspace, stream="north:people", reset=ResetReason.PROFILE_CHANGED, next=Cursor(profile="new"))
    assert names(workspace) == ["南"]


def test_kinds_and_words_of_a_newer_release_do_not_stop_the_page(workspace: Workspace) -> None:
    put(workspace, row("hologram", new_id(), x=1), task(state="delegated", channel="pigeon"), customer())
    assert names(workspace) == ["王小欣"]
    with workspace.read() as session:
        kept = session.execute(select(TASK.c.state, TASK.c.extra)).one()
        assert kept == (None, {"state": "delegated", "channel": "pigeon"})
        assert queries.tasks_today(session, today=TODAY, filter=TaskFilter(include_closed=True)) == []


@pytest.mark.parametrize("kind", sorted(KIND_TABLES))
def test_a_row_is_given_back_as_it_came(kind: str) -> None:
    samples = {"uuid": str(new_id()), "date": "2026-02-28", "instant": "2026-02-28T01:02:03.000004+00:00"}
    body = {
        column.name: samples["uuid"] if column.name.endswith("id") and column.name != "wecom_id" else None
        for column in KIND_TABLES[kind].columns
        if column.name not in ("extra", "base", "delivery", "stream")
    }
    body |= {name: samples["date"] for name in body if name.endswith("_on") or name == "birth_date"}
    body |= {name: samples["instant"] for name in body if name.endswith("_at")}
    body |= {"sphere": "-3.25", "axial_length_mm": "24.31", "unheard_of": {"x": 1}} if kind == "eye_measurement" else {}
    values = from_wire(kind, body)
    assert to_wire(kind, values) == {name: value for name, value in body.items() if value is not None}


# ── overlay ──────────────────────────────────────────────────────────────────────────────────────────────


def at_work(workspace: Workspace, *, role: Role = Role.ASSISTANT) -> None:
    workspace.admit(person(role))
    put(workspace, customer())
    put(workspace, task(), stream="north:tasks")


def test_the_overlay_comes_off_without_a_trace(workspace: Workspace) -> None:
    at_work(workspace)
    before = shown(workspace)
    decline(workspace)
    assert (shown(workspace).state, shown(workspace).delivery) == (TaskState.CANCELLED, Delivery.LOCAL)
    with workspace.write() as session:
        overlay.lift(session)
    assert shown(workspace) == before


def test_entries_are_laid_over_newer_rows_again(workspace: Workspace) -> None:
    at_work(workspace)
    decline(workspace)
    with workspace.write() as session:
        overlay.lift(session)
        page = StreamPage(
            stream="north:tasks",
            rows=[task(ver=2, priority=1)],
            tombstones=[],
            next=Cursor(seq=2),
            head=2,
            more=False,
        )
        streams.apply_page(session, page)
    workspace.relay()
    assert (shown(workspace).state, shown(workspace).priority) == (TaskState.CANCELLED, 1)


def test_the_overlay_outlives_the_cache_file(workspace: Workspace) -> None:
    at_work(workspace)
    decline(workspace)
    with workspace.write() as session:
        session.execute(TASK.delete())
    workspace.relay()  # nothing to lay it over yet
    put(workspace, task(), stream="north:tasks")
    workspace.relay()
    assert shown(workspace).state is TaskState.CANCELLED


def test_a_contact_already_at_the_centre_does_not_count_twice(workspace: Workspace) -> None:
    at_work(workspace)
    commands.record_outcome(workspace, task_id=WORK, channel=Channel.PHONE, outcome=Outcome.NO_ANSWER)
    with workspace.read() as session:
        (contact,) = queries.customer_record(session, CHILD, today=TODAY).follow_ups  # type: ignore[union-attr]
    with workspace.write() as session:
        overlay.lift(session)
    moved = task(ver=2, attempts=1, state="snoozed", next_on="2026-11-23", last_outcome="no_answer")
    body = {"channel": "phone", "outcome": "no_answer", "contacted_at": "2026-11-22T01:00:00+00:00", **HERE}
    put(workspace, moved, row("follow_up", contact.id, **body), stream="north:tasks")
    workspace.relay()
    assert (shown(workspace).attempts, shown(workspace).delivery) == (1, Delivery.ACCEPTED)


def test_an_accepted_entry_yields_to_what_happened_after_it(workspace: Workspace) -> None:
    at_work(workspace)
    commands.snooze_task(workspace, task_id=WORK, until=date(2026, 12, 1))
    workspace.clock.advance(UNDO_WINDOW)  # type: ignore[attr-defined]
    (sent,) = workspace.outbox.offer(account_id=workspace.worker().account_id, expected_n=1)
    result = OperationResult(n=1, op_id=sent.op_id, status=ResultStatus.APPLIED, ver=2)
    workspace.outbox.answer([result], at=workspace.clock.now())
    with workspace.write() as session:
        overlay.lift(session)
    put(workspace, task(ver=3, state="in_progress"), stream="north:tasks")
    workspace.relay()
    assert (shown(workspace).state, shown(workspace).next_on) == (TaskState.IN_PROGRESS, None)


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_entered_while_nobody_is_signed_in(workspace: Workspace) -> None:
    put(workspace, task(), stream="north:tasks")
    with pytest.raises(SignInRequired):
        decline(workspace)


def refusal_of(workspace: Workspace, command: Any, **options: Any) -> str:
    with pytest.raises(Rejected) as told:
        command(workspace, **options)
    with workspace.read() as session:
        assert queries.unsent_items(session) == []
    return told.value.code


def test_what_cannot_be_is_refused_with_a_code_and_leaves_nothing_behind(workspace: Workspace) -> None:
    at_work(workspace, role=Role.OPTOMETRIST)
    put(workspace, task(ver=2, owner_id=str(workspace.worker().staff_id)), stream="north:tasks")
    call: dict[str, Any] = {"channel": Channel.PHONE, "outcome": Outcome.BOOKED}
    assert refusal_of(workspace, commands.record_outcome, task_id=new_id(), **call) == "task_unknown"
    assert refusal_of(workspace, commands.record_outcome, task_id=WORK, **call) == "visit_date_needed"
    assert refusal_of(workspace, commands.snooze_task, task_id=WORK, until=date(2028, 1, 1)) == "date_too_far"
    assert refusal_of(workspace, commands.record_follow_up, customer_id=new_id(), **call) == "customer_unknown"
    assert refusal_of(workspace, commands.record_exam, entry=blank(CHILD)) == "nothing_measured"
    assert refusal_of(workspace, commands.undo_last) == "nothing_to_undo"


def blank(customer_id: UUID) -> ExamEntry:
    return ExamEntry(
        customer_id=customer_id,
        examined_on=TODAY,
        method=RefractionMethod.AUTOREFRACTION,
        cycloplegic=None,
        lens_state=LensState.NONE,
    )


@pytest.mark.parametrize("owner", [None, str(new_id())], ids=["nobody", "a colleague"])
def test_an_optometrist_works_on_his_own_tasks_and_no_other(workspace: Workspace, owner: str | None) -> None:
    at_work(workspace, role=Role.OPTOMETRIST)
    put(workspace, task(ver=2, owner_id=owner), stream="north:tasks")
    call: dict[str, Any] = {"channel": Channel.PHONE, "outcome": Outcome.DECLINED}
    assert refusal_of(workspace, commands.record_outcome, task_id=WORK, **call) == "task_of_another"
    assert refusal_of(workspace, commands.snooze_task, task_id=WORK, until=date(2026, 12, 1)) == "task_of_another"
    put(workspace, task(ver=3, owner_id=str(workspace.worker().staff_id)), stream="north:tasks")
    assert decline(workspace).kinds == {"task", "follow_up", "outbox"}


def test_a_closed_task_takes_no_outcome(workspace: Workspace) -> None:
    at_work(workspace)
    decline(workspace)
    with pytest.raises(Rejected) as told:
        decline(workspace)
    assert told.value.code == "task_already_closed"


def test_an_assistant_enters_no_examination(workspace: Workspace) -> None:
    at_work(workspace)
    with pytest.raises(NotPermitted):
        commands.record_exam(workspace, entry=blank(CHILD))


def test_commands_say_what_they_changed(workspace: Workspace) -> None:
    at_work(workspace)
    assert decline(workspace).kinds == {"task", "follow_up", "outbox"}
    assert commands.undo_last(workspace).kinds == {"task", "follow_up", "outbox"}


def test_a_draft_is_found_again(workspace: Workspace) -> None:
    commands.save_draft(workspace, key="exam:1", body={"od": {"sphere": "-3.25"}})
    with workspace.read() as session:
        assert queries.draft(session, "exam:1") == {"od": {"sphere": "-3.25"}}
        assert queries.draft(session, "exam:2") is None
    commands.drop_draft(workspace, key="exam:1")
    with workspace.read() as session:
        assert queries.draft(session, "exam:1") is None
