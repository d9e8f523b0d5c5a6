"""Commands for a cable, a line each: typed by a person, or written by a program to standard input."""

from hcrm_sim.flaky.cable import Cable
from hcrm_sim.flaky.faults import GENTLE_FAULTS, GENTLE_PACE, HEALTHY, USUAL, Fault, Mode, schedule

HELP = (
    "heal | pull | cut [BYTES] | slow [BYTES/S] | delay [MS [JITTER]] | blackhole | half-open | drop | refuse | 502"
    " | random [SEED]"
)
_ALIASES = {"heal": Mode.OK, "pull": Mode.DROP}
_STATES = {Mode.OK: HEALTHY, **USUAL}
RANDOM = "random"


def obey(line: str, cable: Cable) -> bool:
    """Do what a line says. Returns whether it is a command."""
    word, *numbers = line.split() or [""]
    if not all(number.isdecimal() for number in numbers):
        return False
    amounts = [int(number) for number in numbers]
    if word == RANDOM and len(amounts) < 2:
        wander(cable, seed=amounts[0] if amounts else 0)
        return True
    fault = _fault(word, amounts)
    if fault is not None:
        cable.become(fault)
    return fault is not None


def wander(cable: Cable, *, seed: int) -> None:
    """Faults that are noticed soon and healings in turn, until the next command."""
    cable.play(schedule(seed, pace=GENTLE_PACE, faults=GENTLE_FAULTS))


def describe(fault: Fault) -> str:
    """The state of a cable in a few words."""
    return fault.mode.value if not fault.amount else f"{fault.mode.value} {fault.amount}"


def _fault(word: str, amounts: list[int]) -> Fault | None:
    mode = _ALIASES.get(word, word)
    if mode not in _STATES or len(amounts) > 2:
        return None
    usual = _STATES[Mode(mode)]
    amount, jitter = (*amounts, *(usual.amount, usual.jitter)[len(amounts) :])
    return Fault(mode=usual.mode, amount=amount, jitter=jitter)
