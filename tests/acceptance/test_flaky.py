"""Real processes with a bad cable between them: when it heals, what was entered is at the centre, once, and is seen."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from hcrm_desktop.sync.client import READ_SECONDS
from hcrm_desktop.sync.loop import BACKOFF_MOST_SECONDS, JITTER
from hcrm_sim.flaky.cable import Cable
from hcrm_sim.flaky.faults import USUAL, Fault, Mode, Pace, schedule
from tests.acceptance.processes import Floor, StationProcess
from tests.acceptance.station import PATIENCE
from tests.factories import PASSWORD

BRISK = Pace(healthy=(0.1, 3.0), faulty=(0.1, 6.0))  # seconds; shorter and longer than a cycle
STATIONS = 5  # beside each other, each with a cable of its own
_names = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A workstation behind a cable of its own."""

    name: str
    station: StationProcess
    cable: Cable


@pytest.fixture(scope="module")
def running(floor: Floor) -> Iterator[Floor]:
    with floor.service():
        yield floor


@pytest.fixture(scope="module")
def colleague(running: Floor) -> Iterator[StationProcess]:
    """Another workstation of the same site, with a good cable."""
    with running.workstation("colleague") as station:
        station.do("sign-in", "assistant", PASSWORD)
        station.do("caught-up")
        yield station


@pytest.fixture
def desks(running: Floor, request: pytest.FixtureRequest) -> Iterator[list[Desk]]:
    with ExitStack() as opened:
        desks = [_desk(running, opened) for _ in range(getattr(request, "param", 1))]
        for desk in desks:
            desk.station.tell("sign-in", "assistant", PASSWORD)
        for desk in desks:
            assert desk.station.says() == "DONE"
            desk.station.do("caught-up")
        yield desks


def _desk(floor: Floor, opened: ExitStack) -> Desk:
    name = f"desk{next(_names)}"
    cable = opened.enter_context(Cable(floor.url))
    return Desk(name=name, cable=cable, station=opened.enter_context(floor.workstation(name, url=cable.url)))


def everything_arrives(floor: Floor, desks: list[Desk], *, colleague: StationProcess, notes: list[str]) -> None:
    """Every outbox is empty within a minute, the centre has each call once, and the colleague sees them unasked."""
    for desk in desks:
        desk.station.tell("sent")
    assert [desk.station.says() for desk in desks] == ["DONE"] * len(desks)
    assert floor.times_at_the_centre(*notes) == dict.fromkeys(notes, 1)
    colleague.do("shows", *notes)


def test_a_request_that_hangs_and_the_longest_wait_after_it_take_less_than_a_minute() -> None:
    assert READ_SECONDS + BACKOFF_MOST_SECONDS * (1 + JITTER) < PATIENCE


def test_work_goes_on_through_three_faults_and_arrives_once(
    running: Floor, desks: list[Desk], colleague: StationProcess
) -> None:
    (desk,) = desks
    for mode in (Mode.DROP, Mode.CUT, Mode.BAD_GATEWAY):
        notes = [f"{desk.name}-{mode}-before", f"{desk.name}-{mode}-during"]
        desk.station.do("call", notes[0])
        desk.cable.become(USUAL[mode])
        desk.station.do("call", notes[1])
        desk.station.do("offline")
        desk.cable.heal()
        everything_arrives(running, desks, colleague=colleague, notes=notes)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "fault", [*USUAL.values(), Fault(mode=Mode.CUT, amount=1500)], ids=lambda fault: str(fault.mode)
)
@pytest.mark.parametrize("desks", [STATIONS], indirect=True)
def test_after_every_fault_each_workstation_is_through_within_a_minute(
    running: Floor, desks: list[Desk], colleague: StationProcess, fault: Fault
) -> None:
    notes = [f"{desk.name}-{turn}" for turn in ("before", "during", "later") for desk in desks]
    for desk in desks:
        desk.station.do("call", f"{desk.name}-before")
        desk.cable.become(fault)
        desk.station.do("call", f"{desk.name}-during")
    for desk in desks:
        if fault.mode not in (Mode.SLOW, Mode.DELAY):  # those only take longer
            desk.station.do("offline")
        desk.station.do("call", f"{desk.name}-later")
    for desk in desks:
        desk.cable.heal()
    everything_arrives(running, desks, colleague=colleague, notes=notes)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("desks", [STATIONS], indirect=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_after_a_seeded_storm_of_faults_each_workstation_is_through_within_a_minute(
    running: Floor, desks: list[Desk], colleague: StationProcess, seed: int
) -> None:
    for number, desk in enumerate(desks):
        desk.cable.play(itertools.islice(schedule(100 * seed + number, pace=BRISK), 12))
    notes: list[str] = []
    while not all(desk.cable.wait_until_played(0.2) for desk in desks):
        for desk in desks:
            notes.append(f"{desk.name}-{len(notes)}")
            desk.station.do("call", notes[-1])
    everything_arrives(running, desks, colleague=colleague, notes=notes)
