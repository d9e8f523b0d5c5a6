"""What a workstation holds after its reader's rights changed, at random: what SQL shows him, and no word more."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from hcrm_core.terms import Role
from tests.factories import Child
from tests.sync.model.machine import DESKS, HANDS, SITES, SyncMachine
from tests.sync.model.promises import Broken, Rows, allowed, cached, require_equal
from tests.sync.model.station import Station

ROLES = (Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER)


@pytest.fixture
def run(machine: type[SyncMachine]) -> Iterator[SyncMachine]:
    """One centre and four workstations, on which nothing was done yet."""
    found = machine()
    yield found
    found.close()


def test_after_each_of_60_changes_of_rights_a_cache_is_what_its_reader_may_see(run: SyncMachine) -> None:
    _change_and_look(run, cases=60, chance=random.Random(60))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(10))
def test_after_each_of_10000_changes_of_rights_a_cache_is_what_its_reader_may_see(run: SyncMachine, part: int) -> None:
    _change_and_look(run, cases=1_000, chance=random.Random(part))


def test_the_oracle_sees_a_word_too_much(run: SyncMachine) -> None:
    station = run.stations["assistant"]
    run.a_desk_syncs("assistant")
    with station.workspace.write() as session:
        session.execute(text("UPDATE visit SET extra = :said"), {"said": f'"{run.centre.clinic.colleagues.said}"'})
    with pytest.raises(Broken):
        _look_for_canaries(run, station)


def _change_and_look(run: SyncMachine, *, cases: int, chance: random.Random) -> None:
    for _ in range(cases):
        _change(run, chance)
        station = run.stations[chance.choice(DESKS)]
        run.a_desk_syncs(station.username)
        may = allowed(run.centre.store, run.centre.principal(station.username))
        with station.bare() as session:
            require_equal(cached(session), may)
        _look_for_canaries(run, station, may=may)


def _change(run: SyncMachine, chance: random.Random) -> None:
    """Customers change hands most; now and then a person changes his role or his site."""
    match chance.randrange(8):
        case 0:
            run.an_account_gets_a_role(chance.choice(DESKS), role=chance.choice(ROLES))
        case 1:
            run.staff_moves_to_a_site(chance.choice(DESKS), site=chance.choice(SITES))
        case 2:
            run.a_door_is_closed_or_opened("manager", allowed=chance.random() < 0.5, door="site")
        case _:
            run.a_customer_is_given_to(chance.randrange(3), to=chance.choice(HANDS))


def _look_for_canaries(run: SyncMachine, station: Station, *, may: Rows | None = None) -> None:
    """Every private value of the clinic occurs once: one that is not the reader's must not be found anywhere."""
    may = allowed(run.centre.store, run.centre.principal(station.username)) if may is None else may
    his = " ".join(str(value) for seen in may.values() for value in seen.values.values())
    held, sealed = _everything_in(station), b"".join(path.read_bytes() for path in station.folder.glob("*.db*"))
    for child in (run.centre.clinic.mine, run.centre.clinic.colleagues, run.centre.clinic.far):
        for canary in _canaries(child):
            if canary.encode() in sealed:
                raise Broken("a file holds a value in the clear")
            if canary in held and canary not in his:
                raise Broken("the cache holds a value that is not its reader's")


def _canaries(child: Child) -> list[str]:
    number = child.phone[-2:].lstrip("0")
    return [child.phone, str(child.price), child.said, child.note, child.finding, f"患者{number}号", f"家长{number}号"]


def _everything_in(station: Station) -> str:
    """All tables of the cache, decrypted, whatever they are called."""
    with station.workspace.read() as session:
        names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        rows: list[Any] = [row for name in names for row in session.execute(text(f'SELECT * FROM "{name}"'))]
    return " ".join(str(value) for row in rows for value in row)
