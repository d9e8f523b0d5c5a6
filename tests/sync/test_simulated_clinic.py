"""A simulated clinic, through the centre, onto a workstation: one definition everywhere."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.accounts import principal_of
from hcrm_central.api.centre import Centre
from hcrm_central.api.limiter import Attempts
from hcrm_central.connectors.extract import load_extract
from hcrm_central.handout.reading import read_child
from hcrm_central.handout.shares import Opened
from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.scan import scan
from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account
from hcrm_core.terms import Role, VisitState
from hcrm_desktop.cache import queries
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_desktop.views.record.study import study
from hcrm_sim.clinic import write_clinic
from hcrm_store.organisation import Staff
from tests.factories import password_hash
from tests.fakes import FakeClock
from tests.sync.desk import KEY, Desk

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
    check_records(manager, facts_of(store))
    check_numbers(manager)
    check_talks(manager)
    check_handouts(manager, store)


def check_records(desk: Desk, facts: dict[UUID, Any]) -> None:
    """What is worn and when a recheck is due are facts of the catalogue, told here without it."""
    hits = {hit.id: hit for hit in desk.ask(queries.list_customers, limit=1000)}
    assert hits.keys() == facts.keys()
    for customer_id, known in facts.items():
        record = desk.ask(queries.customer_record, customer_id, today=TODAY)
        assert hits[customer_id].product == known.product
        if not any(visit.state is VisitState.BOOKED and visit.visit_on >= TODAY for visit in record.visits):
            assert record.header.next_due_on == known.recheck_due_on
    for task in desk.tasks():
        assert task.lens_since == facts[task.customer_id].oldest_lens_on
    assert len({hit.product for hit in hits.values()}) > 2  # the comparison has seen all cases


def check_numbers(desk: Desk) -> None:
    """A number on the overview is the count of the list that opens under it."""
    overview = desk.ask(queries.overview)
    counted = {count.sop_key: count.open for count in desk.ask(queries.sop_counts, today=TODAY) if count.open}
    told: Counter[str] = Counter()
    for site in overview.sites:
        told.update({progress.sop_key: progress.open for progress in site.sops if progress.open})
    assert told == counted
    assert len(desk.tasks()) == sum(counted.values()) > 10
    assert sum(site.customers for site in overview.sites) == desk.ask(queries.count_customers)
    assert desk.ask(queries.sync_status).scanned_for == TODAY


def check_talks(desk: Desk) -> None:
    """Every task says why it is there and what to say, without holes."""
    for task in desk.tasks():
        case = desk.ask(queries.task_case, task.id, today=TODAY)
        assert len(case.script) > 20, task.sop_key
        assert not [hole for hole in ("None", "{") if hole in case.script]
        assert all(one.evidence and one.outcomes for one in case.items)


def check_handouts(desk: Desk, store: Store) -> None:
    """A tablet is shown what the workstation shows of the same child: figures, curves and the next day."""
    with Session(store.service) as session:
        account = session.scalars(select(Account).where(Account.username == "manager")).one()
        principal = principal_of(session, account)
    here = Centre(store=store, settings=Settings(), clock=desk.clock, attempts=Attempts("1/minute"))
    for hit in desk.ask(queries.list_customers, limit=1000):
        record = desk.ask(queries.customer_record, hit.id, today=TODAY)
        shown = study(record, today=TODAY).eyes
        opened = Opened(customer_id=hit.id, principal=principal, expires_at=desk.clock.now())
        child = read_child(here, opened)
        assert child is not None
        assert (child.eyes.axial, child.eyes.refraction) == (shown.axial, shown.refraction)
        assert child.eyes.axial_verdicts == shown.axial_verdicts
        assert child.next_on == record.header.next_due_on
