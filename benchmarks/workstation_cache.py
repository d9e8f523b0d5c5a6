"""How fast the workstation's cache is filled and asked.

`python benchmarks/workstation_cache.py [CUSTOMERS] [--folder FOLDER]`

Fills a new encrypted cache with a manager's view (everybody, all columns), page by page as the sync does, then
times every query that screens make. Target: each under 50 ms at 20,000 customers. Last, records of customers across the
whole cache are opened as a page does, read and studied; target: p95 under 100 ms at 50,000 customers with 400,000
examinations; one line of JSON. A folder is filled once and asked again the next time.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

from sqlalchemy import text

from hcrm_core.terms import Role
from hcrm_core.wire import Cursor, Json, Person, Row, StreamPage
from hcrm_desktop.cache import queries, streams
from hcrm_desktop.cache.rows import TaskFilter
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.views.record.study import read_study
from hcrm_store.base import new_id
from hcrm_store.clock import SystemClock, business_date

GOAL_MS = 100.0  # p95 of opening a record
TODAY = business_date(SystemClock().now())
SITE, STAFF = new_id(), [new_id() for _ in range(12)]
SOPS = ("recheck_due", "recheck_overdue", "lens_replacement", "recall")
SURNAMES, GIVEN = "王李张刘陈杨黄赵周吴徐孙马朱胡", "子欣宇轩梓涵浩然诗雨佳怡明哲思远可心"


def reference() -> Iterator[Row]:
    yield row("site", id=SITE, code="north", name="城北院区")
    for number, staff in enumerate(STAFF):
        yield row("staff", id=staff, code=str(number), name=f"员工{number}", role="assistant", site_id=str(SITE))
    for number, key in enumerate(SOPS):
        yield row("sop", id=new_id(), key=key, label=key, summary="{n}", rank=number, definition={})
        yield row("segment", id=new_id(), key=key, label=key, tone="info", rank=number)


def customers(chance: random.Random, count: int) -> Iterator[Row]:
    family = new_id()
    for number in range(count):
        family = family if chance.random() < 0.12 else new_id()
        yield from one_customer(chance, number, family)


def one_customer(chance: random.Random, number: int, family: UUID) -> Iterator[Row]:
    customer, phone = new_id(), f"199{number:08d}"
    name = chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=2))
    born = TODAY - timedelta(days=chance.randrange(1500, 6500))
    here: Json = {"customer_id": str(customer), "site_id": str(SITE)}
    people: Json = {"assistant_id": str(chance.choice(STAFF)), "family_id": str(family), "site_id": str(SITE)}
    pinyin: Json = {"name_pinyin": f"pin yin {number % 5000}", "name_initials": f"p{number % 26:c}y"}
    yield row("customer", id=customer, name=name, sex="male", birth_date=born.isoformat(), **people, **pinyin)
    guardian: Json = {"family_id": str(family), "name": f"{name}妈妈", "phone": phone, "phone_tail": phone[-4:]}
    yield row("guardian", id=new_id(), site_id=str(SITE), **guardian)
    for month in range(8):
        exam, on = new_id(), (TODAY - timedelta(days=90 * month + 5)).isoformat()
        yield row("exam", id=exam, examined_on=on, method="autorefraction", cycloplegic=True, lens_state="none",
                  status="final", source="his", **here)  # fmt: skip
        for eye in ("OD", "OS"):
            measured: Json = {"sphere": "-3.25", "cylinder": "-0.50", "axial_length_mm": "24.31", "k1": "42.50"}
            yield row("eye_measurement", id=new_id(), exam_id=str(exam), eye=eye, axis=180, **measured, **here)
            if month % 4 == 0:
                yield row("lens_order", id=new_id(), eye=eye, product="ok_lens", dispensed_on=on, source="his", **here)
        yield row("follow_up", id=new_id(), channel="phone", outcome="considering", contacted_at=f"{on}T02:00:00+00:00",
                  note="再看看", source="ledger", **here)  # fmt: skip
    yield row("recheck_plan", id=new_id(), planned_on=on, due_on=TODAY.isoformat(), source="his", **here)
    segment = chance.choice(SOPS)
    yield row("membership", id=new_id(), segment_key=segment, entered_on=on, evidence=[{"fact": "x"}], **here)
    if chance.random() < 0.3:
        due = TODAY - timedelta(days=chance.randrange(0, 60))
        task: Json = {"sop_key": segment, "step_key": "remind", "subject": "", "anchor_on": on, "state": "open"}
        task |= {"due_on": due.isoformat(), "priority": chance.randrange(1, 5), "attempts": 0, "evidence": []}
        yield row("task", id=new_id(), owner_id=str(chance.choice(STAFF)), **task, **here)


def row(kind: str, *, id: UUID, **body: object) -> Row:  # noqa: A002 - the column's name
    return Row(kind=kind, id=id, ver=1, body={"id": str(id), "ver": 1, **body})


def fill(workspace: Workspace, count: int) -> None:
    rows = iter([*reference(), *customers(random.Random(1), count)])
    total, started = 0, time.perf_counter()
    while page := list(islice(rows, 2000)):
        with workspace.write() as session:
            cursor = Cursor(seq=total)
            streams.apply_page(
                session, StreamPage(stream="all", rows=page, tombstones=[], next=cursor, head=0, more=True)
            )
        total += len(page)
    elapsed = time.perf_counter() - started
    print(f"filled {total:,} rows in {elapsed:.1f} s: {total / elapsed:,.0f} rows/s")


def timed(workspace: Workspace, name: str, query: Callable[..., object]) -> None:
    spent = []
    for _ in range(7):
        with workspace.read() as session:
            started = time.perf_counter()
            query(session)
            spent.append((time.perf_counter() - started) * 1000)
    print(f"{name:34} median {median(spent):6.1f} ms   worst {max(spent):6.1f} ms")


def ask(workspace: Workspace) -> None:
    with workspace.read() as session:
        first = queries.tasks_today(session, today=TODAY, filter=TaskFilter(), limit=1)[0]
    for name, query in {
        "sync_status": queries.sync_status,
        "sop_counts": lambda s: queries.sop_counts(s, today=TODAY),
        "tasks_today 200": lambda s: queries.tasks_today(s, today=TODAY, filter=TaskFilter()),
        "tasks_today 200, page 10": lambda s: queries.tasks_today(s, today=TODAY, filter=TaskFilter(), offset=2000),
        "tasks_today text": lambda s: queries.tasks_today(s, today=TODAY, filter=TaskFilter(text="子")),
        "count_tasks": lambda s: queries.count_tasks(s, today=TODAY, filter=TaskFilter()),
        "task_case": lambda s: queries.task_case(s, first.id, today=TODAY),
        "search name": lambda s: queries.search_customers(s, "欣"),
        "search initials": lambda s: queries.search_customers(s, "py"),
        "search phone tail": lambda s: queries.search_customers(s, "1234"),
        "search phone": lambda s: queries.search_customers(s, "19900001234"),
        "list_customers 200": queries.list_customers,
        "list_customers segment": lambda s: queries.list_customers(s, segment="recall"),
        "list_customers, page 50": lambda s: queries.list_customers(s, offset=10_000),
        "count_customers": queries.count_customers,
        "segments": queries.segments,
        "customer_record": lambda s: queries.customer_record(s, first.customer_id, today=TODAY),
    }.items():
        timed(workspace, name, query)


def open_records(workspace: Workspace, *, count: int = 300) -> Json:
    """Milliseconds from the wish to see a record until its study is there; the first warms what all share."""
    with workspace.read() as session:
        found = session.execute(text("SELECT id FROM customer ORDER BY id")).scalars().all()
        exams = session.execute(text("SELECT count(*) FROM exam")).scalar_one()
    spent = [opened_ms(workspace, UUID(str(one))) for one in found[:: max(1, len(found) // count)]][1:]
    cuts = quantiles(spent, n=20)
    told = {"median_ms": median(spent), "p95_ms": cuts[18], "worst_ms": max(spent)}
    about = {"customers": len(found), "exams": exams, "opened": len(spent), "goal_p95_ms": GOAL_MS}
    return {**about, **{name: round(value, 1) for name, value in told.items()}, "met": cuts[18] < GOAL_MS}


def opened_ms(workspace: Workspace, customer_id: UUID) -> float:
    started = time.perf_counter()
    with workspace.read() as session:
        assert read_study(session, customer_id, today=TODAY) is not None
    return (time.perf_counter() - started) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("customers", type=int, nargs="?", default=20_000)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        measure(arguments.folder, arguments.customers)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), arguments.customers)


def measure(folder: Path, count: int) -> None:
    is_filled = folder.is_dir() and any(folder.iterdir())
    folder.mkdir(parents=True, exist_ok=True)
    workspace = open_workspace(folder, bytes(32), clock=SystemClock())
    if not is_filled:
        person = Person(account_id=new_id(), staff_id=STAFF[0], name="经理", role=Role.MANAGER, site_ids=[SITE])
        workspace.admit(person)
        fill(workspace, count)
    ask(workspace)
    records = open_records(workspace)
    workspace.close()
    started = time.perf_counter()
    open_workspace(folder, bytes(32), clock=SystemClock()).close()
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6
    print(f"reopened {size:.0f} MB in {time.perf_counter() - started:.2f} s")
    print(json.dumps({"record_open": records}))


if __name__ == "__main__":
    main()
