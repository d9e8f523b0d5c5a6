"""A simulated clinic, through the centre, onto a workstation: one definition everywhere."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.connectors.extract import load_extract
from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.scan import scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account
from hcrm_core.terms import Role, VisitState
from hcrm_desktop.cache import queries
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_sim.clinic import write_clinic
from hcrm_store.organisation import Staff
from tests.factories import password_hash
from tests.fakes import FakeClock
from tests.sync.conftest import KEY, Desk

TODAY = date(2026, 11, 22)


@pytest.fixture
def manager(tmp_path: Path, store: Store, clock: FakeClock, centre_url: str) -> Iterator[Desk]:
    """The manager's workstation of a simulated clinic that was scanned today."""
    write_clinic(tmp_path / "extract", customers=120, seed=7, today=TODAY)
    load_extract(store.jobs, tmp_path / "extract", clock=clock)
    install_defaults(store.jobs, clock=clock)
    scan(store.jobs, clock=clock)
    add_account(store, Role.MANAGER)
    desk = Desk(
        folder=tmp_path / "desk",
        clock=clock,
        url=centre_url,
        workspace=open_workspace(tmp_path / "desk", KEY, clock=clock),
    )
    desk.sign_in("manager")
    desk.sync()
    yield desk
    desk.close()


def add_account(store: Store, role: Role) -> None:
    with transaction(store.jobs) as session:
        staff = session.scalars(select(Staff).where(Staff.role == role).order_by(Staff.code)).first()
        assert staff is not None
        session.add(
            Account(username=role.value, password_hash=password_hash(), role=role, staff_id=staff.id, name=staff.name)
        )


def facts_of(store: Store) -> dict[UUID, Any]:
    with Session(store.jobs) as session:
        return {row.customer_id: row for row in session.execute(select(CUSTOMER_FACTS))}


def test_the_workstation_tells_what_the_centre_tells(manager: Desk, store: Store) -> None:
    facts = facts_of(store)
    hits = {hit.id: hit for hit in manager.ask(queries.list_customers, limit=1000)}
    assert hits.keys() == facts.keys()
    for customer_id, known in facts.items():
        record = manager.ask(queries.customer_record, customer_id, today=TODAY)
        assert hits[customer_id].product == known.product
        if not any(visit.state is VisitState.BOOKED and visit.visit_on >= TODAY for visit in record.visits):
            assert record.header.next_due_on == known.recheck_due_on
    for task in manager.tasks():
        assert task.lens_since == facts[task.customer_id].oldest_lens_on
    assert len({hit.product for hit in hits.values()}) > 2  # the comparison has seen all cases


def test_numbers_are_the_same_in_the_list_and_in_the_overview(manager: Desk) -> None:
    overview = manager.ask(queries.overview)
    counted = {count.sop_key: count.open for count in manager.ask(queries.sop_counts, today=TODAY) if count.open}
    told: dict[str, int] = {}
    for site in overview.sites:
        for progress in site.sops:
            told[progress.sop_key] = told.get(progress.sop_key, 0) + progress.open
    seen = sum(site.customers for site in overview.sites)
    assert {key: count for key, count in told.items() if count} == counted
    assert len(manager.tasks()) == sum(counted.values()) > 10
    assert seen == manager.ask(queries.count_customers)
    assert manager.ask(queries.sync_status).scanned_for == TODAY


def test_every_task_has_a_talk_without_holes(manager: Desk) -> None:
    for task in manager.tasks():
        case = manager.ask(queries.task_case, task.id, today=TODAY)
        assert len(case.script) > 20, task.sop_key
        assert "None" not in case.script
        assert "{" not in case.script
        assert case.evidence
        assert case.outcomes
