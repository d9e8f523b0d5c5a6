"""The model finds what was broken on purpose: a test of the test."""

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.sync.model.bugs import BUGS, Bug
from tests.sync.model.machine import SyncMachine

SEARCH = settings(
    max_examples=400,
    stateful_step_count=30,
    deadline=None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@pytest.mark.long
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_search_finds_a_seeded_bug(machine: type[SyncMachine], bug: Bug) -> None:
    found = seed(20261122)(machine)
    with bug(machine.centre), pytest.raises((AssertionError, Flaky)):
        run_state_machine_as_test(found, settings=SEARCH)
