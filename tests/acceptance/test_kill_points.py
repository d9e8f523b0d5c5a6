"""Workstation and service die at every named point of a cycle, and anywhere: nothing is lost, nothing happens twice."""

import random
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress

import pytest

from tests.acceptance.dying import service_points, workstation_points
from tests.acceptance.processes import Floor, StationProcess
from tests.factories import PASSWORD

TIMES = 300
AT_OPENING = ("outdated cache removed", "outbox open, cache not")  # before any line can be obeyed
MOMENT = 0.5  # seconds: a kill comes at random within this of a saved call


@pytest.fixture(scope="module")
def signed_in(floor: Floor) -> Floor:
    """Two workstations of one assistant, whose profiles are filled."""
    with floor.service(), ExitStack() as opened:
        stations = [opened.enter_context(floor.station(name)) for name in ("dying", "colleague")]
        for station in stations:
            station.do("sign-in", "assistant", PASSWORD)
            station.do("caught-up")
    return floor


def is_whole(floor: Floor, notes: list[str], *, unfinished: Sequence[str] = ()) -> None:
    """After a restart all calls are at the centre once, and both workstations show them.

    Args:
        unfinished: calls of which the workstation had not said that they are saved: none, or once.
    """
    with floor.station("dying") as station, floor.station("colleague") as colleague:
        for one in (station, colleague):
            one.do("talk")
        station.do("sent")
        times = floor.times_at_the_centre(*notes, *unfinished)
        assert [times[note] for note in notes] == [1] * len(notes)
        assert all(times[note] <= 1 for note in unfinished)
        colleague.do("sync")
        for one in (station, colleague):
            one.do("shows", *notes[-20:])


def test_a_workstation_killed_at_any_named_point_loses_and_doubles_nothing(signed_in: Floor) -> None:
    notes: list[str] = []
    with signed_in.service():
        for point in workstation_points():
            if point == "outdated cache removed":
                with signed_in.station("dying") as station:
                    station.do("outdate")
            with signed_in.station("dying", dies_at=point) as station:
                if point not in AT_OPENING:
                    notes.append(f"killed:{point}".replace(" ", "-"))
                    station.tell("call", notes[-1])
                    station.tell("talk")
                assert station.has_killed_itself(), point
        is_whole(signed_in, notes)


def test_a_service_killed_at_any_named_point_of_a_push_loses_and_doubles_nothing(signed_in: Floor) -> None:
    notes: list[str] = []
    with signed_in.station("dying") as station:
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
    with suppress(subprocess.TimeoutExpired):
        station.process.wait(chance.uniform(0, MOMENT))
    return saved + station.kill()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_workstation_killed_at_any_moment_loses_and_doubles_nothing(signed_in: Floor) -> None:
    chance, saved, unfinished = random.Random(300), list[str](), list[str]()
    with signed_in.service():
        for time in range(TIMES):
            with signed_in.station("dying") as station:
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
    chance = random.Random(301)
    with signed_in.station("dying") as station:
        station.do("talk")
        station.tell("work", "load")
        for _ in range(TIMES):
            with signed_in.service() as service, suppress(subprocess.TimeoutExpired):
                service.wait(chance.uniform(0, 3 * MOMENT))
        saved = station.kill()
    with signed_in.service():
        is_whole(signed_in, saved, unfinished=[f"load-{len(saved)}"])
    assert len(saved) > TIMES
