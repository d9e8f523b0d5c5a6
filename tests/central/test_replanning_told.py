"""What a parameter's question says of SOPs is what then happens to their tasks, once it is set."""

from collections.abc import Mapping
from datetime import date, time
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.scan import scan
from hcrm_central.jobs.worker import Worker
from hcrm_central.store.opening import Store
from hcrm_core.rules.messages import ParameterEffect
from hcrm_core.tasks import CLOSED, CloseReason
from hcrm_core.terms import ProductKind
from hcrm_store.base import new_id
from hcrm_store.journeys import Task
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.rule_desk import Desk
from tests.scanning import TODAY, Library, ago

Counts = dict[str, tuple[int, int]]  # by SOP: how many move, how many of them are due today
Days = Mapping[UUID, tuple[date, date]]  # by customer: the cycle and the day of his open task


@pytest.fixture
def library(store: Store, clinic: Clinic, clock: FakeClock) -> Library:
    install_defaults(store.jobs, clock=clock)
    found = Library(store, clock, code="east")
    chance = Random(20261122)
    for number in range(60):
        child = found.customer(assistant_id=[found.first, found.second][number % 2])
        product = chance.choice([ProductKind.OK_LENS, ProductKind.OK_LENS, ProductKind.SINGLE_VISION])
        found.lenses(child, ago(chance.randrange(1, 700)), product)
        if number % 3 == 0:
            found.visit(child, ago(chance.randrange(400)))
        if number % 5 == 0:
            found.plan(child, ago(100), ago(chance.randrange(-40, 90)))
    scan(store.jobs, clock=clock)
    return found


@pytest.fixture
def desk(client_for: SignIn, library: Library) -> Desk:
    found = Desk(client_for("manager"))
    set_to(found, library, key="daily_capacity", value="200")  # a full day puts nobody off
    return found


def days(store: Store) -> dict[str, dict[UUID, tuple[date, date]]]:
    """By SOP. What a stronger SOP took over counts as if it were there still."""
    found: dict[str, dict[UUID, tuple[date, date]]] = {}
    there = Task.state.not_in(CLOSED) | (Task.close_reason == CloseReason.SUPERSEDED.value)
    with Session(store.jobs) as session:
        for task in session.scalars(select(Task).where(there).order_by(Task.anchor_on)):
            found.setdefault(task.sop_key, {})[task.customer_id] = (task.anchor_on, task.due_on)
    return found


def moved(before: Days, after: Days) -> tuple[int, int]:
    """How many have another day, one more or none; and how many of these are called today."""
    others = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
    return len(others), sum(after[one][1] <= TODAY for one in others if one in after)


def told(desk: Desk, key: str, value: str) -> Counts:
    answer = desk.client.post("/questions/parameter", {"ask": str(new_id()), "key": key, "value": value})
    assert answer.status_code == 200, answer.text
    effect = ParameterEffect.model_validate_json(answer.content)
    return {one.sop_key: (one.moved, one.due_today) for one in effect.sops if one.moved}


def set_to(desk: Desk, library: Library, *, key: str, value: str) -> None:
    line = next(one for one in desk.shelf().parameters if one.parameter["key"] == key)
    assert desk.set(key, value, number=line.number).status_code == 200
    Worker(library.store.jobs, clock=library.clock, scan_at=time(2, 30)).finish()


INTERVALS = [
    ("ok_recheck_days", ("60", "91", "180", "90")),
    ("recheck_lasts_days", ("14", "365", "90")),
    ("recheck_lead_days", ("14", "0", "30", "3")),
    ("case_days", ("30", "180")),
    ("frame_recheck_days", ("90", "365", "180")),
    ("lens_alert_days", ("300", "480")),
    ("recheck_callback_days", ("60", "1")),
    ("replacement_remind_days", ("380", "550")),
]
OF_RULES = [
    ("inactive_days", ("365", "120")),
    ("recheck_grace_days", ("150", "7", "30")),
    ("replacement_days", ("455", "700", "550")),
]


def happens(desk: Desk, library: Library, *, key: str, value: str) -> tuple[Counts, Counts]:
    """What is said of a parameter's value, and what then happens, by SOP."""
    said, before = told(desk, key, value), days(library.store)
    set_to(desk, library, key=key, value=value)
    after = days(library.store)
    happened = {sop: moved(before.get(sop, {}), after.get(sop, {})) for sop in before.keys() | after.keys()}
    return said, {sop: found for sop, found in happened.items() if found[0]}


def test_what_is_said_of_a_changed_interval_is_what_happens(desk: Desk, library: Library) -> None:
    effects = 0
    for key, value in ((key, value) for key, values in INTERVALS for value in values):
        said, happened = happens(desk, library, key=key, value=value)
        assert said == happened, (key, value)
        effects += len(said)
    assert effects > len(INTERVALS)


def test_what_is_said_of_a_rules_parameter_happens_to_the_sops_of_its_segment(desk: Desk, library: Library) -> None:
    """What a stronger SOP leaves to lesser ones, or takes from them, is told of the stronger one alone."""
    recalls = 0
    for key, value in ((key, value) for key, values in OF_RULES for value in values):
        said, happened = happens(desk, library, key=key, value=value)
        assert said.items() <= happened.items(), (key, value)
        recalls += "recall" in said
    assert recalls > len(OF_RULES)


def test_who_was_put_off_because_a_day_is_full_stays_put_off(desk: Desk, library: Library) -> None:
    set_to(desk, library, key="daily_capacity", value="5")
    for _ in range(8):
        library.lenses(library.customer(), ago(481))
    scan(library.store.jobs, clock=library.clock)
    before = days(library.store)["lens_replacement"]
    assert any(due_on > TODAY for _, due_on in before.values())
    assert told(desk, "replacement_days", "549").get("lens_replacement") is None
    set_to(desk, library, key="replacement_days", value="549")
    assert days(library.store)["lens_replacement"] == before
