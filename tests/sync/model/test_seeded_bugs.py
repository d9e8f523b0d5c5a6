"""The model finds what was broken on purpose: a test of the test."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from hcrm_core.terms import Outcome
from tests.sync.model import bugs
from tests.sync.model.bugs import BUGS, Bug
from tests.sync.model.line import Fault
from tests.sync.model.machine import SyncMachine
from tests.sync.model.promises import Broken

SEARCH = settings(
    max_examples=400,
    stateful_step_count=25,
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


# ── the shortest stories in which some of them show ──────────────────────────────────────────────────────


def an_answer_is_lost(run: SyncMachine) -> None:
    run.somebody_works_over_a_bad_line("assistant", nth=0, fault=Fault.UNANSWERED)


def a_customer_moves_away(run: SyncMachine) -> None:
    run.a_desk_syncs("optometrist")
    run.a_customer_is_given_to(0, to="south")


def a_restore_forgets_an_outcome(run: SyncMachine) -> None:
    run.a_backup_is_made()
    run.somebody_records_an_outcome("assistant", nth=0, outcome=Outcome.CONSIDERING)
    run.a_desk_syncs("assistant")
    run.the_centre_is_restored()


def a_page_comes_while_an_outcome_waits(run: SyncMachine) -> None:
    run.a_job_runs(0, job="the customer is changed")
    run.somebody_records_an_outcome("assistant", nth=0, outcome=Outcome.CONSIDERING)
    run.a_desk_syncs("assistant", later=False)


STORIES: list[tuple[Bug, Callable[[SyncMachine], None]]] = [
    (bugs.no_receipts, an_answer_is_lost),
    (bugs.no_tombstone_for_what_moved_away, a_customer_moves_away),
    (bugs.accepted_entries_are_not_offered_again, a_restore_forgets_an_outcome),
    (bugs.the_overlay_is_not_laid_after_a_page, a_page_comes_while_an_outcome_waits),
]


@pytest.mark.parametrize(("bug", "story"), STORIES, ids=lambda part: part.__name__)
def test_a_story_goes_well_and_shows_the_seeded_bug(
    machine: type[SyncMachine], bug: Bug, story: Callable[[SyncMachine], None]
) -> None:
    _told(machine, story)
    with bug(machine.centre), pytest.raises(Broken):
        _told(machine, story)


def _told(machine: type[SyncMachine], story: Callable[[SyncMachine], None]) -> None:
    run = machine()
    try:
        story(run)
    except BaseException:
        run.close()
        raise
    run.teardown()
