"""A disk that is full: what was said to be saved is saved, what was refused is not there."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hcrm_core.terms import TaskState
from hcrm_desktop.cache.tables import TASK
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from tests.fakes import FakeClock
from tests.gui.filling import add_tasks, open_clinic
from tests.sync.desk import KEY, consider

LONG = "记" * 2000  # more than the free room of a page


@pytest.fixture
def profile(tmp_path: Path, clock: FakeClock) -> Iterator[Workspace]:
    opened = open_workspace(tmp_path / "profile", KEY, clock=clock)
    open_clinic(opened)
    yield opened
    opened.close()


def state(workspace: Workspace) -> TaskState:
    with workspace.read() as session:
        return session.execute(TASK.select()).one().state


def test_an_entry_that_no_cache_can_show_is_kept_and_not_called_a_failure(
    profile: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    """Told that it failed, the assistant would record the same call again."""
    (task,) = add_tasks(profile, "王小明")
    with profile.write() as session:
        session.execute(text("PRAGMA max_page_count=1"))  # no page more than there are
    with caplog.at_level(logging.ERROR):
        consider(profile, task, note=LONG)
    assert "saved but not shown" in caplog.text
    assert len(profile.outbox.laid(profile.worker().account_id)) == 1
    assert state(profile) is TaskState.OPEN

    with profile.write() as session:
        session.execute(text("PRAGMA max_page_count=4294967294"))
    profile.relay()
    assert state(profile) is TaskState.SNOOZED


def test_an_entry_that_the_outbox_cannot_take_is_refused_and_leaves_nothing(profile: Workspace) -> None:
    (task,) = add_tasks(profile, "王小明")
    with profile.outbox._engine.begin() as connection:
        connection.execute(text("PRAGMA max_page_count=1"))
    with pytest.raises(DBAPIError, match="full") as refused:
        consider(profile, task, note=LONG)
    assert LONG not in str(refused.value)
    assert profile.outbox.laid(profile.worker().account_id) == []
    assert state(profile) is TaskState.OPEN
