"""Retention: what is gone for half a year is forgotten, and who was away for longer reads that stream anew."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hcrm_central.jobs.retention import INCIDENTS_KEPT, TOKENS_KEPT, TOMBSTONES_KEPT, tidy, tidy_daily
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import DeviceIncident, Stream, StreamEntry, StreamMark, Token
from hcrm_core.wire import Cursor, ResetReason
from hcrm_store.care import FollowUp, Visit
from hcrm_store.journeys import Task
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, later
from tests.fakes import FakeClock


def end_follow_up(store: Store, follow_up_id: UUID) -> None:
    with transaction(store.jobs) as session:
        session.execute(delete(FollowUp).where(FollowUp.id == follow_up_id))


def half_a_year(store: Store, clock: FakeClock) -> None:
    """A mark of today, and half a year without one."""
    tidy(store.jobs, clock=clock)
    clock.advance(TOMBSTONES_KEPT)


def entries(store: Store, row_id: UUID) -> int:
    with Session(store.jobs) as session:
        counted = select(func.count()).select_from(StreamEntry).where(StreamEntry.row_id == row_id)
        return session.scalar(counted) or 0


def resets(client: Workstation) -> dict[str, ResetReason]:
    """Signed in again, because months have passed."""
    client.tokens = None
    assert client.sign_in("assistant").status_code == 200
    pages = client.pull(epoch=client.hello().epoch).pages
    return {page.stream: page.reset for page in pages if page.reset}


def test_a_row_that_is_gone_is_forgotten_after_half_a_year_and_not_before(
    clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    end_follow_up(store, clinic.mine.follow_up_id)
    tidy(store.jobs, clock=clock)
    clock.advance(TOMBSTONES_KEPT - timedelta(days=1))
    assert tidy(store.jobs, clock=clock).entries == {}
    assert entries(store, clinic.mine.follow_up_id) == 1
    clock.advance(timedelta(days=1))
    assert tidy(store.jobs, clock=clock).entries == {f"{clinic.north}:tasks": 1}
    assert entries(store, clinic.mine.follow_up_id) == 0


def test_rows_that_are_there_are_never_forgotten(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    half_a_year(store, clock)
    report = tidy(store.jobs, clock=clock)
    assert report.entries == {}
    client = client_for("assistant")
    client.catch_up()
    assert clinic.mine.task_id in client.rows("task")


def test_a_reader_below_what_was_forgotten_reads_that_stream_anew_and_no_other(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    client.catch_up()
    end_follow_up(store, clinic.mine.follow_up_id)
    half_a_year(store, clock)
    tidy(store.jobs, clock=clock)
    tasks = f"{clinic.north}:tasks"
    assert resets(client) == {tasks: ResetReason.CURSOR_TOO_OLD}
    client.held = {key: row for key, row in client.held.items() if key[0] not in ("task", "follow_up", "membership")}
    client.cursors[tasks] = Cursor()
    client.catch_up()
    assert resets(client) == {}
    assert set(client.rows("task")) == {clinic.mine.task_id}
    assert client.rows("follow_up") == {}


def test_a_reader_who_knows_of_the_end_already_reads_on(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    end_follow_up(store, clinic.mine.follow_up_id)
    client.catch_up()
    half_a_year(store, clock)
    assert tidy(store.jobs, clock=clock).entries != {}
    assert resets(client) == {}


def test_a_first_read_that_began_before_the_end_is_begun_anew_and_one_that_began_later_goes_on(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    tasks = f"{clinic.north}:tasks"
    before, after = client_for("assistant"), client_for("assistant")
    before.cursors = {tasks: Cursor()}
    before.take(before.pull(epoch=before.hello().epoch, limit=1))
    end_follow_up(store, clinic.mine.follow_up_id)
    after.cursors = {tasks: Cursor()}
    after.take(after.pull(epoch=after.hello().epoch, limit=1))
    assert before.cursors[tasks].fresh_to is not None
    half_a_year(store, clock)
    tidy(store.jobs, clock=clock)
    assert resets(before) == {tasks: ResetReason.CURSOR_TOO_OLD}
    assert resets(after) == {}


def test_who_begins_from_nothing_is_never_told_to_begin_anew(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    end_follow_up(store, clinic.mine.follow_up_id)
    half_a_year(store, clock)
    tidy(store.jobs, clock=clock)
    client = client_for("assistant")
    client.cursors = {f"{clinic.north}:tasks": Cursor()}
    assert resets(client) == {}


def test_a_customer_who_moved_is_forgotten_where_he_was_and_not_where_he_is(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    with transaction(store.jobs) as session:
        moved = {Customer.site_id: clinic.south, Customer.assistant_id: clinic.staff["far"]}
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(moved))
    half_a_year(store, clock)
    forgotten = tidy(store.jobs, clock=clock).entries
    assert {key.partition(":")[0] for key in forgotten} == {str(clinic.north)}
    assert entries(store, clinic.mine.customer_id) == entries(store, clinic.mine.exam_id) == 1
    client = client_for("far")
    client.catch_up()
    assert clinic.mine.exam_id in client.rows("exam")


def test_marks_are_one_a_day_and_old_ones_go(clinic: Clinic, store: Store, clock: FakeClock) -> None:
    first = tidy(store.jobs, clock=clock)
    assert first.marked > 0
    assert tidy(store.jobs, clock=clock).marked == 0
    later(clock, days=1)
    assert tidy(store.jobs, clock=clock).marked == first.marked
    clock.advance(TOMBSTONES_KEPT)
    tidy(store.jobs, clock=clock)
    with Session(store.jobs) as session:
        days = session.scalars(select(StreamMark.on).distinct().order_by(StreamMark.on)).all()
    assert [day.isoformat() for day in days] == ["2026-11-23", "2027-05-22"]


def test_tokens_that_nobody_can_use_any_more_go_and_those_in_use_stay(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client_for("assistant")
    clock.advance(timedelta(days=30) + TOKENS_KEPT + timedelta(hours=1))
    client_for("manager")
    assert tidy(store.jobs, clock=clock).tokens == 2
    with Session(store.jobs) as session:
        assert session.scalar(select(func.count()).select_from(Token)) == 2


def test_incidents_of_a_quarter_ago_go(client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock) -> None:
    client = client_for("assistant")
    for passed in (timedelta(), INCIDENTS_KEPT):
        clock.advance(passed)
        incident = DeviceIncident(device_id=client.device_id, code="stuck", at=clock.now(), received_at=clock.now())
        with transaction(store.jobs) as session:
            session.add(incident)
    assert tidy(store.jobs, clock=clock).incidents == 0
    clock.advance(timedelta(seconds=1))
    assert tidy(store.jobs, clock=clock).incidents == 1


def test_a_scan_tidies_once_a_day(clinic: Clinic, store: Store, clock: FakeClock) -> None:
    assert tidy_daily(store.jobs, clock=clock) is not None
    assert tidy_daily(store.jobs, clock=clock) is None
    later(clock, days=1)
    assert tidy_daily(store.jobs, clock=clock) is not None


def test_what_changed_after_its_mark_is_not_touched(clinic: Clinic, store: Store, clock: FakeClock) -> None:
    half_a_year(store, clock)
    with transaction(store.jobs) as session:
        session.execute(update(Task).values(attempts=1))
        session.execute(delete(Visit).where(Visit.id == clinic.mine.visit_id))
    assert tidy(store.jobs, clock=clock).entries == {}
    with Session(store.jobs) as session:
        assert set(session.scalars(select(Stream.tomb_floor))) == {0}
