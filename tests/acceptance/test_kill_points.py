"""Workstation and service die at every named point of a cycle, and anywhere: nothing is lost, nothing happens twice."""

import random
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress

import pytest
from sqlalchemy import text

from hcrm_desktop.cache.keys import key_from_file
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_store.clock import SystemClock
from tests.acceptance.dying import service_points, workstation_points
from tests.acceptance.processes import Floor, StationProcess
from tests.factories import PASSWORD

TIMES = 300
MOMENT = 0.5  # seconds: a kill comes at random within this of a saved call
LOAD = 5  # calls of each workstation in one life of the service
LIFE = 3.0  # seconds: a service under load lives at most so long, which is enough for some of its work


@pytest.fixture(scope="module")
def signed_in(floor: Floor) -> Floor:
    """Two workstations of one assistant, whose profiles are filled."""
    with floor.service(), ExitStack() as opened:
        stations = [opened.enter_context(floor.workstation(name)) for name in ("dying", "colleague")]
        for station in stations:
            station.do("sign-in", "assistant", PASSWORD)
            station.do("caught-up")
    return floor


def is_whole(floor: Floor, notes: list[str], *, unfinished: Sequence[str] = ()) -> None:
    """After a restart all calls are at the centre once, and both workstations show them.

    Args:
        unfinished: calls of which the workstation had not said that they are saved: none, or once.
    """
    with floor.workstation("dying") as station, floor.workstation("colleague") as colleague:
        for one in (station, colleague):
            one.do("talk")
        station.do("sent")
        times = floor.times_at_the_centre(*notes, *unfinished)
        assert [times[note] for note in notes] == [1] * len(notes)
        assert all(times[note] <= 1 for note in unfinished)
        colleague.do("sync")
        for one in (station, colleague):
            one.do("shows", *notes[-20:])


def opened(floor: Floor) -> Workspace:
    folder = floor.home / "dying"
    return open_workspace(folder, key_from_file(folder, key_file=folder / "key"), clock=SystemClock())


def outdate_cache(floor: Floor) -> None:
    """As if another release had written it."""
    with closing(opened(floor)) as workspace, workspace.write() as session:
        session.execute(text("PRAGMA user_version=1"))


def outdate_outbox(floor: Floor) -> None:
    """As the first release wrote it."""
    with closing(opened(floor)) as workspace, workspace.outbox._engine.begin() as connection:
        connection.execute(text("ALTER TABLE operation DROP COLUMN digest"))
        connection.execute(text("PRAGMA user_version=1"))


def damage_outbox(floor: Floor) -> None:
    """Its copy has everything; of the file itself nothing can be read."""
    with (floor.home / "dying" / "outbox.db").open("r+b") as file:
        file.write(random.Random(1).randbytes(4096))


BEFORE = {
    "outdated cache removed": outdate_cache,
    "outdated outbox half brought forward": outdate_outbox,
    "part of a snapshot kept": outdate_cache,
    "snapshot half in the cache": outdate_cache,
    "damaged outbox, nothing put together": damage_outbox,
}
AT_OPENING = ("outbox open", "outdated", "damaged")  # before anything can be told
WITHOUT_CUSTOMERS = ("part of", "snapshot")  # whom nobody can call
AT_LEAVING = ("mid copy", "copy of")


def die_at(floor: Floor, point: str, *, note: str) -> list[str]:
    """Have a workstation killed there, if possible after a call. Returns the calls it must not lose."""
    BEFORE.get(point, lambda _: None)(floor)
    calls = [] if point.startswith((*AT_OPENING, *WITHOUT_CUSTOMERS)) else [note]
    with floor.workstation("dying", dies_at=point) as station:
        if calls:
            station.tell("call", *calls)
        station.tell("talk")
        if point.startswith(AT_LEAVING):
            station.tell("end")
        assert station.has_killed_itself(), point
    return calls


def test_a_workstation_killed_at_any_named_point_loses_and_doubles_nothing(signed_in: Floor) -> None:
    notes: list[str] = []
    with signed_in.service():
        for point in workstation_points():
            notes += die_at(signed_in, point, note=f"killed:{point}".replace(" ", "-"))
        is_whole(signed_in, notes)


def test_a_service_killed_at_any_named_point_of_a_push_loses_and_doubles_nothing(signed_in: Floor) -> None:
    notes: list[str] = []
    with signed_in.workstation("dying") as station:
        for point in service_points():
            with signed_in.service(dies_at=point) as service:
                both = [f"service:{point}:{number}".replace(" ", "-") for number in (1, 2)]
                station.do("call", *both)
                if not notes:
                    station.do("talk")
                assert service.wait(60) < 0, point
            notes += both
        with signed_in.service():
            station.do("sync")
            station.do("sent")
            assert signed_in.times_at_the_centre(*notes) == dict.fromkeys(notes, 1)
    with signed_in.service():
        is_whole(signed_in, notes)


def killed_at_random(station: StationProcess, chance: random.Random) -> list[str]:
    """The calls it had called saved before it was killed, in the middle of something."""
    saved = [station.says() for _ in range(chance.randrange(1, 6))]
    return saved + station.kill(within=chance.uniform(0, MOMENT))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_workstation_killed_at_any_moment_loses_and_doubles_nothing(signed_in: Floor) -> None:
    chance, saved, unfinished = random.Random(300), list[str](), list[str]()
    with signed_in.service():
        for time in range(TIMES):
            with signed_in.workstation("dying") as station:
                station.do("talk")
                station.tell("work", f"w{time}")
                before = len(saved)
                saved += killed_at_random(station, chance)
                unfinished.append(f"w{time}-{len(saved) - before}")
        is_whole(signed_in, saved, unfinished=unfinished)
    assert len(saved) > TIMES


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_service_killed_at_any_moment_under_load_loses_and_doubles_nothing(signed_in: Floor) -> None:
    chance, saved = random.Random(301), list[str]()
    with signed_in.workstation("dying") as one, signed_in.workstation("colleague") as other:
        for station in (one, other):
            station.do("talk")
        for time in range(TIMES):
            with signed_in.service() as service, suppress(subprocess.TimeoutExpired):
                for station, name in ((one, "one"), (other, "other")):
                    saved += [f"{name}-{time}-{number}" for number in range(LOAD)]
                    station.do("call", *saved[-LOAD:])
                service.wait(chance.uniform(0, LIFE))
        with signed_in.service():
            for station in (one, other):
                station.do("sent")
    with signed_in.service():
        is_whole(signed_in, saved)
