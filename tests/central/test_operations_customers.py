"""Who a customer is, corrected by those who may: field by field, each change noted, and the database insists on it."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from hcrm_central.store.engine import Principal, transaction
from hcrm_central.store.opening import Store
from hcrm_core.corrections import editable
from hcrm_core.terms import Role
from hcrm_core.wire import Json, OperationKind, OperationResult, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.clinical import Exam
from hcrm_store.people import Customer, FieldChange, Guardian
from tests.central.conftest import SignIn
from tests.factories import Child, Clinic, Workstation
from tests.fakes import FakeClock
from tests.rights import give

EDIT = OperationKind.EDIT_CUSTOMER


def change(child: Child, field: str, value: Any, base: Any = None, **options: Any) -> Json:
    row, _, name = field.partition(".")
    row_id = child.customer_id if row == "customer" else child.guardian_id
    return {"row": row, "row_id": str(row_id), "field": name, "base": base, "value": value} | options


def edit(client: Workstation, child: Child, *edits: Json) -> OperationResult:
    return client.push(client.operation(EDIT, child.customer_id, {"edits": list(edits)})).results[0]


def customer_of(store: Store, child: Child) -> Customer:
    with Session(store.jobs) as session:
        return session.get_one(Customer, child.customer_id)


def guardian_of(store: Store, child: Child) -> Guardian:
    with Session(store.jobs) as session:
        return session.get_one(Guardian, child.guardian_id)


def notes(store: Store) -> list[FieldChange]:
    with Session(store.jobs) as session:
        return list(session.query(FieldChange).order_by(FieldChange.created_at, FieldChange.field))


# ── what an edit does ────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_changes_the_field_and_what_follows_from_it(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    result = edit(
        client_for("assistant"),
        clinic.mine,
        change(clinic.mine, "customer.name", " 欧阳 若曦 ", "患者1号"),
        change(clinic.mine, "guardian.phone", "+86 138-0013-8000", clinic.mine.phone),
    )
    assert (result.status, result.theirs) == (ResultStatus.APPLIED, [])
    customer, guardian = customer_of(store, clinic.mine), guardian_of(store, clinic.mine)
    assert (customer.name, customer.name_pinyin, customer.name_initials) == ("欧阳若曦", "ou yang ruo xi", "oyrx")
    assert (guardian.phone, guardian.phone_tail) == ("13800138000", "8000")
    assert result.ver == customer.ver == 2


def test_each_change_is_noted_with_its_author(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    edits = [
        change(clinic.mine, "customer.do_not_contact", value=True, base=False),
        change(clinic.mine, "guardian.relation", "奶奶", "母亲"),
    ]
    operation = client.operation(EDIT, clinic.mine.customer_id, {"edits": edits})
    client.push(operation)
    flag, relation = notes(store)
    assert (flag.subject, flag.subject_id, flag.field) == ("customer", clinic.mine.customer_id, "do_not_contact")
    assert (flag.old, flag.new, flag.applied, flag.by_id) == ("false", "true", True, clinic.staff["assistant"])
    assert (relation.subject_id, relation.old, relation.new) == (clinic.mine.guardian_id, "母亲", "奶奶")
    assert flag.op_id == relation.op_id == operation.op_id
    assert flag.site_id == clinic.north


def test_a_value_that_stands_already_is_no_change(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    result = edit(client_for("assistant"), clinic.mine, change(clinic.mine, "guardian.relation", "母亲", "父亲"))
    assert (result.status, result.ver) == (ResultStatus.APPLIED, 1)
    assert notes(store) == []


def test_nothing_and_an_empty_text_are_the_same_base(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    with transaction(store.jobs) as session:
        session.get_one(Guardian, clinic.mine.guardian_id).name = ""
    result = edit(client_for("assistant"), clinic.mine, change(clinic.mine, "guardian.name", "白妈妈", None))
    assert result.status is ResultStatus.APPLIED
    assert guardian_of(store, clinic.mine).name == "白妈妈"


def test_a_field_in_the_way_does_not_keep_back_the_others(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    result = edit(
        client_for("assistant"),
        clinic.mine,
        change(clinic.mine, "customer.sex", "male", "female"),
        change(clinic.mine, "customer.birth_date", "2017-03-05", "2017-03-03"),
    )
    assert result.status is ResultStatus.CONFLICT
    assert [(one.field, one.mine, one.theirs) for one in result.theirs] == [
        ("customer.birth_date", "2017-03-05", "2017-03-04")
    ]
    assert result.row is not None
    assert (result.row.body["sex"], result.row.body["birth_date"]) == ("male", "2017-03-04")
    assert {(one.field, one.applied) for one in notes(store)} == {("sex", True), ("birth_date", False)}


def test_a_lost_answer_notes_nothing_twice(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    late = client.operation(
        EDIT, clinic.mine.customer_id, {"edits": [change(clinic.mine, "customer.name", "王一", "旧名")]}
    )
    first, again = client.push(late).results[0], client.push(late).results[0]
    assert (again.status, again.theirs) == (ResultStatus.CONFLICT, first.theirs)
    assert len(notes(store)) == 1


# ── what cannot be ───────────────────────────────────────────────────────────────────────────────────────

IMPLAUSIBLE: dict[str, list[Any]] = {
    "customer.name": ["", " ", None, "测试", "王一、王二", "王1", "王" * 51, True],
    "customer.sex": ["X", True],
    "customer.birth_date": ["2026-11-23", "1906-01-01", "2017-02-29", "昨天", True],
    "customer.do_not_contact": ["yes", None, ""],
    "guardian.phone": ["12345", "13800138000/13900139000", "call me", True],
    "guardian.relation": ["亲" * 21, "母\n亲"],
    "guardian.name": ["妈" * 51, False],
}


@pytest.mark.parametrize("field", IMPLAUSIBLE)
def test_what_a_field_cannot_be_is_held(client_for: SignIn, clinic: Clinic, store: Store, field: str) -> None:
    client = client_for("assistant")
    for value in IMPLAUSIBLE[field]:
        sound = change(clinic.mine, "customer.birth_date", None, "2017-03-04")
        edits = [change(clinic.mine, field, value)] + ([] if field == "customer.birth_date" else [sound])
        result = edit(client, clinic.mine, *edits)
        assert (result.status, result.reason) == (ResultStatus.HELD, f"implausible:{field}"), value
    assert notes(store) == []
    assert customer_of(store, clinic.mine).ver == 1


def test_the_edge_of_what_a_field_can_be_is_kept(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    for field, base, value in (
        ("customer.birth_date", "2017-03-04", "2026-11-22"),
        ("customer.birth_date", "2026-11-22", "1906-12-01"),
        ("customer.birth_date", "1906-12-01", None),
        ("customer.sex", "female", None),
        ("customer.name", "患者1号", "买买提·吐尔逊"),
        ("guardian.phone", "19900000001", "0571-88886666"),
        ("guardian.phone", "057188886666", "不详"),
        ("guardian.relation", "母亲", ""),
    ):
        result = edit(client, clinic.mine, change(clinic.mine, field, value, base))
        assert (result.status, result.theirs) == (ResultStatus.APPLIED, []), (field, value)


def test_what_makes_no_sense_is_held_whole(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    name = change(clinic.mine, "customer.name", "王一", "患者1号")
    cases: list[tuple[str, list[Json]]] = [
        ("invalid_body:edits", []),
        ("invalid_body:edits", [name, name]),
        ("invalid_body:edits", [change(clinic.mine, "customer.assistant_id", str(new_id()))]),
        ("invalid_body:edits.0.row", [name | {"row": "exam"}]),
        ("not_visible", [name, change(clinic.colleagues, "guardian.name", "白妈妈", "家长2号")]),
        ("not_visible", [name | {"row_id": str(clinic.colleagues.customer_id)}]),
        ("not_visible", [name | {"row_id": str(new_id())}]),
    ]
    for reason, edits in cases:
        result = edit(client, clinic.mine, *edits)
        assert (result.status, result.reason) == (ResultStatus.HELD, reason), edits
    assert edit(client, clinic.colleagues, change(clinic.colleagues, "customer.name", "王一")).reason == "not_visible"
    assert notes(store) == []


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────

VALUES = {
    "customer.name": ("患者1号", "王一"),
    "customer.sex": ("female", "male"),
    "customer.birth_date": ("2017-03-04", "2017-03-05"),
    "customer.do_not_contact": (False, True),
    "guardian.name": ("家长1号", "白妈妈"),
    "guardian.relation": ("母亲", "奶奶"),
    "guardian.phone": ("19900000001", "13800138000"),
}
MAY = {
    "assistant": set(VALUES),
    "manager": set(VALUES),
    "optometrist": {"customer.sex", "customer.birth_date"},
    "executive": set(),
    "admin": set(),
}


@pytest.mark.parametrize("username", MAY)
def test_a_role_corrects_its_fields_and_no_other(
    client_for: SignIn, clinic: Clinic, store: Store, username: str
) -> None:
    client = client_for(username)
    for field, (base, value) in VALUES.items():
        result = edit(client, clinic.mine, change(clinic.mine, field, value, base))
        if field in MAY[username]:
            assert result.status is ResultStatus.APPLIED, field
        else:
            assert (result.status, result.reason) == (ResultStatus.HELD, "not_permitted"), field
    assert {f"{one.subject}.{one.field}" for one in notes(store)} == MAY[username]
    assert {f"{row}.{field}" for row, field in editable(Role(username))} == MAY[username]


@pytest.mark.parametrize("username", ["assistant2", "far", "far_eye"])
def test_nobody_corrects_customers_of_others(client_for: SignIn, clinic: Clinic, username: str) -> None:
    birth = change(clinic.mine, "customer.birth_date", "2017-03-05", "2017-03-04")
    assert edit(client_for(username), clinic.mine, birth).reason == "not_visible"


def test_an_edit_of_the_former_assistant_counts_if_he_made_it_while_he_was(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    edits = [
        change(clinic.mine, "customer.name", "王一", "患者1号"),
        change(clinic.mine, "guardian.phone", "13800138000", clinic.mine.phone),
    ]
    made = client.operation(EDIT, clinic.mine.customer_id, {"edits": edits})
    clock.advance(timedelta(minutes=5))
    give(store, clock, clinic.mine.customer_id, assistant_id=clinic.staff["assistant2"])
    result = client.push(made).results[0]
    assert (result.status, result.reason) == (ResultStatus.APPLIED, None)
    assert (customer_of(store, clinic.mine).name, guardian_of(store, clinic.mine).phone) == ("王一", "13800138000")
    assert {one.by_id for one in notes(store)} == {clinic.staff["assistant"]}
    clock.advance(timedelta(minutes=5))
    assert edit(client, clinic.mine, change(clinic.mine, "customer.name", "王二", "王一")).reason == "not_visible"


# ── the database itself ──────────────────────────────────────────────────────────────────────────────────


def principal(clinic: Clinic, username: str) -> Principal:
    role = Role(username.rstrip("2"))
    sites = (clinic.north,)
    return Principal(account_id=clinic.accounts[username], staff_id=clinic.staff[username], role=role, site_ids=sites)


def attempt(store: Store, who: Principal, *statements: str, **values: Any) -> None:
    """As the service does it."""
    with transaction(store.service, who) as session:
        for statement in statements:
            session.execute(text(statement), values)


NOTE = (
    "INSERT INTO field_change (customer_id, id, subject, subject_id, field, new, by_id, at, site_id, applied)"
    " VALUES (:customer, gen_random_uuid(), :subject, :row, :field, 'x', :staff, now(), :site, true)"
)


def about(clinic: Clinic, child: Child, **options: Any) -> dict[str, Any]:
    told = {"customer": child.customer_id, "subject": "customer", "row": child.customer_id, "field": "name"}
    return told | {"site": clinic.north, "staff": clinic.staff["assistant"]} | options


FORBIDDEN = [
    ("assistant", "UPDATE customer SET name = '王一'"),
    ("assistant", "UPDATE customer SET name = '王一' WHERE id = :row"),
    ("manager", "UPDATE guardian SET phone = '13800138000'"),
    ("optometrist", "UPDATE customer SET birth_date = '2017-03-05' WHERE id = :row"),
    ("optometrist", "UPDATE exam SET status = 'void' WHERE customer_id = :row"),
    ("assistant", "UPDATE customer SET assistant_id = NULL WHERE id = :row"),
    ("assistant", "UPDATE guardian SET family_id = family_id"),
    ("assistant", "UPDATE field_change SET new = 'y'"),
    ("assistant", "DELETE FROM field_change"),
]
UNSEEN = [
    ("optometrist", "UPDATE guardian SET phone = '13800138000'"),
    ("assistant", "UPDATE exam SET status = 'void'"),
    ("assistant", "UPDATE customer SET name = '王一' WHERE id = :colleague"),
]


def test_no_row_changes_without_a_note_of_the_same_transaction(store: Store, clinic: Clinic) -> None:
    told = about(clinic, clinic.mine) | {"colleague": clinic.colleagues.customer_id}
    for username, statement in FORBIDDEN:
        with pytest.raises(ProgrammingError, match=r"row-level security|permission denied"):
            attempt(store, principal(clinic, username), statement, **told)
    for username, statement in UNSEEN:
        attempt(store, principal(clinic, username), statement, **told)
    with Session(store.jobs) as session:
        kinds: tuple[type[Any], ...] = (Customer, Guardian, Exam)
        assert {row.ver for kind in kinds for row in session.query(kind)} == {1}


def test_a_note_opens_the_row_that_it_is_about_and_no_other(store: Store, clinic: Clinic) -> None:
    who, told = principal(clinic, "assistant"), about(clinic, clinic.mine)
    attempt(store, who, NOTE, "UPDATE customer SET name = '王一' WHERE id = :row", **told)
    assert customer_of(store, clinic.mine).name == "王一"
    with pytest.raises(ProgrammingError, match="row-level security"):  # the note of another transaction
        attempt(store, who, "UPDATE customer SET name = '王二' WHERE id = :row", **told)
    with pytest.raises(ProgrammingError, match="row-level security"):
        attempt(store, who, NOTE, "UPDATE customer SET name = '王二'", "UPDATE guardian SET name = '王二'", **told)


def test_nobody_notes_what_is_not_his_to_change(store: Store, clinic: Clinic) -> None:
    theirs = clinic.colleagues
    cases: list[dict[str, Any]] = [
        {"subject": "exam", "row": clinic.mine.exam_id, "field": "status"},
        {"subject": "guardian", "row": theirs.guardian_id},
        {"customer": theirs.customer_id, "row": theirs.customer_id},
        {"row": theirs.customer_id},
        {"site": clinic.south},
        {"staff": clinic.staff["manager"]},
        {"subject": "site", "row": clinic.north},
    ]
    for options in cases:
        with pytest.raises(ProgrammingError, match="row-level security"):
            attempt(store, principal(clinic, "assistant"), NOTE, **about(clinic, clinic.mine, **options))


def test_an_optometrist_notes_sex_birth_date_and_the_states_of_exams_only(store: Store, clinic: Clinic) -> None:
    who, told = principal(clinic, "optometrist"), about(clinic, clinic.mine, staff=clinic.staff["optometrist"])
    for field in ("sex", "birth_date"):
        attempt(store, who, NOTE, **(told | {"field": field}))
    attempt(store, who, NOTE, **(told | {"subject": "exam", "row": clinic.mine.exam_id, "field": "status"}))
    refused: list[dict[str, Any]] = [{"field": "name"}, {"subject": "guardian", "row": clinic.mine.guardian_id}]
    for options in refused:
        with pytest.raises(ProgrammingError, match="row-level security"):
            attempt(store, who, NOTE, **(told | options))


def test_a_void_examination_stays_void(store: Store, clinic: Clinic) -> None:
    with transaction(store.jobs) as session:
        session.get_one(Exam, (clinic.mine.customer_id, clinic.mine.exam_id)).status = "void"  # type: ignore[assignment]  # the word
    told = about(clinic, clinic.mine, subject="exam", row=clinic.mine.exam_id, field="status")
    told["staff"] = clinic.staff["optometrist"]
    attempt(store, principal(clinic, "optometrist"), NOTE, "UPDATE exam SET status = 'final' WHERE id = :row", **told)
    with Session(store.jobs) as session:
        assert session.get_one(Exam, (clinic.mine.customer_id, clinic.mine.exam_id)).status == "void"


def test_an_import_changes_a_name_after_an_edit(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    edit(client, clinic.mine, change(clinic.mine, "customer.name", "王一", "患者1号"))
    with transaction(store.jobs) as session:
        session.get_one(Customer, clinic.mine.customer_id).name = "王二"
    client.catch_up()
    assert client.rows("customer")[clinic.mine.customer_id]["name"] == "王二"
    again = edit(client, clinic.mine, change(clinic.mine, "customer.birth_date", "2017-03-05", "2017-03-04"))
    assert again.status is ResultStatus.APPLIED
    assert customer_of(store, clinic.mine).birth_date == date(2017, 3, 5)
