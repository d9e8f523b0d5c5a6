"""线索 travel with their customer: to whoever sees him, at the site where he is, and away from those who lost him."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, text, update

from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.opening import Store
from hcrm_core.access import PROFILES
from hcrm_core.terms import LeadKind, LeadState, Role
from hcrm_store.base import new_id
from hcrm_store.journeys import Lead
from hcrm_store.kinds import columns_for, table_of
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Child, Clinic, Workstation
from tests.fakes import FakeClock


@pytest.fixture
def leads(store: Store, clinic: Clinic, clock: FakeClock) -> dict[str, UUID]:
    """One of each child, by whose it is."""
    children = {"mine": clinic.mine, "colleagues": clinic.colleagues, "far": clinic.far}
    return {name: add_lead(store, child, clock=clock) for name, child in children.items()}


def add_lead(store: Store, child: Child, *, clock: FakeClock) -> UUID:
    lead_id = new_id()
    begun = {"kind": LeadKind.UPSELL, "state": LeadState.STARTED, "started_on": clock.now().date()}
    with transaction(store.jobs) as session:
        site_id = session.get_one(Customer, child.customer_id).site_id
        session.execute(insert(Lead).values(id=lead_id, customer_id=child.customer_id, site_id=site_id, **begun))
    return lead_id


def change(store: Store, model: Any, row_id: UUID, **values: Any) -> None:
    with transaction(store.jobs) as session:
        session.execute(update(model).where(model.id == row_id).values(values))


def caught_up(client: Workstation) -> Workstation:
    client.catch_up()
    return client


@pytest.mark.parametrize(
    ("username", "seen"),
    [
        ("assistant", {"mine"}),
        ("assistant2", {"colleagues"}),
        ("optometrist", {"mine", "colleagues"}),
        ("far", {"far"}),
        ("manager", {"mine", "colleagues", "far"}),
        ("executive", set()),
        ("admin", set()),
    ],
)
def test_leads_are_sent_with_their_customers(
    client_for: SignIn, leads: dict[str, UUID], username: str, seen: set[str]
) -> None:
    assert set(caught_up(client_for(username)).rows("lead")) == {leads[name] for name in seen}


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER])
def test_of_a_lead_a_role_is_sent_the_columns_of_its_profile(
    client_for: SignIn, leads: dict[str, UUID], role: Role
) -> None:
    body = caught_up(client_for(role.value)).rows("lead")[leads["mine"]]
    assert set(body) == set(columns_for("lead", role))
    assert {table_of("lead").c[name].info["access"] for name in body} <= PROFILES[role]


def test_a_lead_that_moves_on_is_sent_again_and_one_that_is_gone_is_taken_away(
    client_for: SignIn, store: Store, leads: dict[str, UUID]
) -> None:
    client = caught_up(client_for("assistant"))
    change(store, Lead, leads["mine"], state=LeadState.ACCEPTED)
    assert caught_up(client).rows("lead")[leads["mine"]]["state"] == "accepted"
    with transaction(store.jobs) as session:
        session.execute(delete(Lead).where(Lead.id == leads["mine"]))
    assert caught_up(client).rows("lead") == {}


def test_a_lead_follows_its_customer_to_another_site_and_another_assistant(
    client_for: SignIn, store: Store, clinic: Clinic, leads: dict[str, UUID]
) -> None:
    here, there = caught_up(client_for("assistant")), caught_up(client_for("far_eye"))
    change(store, Customer, clinic.mine.customer_id, site_id=clinic.south, assistant_id=clinic.staff["far"])
    assert caught_up(here).rows("lead") == {}
    assert set(caught_up(there).rows("lead")) == {leads["mine"], leads["far"]}


def test_a_first_look_brings_the_leads_of_todays_customers(
    client_for: SignIn, store: Store, leads: dict[str, UUID]
) -> None:
    client = client_for("assistant")
    with snapshot(store.jobs) as session:
        epoch = str(session.execute(text("SELECT epoch FROM incarnation")).scalar_one())
    answer = client.post("/sync/first", {"epoch": epoch})
    sent = {row["id"] for page in answer.json()["pages"] for row in page["rows"] if row["kind"] == "lead"}
    assert sent == {str(leads["mine"])}
