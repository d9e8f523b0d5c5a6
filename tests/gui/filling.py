"""Fills a workstation's cache as a pull would, with people and tasks that a test can name."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hcrm_core.terms import Role
from hcrm_core.wire import Cursor, Person, Row, StreamPage
from hcrm_desktop.cache import streams
from hcrm_desktop.cache.workspace import Workspace
from hcrm_store.base import new_id

TODAY = date(2026, 11, 22)  # the FakeClock's business date
SITE, OWNER = new_id(), new_id()
SCRIPT = {"key": "k", "label": "l", "sentences": [["{guardian}，您好！", "您好！"]], "words": {}}


def row(kind: str, row_id: UUID, **body: Any) -> Row:
    return Row(kind=kind, id=row_id, ver=1, body={"id": str(row_id), "ver": 1, **body})


def put(workspace: Workspace, *rows: Row) -> None:
    """As one page of one stream."""
    page = StreamPage(stream="s", rows=list(rows), tombstones=[], next=Cursor(seq=1), head=1, more=False)
    with workspace.write() as session:
        streams.apply_page(session, page)


def open_clinic(workspace: Workspace, role: Role = Role.ASSISTANT) -> None:
    """A site, a colleague and two SOPs; nobody to call yet."""
    person = Person(account_id=new_id(), staff_id=OWNER, name="李娜", role=role, site_ids=[SITE])
    workspace.admit(person)
    recheck = {"script": SCRIPT, "outcomes": ["booked", "no_answer"]}
    put(
        workspace,
        row("site", SITE, code="north", name="城北院区"),
        row("staff", OWNER, code="li", name="李娜", site_id=str(SITE)),
        row("sop", new_id(), key="recheck", label="复查提醒", summary="复查 {n} 人", rank=1, definition=recheck),
        row("sop", new_id(), key="recall", label="流失召回", summary="召回 {n} 人", rank=2, definition={}),
        row("segment", new_id(), key="potential", label="潜在客户", tone="info", rank=1),
    )


def child_rows(name: str, *, initials: str = "", **body: Any) -> list[Row]:
    """A customer with a guardian of the family's own."""
    family, customer = new_id(), body.pop("id", new_id())
    about = {
        "name": name,
        "name_initials": initials,
        "name_pinyin": initials,
        "sex": "male",
        "birth_date": "2016-05-01",
    }
    return [
        row("family", family, site_id=str(SITE)),
        row("guardian", new_id(), family_id=str(family), name="王芳", phone="14399900011", phone_tail="0011"),
        row("customer", customer, site_id=str(SITE), family_id=str(family), **{**about, **body}),
    ]


def task_row(customer_id: UUID, *, task_id: UUID | None = None, late_days: int = 5, **body: Any) -> Row:
    due = TODAY - timedelta(days=late_days)
    about = {"sop_key": "recheck", "step_key": "call", "priority": 3, "state": "open", "attempts": 0, "evidence": []}
    when = {"due_on": due.isoformat(), "anchor_on": due.isoformat()}
    who = {"customer_id": str(customer_id), "site_id": str(SITE), "owner_id": str(OWNER), "subject": ""}
    return row("task", task_id or new_id(), **{**about, **when, **who, **body})


def add_tasks(workspace: Workspace, *names: str, **body: Any) -> list[UUID]:
    """A child and an open task for each name, the first the most urgent; the tasks' ids."""
    rows: list[Row] = []
    ids: list[UUID] = []
    for number, name in enumerate(names):
        customer, task = new_id(), new_id()
        rows += [*child_rows(name, id=customer), task_row(customer, task_id=task, late_days=30 - number, **body)]
        ids.append(task)
    put(workspace, *rows)
    return ids
