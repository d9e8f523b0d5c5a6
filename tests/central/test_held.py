"""Held operations: a supervisor applies or dismisses each, once, and its author hears of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm_central.api import held as held_
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import AuditEntry, HeldOperation
from hcrm_core.fleet import DecisionResponse, HeldItem, HeldQueue
from hcrm_core.terms import Outcome, Role
from hcrm_core.wire import Decision, Operation, OperationKind, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from hcrm_store.clinical import Exam
from tests.central.conftest import SignIn
from tests.factories import Child, Clinic, Workstation, exam_body, outcome_body
from tests.fakes import FakeClock
from tests.rights import change_account, give

OUTCOME, EXAM, EDIT = OperationKind.RECORD_OUTCOME, OperationKind.RECORD_EXAM, OperationKind.EDIT_CUSTOMER
WHILE = timedelta(minutes=5)
SAID = "家长的话"


def held_outcome(client: Workstation, child: Child, outcome: Outcome = Outcome.NO_ANSWER) -> Operation:
    """An outcome about somebody else's customer."""
    operation = client.operation(OUTCOME, child.task_id, outcome_body(child, outcome, note=SAID))
    assert client.push(operation).results[0].status is ResultStatus.HELD
    return operation


def queue(client: Workstation) -> list[HeldItem]:
    return HeldQueue.model_validate(client.get("/held").json()).items


def decide(client: Workstation, op_id: UUID, decision: Decision, note: str = "") -> DecisionResponse:
    answer = client.post(f"/held/{op_id}", {"decision": decision, "note": note})
    assert answer.status_code == 200, answer.text
    return DecisionResponse.model_validate(answer.json())


def contacts(store: Store) -> list[FollowUp]:
    with Session(store.jobs) as session:
        return list(session.scalars(select(FollowUp).where(FollowUp.note == SAID)))


def test_the_queue_tells_who_where_whose_and_what(client_for: SignIn, clinic: Clinic) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operation = held_outcome(client, clinic.far)
    (item,) = queue(manager)
    assert (item.op_id, item.kind, item.reason) == (operation.op_id, OUTCOME, "not_visible")
    assert (item.author, item.site, item.device) == ("员工assistant", "城北院区", "test")
    assert (item.customer_id, item.customer_name) == (clinic.far.customer_id, "患者3号")
    assert item.body["note"] == SAID


def test_the_oldest_come_first_and_no_more_than_can_be_read(
    client_for: SignIn, clinic: Clinic, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_, "MOST_SHOWN", 2)
    client, manager = client_for("assistant"), client_for("manager")
    operations = []
    for _ in range(3):
        operations.append(held_outcome(client, clinic.far))
        clock.advance(WHILE)
    told = HeldQueue.model_validate(manager.get("/held").json())
    assert ([item.op_id for item in told.items], told.more) == ([one.op_id for one in operations[:2]], True)
    decide(manager, operations[0].op_id, Decision.DISMISS)
    assert manager.get("/held").json()["more"] is False


def test_an_operation_without_a_customer_is_shown_too(client_for: SignIn, clinic: Clinic) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    broken = client.operation(OUTCOME, clinic.mine.task_id, {"customer_id": "nobody", "note": ["?"]})
    client.push(broken)
    (item,) = queue(manager)
    assert (item.customer_id, item.customer_name, item.reason) == (None, "", "invalid_body:customer_id")
    response = decide(manager, broken.op_id, Decision.APPLY)
    assert (response.status, response.reason) == (ResultStatus.HELD, "invalid_body:customer_id")


def test_applied_it_counts_as_its_authors_and_every_side_is_told(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operation = held_outcome(client, clinic.far)
    assert decide(manager, operation.op_id, Decision.APPLY, "已核实").status is ResultStatus.APPLIED
    (contact,) = contacts(store)
    assert (contact.staff_id, contact.site_id) == (clinic.staff["assistant"], clinic.south)
    assert queue(manager) == []
    again = client.push(operation).results[0]
    assert (again.status, again.ver) == (ResultStatus.DUPLICATE, 2)
    (told,) = client.hello().decided
    assert (told.op_id, told.decision, told.by, told.note, told.ver) == (
        operation.op_id,
        Decision.APPLY,
        "员工manager",
        "已核实",
        2,
    )
    assert told.at == clock.now()
    client.catch_up()
    assert clinic.far.customer_id not in client.rows("customer")


def test_dismissed_it_has_no_effect_and_its_author_hears_why(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operation = held_outcome(client, clinic.far)
    assert decide(manager, operation.op_id, Decision.DISMISS, "打错了").reason is None
    assert (contacts(store), queue(manager)) == ([], [])
    assert client.push(operation).results[0].status is ResultStatus.HELD
    (told,) = client.hello().decided
    assert (told.decision, told.note, told.ver) == (Decision.DISMISS, "打错了", None)


def test_what_still_stands_in_the_way_leaves_it_undecided_with_the_new_reason(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operation = held_outcome(client, clinic.far, Outcome.BOOKED)
    for _ in range(2):
        response = decide(manager, operation.op_id, Decision.APPLY, "请")
        assert (response.status, response.reason) == (ResultStatus.HELD, "visit_date_needed")
    (item,) = queue(manager)
    assert item.reason == "visit_date_needed"
    assert client.push(operation).results[0].reason == "visit_date_needed"
    assert (contacts(store), client.hello().decided) == ([], [])
    assert decide(manager, operation.op_id, Decision.DISMISS).status is ResultStatus.APPLIED


def test_a_leave_shows_a_customer_and_gives_no_role(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operation = client.operation(EXAM, new_id(), exam_body(clinic.mine, on=client.clock.now().date()))
    client.push(operation)
    assert decide(manager, operation.op_id, Decision.APPLY).reason == "not_permitted"
    with Session(store.jobs) as session:
        assert session.get(Exam, (clinic.mine.customer_id, operation.row_id)) is None


def test_an_exam_that_is_too_old_to_count_by_itself_counts_with_leave(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client, manager = client_for("optometrist"), client_for("manager")
    entered = clock.now() - timedelta(days=9)
    body = exam_body(clinic.colleagues, on=entered.date())
    operation = client.operation(EXAM, new_id(), body, captured_at=entered)
    change_account(store, clock, clinic.accounts["optometrist"], role=Role.ASSISTANT)
    assert client.push(operation).results[0].reason == "not_permitted"
    assert decide(manager, operation.op_id, Decision.APPLY).status is ResultStatus.APPLIED
    with Session(store.jobs) as session:
        made = session.get_one(Exam, (clinic.colleagues.customer_id, operation.row_id))
    assert made.examiner_id == clinic.staff["optometrist"]


def test_an_edit_of_a_customer_who_was_given_away_counts_with_leave(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    clock.advance(WHILE)
    edit = {"row": "guardian", "row_id": str(clinic.mine.guardian_id), "field": "phone", "base": clinic.mine.phone}
    body = {"edits": [edit | {"value": "13912345678"}]}
    operation = client.operation(EDIT, clinic.mine.customer_id, body)
    assert client.push(operation).results[0].reason == "not_visible"
    (item,) = queue(manager)
    assert item.customer_name == "患者1号"
    assert decide(manager, operation.op_id, Decision.APPLY).status is ResultStatus.APPLIED
    with Session(store.jobs) as session:
        phone = text("SELECT phone FROM guardian WHERE id = :id")
        assert session.execute(phone, {"id": clinic.mine.guardian_id}).scalar_one() == "13912345678"


def test_of_a_conflict_the_receipt_tells_what_stood_in_the_way(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operation = held_outcome(client, clinic.far)
    with transaction(store.jobs) as session:
        session.execute(text("UPDATE task SET state = 'done' WHERE id = :id"), {"id": clinic.far.task_id})
    assert decide(manager, operation.op_id, Decision.APPLY).status is ResultStatus.CONFLICT
    assert len(contacts(store)) == 1
    again = client.push(operation).results[0]
    assert (again.status, again.row, again.theirs) == (ResultStatus.CONFLICT, None, [])


def test_of_two_supervisors_at_the_same_moment_one_decides(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, one, other = client_for("assistant"), client_for("manager"), client_for("manager")
    operation = held_outcome(client, clinic.far)

    def apply(manager: Workstation) -> int:
        return manager.post(f"/held/{operation.op_id}", {"decision": "apply"}).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(apply, (one, other))) == [200, 409]
    assert len(contacts(store)) == 1
    late = other.post(f"/held/{operation.op_id}", {"decision": "dismiss"})
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")
    assert len(client.hello().decided) == 1


def test_what_is_not_held_cannot_be_decided(client_for: SignIn) -> None:
    manager = client_for("manager")
    assert manager.post(f"/held/{new_id()}", {"decision": "apply"}).json()["code"] == "already_decided"
    for path, body in (
        ("/held/nonsense", {"decision": "apply"}),
        (f"/held/{new_id()}", {"decision": "perhaps"}),
        (f"/held/{new_id()}", {"decision": "apply", "note": "长" * 401}),
        (f"/held/{new_id()}", {"decision": "apply", "note": "\0"}),
    ):
        assert manager.post(path, body).status_code == 422


def test_a_decision_is_told_to_its_author_alone_and_for_thirty_days(
    client_for: SignIn, clinic: Clinic, clock: FakeClock
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operation = held_outcome(client, clinic.far)
    decide(manager, operation.op_id, Decision.DISMISS, "私下的话")
    client.sign_in("assistant2")
    assert client.hello().decided == []
    client.sign_in("assistant")
    assert len(client.hello().decided) == 1
    clock.advance(timedelta(days=30))
    client.sign_in("assistant")
    assert client.hello().decided == []


def test_decisions_are_audited_without_words(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    applied, dismissed, tried = (
        held_outcome(client, clinic.far),
        held_outcome(client, clinic.far),
        held_outcome(client, clinic.far, Outcome.BOOKED),
    )
    decide(manager, applied.op_id, Decision.APPLY, "私下的话")
    decide(manager, dismissed.op_id, Decision.DISMISS, "私下的话")
    decide(manager, tried.op_id, Decision.APPLY, "私下的话")
    with Session(store.jobs) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.detail["op_id"].is_not(None))).all()
    told = {(entry.action, entry.account_id, entry.detail.get("right")) for entry in entries}
    author, by = clinic.accounts["assistant"], clinic.accounts["manager"]
    assert told == {
        ("operation:held", author, None),
        ("task:outcome_recorded", author, "leave"),
        ("held:apply", by, None),
        ("held:dismiss", by, None),
        ("held:tried", by, None),
    }
    assert not [entry for entry in entries if "私下" in str(entry.detail)]


def test_a_held_operation_is_never_lost_by_a_failed_attempt(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operation = held_outcome(client, clinic.far, Outcome.BOOKED)
    decide(manager, operation.op_id, Decision.APPLY)
    with Session(store.jobs) as session:
        kept = session.scalars(select(HeldOperation)).one()
    assert kept.operation["body"]["note"] == SAID
    assert (kept.decided_at, kept.decided_by_id, kept.decision, kept.note) == (None, None, None, "")
