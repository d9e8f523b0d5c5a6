"""A key pressed twice is one call; two calls are two."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.cache import commands
from hcrm_desktop.cache.commands import DOUBLE_PRESS
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from tests.fakes import FakeClock
from tests.gui.filling import add_tasks, open_clinic
from tests.sync.desk import KEY, consider


@pytest.fixture
def desk(tmp_path: Path, clock: FakeClock) -> Iterator[Workspace]:
    opened = open_workspace(tmp_path / "profile", KEY, clock=clock)
    open_clinic(opened)
    yield opened
    opened.close()


def entries(workspace: Workspace) -> int:
    return len(workspace.outbox.laid(workspace.worker().account_id))


@pytest.mark.parametrize(("later", "expected"), [(DOUBLE_PRESS - timedelta(milliseconds=1), 1), (DOUBLE_PRESS, 2)])
def test_the_same_outcome_of_the_same_task_counts_once_within_a_second(
    desk: Workspace, clock: FakeClock, later: timedelta, expected: int
) -> None:
    (task,) = add_tasks(desk, "王小明")
    consider(desk, task)
    clock.advance(later)
    consider(desk, task)
    assert entries(desk) == expected


def test_another_outcome_or_another_task_counts_at_once(desk: Workspace) -> None:
    one, other = add_tasks(desk, "王小明", "李小红")
    consider(desk, one)
    consider(desk, other)
    consider(desk, one)
    commands.record_outcome(desk, task_id=one, channel=Channel.PHONE, outcome=Outcome.DECLINED)
    assert entries(desk) == 4


def test_what_was_undone_may_be_entered_again_at_once(desk: Workspace) -> None:
    (task,) = add_tasks(desk, "王小明")
    consider(desk, task)
    commands.undo_last(desk)
    consider(desk, task)
    assert entries(desk) == 1
