"""Courses of a medicine pushed by an optometrist: begun, changed in strength and stopped, one running at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from hcrm_central.store.engine import Principal, transaction
from hcrm_central.store.opening import Store
from hcrm_core.terms import Role
from hcrm_core.wire import OperationKind, OperationResult, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.care import Medication
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation

TODAY = date(2026, 11, 22)
BEGIN, END = OperationKind.RECORD_MEDICATION, OperationKind.END_MEDICATION
Course = tuple[str, date, date | None]


@pytest.fixture
def clinic(clinic: Clinic, store: Store) -> Clinic:
    """Nobody takes anything yet."""
    with transaction(store.jobs) as session:
        session.execute(delete(Medication))
    return clinic


def begin(
    client: Workstation, clinic: Clinic, on: date, percent: str = "0.05", *, row_id: UUID | None = None, **options: Any
) -> OperationResult:
    body = {"customer_id": str(clinic.mine.customer_id), "medicine": "atropine", "note": "睡前一滴"}
    body |= {"percent": percent, "started_on": on.isoformat()} | options
    return client.push(client.operation(BEGIN, row_id or new_id(), body)).results[0]


def end(client: Workstation, clinic: Clinic, row_id: UUID, on: date, *, base_ver: int = 1) -> OperationResult:
    body = {"customer_id": str(clinic.mine.customer_id), "ended_on": on.isoformat(), "reason": "畏光"}
    return client.push(client.operation(END, row_id, body, base_ver=base_ver)).results[0]


def courses(store: Store) -> list[Course]:
    with Session(store.jobs) as session:
        found = session.scalars(select(Medication).order_by(Medication.started_on, Medication.id)).all()
        return [(str(one.percent), one.started_on, one.ended_on) for one in found]


def changed(store: Store) -> list[UUID]:
    """Whose facts may be others now."""
    with Session(store.jobs) as session:
        return list(session.scalars(text("SELECT DISTINCT customer_id FROM changed_customer")))


def test_a_course_is_kept_as_entered_and_comes_back(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, row_id = client_for("optometrist"), new_id()
    with transaction(store.jobs) as session:
        session.execute(text("DELETE FROM changed_customer"))
    result = begin(client, clinic, date(2026, 9, 1), "0.025", row_id=row_id)
    assert (result.status, result.ver) == (ResultStatus.APPLIED, 1)
    client.catch_up()
    row = client.rows("medication")[row_id]
    assert (row["percent"], row["started_on"], row["ended_on"]) == ("0.025", "2026-09-01", None)
    assert (row["medicine"], row["note"], row["source"]) == ("atropine", "睡前一滴", "workstation")
    assert row["prescriber_id"] == str(clinic.staff["optometrist"])
    assert changed(store) == [clinic.mine.customer_id]


def test_another_strength_ends_the_former_course_that_day(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("optometrist")
    begin(client, clinic, date(2026, 3, 1), "0.01")
    begin(client, clinic, date(2026, 9, 1), "0.05")
    assert courses(store) == [
        ("0.010", date(2026, 3, 1), date(2026, 9, 1)),
        ("0.050", date(2026, 9, 1), None),
    ]


def test_a_strength_entered_anew_on_the_same_day_leaves_one_course_running(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("optometrist")
    for percent in ("0.5", "0.05"):
        begin(client, clinic, TODAY, percent)
    assert [(percent, until) for percent, _, until in courses(store)] == [("0.500", TODAY), ("0.050", None)]


def test_a_course_entered_belatedly_ends_where_the_next_one_began(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("optometrist")
    begin(client, clinic, date(2026, 9, 1), "0.05")
    begin(client, clinic, date(2026, 3, 1), "0.01")
    assert courses(store) == [
        ("0.010", date(2026, 3, 1), date(2026, 9, 1)),
        ("0.050", date(2026, 9, 1), None),
    ]


def test_a_course_is_stopped_once(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, row_id, stopped = client_for("optometrist"), new_id(), date(2026, 11, 1)
    begin(client, clinic, date(2026, 9, 1), row_id=row_id)
    first = end(client, clinic, row_id, stopped)
    assert (first.status, first.ver) == (ResultStatus.APPLIED, 2)
    again = end(client, clinic, row_id, stopped)
    assert (again.status, again.ver) == (ResultStatus.APPLIED, 2)
    other = end(client_for("optometrist2"), clinic, row_id, date(2026, 11, 2))
    assert other.status is ResultStatus.CONFLICT
    assert [(one.field, one.mine, one.theirs) for one in other.theirs] == [("ended_on", "2026-11-02", "2026-11-01")]
    assert courses(store) == [("0.050", date(2026, 9, 1), stopped)]


def test_one_push_begins_stops_and_begins_again(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, row_id = client_for("optometrist"), new_id()
    body = {"customer_id": str(clinic.mine.customer_id), "medicine": "atropine", "percent": "0.01"}
    stop = {"customer_id": str(clinic.mine.customer_id), "ended_on": "2026-06-01"}
    results = client.push(
        client.operation(BEGIN, row_id, body | {"started_on": "2026-05-01"}),
        client.operation(END, row_id, stop, base_ver=1),
        client.operation(BEGIN, new_id(), body | {"started_on": "2026-07-01"}),
    ).results
    assert [(one.status, one.ver) for one in results] == [("applied", 1), ("applied", 2), ("applied", 1)]
    assert [until for _, _, until in courses(store)] == [date(2026, 6, 1), None]


@pytest.mark.parametrize(
    ("percent", "reason"),
    [
        ("0.001", None),
        ("1", None),
        ("0", "implausible:percent"),
        ("-0.01", "implausible:percent"),
        ("1.001", "implausible:percent"),
        ("0.0125", "invalid_body:percent"),
        ("NaN", "invalid_body:percent"),
        ("零点零五", "invalid_body:percent"),
    ],
)
def test_a_strength_lies_above_nothing_and_is_one_percent_at_most(
    client_for: SignIn, clinic: Clinic, percent: str, reason: str | None
) -> None:
    result = begin(client_for("optometrist"), clinic, TODAY, percent)
    assert (result.status, result.reason) == (("held", reason) if reason else ("applied", None))


def test_days_lie_between_birth_and_today_and_an_end_not_before_its_beginning(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    with Session(store.jobs) as session:
        birth = session.get_one(Customer, clinic.mine.customer_id).birth_date
    assert birth
    client, row_id, day = client_for("optometrist"), new_id(), timedelta(days=1)
    assert begin(client, clinic, TODAY + day).reason == "implausible:started_on"
    assert begin(client, clinic, birth - day).reason == "implausible:started_on"
    assert begin(client, clinic, birth).status is ResultStatus.APPLIED
    assert begin(client, clinic, TODAY - day, row_id=row_id).status is ResultStatus.APPLIED
    assert end(client, clinic, row_id, TODAY + day).reason == "implausible:ended_on"
    assert end(client, clinic, row_id, TODAY - 2 * day).reason == "implausible:ended_on"
    assert end(client, clinic, row_id, TODAY - day).status is ResultStatus.APPLIED


def test_what_is_unknown_is_held(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("optometrist")
    assert begin(client, clinic, TODAY, medicine="aspirin").reason == "invalid_body:medicine"
    assert end(client, clinic, new_id(), TODAY).reason == "medication_unknown"


def test_of_two_who_begin_a_course_at_once_one_is_left_running(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    clients = [client_for("optometrist"), client_for("optometrist2")]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda client: begin(client, clinic, TODAY), clients))
    assert sorted(until is None for _, _, until in courses(store)) == [False, True]


def test_the_database_lets_nobody_change_what_a_course_was(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    row_id = new_id()
    begin(client_for("optometrist"), clinic, date(2026, 9, 1), row_id=row_id)
    staff, account = clinic.staff["optometrist"], clinic.accounts["optometrist"]
    who = Principal(account_id=account, staff_id=staff, role=Role.OPTOMETRIST, site_ids=(clinic.north,))
    for change in ("percent = 0.01", "started_on = '2026-08-01'", "note = ''"):
        with pytest.raises(ProgrammingError), transaction(store.service, who) as session:
            session.execute(text(f"UPDATE medication SET {change} WHERE id = :id"), {"id": row_id})
    end(client_for("optometrist"), clinic, row_id, TODAY)
    with transaction(store.service, who) as session:
        moved = session.execute(text("UPDATE medication SET ended_on = '2026-10-01' RETURNING id")).all()
    assert moved == []


def test_an_assistant_reads_how_strong_and_since_when_and_not_the_note(client_for: SignIn, clinic: Clinic) -> None:
    row_id = new_id()
    begin(client_for("optometrist"), clinic, TODAY, row_id=row_id)
    client = client_for("assistant")
    client.catch_up()
    row = client.rows("medication")[row_id]
    assert (row["percent"], row["started_on"]) == ("0.050", str(TODAY))
    assert {"note", "end_reason"}.isdisjoint(row)
