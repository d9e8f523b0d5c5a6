"""The centre's side of benchmarks/sync.py."""

import asyncio
import json
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import httpx
from figures import Figure
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session
from sync_clinic import CLOCK, Clinic

from hcrm_central.accounts import principal_of
from hcrm_central.api import sessions
from hcrm_central.api.centre import Centre
from hcrm_central.api.limiter import Attempts
from hcrm_central.api.pull import pull
from hcrm_central.api.push import push
from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.tables import Account, Device, Incarnation
from hcrm_core.intents import RecordFollowUp
from hcrm_core.terms import Outcome, Role
from hcrm_core.wire import Cursor, Operation, OperationKind, PullRequest, PushRequest
from hcrm_store.base import new_id
from hcrm_store.care import Visit
from hcrm_store.kinds import KINDS, Area, table_of
from hcrm_store.people import Customer

LINES = b"\n"


# ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────


def snapshots(here: Clinic) -> list[Figure]:
    """How fast the centre writes the file of a stream; beside it, how fast PostgreSQL copies the same tables out."""
    headers = here.headers(Role.MANAGER)
    streams = granted(here, headers)
    with httpx.Client(base_url=here.url, timeout=600) as client:
        began = time.perf_counter()
        rows = sum(counted(client.get(f"/sync/snapshots/{stream}", headers=headers).content) for stream in streams)
        taken = time.perf_counter() - began
        began = time.perf_counter()
        for stream in streams:
            client.get(f"/sync/snapshots/{stream}", headers=headers)
        kept = time.perf_counter() - began
    rate, copied = rows / taken, copy_rate(here)
    return [
        Figure(
            "snapshot built",
            f"{rate:,.0f} rows/s",
            "≥ 40,000 rows/s",
            rate >= 40_000,
            f"{copied / rate:.1f} times COPY's time",
        ),
        Figure("snapshot served again", f"{rows / kept:,.0f} rows/s", "", None, f"{taken / kept:.0f} times as fast"),
    ]


def granted(here: Clinic, headers: dict[str, str]) -> list[str]:
    """The keys of the streams of sites that a reader may pull."""
    body = {"protocol": 1, "app_version": "0", "now": CLOCK.now().isoformat()}
    answer = httpx.post(f"{here.url}/sync/hello", json=body, headers=headers).raise_for_status().json()
    return [grant["key"] for grant in answer["streams"] if ":" in grant["key"]]


def counted(body: bytes) -> int:
    """The rows of a snapshot file, which must be whole."""
    lines = zlib.decompress(body, wbits=31).splitlines()
    rows: int = json.loads(lines[-1])["rows"]
    return rows


def copy_rate(here: Clinic) -> float:
    """Rows a second that PostgreSQL copies out as text, of the same tables."""
    kinds = [kind for kind, (area, _) in KINDS.items() if area is not Area.REF]
    raw = here.store.owner.raw_connection()
    began, rows = time.perf_counter(), 0
    try:
        for kind in kinds:
            cursor: Any = raw.cursor()  # why Any: psycopg's own, which the pool's type does not know
            with cursor.copy(f"COPY {table_of(kind).name} TO STDOUT") as copy:
                rows += sum(bytes(block).count(LINES) for block in copy)
    finally:
        raw.close()
    return rows / (time.perf_counter() - began)


# ── many workstations at once ────────────────────────────────────────────────────────────────────────────────


def first_syncs(here: Clinic, workstations: int) -> list[Figure]:
    """So many new workstations sign in, look first at today's tasks, and read everything they may see."""
    headers = [here.headers(Role.OPTOMETRIST) for _ in range(workstations)]
    began = time.perf_counter()
    with ThreadPoolExecutor(workstations) as pool:
        done = list(pool.map(lambda mine: first_sync(here, mine), headers))
    taken = time.perf_counter() - began
    rows, first = done[0][0], max(seen for _, seen in done)
    met = taken * 20_000 / max(rows, 1) < 60
    beside = f"today's tasks after {first:.1f} s at most"
    name = f"{workstations} first syncs of {rows:,} rows"
    return [Figure(name, f"{taken:.1f} s", "< 60 s for 20,000 rows", met, beside)]


def first_sync(here: Clinic, headers: dict[str, str]) -> tuple[int, float]:
    """Rows read, and seconds until today's tasks were there."""
    with httpx.Client(base_url=here.url, timeout=600, headers=headers) as client:
        body = {"protocol": 1, "app_version": "0", "now": CLOCK.now().isoformat()}
        began = time.perf_counter()
        hello = client.post("/sync/hello", json=body).raise_for_status().json()
        client.post("/sync/first", json={"epoch": hello["epoch"]}).raise_for_status()
        seen = time.perf_counter() - began
        keys = [grant["key"] for grant in hello["streams"] if ":" in grant["key"]]
        rows = sum(counted(client.get(f"/sync/snapshots/{key}").raise_for_status().content) for key in keys)
    return rows, seen


def waiting(here: Clinic, clients: int, *, seconds: float = 30.0) -> list[Figure]:
    """How much of a core the service needs while so many workstations wait for news."""
    headers = here.headers(Role.MANAGER)
    epoch = epoch_of(here)
    body = {"epoch": str(epoch), "heads": heads(here)}
    used = asyncio.run(waiting_cost(here, clients, headers=headers, body=body, seconds=seconds))
    return [Figure(f"{clients:,} waiting workstations", f"{used:.2f} cores", "< 1 core", used < 1, "")]


async def waiting_cost(
    here: Clinic, clients: int, *, headers: dict[str, str], body: dict[str, Any], seconds: float
) -> float:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=here.url, timeout=60, limits=limits, headers=headers) as client:

        async def stay() -> None:
            while True:
                (await client.post("/sync/wait", json=body)).raise_for_status()

        staying = [asyncio.create_task(stay()) for _ in range(clients)]
        await asyncio.sleep(10)  # until all have come in
        before, began = cpu_seconds(here.service.pid), time.perf_counter()
        await asyncio.sleep(seconds)
        used = (cpu_seconds(here.service.pid) - before) / (time.perf_counter() - began)
        for task in staying:
            task.cancel()
        ended = await asyncio.gather(*staying, return_exceptions=True)
    failures = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
    assert not failures, repr(failures[0])
    return used


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


# ── reading and writing, without the wire ────────────────────────────────────────────────────────────────────


def incremental_pulls(here: Clinic, *, rounds: int = 200) -> list[Figure]:
    """What the service does to answer a pull that finds one change."""
    centre, who = inside(here, Role.OPTOMETRIST)
    request = caught_up(centre, who)
    spent = []
    for _ in range(rounds):
        change_one(here, who)
        began = time.perf_counter()
        answer = pull(centre, who, request)
        spent.append((time.perf_counter() - began) * 1000)
        request = PullRequest(epoch=answer.epoch, cursors={page.stream: page.next for page in answer.pages})
    empty = timed(lambda: here_query(here), rounds)
    p50, p99 = median(spent), quantiles(spent, n=100)[98]
    measured = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    return [
        Figure("incremental pull, in the service", measured, "p50 < 5 ms", p50 < 5, f"{p50 / empty:.0f} bare queries")
    ]


def inside(here: Clinic, username: str) -> tuple[Centre, sessions.SignedIn]:
    """The service's own objects, in this process, and somebody who is signed in."""
    headers = here.headers(username)
    centre = Centre(store=here.store, settings=Settings(), clock=CLOCK, attempts=Attempts("100000/minute"))
    with Session(here.store.service) as session:
        account = session.scalars(select(Account).where(Account.username == username)).one()
        principal = principal_of(session, account)
    token = headers["Authorization"].removeprefix("Bearer ")
    device = UUID(headers["X-HCRM-Device"])
    who = sessions.authenticate(centre, token=token, device_id=device, device_secret=headers["X-HCRM-Device-Secret"])
    assert who.principal == principal
    return centre, who


def caught_up(centre: Centre, who: sessions.SignedIn) -> PullRequest:
    """The request of a reader who has everything."""
    from hcrm_central.api.hello import grants

    with Session(centre.store.jobs) as session:
        epoch = session.scalars(select(Incarnation.epoch)).one()
    request = PullRequest(epoch=epoch, cursors={grant.key: Cursor() for grant in grants(who.principal)}, limit=2000)
    while True:
        pages = pull(centre, who, request).pages
        request = request.model_copy(update={"cursors": {page.stream: page.next for page in pages}})
        if not any(page.more for page in pages):
            return request


def change_one(here: Clinic, who: sessions.SignedIn) -> None:
    with transaction(here.store.jobs) as session:
        mine = select(Visit.id).join(Customer, Customer.id == Visit.customer_id)
        mine = mine.where(Customer.optometrist_id == who.principal.staff_id).limit(1)
        session.execute(update(Visit).where(Visit.id == mine.scalar_subquery()).values(state=Visit.state))


def here_query(here: Clinic) -> None:
    with Session(here.store.service) as session:
        session.execute(text("SELECT 1"))


def timed(act: Any, rounds: int) -> float:
    """Median milliseconds."""
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        spent.append((time.perf_counter() - began) * 1000)
    return median(spent)


def writes(here: Clinic, *, writers: int = 8, seconds: float = 8.0) -> list[Figure]:
    """Pushed transactions of one site: receipt, audit, stamp and effect; beside it, bare inserts by as many writers."""
    desks = [inside(here, Role.ASSISTANT) for _ in range(writers)]
    customer = a_customer(here, desks[0][1])
    with bare_table(here):
        bare = per_second(lambda _: bare_insert(here), writers, seconds)
    ours = per_second(lambda number: push_one(desks[number], customer=customer), writers, seconds)
    batched = (
        per_second(lambda number: push_one(desks[number], customer=customer, operations=20), writers, seconds) * 20
    )
    return [
        Figure(
            "pushes applied at one site", f"{ours:.0f} tx/s", "≥ 300 tx/s", ours >= 300, f"bare inserts {bare:.0f} tx/s"
        ),
        Figure("operations in pushes of 20", f"{batched:.0f} a second", "", None, ""),
    ]


@contextmanager
def bare_table(here: Clinic) -> Iterator[None]:
    with here.store.owner.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, at timestamptz DEFAULT now())"))
    yield
    with here.store.owner.begin() as connection:
        connection.execute(text("DROP TABLE bare"))


def bare_insert(here: Clinic) -> None:
    with here.store.owner.begin() as connection:
        connection.execute(text("INSERT INTO bare (id) VALUES (:id)"), {"id": new_id()})


def per_second(act: Any, writers: int, seconds: float) -> float:
    """How often so many threads do something, each one after the other."""
    until, counts = time.perf_counter() + seconds, [0] * writers

    def work(number: int) -> None:
        while time.perf_counter() < until:
            act(number)
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(counts), "a writer failed"
    return sum(counts) / seconds


def push_one(desk: tuple[Centre, sessions.SignedIn], *, customer: UUID, operations: int = 1) -> None:
    centre, who = desk
    with Session(centre.store.jobs) as session:
        expected = session.get_one(Device, who.device_id).last_n + 1
        epoch = session.scalars(select(Incarnation.epoch)).one()
    body = RecordFollowUp(customer_id=customer, channel="phone", outcome=Outcome.CONSIDERING).model_dump(mode="json")
    offered = [
        Operation(
            n=expected + number,
            op_id=new_id(),
            kind=OperationKind.RECORD_FOLLOW_UP,
            row_id=new_id(),
            base_ver=None,
            body=body,
            captured_at=CLOCK.now() - timedelta(seconds=1),
        )
        for number in range(operations)
    ]
    answer = push(centre, who, PushRequest(epoch=epoch, operations=offered))
    assert all(result.status == "applied" for result in answer.results), answer.results[0].reason


def a_customer(here: Clinic, who: sessions.SignedIn) -> UUID:
    with Session(here.store.jobs) as session:
        mine = select(Customer.id).where(Customer.assistant_id == who.principal.staff_id)
        return session.scalars(mine.limit(1)).one()


def epoch_of(here: Clinic) -> UUID:
    with Session(here.store.jobs) as session:
        return session.scalars(select(Incarnation.epoch)).one()


def heads(here: Clinic) -> dict[str, int]:
    with here.store.jobs.connect() as connection:
        return {row.key: row.seq for row in connection.execute(text("SELECT key, seq FROM stream"))}
