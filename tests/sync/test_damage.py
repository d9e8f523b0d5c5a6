"""Files damaged in hundreds of ways: the program opens, nothing unsent is lost in silence, the cache is rebuilt."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hcrm_core.errors import StoreUnusable
from hcrm_core.terms import Channel, Outcome
from hcrm_core.wire import IncidentCode
from hcrm_desktop.cache import commands, incidents, queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.recovery import COPY_AFTER
from hcrm_desktop.cache.rows import Delivery
from hcrm_desktop.cache.tables import KIND_TABLES
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.session import SESSION
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.sync.desk import KEY, Desk, consider

PAGE = 4096
ENTRIES = 20
Content = dict[str, dict[UUID, dict[str, Any]]]
_OF_THIS_COMPUTER = {"base", "delivery", "extra"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A profile as a kill left it, logs and all, and what belongs in it.

    Attributes:
        other: a profile of somebody else, under another key.
        unsent: entries, by id, that are in no other place than the outbox.
        copied: those of them that the outbox's copy has too.
        healthy: what the cache shows once everything was sent.
    """

    folder: Path
    other: Path
    unsent: set[UUID]
    copied: set[UUID]
    healthy: Content


@pytest.fixture
def victim(desk_for: Callable[[str], Desk], clinic: Clinic, clock: FakeClock, tmp_path: Path) -> Victim:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    work(desk, clinic, begin=0)
    copied = unsent(desk.workspace)
    clock.advance(COPY_AFTER)
    desk.workspace.tend()
    work(desk, clinic, begin=ENTRIES)
    folder, other = tmp_path / "victim", tmp_path / "other"
    shutil.copytree(desk.folder, folder)
    open_workspace(other, bytes(32), clock=clock).close()
    entered = unsent(desk.workspace)
    clock.advance(UNDO_WINDOW)
    desk.sync()
    return Victim(folder=folder, other=other, unsent=set(entered), copied=set(copied), healthy=content(desk.workspace))


def work(desk: Desk, clinic: Clinic, *, begin: int) -> None:
    for number in range(begin, begin + ENTRIES):
        commands.record_follow_up(
            desk.workspace,
            customer_id=clinic.mine.customer_id,
            channel=Channel.PHONE,
            outcome=Outcome.CONSIDERING,
            note=f"第{number}次",
        )


def unsent(workspace: Workspace) -> dict[UUID, Delivery]:
    """What is not at the centre, as the page of the sync lists it."""
    with workspace.read() as session:
        return {item.op_id: item.delivery for item in queries.unsent_items(session)}


def content(workspace: Workspace) -> Content:
    """All rows, column by column, but for what only this computer knows of them."""
    with workspace.read() as session:
        return {
            kind: {
                row["id"]: {name: value for name, value in row.items() if name not in _OF_THIS_COMPUTER}
                for row in session.execute(table.select()).mappings()
            }
            for kind, table in KIND_TABLES.items()
        }


# ── harm ─────────────────────────────────────────────────────────────────────────────────────────────────


def _overwritten(data: bytes, *places: int, chance: random.Random) -> bytes:
    harmed = bytearray(data)
    for place in places:
        harmed[place : place + PAGE] = chance.randbytes(len(harmed[place : place + PAGE]))
    return bytes(harmed)


def some_pages(data: bytes, chance: random.Random) -> bytes:
    pages = max(1, len(data) // PAGE)
    places = [PAGE * chance.randrange(pages) for _ in range(chance.randint(1, 4))]
    return _overwritten(data, *places, chance=chance)


def first_page(data: bytes, chance: random.Random) -> bytes:
    return _overwritten(data, 0, chance=chance)


def one_bit(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(max(1, len(data)))
    return data[:place] + bytes(byte ^ 1 << chance.randrange(8) for byte in data[place : place + 1]) + data[place + 1 :]


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(max(1, len(data)))]


def emptied(data: bytes, chance: random.Random) -> bytes:
    return b""


def garbage(data: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(1, 3 * PAGE))


IN_PLACE = (some_pages, first_page, one_bit, truncated, emptied, garbage)


def harm(victim: Victim, folder: Path, *, trial: int, chance: random.Random) -> str:
    """Damage one file of the profile. Returns what was done, for the message of a failure."""
    path = chance.choice(sorted(path for path in folder.iterdir() if ".db" in path.name))
    kind = trial % (len(IN_PLACE) + 1)
    if kind < len(IN_PLACE):
        path.write_bytes(IN_PLACE[kind](path.read_bytes(), chance))
        return f"trial {trial}: {IN_PLACE[kind].__name__} of {path.name}"
    for name in ("outbox.db", "cache.db"):
        if path.name.startswith(name.removesuffix(".db")):
            shutil.copyfile(victim.other / name, folder / name)
    return f"trial {trial}: {path.name} of somebody else"


# ── trials ───────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def opened(folder: Path, clock: FakeClock) -> Iterator[tuple[Workspace, bool]]:
    """The workspace, at the second start at the latest, and whether anything was told."""
    told = False
    try:
        workspace = open_workspace(folder, KEY, clock=clock)
    except StoreUnusable:
        workspace, told = open_workspace(folder, KEY, clock=clock), True
    noticed = {incident.code for incident in incidents.waiting(workspace.outbox)}
    try:
        yield workspace, told or (workspace.recovered is not None and IncidentCode.OUTBOX_RESTORED in noticed)
    finally:
        workspace.close()


def nothing_is_lost_in_silence(workspace: Workspace, victim: Victim, *, told: bool, case: str) -> None:
    kept = unsent(workspace)
    lost = victim.unsent - kept.keys()
    assert not lost or told, (case, f"{len(lost)} lost in silence")
    assert not lost & victim.copied, (case, "lost in spite of the copy")
    waiting = {op_id for op_id, delivery in kept.items() if delivery is Delivery.REVIEW}
    assert not waiting & victim.copied, (case, "the copy's word counts")
    assert kept.keys() - victim.unsent <= waiting, (case, "what was never entered would be sent")


def the_cache_is_rebuilt(workspace: Workspace, victim: Victim, *, url: str, clock: FakeClock, case: str) -> None:
    desk = Desk(folder=workspace.folder, clock=clock, url=url, workspace=workspace)
    if workspace.outbox.kept(SESSION) is None:
        desk.sign_in("assistant")
    desk.sync()
    assert content(workspace) == victim.healthy, case


def try_damages(victim: Victim, tmp_path: Path, *, trials: int, url: str, clock: FakeClock) -> None:
    for trial in range(trials):
        broken = tmp_path / f"broken-{trial}"
        shutil.copytree(victim.folder, broken)
        case = harm(victim, broken, trial=trial, chance=random.Random(trial))
        with opened(broken, clock) as (workspace, told):
            nothing_is_lost_in_silence(workspace, victim, told=told, case=case)
            the_cache_is_rebuilt(workspace, victim, url=url, clock=clock, case=case)
        shutil.rmtree(broken)


def test_fourteen_damages_lose_nothing_in_silence(
    victim: Victim, tmp_path: Path, centre_url: str, clock: FakeClock
) -> None:
    try_damages(victim, tmp_path, trials=14, url=centre_url, clock=clock)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_hundred_damages_lose_nothing_in_silence(
    victim: Victim, tmp_path: Path, centre_url: str, clock: FakeClock
) -> None:
    try_damages(victim, tmp_path, trials=200, url=centre_url, clock=clock)
