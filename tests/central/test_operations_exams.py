"""Exams pushed by an optometrist: kept as entered, never overwritten, refused only if impossible."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.facts import rebuild_facts
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.wire import Json, Operation, OperationKind, OperationResult, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.care import Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.people import FieldChange
from tests.central.conftest import SignIn
from tests.factories import Child, Clinic, Workstation, add_exam, exam_body
from tests.fakes import FakeClock
from tests.rights import change_account

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
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    change_account(store, clock, clinic.accounts["manager"], staff_id=None)
    clock.advance(timedelta(minutes=5))
    client = client_for("manager")
    body = {"customer_id": str(clinic.mine.customer_id), "channel": "phone", "outcome": "no_answer"}
    result = client.push(client.operation(OperationKind.RECORD_FOLLOW_UP, new_id(), body)).results[0]
    assert (result.status, result.reason) == (ResultStatus.HELD, "not_permitted")


# ── corrections that meet, picks, voids ──────────────────────────────────────────────────────────────────

PICK, VOID = OperationKind.PICK_EXAM, OperationKind.VOID_EXAM
FORMER_DAY = date(2026, 5, 1)


def correct(client: Workstation, clinic: Clinic, *, former: UUID | None = None, sphere: str = "-3.00") -> Operation:
    """A correction, pushed."""
    supersedes = {"supersedes_id": str(former or clinic.mine.exam_id), "amend_reason": "抄错"}
    body = exam_body(clinic.mine, on=FORMER_DAY, eyes=eye(sphere=sphere), **supersedes)
    operation = client.operation(OperationKind.RECORD_EXAM, new_id(), body)
    client.push(operation)
    return operation


def decide(client: Workstation, kind: OperationKind, exam_id: UUID, body: Json, **options: Any) -> OperationResult:
    return client.push(client.operation(kind, exam_id, body, **({"base_ver": 1} | options))).results[0]


def pick(client: Workstation, clinic: Clinic, picked: UUID, *rejected: UUID, **options: Any) -> OperationResult:
    body = {"customer_id": str(clinic.mine.customer_id), "rejected_ids": [str(one) for one in rejected]}
    ver = options.pop("base_ver", 1)
    return decide(client, PICK, picked, body | options, base_ver=ver)


def void(
    client: Workstation, child: Child, exam_id: UUID, *, reason: str = "录错人", **options: Any
) -> OperationResult:
    return decide(client, VOID, exam_id, {"customer_id": str(child.customer_id), "reason": reason}, **options)


def standing(store: Store, clinic: Clinic) -> dict[UUID, str]:
    with Session(store.jobs) as session:
        found = session.execute(select(Exam.id, Exam.status).where(Exam.customer_id == clinic.mine.customer_id))
        return {row.id: row.status.value for row in found}


@pytest.fixture
def disputed(client_for: SignIn, clinic: Clinic) -> tuple[UUID, UUID]:
    """Two corrections of one examination: versions 2 (final, then contested) and 1."""
    return tuple(correct(client_for(name), clinic).row_id for name in ("optometrist", "optometrist2"))  # type: ignore[return-value]  # two


def test_a_second_correction_is_kept_and_told_the_first(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    first = correct(client_for("optometrist"), clinic)
    client = client_for("optometrist2")
    second = correct(client, clinic, sphere="-3.50")
    again = client.push(second).results[0]  # a lost answer
    assert (again.status, again.ver) == (ResultStatus.CONFLICT, 1)
    (theirs,) = again.theirs
    assert (theirs.mine, theirs.theirs, theirs.by) == (str(second.row_id), str(first.row_id), "员工optometrist")
    assert again.row is not None
    assert again.row.body["status"] == "contested"
    assert standing(store, clinic) == {
        clinic.mine.exam_id: "amended",
        first.row_id: "contested",
        second.row_id: "contested",
    }


def test_every_change_of_a_status_is_noted_with_who_and_why(
    client_for: SignIn, clinic: Clinic, store: Store, disputed: tuple[UUID, UUID]
) -> None:
    client = client_for("optometrist")
    pick(client, clinic, disputed[1], disputed[0], reason="复核过原始单")
    void(client, clinic.mine, disputed[1], reason="录错人", base_ver=2)
    with Session(store.jobs) as session:
        noted = session.query(FieldChange).order_by(FieldChange.created_at, FieldChange.new).all()
    by = {clinic.staff["optometrist"]: "1", clinic.staff["optometrist2"]: "2"}
    assert {(one.subject, one.field, one.applied) for one in noted} == {("exam", "status", True)}
    assert [(one.subject_id, one.old, one.new, by[one.by_id], one.reason) for one in noted if one.by_id] == [
        (clinic.mine.exam_id, "final", "amended", "1", "抄错"),
        (disputed[0], "final", "contested", "2", "抄错"),
        (disputed[0], "contested", "amended", "1", "复核过原始单"),
        (disputed[1], "contested", "final", "1", "复核过原始单"),
        (disputed[1], "final", "void", "1", "录错人"),
    ]


def test_contested_examinations_do_not_count_as_facts(
    clinic: Clinic, store: Store, clock: FakeClock, disputed: tuple[UUID, UUID]
) -> None:
    rebuild_facts(store.jobs, [clinic.mine.customer_id], clock=clock)
    query = text("SELECT last_exam_on FROM customer_facts WHERE customer_id = :id")
    with Session(store.jobs) as session:
        assert session.execute(query, {"id": clinic.mine.customer_id}).scalar_one() is None


def test_all_can_be_kept_as_examinations_of_their_own(
    client_for: SignIn, clinic: Clinic, store: Store, disputed: tuple[UUID, UUID]
) -> None:
    result = pick(client_for("optometrist"), clinic, disputed[1], disputed[0], keep_all=True)
    assert (result.status, result.ver) == (ResultStatus.APPLIED, 2)
    assert standing(store, clinic) == {clinic.mine.exam_id: "amended", disputed[0]: "final", disputed[1]: "final"}


def test_the_corrected_examination_is_no_party_to_a_pick(
    client_for: SignIn, clinic: Clinic, store: Store, disputed: tuple[UUID, UUID]
) -> None:
    pick(client_for("optometrist"), clinic, disputed[1], disputed[0], clinic.mine.exam_id, keep_all=True)
    assert standing(store, clinic)[clinic.mine.exam_id] == "amended"


def test_a_pick_of_another_version_is_shown_what_was_picked(
    client_for: SignIn, clinic: Clinic, store: Store, disputed: tuple[UUID, UUID]
) -> None:
    pick(client_for("optometrist"), clinic, disputed[0], disputed[1], base_ver=2)
    late = pick(client_for("optometrist2"), clinic, disputed[1], disputed[0])
    assert (late.status, late.ver) == (ResultStatus.CONFLICT, 2)
    assert [(one.field, one.theirs, one.by) for one in late.theirs] == [("exam", str(disputed[0]), "员工optometrist")]
    knowing = pick(client_for("optometrist2"), clinic, disputed[1], disputed[0], base_ver=late.ver)
    assert knowing.status is ResultStatus.APPLIED
    assert standing(store, clinic)[disputed[1]] == "final"


def test_what_was_voided_is_not_picked(client_for: SignIn, clinic: Clinic, disputed: tuple[UUID, UUID]) -> None:
    client = client_for("optometrist")
    void(client, clinic.mine, disputed[1])
    late = pick(client, clinic, disputed[1], disputed[0])
    assert late.status is ResultStatus.CONFLICT
    assert [(one.field, one.theirs) for one in late.theirs] == [("status", "void")]
    assert pick(client, clinic, disputed[1], disputed[0], base_ver=late.ver).reason == "exam_void"


def test_a_pick_names_examinations_of_one_dispute(
    client_for: SignIn, clinic: Clinic, store: Store, disputed: tuple[UUID, UUID]
) -> None:
    client = client_for("optometrist")
    with transaction(store.jobs) as session:
        apart = add_exam(session, customer_id=clinic.mine.customer_id, site_id=clinic.north)
    before = standing(store, clinic)
    for picked, rejected in (
        (disputed[1], apart),
        (disputed[1], disputed[1]),
        (disputed[1], clinic.colleagues.exam_id),
        (new_id(), disputed[0]),
        (clinic.colleagues.exam_id, disputed[0]),
    ):
        result = pick(client, clinic, picked, rejected)
        assert (result.status, result.reason) == (ResultStatus.HELD, "exam_unknown")
    assert pick(client, clinic, disputed[1]).reason == "invalid_body:rejected_ids"
    assert standing(store, clinic) == before


def test_an_examination_is_voided_with_a_reason_and_once(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("optometrist")
    for reason, told in (("", "invalid_body:reason"), ("  ", "void_reason_needed")):
        assert void(client, clinic.mine, clinic.mine.exam_id, reason=reason).reason == told
    assert void(client, clinic.mine, new_id()).reason == "exam_unknown"
    assert void(client, clinic.mine, clinic.colleagues.exam_id).reason == "exam_unknown"
    assert void(client, clinic.mine, clinic.mine.exam_id).ver == 2
    for base_ver in (1, 2, None):
        late = void(client, clinic.mine, clinic.mine.exam_id, base_ver=base_ver)
        assert late.status is ResultStatus.CONFLICT
        assert [(one.theirs, one.by) for one in late.theirs] == [("void", "员工optometrist")]
    assert standing(store, clinic) == {clinic.mine.exam_id: "void"}


@pytest.mark.parametrize("username", ["assistant", "manager", "executive", "admin", "far_eye"])
def test_nobody_but_an_optometrist_of_the_site_picks_or_voids(
    client_for: SignIn, clinic: Clinic, store: Store, disputed: tuple[UUID, UUID], username: str
) -> None:
    client, before = client_for(username), standing(store, clinic)
    reason = "not_visible" if username == "far_eye" else "not_permitted"
    assert pick(client, clinic, disputed[1], disputed[0]).reason == reason
    assert void(client, clinic.mine, disputed[1]).reason == reason
    assert standing(store, clinic) == before


@pytest.mark.long
def test_corrections_at_the_same_moment_are_never_both_valid(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    clients = [client_for(name) for name in ("optometrist", "optometrist2") * 2]
    for round_number in range(10):
        with transaction(store.jobs) as session:
            former = add_exam(session, customer_id=clinic.mine.customer_id, site_id=clinic.north)
        with ThreadPoolExecutor(len(clients)) as pool:
            made = list(pool.map(lambda client: correct(client, clinic, former=former).row_id, clients))  # noqa: B023 - ends here
        found = standing(store, clinic)
        assert {found[one] for one in made} == {"contested"}, round_number
        assert found[former] == "amended"
