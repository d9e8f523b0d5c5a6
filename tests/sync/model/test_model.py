"""Runs of the fault model: a few always, thousands with --long."""

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sync.model.machine import SyncMachine

SHORT = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
LONG = settings(SHORT, max_examples=250, stateful_step_count=40, derandomize=False)


def test_whatever_happens_nothing_is_lost_doubled_or_shown_to_the_wrong_person(machine: type[SyncMachine]) -> None:
    run_state_machine_as_test(machine, settings=SHORT)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(8))
def test_whatever_happens_thousands_of_times(machine: type[SyncMachine], part: int) -> None:
    run_state_machine_as_test(seed(part)(machine), settings=LONG)
