"""Customers that may not be shown any more are hidden, whatever the clock says; what was entered stays and is sent."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hcrm_core.errors import Rejected
from hcrm_desktop.cache import lease, meta, orders, queries
from hcrm_desktop.cache.orders import Order
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import SyncStatus, TaskFilter
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.gui.filling import add_tasks, open_clinic
from tests.sync.desk import KEY, TODAY, Desk, consider

WEEK, YEAR, MOMENT = timedelta(days=7), timedelta(days=365), timedelta(seconds=1)


class Profile:
    """A workstation without a centre: told by hand what a hello would say."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder, self.clock = folder, clock
        self.workspace = open_workspace(folder, KEY, clock=clock)
        open_clinic(self.workspace)
        (self.task,) = add_tasks(self.workspace, "王小明")

    def hear(self, *, server_now: datetime | None = None, lasting: timedelta = WEEK) -> None:
        now = server_now or self.clock.now()
        with self.workspace.write() as session:
            meta.write(session, meta.LEASE, (now + lasting).isoformat())
        lease.renew(self.workspace.outbox, server_now=now, clock=self.clock)

    def pass_time(self, by: timedelta) -> None:
        """Time goes by while the program runs and looks at the clock now and then."""
        for _ in range(10):
            self.clock.advance(by / 10)
            self.workspace.tend()

    def status(self) -> SyncStatus:
        return self.workspace.ask(queries.sync_status)

    def restart(self) -> None:
        self.workspace.close()
        self.workspace = open_workspace(self.folder, KEY, clock=self.clock)


@pytest.fixture
def profile(tmp_path: Path, clock: FakeClock) -> Iterator[Profile]:
    opened = Profile(tmp_path / "profile", clock)
    yield opened
    opened.workspace.close()


def refused(workspace: Workspace) -> bool:
    """Whether a screen with customers gets nothing."""
    try:
        workspace.ask(queries.tasks_today, today=TODAY, filter=TaskFilter())
    except Rejected as error:
        return error.code == "lease_over"
    return False


def test_customers_are_hidden_the_moment_the_lease_is_over(profile: Profile) -> None:
    profile.hear()
    profile.clock.advance(WEEK - MOMENT)
    assert not profile.status().lease_over
    assert not refused(profile.workspace)
    profile.clock.advance(MOMENT)
    assert profile.status().lease_over
    assert refused(profile.workspace)
    profile.restart()
    assert refused(profile.workspace)
    profile.hear()
    assert not refused(profile.workspace)


def test_before_the_first_hello_nothing_is_hidden(profile: Profile) -> None:
    assert not profile.status().lease_over


def test_nothing_is_entered_while_customers_are_hidden_and_what_was_entered_stays(profile: Profile) -> None:
    profile.hear()
    consider(profile.workspace, profile.task)
    profile.clock.advance(WEEK)
    with pytest.raises(Rejected) as told:
        consider(profile.workspace, profile.task, note="später")
    assert told.value.code == "lease_over"
    assert len(profile.workspace.ask(queries.unsent_items)) == 1
    person = profile.workspace.person()
    assert person is not None
    assert len(profile.workspace.outbox.offer(account_id=person.account_id, expected_n=1)) == 1


@pytest.mark.parametrize("wrong_by", [-YEAR, -WEEK, WEEK, YEAR])
def test_a_clock_that_was_always_wrong_neither_locks_out_nor_lets_in(profile: Profile, wrong_by: timedelta) -> None:
    profile.hear(server_now=profile.clock.now() - wrong_by)
    assert not profile.status().lease_over
    profile.pass_time(WEEK - MOMENT)
    assert not profile.status().lease_over
    profile.pass_time(MOMENT)
    assert profile.status().lease_over


def test_turning_the_clock_back_does_not_extend_the_lease(profile: Profile) -> None:
    profile.hear()
    for _ in range(7):
        profile.pass_time(timedelta(days=1))
        profile.clock.advance(-timedelta(days=1))
        profile.workspace.tend()
    assert profile.status().lease_over


def test_turning_it_back_while_the_program_is_closed_brings_no_more_than_that_time(profile: Profile) -> None:
    profile.hear()
    profile.pass_time(timedelta(days=6))
    profile.clock.advance(-YEAR)
    profile.restart()
    assert not profile.status().lease_over
    profile.pass_time(timedelta(days=1))
    assert profile.status().lease_over


@pytest.mark.parametrize("jump", [-YEAR, YEAR])
def test_a_jump_of_the_clock_is_forgotten_at_the_next_hello(profile: Profile, jump: timedelta) -> None:
    profile.hear()
    server_now = profile.clock.now()
    profile.clock.advance(jump)
    profile.workspace.tend()
    assert profile.status().lease_over is (jump > timedelta())
    profile.hear(server_now=server_now)
    profile.workspace.tend()
    assert not profile.status().lease_over


def test_a_lost_cache_does_not_begin_time_anew(profile: Profile) -> None:
    profile.hear()
    profile.pass_time(timedelta(days=6))
    profile.workspace.close()
    (profile.folder / "cache.db").write_bytes(b"")
    profile.clock.advance(-YEAR)
    profile.workspace = open_workspace(profile.folder, KEY, clock=profile.clock)
    kept = profile.workspace.outbox.kept(lease.RECKONING)
    assert kept is not None
    assert datetime.fromisoformat(kept["latest"]) == datetime.fromisoformat("2026-11-28T01:00:00+00:00")


@pytest.mark.parametrize("order", Order)
def test_an_order_of_the_centre_hides_customers_at_once(profile: Profile, order: Order) -> None:
    profile.hear()
    orders.obey(profile.workspace.outbox, order)
    assert profile.status().lease_over
    assert refused(profile.workspace)
    orders.lift(profile.workspace.outbox)
    assert refused(profile.workspace) is (order is not Order.REVOKED)


def test_an_entry_made_before_the_lease_was_over_is_sent_and_the_next_hello_shows_customers_again(
    desk_for: Callable[[str], Desk], clinic: Clinic
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(timedelta(days=29))
    assert desk.workspace.ask(queries.sync_status).lease_over
    assert refused(desk.workspace)
    desk.clock.advance(-timedelta(days=29) + UNDO_WINDOW)
    desk.sync()
    assert not refused(desk.workspace)
    assert desk.workspace.ask(queries.unsent_items) == []
