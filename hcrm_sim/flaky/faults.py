"""What can go wrong on a cable, by name, and schedules of it that a seed repeats."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    OK = "ok"
    DELAY = "delay"  # every piece comes late
    DROP = "drop"  # accepted, and closed at once
    REFUSE = "refuse"  # nobody listens
    CUT = "cut"  # the answer breaks off
    BLACKHOLE = "blackhole"  # accepted, and silence: nothing gets through in either direction
    BAD_GATEWAY = "502"  # something else answers
    SLOW = "slow"  # the answer drips
    HALF_OPEN = "half-open"  # requests arrive, answers never come back


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A state of the cable.

    Attributes:
        amount: milliseconds of a delay, bytes of an answer before the cut, or bytes a second.
        jitter: milliseconds that a delay varies by.
    """

    mode: Mode
    amount: int = 0
    jitter: int = 0


HEALTHY = Fault(mode=Mode.OK)
USUAL = {
    fault.mode: fault
    for fault in (
        Fault(mode=Mode.DELAY, amount=300, jitter=300),
        Fault(mode=Mode.DROP),
        Fault(mode=Mode.REFUSE),
        Fault(mode=Mode.CUT, amount=120),
        Fault(mode=Mode.BLACKHOLE),
        Fault(mode=Mode.BAD_GATEWAY),
        Fault(mode=Mode.SLOW, amount=2000),
        Fault(mode=Mode.HALF_OPEN),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long phases last, in seconds: at least, at most."""

    healthy: tuple[float, float]
    faulty: tuple[float, float]


# Noticed in seconds and over in seconds: for a person who watches. A black hole takes half a minute to be noticed.
GENTLE_FAULTS = tuple(USUAL[mode] for mode in (Mode.DROP, Mode.REFUSE, Mode.CUT, Mode.BAD_GATEWAY, Mode.SLOW))
GENTLE_PACE = Pace(healthy=(15.0, 30.0), faulty=(10.0, 20.0))


def schedule(
    seed: int, *, pace: Pace, faults: Sequence[Fault] = tuple(USUAL.values())
) -> Iterator[tuple[Fault, float]]:
    """Faults and healings in turn without end, each with its seconds; the same for the same seed."""
    chance = random.Random(seed)
    while True:
        fault = chance.choice(faults)
        yield (
            Fault(mode=fault.mode, amount=_varied(fault.amount, chance), jitter=fault.jitter),
            chance.uniform(*pace.faulty),
        )
        yield HEALTHY, chance.uniform(*pace.healthy)


def _varied(amount: int, chance: random.Random) -> int:
    return round(amount * chance.uniform(0.5, 2.0))
