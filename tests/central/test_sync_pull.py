"""Pull: granted streams, each change once, tombstones for what is gone, resets, nothing missed between writers."""

import itertools
import threading
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Incarnation
from hcrm_core.wire import Cursor, ResetReason
from hcrm_store.base import new_id
from hcrm_store.clinical import EyeMeasurement
from hcrm_store.organisation import Staff
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import SOP_KEY, Clinic, add_child, add_task
from tests.fakes import FakeClock


def test_hello_grants_streams_in_the_order_to_pull(client_for: SignIn, clinic: Clinic, clock: FakeClock) -> None:
    greeting = client_for("manager").hello()
    by_area = [key.rpartition(":")[2] for key in (grant.key for grant in greeting.streams)]
    assert by_area == ["ref", "tasks", "tasks", "people", "people", "clinical", "clinical"]
    own = client_for("assistant").hello()
    assert [grant.key for grant in own.streams] == [
        "ref", f"{clinic.north}:tasks", f"{clinic.north}:people", f"{clinic.north}:clinical",
    ]  # fmt: skip
    assert own.freshness.feeds == {"ledger": clock.now()}
    assert own.freshness.scanned_at is None
    assert own.business_date.isoformat() == "2026-11-22"


def test_executives_and_administrators_are_granted_reference_data_only(client_for: SignIn) -> None:
    for username in ("executive", "admin"):
        assert [grant.key for grant in client_for(username).hello().streams] == ["ref"]


def test_profiles_tell_columns_and_whose_rows_they_are(client_for: SignIn) -> None:
    profiles = {
        username: {g.key.rpartition(":")[2]: g.profile for g in client_for(username).hello().streams}
        for username in ("assistant", "assistant2", "optometrist", "manager")
    }
    for area in ("tasks", "people", "clinical"):
        assert len({one[area] for one in profiles.values()}) == len(profiles)
    assert profiles["assistant"]["ref"] == profiles["assistant2"]["ref"]
    assert profiles["assistant"] == {
        g.key.rpartition(":")[2]: g.profile for g in client_for("assistant").hello().streams
    }


def test_hello_notes_what_the_workstation_reports(client_for: SignIn, store: Store, clock: FakeClock) -> None:
    client = client_for("assistant")
    client.hello(unsent=3, oldest_unsent_at=clock.now())
    with Session(store.jobs) as session:
        seen = session.execute(text("SELECT unsent, oldest_unsent_at, seen_at, app_version FROM device")).one()
    assert tuple(seen) == (3, clock.now(), clock.now(), "1")


def test_another_protocol_is_told_to_upgrade(client_for: SignIn, clock: FakeClock) -> None:
    body = {"protocol": 2, "app_version": "9", "now": clock.now().isoformat()}
    answer = client_for("assistant").post("/sync/hello", body)
    assert (answer.status_code, answer.json()["code"]) == (426, "upgrade_required")


def test_a_first_pull_brings_every_visible_row_once_whatever_the_page(client_for: SignIn, clinic: Clinic) -> None:
    whole, small = client_for("assistant"), client_for("assistant")
    whole.catch_up()
    small.catch_up(limit=1)
    assert whole.held == small.held
    assert whole.cursors == small.cursors
    assert set(whole.rows("customer")) == {clinic.mine.customer_id}
    assert {kind for kind, _ in whole.held} == {
        "site", "staff", "segment", "sop", "task", "follow_up", "membership", "family", "guardian", "customer",
        "exam", "eye_measurement", "lens_order", "medication", "visit", "recheck_plan",
    }  # fmt: skip


def test_exact_values_travel_as_text_and_unknown_as_null(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    with transaction(store.jobs) as session:
        mine = EyeMeasurement.customer_id == clinic.mine.customer_id
        session.execute(update(EyeMeasurement).where(mine).values(axial_length_mm=None, ucva=Decimal("4.9")))
    client = client_for("optometrist")
    client.catch_up()
    bodies = [
        row for row in client.rows("eye_measurement").values() if row["customer_id"] == str(clinic.mine.customer_id)
    ]
    assert {body["sphere"] for body in bodies} == {"-3.25", "-2.75"}
    assert {body["ucva"] for body in bodies} == {"4.90"}
    assert {body["axial_length_mm"] for body in bodies} == {None}
    exam = client.rows("exam")[clinic.mine.exam_id]
    assert (exam["examined_on"], exam["cycloplegic"], exam["lens_state"]) == ("2026-05-01", True, "none")


def test_a_second_pull_brings_nothing_and_a_change_only_itself(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    epoch = client.catch_up().epoch
    assert [(page.rows, page.tombstones, page.more) for page in client.pull(epoch=epoch).pages] == [([], [], False)] * 4
    with transaction(store.jobs) as session:
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(school="新学校"))
    pages = {page.stream: page for page in client.pull(epoch=epoch).pages}
    people = pages.pop(f"{clinic.north}:people")
    assert [(row.id, row.ver, row.body["school"]) for row in people.rows] == [(clinic.mine.customer_id, 2, "新学校")]
    assert all(not page.rows for page in pages.values())


def test_a_reassigned_customer_leaves_one_assistant_and_comes_to_the_other(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    former, new = client_for("assistant"), client_for("assistant2")
    former.catch_up()
    new.catch_up()
    with transaction(store.jobs) as session:
        moved = update(Customer).where(Customer.id == clinic.mine.customer_id)
        session.execute(moved.values(assistant_id=clinic.staff["assistant2"]))
    former.catch_up()
    new.catch_up()
    assert {kind for kind, _ in former.held} == {"site", "staff", "segment", "sop"}
    assert set(new.rows("customer")) == {clinic.mine.customer_id, clinic.colleagues.customer_id}
    assert clinic.mine.task_id in new.rows("task")
    assert clinic.mine.guardian_id in new.rows("guardian")


def test_a_customer_who_moves_to_another_site_leaves_a_tombstone_behind(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("optometrist")
    client.catch_up()
    with transaction(store.jobs) as session:
        moved = update(Customer).where(Customer.id == clinic.colleagues.customer_id)
        session.execute(moved.values(site_id=clinic.south))
    client.catch_up()
    assert set(client.rows("customer")) == {clinic.mine.customer_id}
    assert clinic.colleagues.exam_id not in client.rows("exam")


def test_a_row_that_goes_while_the_first_read_runs_is_taken_back(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    greeting = client.hello()
    stream = f"{clinic.north}:people"
    client.cursors = {stream: Cursor()}
    while not client.rows("customer"):
        client.take(client.pull(epoch=greeting.epoch, limit=1))
    with transaction(store.jobs) as session:
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(assistant_id=None))
    client.catch_up(limit=1)
    assert client.rows("customer") == {}


def test_a_first_read_sends_no_tombstones(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    greeting = client.hello()
    client.cursors = {grant.key: Cursor() for grant in greeting.streams}
    assert [page.tombstones for page in client.pull(epoch=greeting.epoch).pages] == [[]] * 4


def test_an_epoch_of_the_past_brings_nothing_but_the_new_one(client_for: SignIn, store: Store) -> None:
    client = client_for("assistant")
    client.catch_up()
    restored = new_id()
    with transaction(store.owner) as session:
        session.execute(update(Incarnation).values(epoch=restored))
    answer = client.pull(epoch=new_id())
    assert (answer.epoch, answer.pages, answer.revoked) == (restored, [], [])


def test_a_cursor_of_another_profile_or_ahead_of_the_head_begins_again(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    greeting = client.catch_up()
    people, tasks = f"{clinic.north}:people", f"{clinic.north}:tasks"
    seq = client.cursors[people].seq
    client.cursors = {
        people: Cursor(seq=seq, profile="0123456789abcdef"),
        tasks: client.cursors[tasks].model_copy(update={"seq": client.cursors[tasks].seq + 1}),
    }
    pages = {page.stream: page for page in client.pull(epoch=greeting.epoch).pages}
    assert (pages[people].reset, pages[people].next.seq) == (ResetReason.PROFILE_CHANGED, 0)
    assert (pages[tasks].reset, pages[tasks].next.seq) == (ResetReason.CURSOR_AHEAD, 0)
    assert all(page.more and not page.rows for page in pages.values())
    client.held.clear()
    client.cursors = {stream: page.next for stream, page in pages.items()}
    client.catch_up()
    assert set(client.rows("customer")) == {clinic.mine.customer_id}


def test_streams_that_are_not_granted_are_named_and_not_read(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    epoch = client.hello().epoch
    client.cursors = {f"{clinic.south}:people": Cursor(), "ref": Cursor()}
    answer = client.pull(epoch=epoch)
    assert answer.revoked == [f"{clinic.south}:people"]
    assert [page.stream for page in answer.pages] == ["ref"]


def test_staff_who_change_site_are_granted_the_other_one(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("optometrist")
    client.catch_up()
    with transaction(store.jobs) as session:
        session.execute(update(Staff).where(Staff.code == "optometrist").values(site_id=clinic.south))
    greeting = client.hello()
    assert {grant.key.partition(":")[0] for grant in greeting.streams} == {"ref", str(clinic.south)}
    assert len(client.pull(epoch=greeting.epoch).revoked) == 3


def test_large_answers_are_compressed(client_for: SignIn) -> None:
    client = client_for("manager")
    epoch = client.hello().epoch
    body = {"epoch": str(epoch), "cursors": {"ref": {}}}
    assert client.post("/sync/pull", body).headers["content-encoding"] == "gzip"


def test_an_assistant_with_few_customers_of_many_needs_few_pages(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    with transaction(store.jobs) as session:
        for number in range(100, 130):
            add_child(session, site_id=clinic.north, assistant=None, optometrist=None, number=number)
    client = client_for("assistant")
    epoch = client.hello().epoch
    client.cursors = {f"{clinic.north}:clinical": Cursor()}
    page = client.pull(epoch=epoch, limit=9).pages[0]
    assert len(page.rows) >= 7  # all that is his of the clinical stream, though 210 entries stand between
    assert not page.more


def test_a_change_made_before_anothers_commit_and_committed_after_it_is_not_missed(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    client.catch_up()
    with transaction(store.jobs) as slow:
        first = _one_more_task(slow, clinic, 1)
        slow.flush()
        with transaction(store.jobs) as quick:
            second = _one_more_task(quick, clinic, 2)
        client.catch_up()
        assert (first in client.rows("task"), second in client.rows("task")) == (False, True)
    client.catch_up()
    assert first in client.rows("task")


def test_a_reader_misses_nothing_beside_slow_concurrent_writers(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    epoch = client.catch_up().epoch
    tasks = f"{clinic.north}:tasks"
    client.cursors = {tasks: client.cursors[tasks]}
    numbers, writers, made = itertools.count(1), 4, list[UUID]()

    def write(writer: int) -> None:
        for round_ in range(12):
            with transaction(store.jobs) as session:
                made.append(_one_more_task(session, clinic, next(numbers)))
                session.flush()
                # Some dawdle between their change and their commit, so that commits come in another order.
                session.execute(text("SELECT pg_sleep(:s)"), {"s": 0.06 * ((writer + round_) % 3)})

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    pulls_with_news = 0
    while any(thread.is_alive() for thread in threads):
        pulls_with_news += client.take(client.pull(epoch=epoch, limit=3))
    while client.take(client.pull(epoch=epoch)):
        pass
    assert len(made) == writers * 12
    assert pulls_with_news > writers  # it did read while they wrote
    assert set(made) <= set(client.rows("task"))


def _one_more_task(session: Session, clinic: Clinic, number: int) -> UUID:
    owner = session.scalar(select(Staff.id).where(Staff.code == "assistant"))
    return add_task(
        session,
        customer_id=clinic.mine.customer_id,
        site_id=clinic.north,
        owner_id=owner,
        sop_key=SOP_KEY,
        subject=f"order-{number}",
    )
