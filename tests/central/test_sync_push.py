"""Push: effects exactly once and in order; what cannot apply is held and the queue goes on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

from sqlalchemy import event, func, select, text, update
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import AuditEntry, Device, HeldOperation, Incarnation, Receipt
from hcrm_core.terms import Outcome, TaskState
from hcrm_core.wire import OperationKind, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from hcrm_store.journeys import Task
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, outcome_body
from tests.fakes import FakeClock
from tests.rights import give

OUTCOME, SNOOZE = OperationKind.RECORD_OUTCOME, OperationKind.SNOOZE_TASK


def follow_ups(store: Store) -> int:
    with Session(store.jobs) as session:
        return session.scalars(select(func.count()).select_from(FollowUp)).one()


def impatient(raw: Any, _record: object) -> None:
    raw.execute("SET lock_timeout = '100ms'")
    raw.commit()


def close(store: Store, clinic: Clinic) -> None:
    with transaction(store.jobs) as session:
        session.execute(update(Task).where(Task.id == clinic.mine.task_id).values(state=TaskState.DONE))


def test_an_operation_applies_once_however_often_it_is_sent(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    before = follow_ups(store)
    operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine), base_ver=1)
    first, again = client.push(operation), client.push(operation)
    assert [first.results[0].status, again.results[0].status] == [ResultStatus.APPLIED, ResultStatus.DUPLICATE]
    assert first.results[0].ver == again.results[0].ver == 2
    assert first.expected_n == again.expected_n == 2
    assert follow_ups(store) == before + 1


def test_operations_apply_in_order_in_one_request(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    operations = [
        client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine), base_ver=1) for _ in range(3)
    ]
    answer = client.push(*operations)
    assert [result.ver for result in answer.results] == [2, 3, 4]
    assert client.hello().expected_n == 4
    with Session(store.jobs) as session:
        task = session.scalars(select(Task).where(Task.id == clinic.mine.task_id)).one()
    assert (task.attempts, task.state) == (3, TaskState.SNOOZED)


def test_a_gap_in_the_numbers_applies_nothing(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    before = follow_ups(store)
    for sent in ([2], [1, 3], [2, 1], [1, 1]):
        operations = [client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine), n=n) for n in sent]
        answer = client.send(*operations)
        assert answer.status_code == 409
        assert answer.json()["expected_n"] == 1
        assert answer.json()["code"] == ("new_device" if sent == [1, 1] else "wrong_number")
    assert follow_ups(store) == before


def test_other_content_under_a_known_number_means_a_cloned_device(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    client.push(client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine)))
    answer = client.send(client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine), n=1))
    assert (answer.status_code, answer.json()["code"]) == (409, "new_device")


def test_a_renumbered_operation_is_known_by_its_id(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    """A workstation took a new device id and offers everything again, with new numbers."""
    former, new = client_for("assistant"), client_for("assistant")
    operations = [former.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine)) for _ in range(2)]
    former.push(operations[0])
    before = follow_ups(store)
    answer = new.push(*operations)
    assert [result.status for result in answer.results] == [ResultStatus.DUPLICATE, ResultStatus.APPLIED]
    assert answer.expected_n == 3
    assert follow_ups(store) == before + 1
    again = new.push(*operations)
    assert [result.status for result in again.results] == [ResultStatus.DUPLICATE] * 2
    assert again.expected_n == 3


def test_an_operation_id_with_other_content_is_refused_loudly(client_for: SignIn, clinic: Clinic) -> None:
    former, new = client_for("assistant"), client_for("assistant")
    operation = former.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine))
    former.push(operation)
    other = new.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine), op_id=operation.op_id)
    assert new.send(other).json()["code"] == "operation_id_reused"


def test_an_epoch_of_the_past_applies_nothing(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    before = follow_ups(store)
    former = client.hello().epoch
    with transaction(store.owner) as session:
        session.execute(update(Incarnation).values(epoch=new_id()))
    answer = client.send(client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine)), epoch=former)
    assert answer.status_code == 200
    assert answer.json()["epoch"] != str(former)
    assert answer.json()["results"] == []
    assert follow_ups(store) == before


def test_what_cannot_apply_is_held_and_the_next_one_applies(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    bad = client.operation(OUTCOME, clinic.far.task_id, outcome_body(clinic.far, note="家长的话"))
    good = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine))
    answer = client.push(bad, good)
    assert [result.status for result in answer.results] == [ResultStatus.HELD, ResultStatus.APPLIED]
    assert answer.results[0].reason == "not_visible"
    with Session(store.jobs) as session:
        held = session.scalars(select(HeldOperation)).one()
    assert held.op_id == bad.op_id
    assert held.operation["body"]["note"] == "家长的话"
    assert (held.account_id, held.decided_at) == (clinic.accounts["assistant"], None)
    assert client.push(bad).results[0].status is ResultStatus.HELD  # asked again, it is still not applied


def test_a_body_that_makes_no_sense_is_held_with_the_reason(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    before = follow_ups(store)
    changes = {
        "invalid_body:outcome": {"outcome": "unheard_of"},
        "invalid_body:channel": {"channel": "pigeon"},
        "invalid_body:customer_id": {"customer_id": "nobody"},
        "invalid_body:note": {"note": "长" * 2001},
        "visit_date_needed": {"outcome": "booked"},
        "date_too_far": {"outcome": "booked", "next_on": "2030-01-01"},
        "not_visible": {"customer_id": str(new_id())},
    }
    bodies = [outcome_body(clinic.mine) | change for change in changes.values()]
    answer = client.push(*(client.operation(OUTCOME, clinic.mine.task_id, body) for body in bodies))
    assert {result.status for result in answer.results} == {ResultStatus.HELD}
    assert [result.reason for result in answer.results] == list(changes)
    assert follow_ups(store) == before


def test_a_follow_up_id_that_is_taken_is_held(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    body = outcome_body(clinic.mine, follow_up_id=str(clinic.mine.follow_up_id))
    result = client.push(client.operation(OUTCOME, clinic.mine.task_id, body)).results[0]
    assert (result.status, result.reason) == (ResultStatus.HELD, "refused_by_store:pk_follow_up")


def test_an_outcome_on_a_closed_task_keeps_the_contact_and_shows_the_task(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    before = follow_ups(store)
    close(store, clinic)
    operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine), base_ver=1)
    for _ in range(2):  # the second time from the receipt
        result = client.push(operation).results[0]
        assert (result.status, result.ver) == (ResultStatus.CONFLICT, 2)
        assert result.row is not None
        assert result.row.body["state"] == "done"
        assert "evidence" in result.row.body
    assert follow_ups(store) == before + 1


def test_two_outcomes_of_two_people_on_an_open_task_both_count(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    one, other = client_for("assistant"), client_for("manager")
    for client in (one, other):
        operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine), base_ver=1)
        assert client.push(operation).results[0].status is ResultStatus.APPLIED
    with Session(store.jobs) as session:
        assert session.scalars(select(Task.attempts).where(Task.id == clinic.mine.task_id)).one() == 2


def test_a_snooze_yields_to_a_newer_version(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    body = {"customer_id": str(clinic.mine.customer_id), "until": "2026-11-25"}
    first = client.push(client.operation(SNOOZE, clinic.mine.task_id, body, base_ver=1)).results[0]
    late = client.push(client.operation(SNOOZE, clinic.mine.task_id, body | {"until": "2026-12-25"}, base_ver=1))
    assert (first.status, first.ver) == (ResultStatus.APPLIED, 2)
    assert late.results[0].status is ResultStatus.CONFLICT
    assert late.results[0].row is not None
    assert late.results[0].row.body["next_on"] == "2026-11-25"


def test_receipts_hold_no_rows_and_the_audit_no_words(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    close(store, clinic)
    client.push(client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine, note="一句私话")))
    with Session(store.jobs) as session:
        receipt = session.scalars(select(Receipt)).one()
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "task:outcome_recorded")).one()
    assert "row" not in receipt.result
    assert (entry.subject_id, entry.customer_id) == (clinic.mine.task_id, clinic.mine.customer_id)
    assert set(entry.detail) == {"op_id", "status", "reason"}


def test_a_clock_that_runs_ahead_cannot_date_a_contact_into_the_future(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    body = outcome_body(clinic.mine)
    for captured in (clock.now() + timedelta(days=400), clock.now() - timedelta(days=2)):
        client.push(client.operation(OUTCOME, clinic.mine.task_id, body, captured_at=captured))
        body = outcome_body(clinic.mine)
    with Session(store.jobs) as session:
        new = select(FollowUp.contacted_at).where(FollowUp.id != clinic.mine.follow_up_id)
        times = session.scalars(new.where(FollowUp.customer_id == clinic.mine.customer_id)).all()
    assert set(times) == {clock.now(), clock.now() - timedelta(days=2)}


def test_who_did_it_comes_from_the_session(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    body = outcome_body(clinic.mine, staff_id=str(clinic.staff["manager"]), site_id=str(clinic.south))
    client.push(client.operation(OUTCOME, clinic.mine.task_id, body))
    with Session(store.jobs) as session:
        made = session.scalars(select(FollowUp).where(FollowUp.id == body["follow_up_id"])).one()
    assert (made.staff_id, made.site_id) == (clinic.staff["assistant"], clinic.north)


def test_what_the_database_cannot_do_now_is_answered_try_again(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    """Somebody holds the row for longer than the service waits: nothing is held, nothing is lost."""
    client = client_for("assistant")
    operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine))
    epoch = client.hello().epoch
    store.service.dispose()
    event.listen(store.service, "connect", impatient)
    with store.owner.begin() as connection:
        connection.execute(text("SELECT 1 FROM task FOR UPDATE"))
        answer = client.send(operation, epoch=epoch)
    event.remove(store.service, "connect", impatient)
    store.service.dispose()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert client.push(operation).results[0].status is ResultStatus.APPLIED


def test_a_push_of_nothing_says_what_is_expected(client_for: SignIn) -> None:
    assert client_for("assistant").push().expected_n == 1


def test_a_hundred_and_one_operations_are_too_many(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    operations = [client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine)) for _ in range(101)]
    request = {"epoch": str(client.hello().epoch), "operations": [op.model_dump(mode="json") for op in operations]}
    assert client.post("/sync/push", request).status_code == 422
    request["operations"] = request["operations"][:100]
    assert client.post("/sync/push", request).json()["expected_n"] == 101


def test_an_outcome_for_a_customer_who_was_reassigned_before_is_held(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    result = client.push(client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine))).results[0]
    assert (result.status, result.reason) == (ResultStatus.HELD, "not_visible")


def test_a_restored_database_takes_the_operations_it_lost_again(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    """After a restore the centre expects an older number: the workstation offers from there."""
    client = client_for("assistant")
    operations = [client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine)) for _ in range(2)]
    client.push(operations[0])
    with transaction(store.owner) as session:
        session.execute(update(Incarnation).values(epoch=new_id()))
        session.execute(text("DELETE FROM receipt"))
        session.execute(text("DELETE FROM follow_up WHERE id = :id"), {"id": operations[0].body["follow_up_id"]})
        session.execute(update(Device).values(last_n=0))
    assert client.hello().expected_n == 1
    assert [r.status for r in client.push(*operations).results] == [ResultStatus.APPLIED] * 2


def test_an_agreed_visit_is_booked_and_a_new_day_takes_its_place(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    for day in ("2026-11-28", "2026-12-05", "2026-12-05"):
        body = outcome_body(clinic.mine, Outcome.BOOKED, next_on=day)
        assert client.push(client.operation(OUTCOME, clinic.mine.task_id, body)).results[0].status == "applied"
    with Session(store.jobs) as session:
        visits = session.execute(
            text("SELECT visit_on, state FROM visit WHERE source = 'workstation' ORDER BY visit_on")
        ).all()
        task = session.scalars(select(Task).where(Task.id == clinic.mine.task_id)).one()
    assert [tuple(row) for row in visits] == [(date(2026, 11, 28), "cancelled"), (date(2026, 12, 5), "booked")]
    assert (task.state, task.next_on, task.last_outcome) == (TaskState.SNOOZED, date(2026, 12, 5), Outcome.BOOKED)


def test_two_pushes_of_one_device_at_once_apply_once(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    before = follow_ups(store)
    operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine))
    twin = Workstation(
        http=client.http, clock=client.clock, device_id=client.device_id, secret=client.secret, tokens=client.tokens
    )
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda one: one.push(operation).results[0].status.value, (client, twin)))
    assert sorted(results) == ["applied", "duplicate"]
    assert follow_ups(store) == before + 1


def test_text_that_postgresql_cannot_keep_does_not_block_the_queue(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    bodies = [outcome_body(clinic.mine, note="一\0二"), outcome_body(clinic.far, note="一\0二")]
    operations = [client.operation(OUTCOME, clinic.mine.task_id, body) for body in bodies]
    for statuses in (["applied", "held"], ["duplicate", "held"]):
        assert [result.status for result in client.push(*operations).results] == statuses
    with Session(store.jobs) as session:
        notes = select(FollowUp.note).where(FollowUp.id == bodies[0]["follow_up_id"])
        assert session.scalars(notes).one() == "一\ufffd二"


def test_an_instant_without_a_zone_is_refused(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine)).model_dump(mode="json")
    request = {"epoch": str(new_id()), "operations": [operation | {"captured_at": "2026-11-22T09:00:00"}]}
    assert client.post("/sync/push", request).status_code == 422
    assert client.post("/sync/hello", {"app_version": "1", "now": "2026-11-22T09:00:00"}).status_code == 422


def test_numbers_beyond_all_measure_are_refused(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine), n=10**30)
    assert client.send(operation).status_code in (409, 422)
    now = client.clock.now().isoformat()
    assert client.post("/sync/hello", {"app_version": "1", "now": now, "unsent": 10**12}).status_code == 422
