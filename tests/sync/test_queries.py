"""What screens are told: order, counts and words."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from hcrm_core.terms import Channel, Eye, Outcome, ProductKind, Role, TaskState
from hcrm_core.wire import Person, Row
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.rows import TaskFilter
from hcrm_desktop.cache.workspace import Workspace
from hcrm_store.base import new_id
from tests.pages import put, row

TODAY = date(2026, 11, 22)
SITE, OWNER = new_id(), new_id()
SCRIPT = {
    "key": "k",
    "label": "l",
    "sentences": [
        ["{guardian}，您好！", "您好！"],
        ["{child}右眼涨了{growth_od}度。"],
        ["{product}戴了{lens_months}个月。"],
    ],
    "words": {"ok_lens": "角塑镜"},
}


@pytest.fixture
def clinic(workspace: Workspace) -> Workspace:
    """A workstation with a site, a colleague and two SOPs, and nobody to call yet."""
    account = Person(account_id=new_id(), staff_id=OWNER, name="李医助", role=Role.ASSISTANT, site_ids=[SITE])
    workspace.admit(account)
    put(
        workspace,
        row("site", SITE, code="north", name="城北院区"),
        row("staff", OWNER, code="li", name="李医助", site_id=str(SITE)),
        sop("recall", rank=2, summary="今日需召回 {n} 人"),
        sop("recheck", rank=1, definition={"script": SCRIPT, "outcomes": ["booked", "no_answer"]}),
    )
    return workspace


def sop(key: str, **body: Any) -> Row:
    return row("sop", new_id(), **{"key": key, "label": f"{key}标题", "summary": "{n} 人", "definition": {}, **body})


def add_child(workspace: Workspace, name: str, *, family: UUID | None = None, **body: Any) -> UUID:
    """A customer, with a guardian if he is the first of his family here."""
    child, home = new_id(), family or new_id()
    about = {"name": name, "name_pinyin": "wang xin yi", "name_initials": "wxy", "sex": "female"}
    rows = [row("customer", child, site_id=str(SITE), family_id=str(home), birth_date="2017-03-04", **(about | body))]
    if family is None:
        rows += [
            row("guardian", new_id(), family_id=str(home), name=f"{name}妈妈", phone="19912345678", phone_tail="5678")
        ]
    put(workspace, *rows)
    return child


def add_task(workspace: Workspace, child: UUID, **body: Any) -> UUID:
    task = new_id()
    whole: dict[str, Any] = {
        "sop_key": "recheck",
        "step_key": "remind",
        "anchor_on": "2026-05-01",
        "due_on": "2026-11-20",
    }
    whole |= {"priority": 2, "state": "open", "attempts": 0, "owner_id": str(OWNER), "customer_id": str(child)}
    put(workspace, row("task", task, **(whole | body)))
    return task


def asked(workspace: Workspace, query: Any, *args: Any, **options: Any) -> Any:
    with workspace.read() as session:
        return query(session, *args, **options)


def listed(workspace: Workspace, *, limit: int = 200, offset: int = 0, **chosen: Any) -> list[str]:
    found = asked(workspace, queries.tasks_today, today=TODAY, filter=TaskFilter(**chosen), limit=limit, offset=offset)
    return [task.name for task in found]


# ── 今日任务 ─────────────────────────────────────────────────────────────────────────────────────────────


def test_urgent_comes_first_then_longest_due(clinic: Workspace) -> None:
    for name, priority, due in [("丙", 3, "2026-01-01"), ("乙", 1, "2026-11-21"), ("甲", 1, "2026-11-01")]:
        add_task(clinic, add_child(clinic, name), priority=priority, due_on=due)
    assert listed(clinic) == ["甲", "乙", "丙"]
    assert listed(clinic, limit=2, offset=1) == ["乙", "丙"]


def test_siblings_stand_together_where_the_more_urgent_one_stands(clinic: Workspace) -> None:
    family = new_id()
    add_task(clinic, add_child(clinic, "妹妹", family=family), priority=3)
    add_task(clinic, add_child(clinic, "别人"), priority=2)
    add_task(clinic, add_child(clinic, "姐姐", family=family), priority=1)
    assert listed(clinic) == ["姐姐", "妹妹", "别人"]


@pytest.mark.parametrize(
    ("body", "to_do", "done"),
    [
        ({"state": "open"}, 1, 0),
        ({"state": "in_progress"}, 1, 0),
        ({"state": "snoozed", "next_on": "2026-11-22"}, 1, 0),
        ({"state": "snoozed", "next_on": "2026-11-23"}, 0, 0),
        ({"state": "done", "closed_at": "2026-11-21T15:59:59.999999+00:00"}, 0, 0),  # yesterday in the clinic
        ({"state": "done", "closed_at": "2026-11-21T16:00:00+00:00"}, 0, 1),
        ({"state": "cancelled", "closed_at": "2026-11-22T15:59:59.999999+00:00"}, 0, 1),
        ({"state": "done", "closed_at": "2026-11-22T16:00:00+00:00"}, 0, 0),
    ],
)
def test_what_is_to_do_and_what_is_done_today(clinic: Workspace, body: dict[str, Any], to_do: int, done: int) -> None:
    add_task(clinic, add_child(clinic, "王欣怡"), **body)
    counts = {count.sop_key: (count.open, count.done) for count in asked(clinic, queries.sop_counts, today=TODAY)}
    assert counts == {"recheck": (to_do, done), "recall": (0, 0)}
    assert len(listed(clinic)) == to_do
    assert len(listed(clinic, include_closed=True)) == to_do + done
    chosen = TaskFilter(include_closed=True)
    assert asked(clinic, queries.count_tasks, today=TODAY, filter=chosen) == to_do + done


def test_a_task_put_off_after_a_contact_today_is_done_for_today(clinic: Workspace) -> None:
    task = add_task(clinic, add_child(clinic, "王欣怡"))
    tomorrow = TODAY + timedelta(days=1)
    call: dict[str, Any] = {"channel": Channel.PHONE, "outcome": Outcome.NO_ANSWER, "next_on": tomorrow}
    commands.record_outcome(clinic, task_id=task, **call)
    (recheck, _) = asked(clinic, queries.sop_counts, today=TODAY)
    assert (recheck.open, recheck.done) == (0, 1)
    (shown,) = asked(clinic, queries.tasks_today, today=TODAY, filter=TaskFilter(include_closed=True))
    assert (shown.state, shown.last_outcome, shown.attempts) == (TaskState.SNOOZED, Outcome.NO_ANSWER, 1)
    assert listed(clinic) == []


def test_done_stands_below_what_is_to_do(clinic: Workspace) -> None:
    closed = {"state": "done", "closed_at": "2026-11-22T01:00:00+00:00", "priority": 1}
    add_task(clinic, add_child(clinic, "已完成"), **closed)
    add_task(clinic, add_child(clinic, "待办"), priority=9)
    assert listed(clinic, include_closed=True) == ["待办", "已完成"]


def test_the_list_narrows_by_sop_text_and_overdue(clinic: Workspace) -> None:
    add_task(clinic, add_child(clinic, "王欣怡"), sop_key="recall", due_on="2026-11-22")
    add_task(clinic, add_child(clinic, "张明", name_initials="zm", name_pinyin="zhang ming"), due_on="2026-11-21")
    assert listed(clinic, sop_keys=("recall",)) == ["王欣怡"]
    assert listed(clinic, text="zm") == ["张明"]
    assert listed(clinic, overdue_only=True) == ["张明"]
    assert listed(clinic, sop_keys=("recall",), text="zm") == []


def test_a_task_that_came_before_its_customer_is_listed_without_a_name(clinic: Workspace) -> None:
    add_task(clinic, new_id())
    assert listed(clinic) == [""]


def test_the_case_tells_who_why_and_what_to_say(clinic: Workspace) -> None:
    family = new_id()
    child = add_child(clinic, "王欣怡", family=family)
    mother = {"family_id": str(family), "name": "刘女士", "phone": "19900001111", "phone_tail": "1111"}
    put(clinic, row("guardian", new_id(), **mother))
    sibling = add_task(clinic, add_child(clinic, "王小弟", family=family))
    task = add_task(clinic, child, evidence=[{"fact": "recheck_due_on"}])
    for on, sphere in (("2026-05-01", "-2.00"), ("2026-11-01", "-2.50")):
        exam = new_id()
        taken = {
            "examined_on": on,
            "method": "autorefraction",
            "cycloplegic": True,
            "lens_state": "none",
            "status": "final",
        }
        eye = {"exam_id": str(exam), "eye": "OD", "sphere": sphere, "cylinder": "0.00"}
        put(clinic, row("exam", exam, customer_id=str(child), **taken))
        put(clinic, row("eye_measurement", new_id(), customer_id=str(child), **eye))
    worn = {"eye": "OD", "product": "ok_lens", "dispensed_on": "2025-11-22", "customer_id": str(child)}
    put(clinic, row("lens_order", new_id(), **worn))

    case = asked(clinic, queries.task_case, task, today=TODAY)
    assert case.script == "刘女士，您好！王欣怡右眼涨了50度。角塑镜戴了12个月。"
    assert case.items[0].evidence == [{"fact": "recheck_due_on"}]
    assert [exam.od.sphere for exam in case.exams] == [Decimal("-2.00"), Decimal("-2.50")]
    assert [one.task.id for one in case.items] == [task, sibling]
    assert case.items[0].outcomes == (Outcome.BOOKED, Outcome.NO_ANSWER)
    assert (case.task.phone, case.task.product, case.task.lens_since) == (
        "19900001111",
        ProductKind.OK_LENS,
        date(2025, 11, 22),
    )
    assert case.task.owner_name == "李医助"


def test_what_is_unknown_is_not_spoken_of(clinic: Workspace) -> None:
    task = add_task(clinic, new_id())
    assert asked(clinic, queries.task_case, task, today=TODAY).script == "您好！"
    other = add_task(clinic, new_id(), sop_key="recall")
    assert asked(clinic, queries.task_case, other, today=TODAY).script == ""


def test_a_task_that_is_not_here_has_no_case(clinic: Workspace) -> None:
    assert asked(clinic, queries.task_case, new_id(), today=TODAY) is None
    assert asked(clinic, queries.customer_record, new_id(), today=TODAY) is None


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("欣", 1),
        ("王欣怡", 1),
        ("  王欣怡 ", 1),
        ("wxy", 1),
        ("WX", 1),
        ("xy", 0),
        ("wangxin", 1),
        ("wang xin", 1),
        ("5678", 1),
        ("56", 1),
        ("５６７８", 1),
        ("678", 1),
        ("19912345678", 1),
        ("12345678", 1),
        ("9999", 0),
        ("%", 0),
        ("_", 0),
        ("'", 0),
        ("", 0),
        ("   ", 0),
        ("x" * 5_000, 0),
    ],
)
def test_customers_are_found_by_what_people_type(clinic: Workspace, text: str, found: int) -> None:
    add_child(clinic, "王欣怡")
    hits = asked(clinic, queries.search_customers, text)
    assert len(hits) == found
    assert all((hit.guardian_name, hit.site_name) == ("王欣怡妈妈", "城北院区") for hit in hits)


def test_the_list_is_in_the_order_of_pinyin_and_narrows_to_a_segment(clinic: Workspace) -> None:
    put(clinic, row("segment", new_id(), key="ok", label="角塑客户", rank=1))
    late = add_child(clinic, "周", name_pinyin="zhou")
    add_child(clinic, "安", name_pinyin="an")
    inside = {"segment_key": "ok", "entered_on": "2026-01-01", "customer_id": str(late)}
    put(clinic, row("membership", new_id(), **inside), row("membership", new_id(), left_on="2026-02-01", **inside))
    assert [hit.name for hit in asked(clinic, queries.list_customers)] == ["安", "周"]
    assert [hit.name for hit in asked(clinic, queries.list_customers, segment="ok")] == ["周"]
    assert [hit.name for hit in asked(clinic, queries.list_customers, offset=1, limit=1)] == ["周"]
    assert asked(clinic, queries.count_customers) == 2
    assert asked(clinic, queries.count_customers, segment="ok", text="安") == 0
    (segment,) = asked(clinic, queries.segments)
    assert (segment.label, segment.customers) == ("角塑客户", 1)
    (of_him,) = asked(clinic, queries.customer_record, late, today=TODAY).segments
    assert of_him.entered_on == date(2026, 1, 1)


def test_the_record_of_a_child_without_history_is_empty_and_not_wrong(clinic: Workspace) -> None:
    child = new_id()
    put(clinic, row("customer", child))
    record = asked(clinic, queries.customer_record, child, today=TODAY)
    header = record.header
    assert (header.name, header.sex, header.birth_date, header.phone, header.next_due_on) == (
        "",
        None,
        None,
        None,
        None,
    )
    assert (record.exams, record.orders, record.visits, record.tasks, header.siblings) == ((), (), (), (), ())


def test_one_measured_eye_leaves_the_other_unknown(clinic: Workspace) -> None:
    child, exam = add_child(clinic, "王欣怡"), new_id()
    put(clinic, row("exam", exam, customer_id=str(child), examined_on="2026-05-01"))
    eye = {"exam_id": str(exam), "eye": "OS", "axial_length_mm": "24.31"}
    put(clinic, row("eye_measurement", new_id(), customer_id=str(child), **eye))
    (shown,) = asked(clinic, queries.customer_record, child, today=TODAY).exams
    assert shown.od is None
    assert (shown.os.eye, shown.os.axial_length_mm, shown.os.sphere) == (Eye.OS, Decimal("24.31"), None)


# ── cost ─────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_a_longer_list_needs_no_more_statements(clinic: Workspace) -> None:
    def cost() -> int:
        with counted_statements() as statements:
            listed(clinic)
            asked(clinic, queries.list_customers)
        return len(statements)

    add_task(clinic, add_child(clinic, "第一个"))
    one = cost()
    for number in range(30):
        add_task(clinic, add_child(clinic, f"孩子{number}"))
    assert cost() == one
