"""Which streams a row is read from: a customer's whole past follows him, a family stands wherever it has a child."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account
from hcrm_store.base import new_id
from hcrm_store.clinical import EyeMeasurement
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, add_exam

OF_A_CUSTOMER = ("exam", "eye_measurement", "lens_order", "medication", "visit", "recheck_plan")


def change(store: Store, customer_id: UUID, **values: Any) -> None:
    with transaction(store.jobs) as session:
        session.execute(update(Customer).where(Customer.id == customer_id).values(values))


def add_sibling(store: Store, clinic: Clinic, **values: Any) -> UUID:
    """A second child of the family of `mine`."""
    customer_id = new_id()
    with transaction(store.jobs) as session:
        session.add(Customer(id=customer_id, name="弟弟", family_id=clinic.mine.family_id, **values))
    return customer_id


def caught_up(client: Workstation) -> Workstation:
    client.catch_up()
    return client


def test_the_past_of_a_customer_who_moves_follows_him_to_the_other_site(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    here, there = caught_up(client_for("optometrist")), caught_up(client_for("far_eye"))
    change(store, clinic.mine.customer_id, site_id=clinic.south)
    for client in (here, there):
        client.catch_up()
    for kind in OF_A_CUSTOMER:
        assert {body["customer_id"] for body in here.rows(kind).values()} == {str(clinic.colleagues.customer_id)}
        there_now = {body["customer_id"] for body in there.rows(kind).values()}
        assert there_now == {str(clinic.far.customer_id), str(clinic.mine.customer_id)}
    assert clinic.mine.family_id in there.rows("family")
    assert clinic.mine.family_id not in here.rows("family")


def test_what_another_site_measured_is_read_where_the_customer_is(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    here, there = caught_up(client_for("optometrist")), caught_up(client_for("far_eye"))
    with transaction(store.jobs) as session:
        exam_id = add_exam(session, customer_id=clinic.mine.customer_id, site_id=clinic.south)
    for client in (here, there):
        client.catch_up()
    assert exam_id in here.rows("exam")
    assert exam_id not in there.rows("exam")


def test_a_row_that_is_deleted_after_a_move_goes_from_everybody(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    manager = caught_up(client_for("manager"))
    for site in (clinic.south, clinic.north, clinic.south):
        change(store, clinic.mine.customer_id, site_id=site)
        manager.catch_up(limit=3)
    with transaction(store.jobs) as session:
        session.execute(delete(EyeMeasurement).where(EyeMeasurement.customer_id == clinic.mine.customer_id))
    manager.catch_up()
    assert {body["customer_id"] for body in manager.rows("eye_measurement").values()} == {
        str(clinic.colleagues.customer_id), str(clinic.far.customer_id),
    }  # fmt: skip


def test_a_second_child_brings_its_family_to_its_own_assistant(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    other = caught_up(client_for("assistant2"))
    add_sibling(store, clinic, site_id=clinic.north, assistant_id=clinic.staff["assistant2"])
    other.catch_up()
    assert clinic.mine.guardian_id in other.rows("guardian")
    assert clinic.mine.family_id in other.rows("family")
    assert clinic.mine.customer_id not in other.rows("customer")


def test_a_second_child_at_another_site_brings_its_family_there(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    there = caught_up(client_for("far"))
    add_sibling(store, clinic, site_id=clinic.south, assistant_id=clinic.staff["far"])
    there.catch_up()
    assert clinic.mine.guardian_id in there.rows("guardian")


def test_a_family_goes_with_the_last_child_that_showed_it(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    other = client_for("assistant2")
    sibling = add_sibling(store, clinic, site_id=clinic.north, assistant_id=clinic.staff["assistant2"])
    other.catch_up()
    assert clinic.mine.guardian_id in other.rows("guardian")
    with transaction(store.jobs) as session:
        session.execute(delete(Customer).where(Customer.id == sibling))
    other.catch_up()
    assert clinic.mine.guardian_id not in other.rows("guardian")
    assert sibling not in other.rows("customer")


def test_a_child_who_changes_family_takes_the_former_from_his_assistant(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    assistant = caught_up(client_for("assistant"))
    change(store, clinic.mine.customer_id, family_id=clinic.far.family_id)
    assistant.catch_up()
    assert set(assistant.rows("guardian")) == {clinic.far.guardian_id}
    assert set(assistant.rows("family")) == {clinic.far.family_id}


def test_a_family_at_two_sites_stays_with_a_manager_when_it_leaves_one(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    manager = client_for("manager")
    sibling = add_sibling(store, clinic, site_id=clinic.south)
    manager.catch_up()
    for site in (clinic.north, clinic.south, clinic.north):
        change(store, sibling, site_id=site)
        manager.catch_up(limit=2)
        assert clinic.mine.guardian_id in manager.rows("guardian")
    fresh = caught_up(client_for("manager"))
    assert fresh.held == manager.held


def test_an_assistant_is_granted_the_streams_of_every_site_where_he_has_a_customer(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    assistant = caught_up(client_for("assistant"))
    change(store, clinic.far.customer_id, assistant_id=clinic.staff["assistant"])
    assistant.catch_up()
    assert set(assistant.rows("customer")) == {clinic.mine.customer_id, clinic.far.customer_id}
    assert clinic.far.task_id in assistant.rows("task")
    assert clinic.far.guardian_id in assistant.rows("guardian")


def test_an_account_that_becomes_another_member_of_staff_reads_anew(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    assistant = caught_up(client_for("assistant"))
    with transaction(store.jobs) as session:
        account = update(Account).where(Account.id == clinic.accounts["assistant"])
        session.execute(account.values(staff_id=clinic.staff["assistant2"]))
    assistant.catch_up()
    assert set(assistant.rows("customer")) == {clinic.colleagues.customer_id}
