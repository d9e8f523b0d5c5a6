"""Differences, overlaps and other values of parameters: against the segments as they are."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from hcrm_central.api.questions.trials import trying
from hcrm_central.jobs.defaults import read_defaults
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Quarantine
from hcrm_core.rules import Rule
from hcrm_core.rules.messages import MOST_MOVERS, Diff, Overlap, ParameterEffect
from hcrm_store.journeys import Sop as SopRow
from hcrm_store.organisation import Site, Staff
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.questioning import Asker, Crowd, condition, crowd, rule_of, some_rules
from tests.rule_trees import TODAY


@pytest.fixture
def everybody(store: Store, clinic: Clinic) -> Crowd:
    return crowd(store, clinic)


@pytest.fixture
def manager(client_for: SignIn, everybody: Crowd) -> Asker:
    return Asker(client_for("manager"))


@pytest.fixture
def members(everybody: Crowd) -> set[UUID]:
    """Twenty, whoever they are, in the segment of the rule that is tried."""
    found = random.Random(5).sample(sorted(everybody.rows), 20)
    everybody.put_in("r", found)
    return set(found)


# ── difference ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_difference_tells_who_stays_enters_and_leaves(manager: Asker, everybody: Crowd, members: set[UUID]) -> None:
    for raw in some_rules(10):
        matching = everybody.matching(Rule.model_validate(raw))
        found = manager.ask("diff", Diff, raw)
        told = (found.stay, found.enter, found.leave)
        assert told == (len(matching & members), len(matching - members), len(members - matching))
        assert {one.customer_id for one in found.movers if one.enters} == matching - members
        assert {one.customer_id for one in found.movers if not one.enters} == members - matching
        assert [one.enters for one in found.movers] == sorted((one.enters for one in found.movers), reverse=True)
        assert found == manager.ask("diff", Diff, raw)


def test_movers_are_split_by_site_and_person(
    manager: Asker, everybody: Crowd, members: set[UUID], store: Store
) -> None:
    raw = rule_of(condition("product", "is_known"))
    matching = everybody.matching(Rule.model_validate(raw))
    with Session(store.jobs) as session:
        query = select(Customer.id, Customer.name, Site.name, Staff.name).join(Site, Site.id == Customer.site_id)
        people = {row[0]: row[1:] for row in session.execute(query.outerjoin(Staff, Staff.id == Customer.assistant_id))}
    where = {one: (people[one][1], people[one][2] or "") for one in everybody.rows}
    enter, leave = Counter(where[one] for one in matching - members), Counter(where[one] for one in members - matching)
    found = manager.ask("diff", Diff, raw)
    assert {(one.site, one.person): (one.enter, one.leave) for one in found.splits} == {
        place: (enter[place], leave[place]) for place in enter | leave
    }
    for one in found.movers:
        assert (one.name, (one.site, one.person)) == (people[one.customer_id][0], where[one.customer_id])


def test_who_is_set_aside_stays_where_he_is(
    manager: Asker, everybody: Crowd, members: set[UUID], store: Store, clock: FakeClock
) -> None:
    with transaction(store.jobs) as session:
        rows = [{"customer_id": one, "reason": "unreadable", "since": clock.now()} for one in everybody.rows]
        session.execute(insert(Quarantine), rows)
    for raw in (rule_of(condition("product", "is_known")), rule_of(condition("product", "is_unknown"))):
        found = manager.ask("diff", Diff, raw)
        assert (found.stay, found.enter, found.leave, found.movers) == (len(members), 0, 0, [])


def test_so_many_movers_are_named_and_all_are_counted(
    manager: Asker, everybody: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hcrm_central.api.questions.diff.MOST_MOVERS", 7)
    found = manager.ask("diff", Diff, rule_of({"any": [condition("sex", "is_known"), condition("sex", "is_unknown")]}))
    assert (found.enter, len(found.movers)) == (len(everybody.rows), 7)
    assert MOST_MOVERS == 200


# ── tasks of tomorrow ────────────────────────────────────────────────────────────────────────────────────


def put_sop(store: Store, **changes: Any) -> None:
    """The recall's first call, for the segment of the rule that is tried."""
    changed = {"key": "calling", "segment": "r", "when": None, "anchor": "last_activity_on", "replaces": ()} | changes
    raw = read_defaults().sops["recall"].model_copy(update=changed).as_json()
    with transaction(store.jobs) as session:
        session.add(SopRow(key=raw["key"], label=raw["label"], summary=raw["summary"], definition=raw))


def test_loads_are_the_tasks_that_those_who_enter_would_bring(
    manager: Asker, everybody: Crowd, members: set[UUID], store: Store, clinic: Clinic
) -> None:
    put_sop(store)
    raw = rule_of(condition("last_activity_on", "is_known"))
    found = manager.ask("diff", Diff, raw)
    due = {"assistant": 1, "assistant2": 1}  # of the clinic's own children
    free = [
        key
        for key in everybody.matching(Rule.model_validate(raw)) - members
        if not everybody.rows[key]["do_not_contact"] and not _booked(everybody.rows[key])
    ]
    assert sum(one.new for one in found.loads) == len(free)
    assert {one.sop_key for one in found.loads} == {"calling"}
    assert all(one.capacity >= 5 for one in found.loads)
    assert all(one.open == due.get(one.person.removeprefix("员工"), one.open) for one in found.loads)


def _booked(row: Any) -> bool:
    return row["next_appointment_on"] is not None and row["next_appointment_on"] >= TODAY + timedelta(days=1)


def test_nobody_entering_brings_no_load(manager: Asker, everybody: Crowd, store: Store) -> None:
    put_sop(store)
    nobody = {"all": [condition("sex", "is_known"), condition("sex", "is_unknown")]}
    assert manager.ask("diff", Diff, rule_of(nobody)).loads == []


# ── overlap ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_overlap_counts_the_trial_as_it_would_be_and_others_as_they_are(
    manager: Asker, everybody: Crowd, members: set[UUID], clinic: Clinic
) -> None:
    source = random.Random(3)
    inside = {key: set(source.sample(sorted(everybody.rows), 15)) for key in ("a", "c")}
    for key, customers in inside.items():
        everybody.put_in(key, sorted(customers))
    raw = rule_of(condition("product", "is_known"))
    inside["r"] = everybody.matching(Rule.model_validate(raw))
    found = manager.ask("overlap", Overlap, raw)
    assert found.segments[0] == "r"
    assert set(found.segments) == set(inside)
    assert dict(zip(found.segments, found.labels, strict=True))["a"] == "客群a"
    assert found.both == [[len(inside[one] & inside[other]) for other in found.segments] for one in found.segments]


# ── parameters ───────────────────────────────────────────────────────────────────────────────────────────


def test_another_value_tells_what_it_does_to_every_rule_that_uses_it(manager: Asker, everybody: Crowd) -> None:
    now = everybody.within()
    everybody.put_in("a", sorted(everybody.rows)[:20])
    for value in ("1", "364", "9000"):
        then = trying(now, values={"days": Decimal(value)})
        answer = manager.client.post("/questions/parameter", {"ask": str(UUID(int=1)), "key": "days", "value": value})
        found = ParameterEffect.model_validate_json(answer.content)
        told = {one.rule_key: (one.stay, one.enter, one.leave) for one in found.rules}
        for key, rule in now.rules.items():
            matching = everybody.matching(rule, then)
            inside = set(sorted(everybody.rows)[:20]) if key == "a" else set()
            if matching != everybody.matching(rule, now):
                assert told[key] == (len(matching & inside), len(matching - inside), len(inside - matching))
