"""The workstation's side of benchmarks/sync.py."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

from figures import Figure
from sqlalchemy import func, select, text
from sync_clinic import CLOCK, PASSWORD, Clinic

from hcrm_core.intents import FieldEdit
from hcrm_core.terms import Channel, Outcome, Role
from hcrm_desktop.cache import commands, corrections, files
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.tables import CUSTOMER, KIND_TABLES
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.conversation import Conversation
from hcrm_desktop.sync.loop import Listeners
from hcrm_desktop.sync.session import CentreSession

KEY, PATIENCE_S = bytes(range(32)), 300.0
BORN = date(2016, 1, 1)


@dataclass(slots=True, kw_only=True)
class Desk:
    """A workstation without a screen that talks to the centre as the real one does."""

    workspace: Workspace
    conversation: Conversation
    changed: threading.Condition

    def until(self, ready: Callable[[], bool]) -> None:
        """Wait for a change that makes it true."""
        deadline = time.perf_counter() + PATIENCE_S
        with self.changed:
            while not ready():
                assert time.perf_counter() < deadline, "it never came"
                self.changed.wait(0.5)

    def rows(self) -> int:
        with self.workspace.read() as session:
            counts = [session.scalar(select(func.count()).select_from(table)) or 0 for table in KIND_TABLES.values()]
        return sum(counts)


@contextmanager
def desk(here: Clinic, name: str, *, role: Role) -> Iterator[Desk]:
    """Signed in and talking; not necessarily caught up."""
    workspace = open_workspace(here.folder / name, KEY, clock=CLOCK)
    client = CentreClient(here.url)
    CentreSession(workspace, client).sign_in(role, PASSWORD)
    client.close()
    changed = threading.Condition()

    def tell(_: Changes | None = None) -> None:
        with changed:
            changed.notify_all()

    conversation = Conversation(workspace, here.url, listeners=Listeners(state_changed=tell, data_changed=tell))
    try:
        yield Desk(workspace=workspace, conversation=conversation, changed=changed)
    finally:
        conversation.end()
        workspace.close()


def caught_up(one: Desk) -> Callable[[], bool]:
    from hcrm_desktop.cache.queries import sync_status

    def ready() -> bool:
        with one.workspace.read() as session:
            status = sync_status(session)
        return status.online and not status.catching_up and status.last_success_at is not None

    return ready


# ── the first read ───────────────────────────────────────────────────────────────────────────────────────────


def first_reads(here: Clinic) -> list[Figure]:
    """A new workstation at the real centre: when its tasks are there, when everything is, and rows a second."""
    began = time.perf_counter()
    with desk(here, "first", role=Role.MANAGER) as one:
        one.until(lambda: first_tasks(one))
        tasks = time.perf_counter() - began
        one.until(caught_up(one))
        taken = time.perf_counter() - began
        rows = one.rows()
    plain = plain_rate(here, rows)
    rate = rows / taken
    return [
        Figure("today's tasks at a new workstation", f"{tasks:.1f} s", "< 5 s", tasks < 5, ""),
        Figure(
            f"first read of {rows:,} rows, from sign-in", f"{rate:,.0f} rows/s", "≥ 20,000 rows/s", rate >= 20_000,
            f"bare inserts into SQLCipher {plain:,.0f} rows/s",
        ),
    ]  # fmt: skip


def first_tasks(one: Desk) -> bool:
    """Whether a task is here together with its customer's name."""
    from hcrm_desktop.cache.tables import TASK

    with one.workspace.read() as session:
        found = select(TASK.c.id).join(CUSTOMER, CUSTOMER.c.id == TASK.c.customer_id).where(CUSTOMER.c.name != "")
        return session.execute(found.limit(1)).first() is not None


def plain_rate(here: Clinic, rows: int) -> float:
    """Rows a second of a bare executemany of 12 short columns, with one index, by pages of 2,000."""
    folder = here.folder / "plain"
    folder.mkdir(exist_ok=True)
    engine = files.cache_writer(folder, KEY)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE bare (id TEXT PRIMARY KEY, " + ", ".join(f"c{n} TEXT" for n in range(11)) + ")")
        )
        connection.execute(text("CREATE INDEX bare_c1 ON bare (c1)"))
    slots = ", ".join("?" * 12)
    began = time.perf_counter()
    for start in range(0, rows, 2000):
        with engine.begin() as connection:
            page = [
                (f"{number:032x}", *(f"value {number} {n}" for n in range(11))) for number in range(start, start + 2000)
            ]
            connection.exec_driver_sql(f"INSERT INTO bare VALUES ({slots})", page)
    taken = time.perf_counter() - began
    engine.dispose()
    return rows / taken


# ── saving and seeing ────────────────────────────────────────────────────────────────────────────────────────


def saves(here: Clinic, *, rounds: int = 300) -> list[Figure]:
    """How long a save takes the writer, with a full cache; beside it, a bare commit that waits for the disk."""
    with desk(here, "first", role=Role.MANAGER) as one:
        one.until(caught_up(one))
        one.conversation.end()
        some = customers(one, rounds)
        spent = [timed(partial(follow_up, one, customer)) for customer in some]
    bare = median(bare_commits(here, rounds))
    p50, p99 = median(spent), quantiles(spent, n=100)[98]
    measured = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    return [Figure("a save at the workstation", measured, "p99 < 20 ms", p99 < 20, f"bare commit {bare:.1f} ms")]


def customers(one: Desk, count: int) -> list[UUID]:
    with one.workspace.read() as session:
        return list(
            session.execute(select(CUSTOMER.c.id).where(CUSTOMER.c.birth_date.is_not(None)).limit(count)).scalars()
        )


def follow_up(one: Desk, customer: UUID) -> None:
    commands.record_follow_up(
        one.workspace, customer_id=customer, channel=Channel.PHONE, outcome=Outcome.CONSIDERING, note="再想想"
    )


def bare_commits(here: Clinic, rounds: int) -> list[float]:
    folder = here.folder / "commits"
    folder.mkdir(exist_ok=True)
    engine = files.outbox_engine(folder, KEY)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (n INTEGER PRIMARY KEY, body TEXT)"))

    def commit(number: int) -> None:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO bare VALUES (:n, :body)"), {"n": number, "body": "x" * 200})

    spent = [timed(partial(commit, number)) for number in range(rounds)]
    engine.dispose()
    return spent


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def visibility(here: Clinic, *, rounds: int = 60) -> list[Figure]:
    """A correction entered at one workstation, until another of the same site has it, nobody pressing anything.

    A correction is sent at once; an outcome or an examination stays for the six seconds in which it can be taken back.
    """
    with desk(here, "writer", role=Role.ASSISTANT) as writer, desk(here, "reader", role=Role.OPTOMETRIST) as reader:
        writer.until(caught_up(writer))
        reader.until(caught_up(reader))
        shared = set(customers(reader, 100_000))
        customer = next(one for one in customers(writer, 10_000) if one in shared)
        spent = [until_seen(writer, reader, customer, born=BORN + timedelta(days=day)) for day in range(rounds)]
    p50, p99 = median(spent), quantiles(spent, n=100)[98]
    measured = f"p50 {p50:.2f} s, p99 {p99:.2f} s"
    return [Figure("written here, seen there", measured, "p50 < 1 s, p99 < 3 s", p50 < 1 and p99 < 3, "")]


def until_seen(writer: Desk, reader: Desk, customer: UUID, *, born: date) -> float:
    base = birth_date(writer, customer).isoformat()
    edit = FieldEdit(row="customer", row_id=customer, field="birth_date", base=base, value=born.isoformat())
    began = time.perf_counter()
    corrections.edit_customer(writer.workspace, customer_id=customer, edits=[edit])
    writer.conversation.kick()
    reader.until(lambda: birth_date(reader, customer) == born)
    taken = time.perf_counter() - began
    writer.until(lambda: writer.workspace.outbox.unsent()[0] == 0)
    return taken


def birth_date(one: Desk, customer: UUID) -> date:
    with one.workspace.read() as session:
        found: date = session.execute(select(CUSTOMER.c.birth_date).where(CUSTOMER.c.id == customer)).scalar_one()
    return found


# ── the window ───────────────────────────────────────────────────────────────────────────────────────────────


def window(here: Clinic) -> list[Figure]:
    """The real window while the first read runs: in a process of its own, because Qt wants the main thread."""
    script = Path(__file__).with_name("sync_window.py")
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, str(script), here.url, str(here.folder / "window")]
    done = subprocess.run(command, input=PASSWORD, env=environment, check=True, capture_output=True, text=True)
    rows, p99, longest, bare = done.stdout.split()[-4:]
    measured = f"p99 {float(p99):.1f} ms, longest {float(longest):.1f} ms"
    met = float(longest) < 50 and float(p99) < 16
    beside = f"the same window at rest: longest {float(bare):.1f} ms"
    return [Figure(f"the window while {int(rows):,} rows arrive", measured, "p99 < 16 ms, never 50 ms", met, beside)]
