"""Exams pushed by an optometrist: kept as entered, never overwritten, refused only if impossible."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.wire import Json, OperationKind, OperationResult, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.care import Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, exam_body
from tests.fakes import FakeClock

TODAY = date(2026, 11, 22)


def record(client: Workstation, body: Json, **options: Any) -> OperationResult:
    return client.push(client.operation(OperationKind.RECORD_EXAM, new_id(), body, **options)).results[0]


def eye(**values: Any) -> list[Json]:
    return [{"id": str(new_id()), "eye": "OD"} | values]


def visits(store: Store, on: date) -> list[str]:
    with Session(store.jobs) as session:
        return [str(state) for state in session.scalars(select(Visit.state).where(Visit.visit_on == on))]


def test_an_exam_of_both_eyes_is_kept_exactly(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("optometrist")
    operation = client.operation(OperationKind.RECORD_EXAM, new_id(), exam_body(clinic.mine, on=TODAY))
    result = client.push(operation).results[0]
    assert (result.status, result.ver) == (ResultStatus.APPLIED, 1)
    with Session(store.jobs) as session:
        exam = session.scalars(select(Exam).where(Exam.id == operation.row_id)).one()
        eyes = session.scalars(select(EyeMeasurement).where(EyeMeasurement.exam_id == exam.id)).all()
    assert (exam.examiner_id, exam.site_id, exam.status) == (clinic.staff["optometrist"], clinic.north, "final")
    assert (exam.source, exam.cycloplegic) == ("workstation", False)
    assert {(e.eye.value, e.sphere, e.cylinder, e.axis) for e in eyes} == {
        ("OD", Decimal("-3.50"), Decimal("-0.50"), 175),
        ("OS", Decimal("-3.00"), Decimal("-0.50"), 175),
    }
    assert {(e.k1, e.iop_mmhg, e.cct_um) for e in eyes} == {(None, None, None)}


def test_an_exam_comes_back_to_the_workstation_that_entered_it(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("optometrist")
    client.catch_up()
    operation = client.operation(OperationKind.RECORD_EXAM, new_id(), exam_body(clinic.mine, on=TODAY))
    client.push(operation)
    client.catch_up()
    assert operation.row_id in client.rows("exam")


def test_a_plus_cylinder_is_stored_minus(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    eyes = eye(sphere="-3.00", cylinder="+1.00", axis=80)
    record(client_for("optometrist"), exam_body(clinic.mine, on=TODAY, eyes=eyes))
    with Session(store.jobs) as session:
        kept = session.scalars(select(EyeMeasurement).where(EyeMeasurement.id == eyes[0]["id"])).one()
    assert (kept.sphere, kept.cylinder, kept.axis) == (Decimal("-2.00"), Decimal("-1.00"), 170)


@pytest.mark.parametrize("booked", [True, False])
def test_an_exam_proves_a_visit_of_that_day(client_for: SignIn, clinic: Clinic, store: Store, booked: bool) -> None:  # noqa: FBT001
    with transaction(store.jobs) as session:
        if booked:
            where = {"customer_id": clinic.mine.customer_id, "site_id": clinic.north}
            session.add(Visit(**where, visit_on=TODAY, state="booked", source="his"))
    client = client_for("optometrist")
    for _ in range(2):
        record(client, exam_body(clinic.mine, on=TODAY))
    assert visits(store, TODAY) == ["arrived"]


def test_what_no_eye_can_have_is_held(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("optometrist")
    refused = {
        "implausible:OD.sphere": [eye(sphere="-30.25"), eye(sphere="25.25")],
        "implausible:OD.cylinder": [eye(sphere="0", cylinder="-10.25", axis=90)],
        "implausible:OD.axis": [eye(sphere="-1", cylinder="-1", axis=181)],
        "implausible:OD.axial_length_mm": [eye(axial_length_mm="14.99"), eye(axial_length_mm="35.01")],
        "implausible:OD.k1": [eye(k1="29.99", k2="43")],
        "implausible:OD.iop_mmhg": [eye(iop_mmhg="60.1")],
        "implausible:OD.cct_um": [eye(cct_um=349), eye(cct_um=801)],
        "invalid_body:OD.sphere": [eye(sphere="−三"), eye(sphere="NaN"), eye(sphere="-3.333"), eye(sphere="1e400")],
        "invalid_body:eyes": [[*eye(sphere="1"), *eye(sphere="2")], []],
    }
    for reason, cases in refused.items():
        for eyes in cases:
            result = record(client, exam_body(clinic.mine, on=TODAY, eyes=eyes))
            assert (result.status, result.reason) == (ResultStatus.HELD, reason), eyes
    with Session(store.jobs) as session:
        assert session.scalars(select(Exam).where(Exam.source == "workstation")).all() == []
    assert visits(store, TODAY) == []


def test_the_edge_of_what_an_eye_can_have_is_kept(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("optometrist")
    for eyes in (
        eye(sphere="-30", axial_length_mm="35.00"),
        eye(sphere="25", axial_length_mm="15.00"),
        eye(cct_um=350),
        eye(cct_um=800),
        eye(),
    ):
        assert record(client, exam_body(clinic.mine, on=TODAY, eyes=eyes)).status is ResultStatus.APPLIED, eyes


def test_an_exam_lies_between_birth_and_today(client_for: SignIn, clinic: Clinic, clock: FakeClock) -> None:
    client = client_for("optometrist")
    for day, status in (
        ("2026-11-22", "applied"),
        ("2026-11-23", "held"),
        ("2017-03-04", "applied"),
        ("2017-03-03", "held"),
    ):
        result = record(client, exam_body(clinic.mine, on=date.fromisoformat(day)))
        assert result.status == status, day
        assert result.reason in (None, "implausible:examined_on")


def test_a_correction_supersedes_and_says_why(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("optometrist")
    correction = exam_body(clinic.mine, on=date(2026, 5, 1), supersedes_id=str(clinic.mine.exam_id))
    assert record(client, correction).reason == "amend_reason_needed"
    assert record(client, correction | {"amend_reason": "右眼抄错"}).status is ResultStatus.APPLIED
    with Session(store.jobs) as session:
        found = session.execute(
            text("SELECT status, ver FROM exam WHERE customer_id = :c ORDER BY status"), {"c": clinic.mine.customer_id}
        ).all()
        former = session.scalars(select(EyeMeasurement.ver).where(EyeMeasurement.exam_id == clinic.mine.exam_id)).all()
    assert [tuple(row) for row in found] == [("amended", 2), ("final", 1)]
    assert former == [1, 1]  # what was measured then stays as it was


def test_a_correction_cannot_reach_another_customers_exam(client_for: SignIn, clinic: Clinic) -> None:
    body = exam_body(clinic.mine, on=TODAY, supersedes_id=str(clinic.colleagues.exam_id), amend_reason="抄错")
    assert record(client_for("optometrist"), body).reason == "exam_unknown"


def test_an_exam_id_that_is_taken_is_held(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("optometrist")
    operation = client.operation(OperationKind.RECORD_EXAM, clinic.mine.exam_id, exam_body(clinic.mine, on=TODAY))
    result = client.push(operation).results[0]
    assert (result.status, result.reason) == (ResultStatus.HELD, "refused_by_store:pk_exam")


@pytest.mark.parametrize("username", ["assistant", "manager", "executive", "admin"])
def test_nobody_but_an_optometrist_enters_an_exam(
    client_for: SignIn, clinic: Clinic, store: Store, username: str
) -> None:
    result = record(client_for(username), exam_body(clinic.mine, on=TODAY))
    assert (result.status, result.reason) == (ResultStatus.HELD, "not_permitted")
    with Session(store.jobs) as session:
        assert session.scalars(select(Exam).where(Exam.source == "workstation")).all() == []


def test_an_optometrist_of_another_site_cannot_enter_an_exam_here(client_for: SignIn, clinic: Clinic) -> None:
    assert record(client_for("far_eye"), exam_body(clinic.mine, on=TODAY)).reason == "not_visible"


def test_a_follow_up_without_a_task_books_the_agreed_day(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    body = {
        "customer_id": str(clinic.mine.customer_id), "channel": "wecom", "outcome": "booked", "next_on": "2026-12-01",
    }  # fmt: skip
    operation = client.operation(OperationKind.RECORD_FOLLOW_UP, new_id(), body)
    assert client.push(operation).results[0].status is ResultStatus.APPLIED
    client.catch_up()
    made = client.rows("follow_up")[operation.row_id]
    assert (made["task_id"], made["staff_id"]) == (None, str(clinic.staff["assistant"]))
    assert visits(store, date(2026, 12, 1)) == ["booked"]


def test_a_staff_member_without_an_account_of_staff_cannot_be_the_author(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    with transaction(store.jobs) as session:
        session.execute(text("UPDATE account SET staff_id = NULL WHERE username = 'manager'"))
    client = client_for("manager")
    body = {"customer_id": str(clinic.mine.customer_id), "channel": "phone", "outcome": "no_answer"}
    result = client.push(client.operation(OperationKind.RECORD_FOLLOW_UP, new_id(), body)).results[0]
    assert (result.status, result.reason) == (ResultStatus.HELD, "not_permitted")
