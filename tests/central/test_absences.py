"""Somebody is away: what is due goes to a colleague who is there, with its family, and comes back."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from hcrm_central.jobs.scan import ScanReport, scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Absence, AuditEntry, StandIn
from hcrm_core.absences import AbsenceRequest, Absences, AbsenceSaved
from hcrm_core.terms import TaskState
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.scanning import TODAY, Library, installed


@pytest.fixture
def library(store: Store, clock: FakeClock) -> Library:
    return Library(installed(store), clock)


def run(library: Library, on: date = TODAY) -> ScanReport:
    report = scan(library.store.jobs, clock=library.clock, on=on)
    assert report.adds_up
    return report


def leave(library: Library, staff_id: UUID, *, days: int = 3, first: date = TODAY) -> Absence:
    last = first + timedelta(days=days - 1)
    row = Absence(staff_id=staff_id, first_on=first, last_on=last, entered_at=library.clock.now())
    library.add(row)
    return row


def holder(library: Library, child: UUID) -> tuple[UUID | None, UUID | None]:
    """Of the task, and of the customer."""
    with transaction(library.store.jobs) as session:
        return library.task(child).owner_id, session.get_one(Customer, child).assistant_id


def test_what_is_due_goes_to_a_colleague_with_its_customer_and_comes_back(library: Library) -> None:
    child = library.overdue()
    run(library)
    leave(library, library.first, days=3)
    assert run(library).lent == 1
    assert holder(library, child) == (library.second, library.second)
    assert run(library, TODAY + timedelta(days=2)).returned == 0
    assert run(library, TODAY + timedelta(days=3)).returned == 1
    assert holder(library, child) == (library.first, library.first)
    assert library.count(StandIn) == 0
    assert library.count(AuditEntry) >= 2


def test_what_is_due_later_stays_until_its_day(library: Library) -> None:
    child = library.customer()
    library.plan(child, TODAY - timedelta(days=87), TODAY + timedelta(days=3))
    run(library)
    leave(library, library.first, days=5)
    assert run(library).lent == 0 or library.task(child).due_on <= TODAY


def test_what_the_colleague_began_is_finished_by_him_first(library: Library) -> None:
    child = library.overdue()
    leave(library, library.first, days=1)
    run(library)
    library.change_task(child, attempts=1, state=TaskState.IN_PROGRESS)
    assert run(library, TODAY + timedelta(days=1)).returned == 0
    library.change_task(child, state=TaskState.DONE, close_reason="arrived", closed_at=library.clock.now())
    assert run(library, TODAY + timedelta(days=2)).returned == 1


def test_a_family_goes_to_one_colleague(library: Library) -> None:
    family = library.family()
    children = [library.overdue(family_id=family) for _ in range(3)]
    leave(library, library.first)
    run(library)
    assert {holder(library, child) for child in children} == {(library.second, library.second)}


def test_where_nobody_else_is_there_it_stays(library: Library) -> None:
    child = library.overdue()
    leave(library, library.first)
    leave(library, library.second)
    assert run(library).lent == 0
    assert holder(library, child) == (library.first, library.first)


def test_lent_on_he_belongs_to_whom_he_belonged_to_first(library: Library) -> None:
    child = library.overdue()
    leave(library, library.first, days=5)
    run(library)
    leave(library, library.second, days=1, first=TODAY + timedelta(days=1))
    run(library, TODAY + timedelta(days=1))  # both away: he stays with the second
    run(library, TODAY + timedelta(days=5))
    assert holder(library, child) == (library.first, library.first)


def test_a_cancelled_absence_is_none(library: Library) -> None:
    child = library.overdue()
    row = leave(library, library.first)
    run(library)
    with transaction(library.store.jobs) as session:
        session.get_one(Absence, row.id).cancelled_at = library.clock.now()
    assert run(library).returned == 1
    assert holder(library, child) == (library.first, library.first)


# ── entered by a manager ─────────────────────────────────────────────────────────────────────────────────


def test_a_manager_enters_and_cancels_an_absence(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("manager")
    known = Absences.model_validate(client.http.get("/absences", headers=client.headers).json())
    assert known.absences == []
    somebody = known.staff[0]
    body = AbsenceRequest(staff_id=somebody.staff_id, first_on=TODAY, last_on=TODAY + timedelta(days=1))
    answer = client.http.post("/absences", json=body.model_dump(mode="json"), headers=client.headers)
    saved = AbsenceSaved.model_validate(answer.json())
    listed = Absences.model_validate(client.http.get("/absences", headers=client.headers).json())
    assert [(one.id, one.name) for one in listed.absences] == [(saved.id, somebody.name)]
    assert client.http.delete(f"/absences/{saved.id}", headers=client.headers).status_code == 204
    assert client.http.delete(f"/absences/{saved.id}", headers=client.headers).status_code == 409
    assert Absences.model_validate(client.http.get("/absences", headers=client.headers).json()).absences == []


@pytest.mark.parametrize(("first", "last"), [(0, -1), (-3, -1), (0, 366)])
def test_an_absence_of_impossible_days_is_refused(client_for: SignIn, first: int, last: int) -> None:
    client = client_for("manager")
    somebody = Absences.model_validate(client.http.get("/absences", headers=client.headers).json()).staff[0]
    days = [TODAY + timedelta(days=number) for number in (first, last)]
    body = {"staff_id": str(somebody.staff_id), "first_on": str(days[0]), "last_on": str(days[1])}
    assert client.http.post("/absences", json=body, headers=client.headers).status_code == 422


def test_an_absence_of_nobody_is_refused(client_for: SignIn) -> None:
    client = client_for("manager")
    body = {"staff_id": str(uuid4()), "first_on": str(TODAY), "last_on": str(TODAY)}
    assert client.http.post("/absences", json=body, headers=client.headers).status_code == 422
