"""The first look: today's tasks and what belongs to them, before anything else was read."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import delete, text, update

from hcrm_central.api import first as first_
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.terms import TaskState
from hcrm_core.wire import FirstRequest, PullResponse
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from hcrm_store.journeys import Task
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, add_exam, add_task

YESTERDAY, TODAY, TOMORROW = date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)


def look(client: Workstation, *, epoch: UUID | None = None) -> PullResponse:
    request = FirstRequest(epoch=epoch or client.hello().epoch)
    answer = client.post("/sync/first", request.model_dump(mode="json"))
    assert answer.status_code == 200, answer.text
    return PullResponse.model_validate(answer.json())


def put_off(store: Store, task_id: UUID, *, until: date) -> None:
    with transaction(store.jobs) as session:
        session.execute(update(Task).where(Task.id == task_id).values(state=TaskState.SNOOZED, next_on=until))


def test_a_first_look_brings_todays_tasks_with_everything_about_their_customers(
    client_for: SignIn, clinic: Clinic
) -> None:
    client = client_for("assistant")
    client.take(look(client))
    assert set(client.rows("task")) == {clinic.mine.task_id}
    assert {kind for kind, _ in client.held} == {
        "task", "follow_up", "membership", "family", "guardian", "customer",
        "exam", "eye_measurement", "lens_order", "medication", "visit", "recheck_plan",
    }  # fmt: skip
    assert {row["customer_id"] for row in client.rows("eye_measurement").values()} == {str(clinic.mine.customer_id)}


def test_what_a_first_look_brings_is_what_the_whole_read_brings(client_for: SignIn, clinic: Clinic) -> None:
    for username in ("assistant", "optometrist", "manager"):
        looking, reading = client_for(username), client_for(username)
        answer = look(looking)
        reading.catch_up()
        seen = {(page.stream, row.kind, row.id): row for page in answer.pages for row in page.rows}
        assert seen, username
        assert all(reading.held[kind, row_id] == row for (_, kind, row_id), row in seen.items())
        assert {stream.rpartition(":")[2] for stream, _, _ in seen} == {"tasks", "people", "clinical"}


def test_closed_tasks_and_those_put_off_do_not_count_and_those_that_wake_today_do(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    put_off(store, clinic.mine.task_id, until=TODAY)
    put_off(store, clinic.colleagues.task_id, until=TOMORROW)
    with transaction(store.jobs) as session:
        session.execute(update(Task).where(Task.id == clinic.far.task_id).values(state=TaskState.DONE))
    client = client_for("manager")
    client.take(look(client))
    assert set(client.rows("task")) == {clinic.mine.task_id}
    assert set(client.rows("customer")) == {clinic.mine.customer_id}


def test_the_most_urgent_come_first_and_siblings_together(
    client_for: SignIn, clinic: Clinic, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(store.jobs) as session:
        together = {Customer.family_id: clinic.mine.family_id}
        session.execute(update(Customer).where(Customer.id == clinic.far.customer_id).values(together))
        session.execute(update(Task).where(Task.id == clinic.mine.task_id).values(priority=1))
        session.execute(update(Task).where(Task.id == clinic.far.task_id).values(priority=9))
    monkeypatch.setattr(first_, "MAX_TASKS", 2)
    client = client_for("manager")
    client.take(look(client))
    assert set(client.rows("task")) == {clinic.mine.task_id, clinic.far.task_id}


def test_only_the_last_examinations_are_sent(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    with transaction(store.jobs) as session:
        where = {"customer_id": clinic.mine.customer_id, "site_id": clinic.north}
        for year in range(2010, 2020):
            add_exam(session, examined_on=date(year, 1, 1), **where)
    client = client_for("assistant")
    client.take(look(client))
    years = sorted(row["examined_on"][:4] for row in client.rows("exam").values())
    assert years == ["2015", "2016", "2017", "2018", "2019", "2026"]
    assert len(client.rows("eye_measurement")) == 12


def test_a_first_look_moves_no_cursor(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("manager")
    answer = look(client)
    assert answer.pages
    for page in answer.pages:
        assert (page.next.seq, page.next.fresh_to, page.more, page.tombstones) == (0, page.head, True, [])
    client.take(answer)
    client.catch_up()
    whole = client_for("manager")
    whole.catch_up()
    assert client.held == whole.held
    assert client.cursors == whole.cursors


@pytest.mark.parametrize("limit", [1, 3, 500])
def test_what_went_away_after_the_first_look_is_taken_from_the_workstation(
    client_for: SignIn, clinic: Clinic, store: Store, limit: int
) -> None:
    client = client_for("assistant")
    client.take(look(client))
    with transaction(store.jobs) as session:
        session.execute(delete(FollowUp).where(FollowUp.id == clinic.mine.follow_up_id))
        colleague = {Customer.assistant_id: clinic.staff["assistant2"]}
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(colleague))
        given = {Customer.assistant_id: clinic.staff["assistant"]}
        session.execute(update(Customer).where(Customer.id == clinic.colleagues.customer_id).values(given))
    client.catch_up(limit=limit)
    whole = client_for("assistant")
    whole.catch_up()
    assert client.held == whole.held
    assert set(client.rows("customer")) == {clinic.colleagues.customer_id}


def test_what_goes_away_while_the_read_after_a_first_look_runs_is_taken_too(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    answer = look(client)
    client.take(answer)
    client.take(client.pull(epoch=answer.epoch, limit=2))
    with transaction(store.jobs) as session:
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(assistant_id=None))
    client.catch_up(limit=2)
    assert client.rows("customer") == client.rows("task") == client.rows("exam") == {}


def test_a_site_out_of_use_is_not_looked_at(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    with transaction(store.jobs) as session:
        session.execute(text("UPDATE site SET active = false WHERE id = :id"), {"id": clinic.south})
    client = client_for("manager")
    client.take(look(client))
    assert set(client.rows("customer")) == {clinic.mine.customer_id, clinic.colleagues.customer_id}


def test_who_reads_no_customers_and_who_has_no_task_gets_no_page(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    put_off(store, clinic.mine.task_id, until=TOMORROW)
    for username in ("executive", "admin", "assistant"):
        assert look(client_for(username)).pages == [], username


def test_with_another_epoch_nothing_is_sent(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    answer = look(client, epoch=new_id())
    assert (answer.epoch, answer.pages) == (client.hello().epoch, [])


def test_a_task_that_is_due_later_is_sent_when_the_list_shows_it(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    with transaction(store.jobs) as session:
        extra = add_task(
            session, customer_id=clinic.mine.customer_id, site_id=clinic.north,
            owner_id=None, due_on=TOMORROW, subject="later",
        )  # fmt: skip
    client = client_for("assistant")
    client.take(look(client))
    assert extra in client.rows("task")
