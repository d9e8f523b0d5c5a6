"""From the tables to customer_facts: exact values, one transaction, and a bad customer stops nobody."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text

from hcrm_central.jobs.facts import FactsReport, compute_facts, rebuild_facts
from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_core.terms import DepartmentKind, Eye, Outcome, ProductKind, Role, Source
from hcrm_store.base import new_id
from hcrm_store.care import LensOrder
from hcrm_store.organisation import Department
from hcrm_store.people import Customer
from tests.conftest import copied
from tests.fakes import FakeClock
from tests.scanning import Library, ago, emptied, installed


@pytest.fixture(scope="module")
def shared(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    with copied(postgres_server, template_database) as found:
        yield installed(found)


@pytest.fixture
def library(shared: Store, clock: FakeClock) -> Library:
    return Library(emptied(shared), clock)


def _facts(library: Library, customer_id: UUID) -> dict[str, Any]:
    with transaction(library.store.jobs) as session:
        query = select(CUSTOMER_FACTS).where(CUSTOMER_FACTS.c.customer_id == customer_id)
        return {str(name): value for name, value in session.execute(query).mappings().one().items()}


def test_facts_are_exact_and_name_the_exams_behind_a_growth(library: Library) -> None:
    child, other = library.customer(), library.customer()
    library.exam(other, ago(30), "-5.00")
    before, after = library.exam(child, ago(200), "-1.25"), library.exam(child, ago(10), "-1.87")
    assert rebuild_facts(library.store.jobs, None, clock=library.clock) == 2
    found = _facts(library, child)
    assert found["se_od"] == Decimal("-2.120")
    assert found["se_growth_6m_os"] == Decimal("0.620")
    assert (found["se_growth_6m_from_id_os"], found["se_growth_6m_to_id_os"]) == (before, after)
    assert found["computed_at"] == library.clock.now()
    assert (found["ever_bought"], found["cct_um_od"], found["do_not_contact"]) == (False, None, False)


def test_a_contact_late_in_the_evening_counts_for_the_clinics_day(library: Library) -> None:
    child = library.customer()
    library.contact(child, ago(1), Outcome.CONSIDERING)
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE follow_up SET contacted_at = '2026-11-21T17:30:00Z'"))
    rebuild_facts(library.store.jobs, [child], clock=library.clock)
    assert _facts(library, child)["last_answered_on"] == date(2026, 11, 22)


def test_only_those_asked_for_are_computed_and_unknown_ids_are_passed_over(library: Library) -> None:
    one, other = library.customer(), library.customer()
    assert rebuild_facts(library.store.jobs, [one, new_id()], clock=library.clock) == 1
    assert rebuild_facts(library.store.jobs, [], clock=library.clock) == 0
    with transaction(library.store.jobs) as session:
        assert session.scalars(select(CUSTOMER_FACTS.c.customer_id)).all() == [one]
    assert rebuild_facts(library.store.jobs, None, clock=library.clock) == 2
    assert _facts(library, other)["filed_on"] == ago(900)


def test_an_empty_store_has_no_facts(store: Store, clock: FakeClock) -> None:
    assert rebuild_facts(store.jobs, None, clock=clock) == 0


def test_computing_again_replaces_and_an_older_run_does_not_undo_a_newer_one(library: Library) -> None:
    child = library.customer()
    rebuild_facts(library.store.jobs, None, clock=library.clock)
    library.exam(child, ago(5))
    library.clock.advance(timedelta(minutes=5))
    rebuild_facts(library.store.jobs, [child], clock=library.clock)
    earlier = library.clock.now() - timedelta(minutes=1)
    with transaction(library.store.jobs) as session:
        session.execute(text("DELETE FROM eye_measurement"))
        session.execute(text("DELETE FROM exam"))
    with snapshot(library.store.jobs) as reader, transaction(library.store.jobs) as writer:
        compute_facts(reader, writer, [child], at=earlier)
    assert _facts(library, child)["last_exam_on"] == ago(5)


def test_a_customer_whose_rows_cannot_be_computed_is_set_aside_and_named(library: Library) -> None:
    good = [library.customer() for _ in range(5)]
    bad = [library.customer(), library.customer()]
    with transaction(library.store.jobs) as session:
        for one in bad:
            session.execute(text("UPDATE customer SET birth_date = 'infinity' WHERE id = :id"), {"id": one})
    with snapshot(library.store.jobs) as reader, transaction(library.store.jobs) as writer:
        report = compute_facts(reader, writer, None, at=library.clock.now())
    assert report.computed == len(good)
    assert report.quarantined == dict.fromkeys(sorted(bad), "ComputeError: customers")
    assert _facts(library, good[0])["do_not_contact"] is False


def _computed_again(library: Library) -> FactsReport:
    library.clock.advance(timedelta(minutes=5))
    with snapshot(library.store.jobs) as reader, transaction(library.store.jobs) as writer:
        return compute_facts(reader, writer, None, at=library.clock.now())


def test_only_customers_whose_facts_differ_are_written_and_named(library: Library) -> None:
    first, second = library.customer(), library.customer()
    library.exam(second, ago(30))
    assert sorted(_computed_again(library).changed) == sorted([first, second])
    written_at = _facts(library, first)["computed_at"]
    library.exam(second, ago(5))
    again = _computed_again(library)
    assert (again.computed, again.changed) == (2, (second,))
    assert _facts(library, first)["computed_at"] == written_at
    assert _facts(library, second)["computed_at"] == library.clock.now()


def test_a_value_that_became_unknown_is_a_change(library: Library) -> None:
    child = library.customer()
    library.exam(child, ago(30))
    _computed_again(library)
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE exam SET status = 'void'"))
    assert _computed_again(library).changed == (child,)
    assert _facts(library, child)["se_od"] is None


def test_money_department_and_measures_come_from_their_columns(library: Library) -> None:
    child, kind = library.customer(), DepartmentKind.REFRACTIVE
    where = {"customer_id": child, "site_id": library.site_id}
    department = Department(id=new_id(), site_id=library.site_id, code="r", name="屈光科", kind=kind)
    library.add(department)
    lens = {"product": ProductKind.OK_LENS, "ordered_on": ago(9), "source": Source.SALES, "price": Decimal("6800.50")}
    library.add(*[LensOrder(eye=eye, department_id=department.id, **lens, **where) for eye in Eye])
    library.exam(child, ago(30))
    values = {"iop": Decimal("15.3"), "bcva": Decimal("4.9"), "ucva": Decimal("4.5")}
    with transaction(library.store.jobs) as session:
        session.execute(text("UPDATE eye_measurement SET iop_mmhg = :iop, bcva = :bcva, ucva = :ucva"), values)
    _computed_again(library)
    found = _facts(library, child)
    assert (found["spent_total"], found["last_bill_on"], found["open_order"]) == (Decimal("13601.000"), ago(9), True)
    assert found["last_bill_department"] == kind
    assert (found["iop_od"], found["bcva_os"]) == (Decimal("15.300"), Decimal("0.100"))
    assert (found["site_id"], found["reference_version"]) == (library.site_id, "Wuhan 2022 v1")


def test_medication_comes_from_its_courses(library: Library) -> None:
    child, other = library.customer(), library.customer()
    library.drops(child, ago(200), "0.01", ended_on=ago(80))
    library.drops(child, ago(80), "0.025")
    library.drops(other, ago(200), ended_on=ago(80))
    _computed_again(library)
    names = ("atropine_since_on", "atropine_percent", "last_atropine_on")
    assert [_facts(library, child)[name] for name in names] == [ago(200), Decimal("0.025"), ago(80)]
    assert [_facts(library, other)[name] for name in names] == [None, None, ago(80)]


def test_facts_go_with_their_customer(library: Library) -> None:
    child = library.customer()
    rebuild_facts(library.store.jobs, None, clock=library.clock)
    with transaction(library.store.jobs) as session:
        session.execute(delete(Customer).where(Customer.id == child))
    assert rebuild_facts(library.store.jobs, None, clock=library.clock) == 0


def test_facts_are_seen_with_their_customer_and_written_by_the_jobs_only(library: Library) -> None:
    mine = library.customer()
    library.customer(assistant_id=library.second)
    rebuild_facts(library.store.jobs, None, clock=library.clock)
    assistant = Principal(account_id=new_id(), staff_id=library.first, role=Role.ASSISTANT, site_ids=(library.site_id,))
    manager = replace(assistant, role=Role.MANAGER)
    for principal, many in ((assistant, 1), (manager, 2), (replace(assistant, role=Role.EXECUTIVE), 0)):
        with snapshot(library.store.service, principal) as session:
            seen = session.scalars(select(CUSTOMER_FACTS.c.customer_id)).all()
            assert len(seen) == many
            assert principal is not assistant or seen == [mine]
    with library.store.service.connect() as connection:
        query = text("SELECT has_table_privilege('customer_facts', 'INSERT, UPDATE, DELETE')")
        assert connection.execute(query).scalar_one() is False
