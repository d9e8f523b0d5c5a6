"""A back-test is what the scan would have said on each day: held against a library that is cut back to that day."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.limiter import Attempts
from hcrm_central.api.questions import backtest as backtests
from hcrm_central.api.questions.backtest import WINDOW_DAYS, backtest
from hcrm_central.api.questions.past import CUTS
from hcrm_central.api.sessions import SignedIn
from hcrm_central.connectors.extract import load_extract
from hcrm_central.jobs.defaults import install_defaults, read_defaults
from hcrm_central.jobs.facts import compute_facts, tables_of
from hcrm_central.jobs.membership import classify
from hcrm_central.jobs.rulebook import read_rulebook
from hcrm_central.jobs.scope import Scope
from hcrm_central.settings import Settings
from hcrm_central.store.engine import Principal, snapshot
from hcrm_central.store.opening import Store
from hcrm_core.facts.catalogue import Feed
from hcrm_core.rules.messages import BACKTEST_DAYS, Backtest, Trial
from hcrm_core.terms import Outcome, ProductKind, Role, VisitState
from hcrm_core.wire import Json, Person
from hcrm_sim.clinic import write_clinic
from hcrm_store.base import new_id
from hcrm_store.journeys import Membership
from tests.fakes import FakeClock
from tests.questioning import condition, rule_of
from tests.scanning import TODAY, Library, ago

KEYS = ("ok_lens", "growth_alert", "upsell_ok", "lost_contact", "replacement_overdue")
Segments = dict[str, set[UUID]]


def manager() -> SignedIn:
    account_id, role = new_id(), Role.MANAGER
    principal = Principal(account_id=account_id, staff_id=None, role=role, site_ids=())
    person = Person(account_id=account_id, staff_id=None, name="", role=role, site_ids=[])
    return SignedIn(principal=principal, person=person, device_id=new_id(), family_id=new_id())


@dataclass(frozen=True, slots=True)
class Asking:
    store: Store
    clock: FakeClock = field(default_factory=FakeClock)

    def backtest(self, definition: Json, **more: Any) -> Backtest:
        here = Centre(store=self.store, settings=Settings(), clock=self.clock, attempts=Attempts("10/minute"))
        return backtest(here, manager(), Trial(ask=new_id(), definition=definition, **more))


@pytest.fixture
def asking(store: Store) -> Asking:
    return Asking(store)


# ── against the slow way ─────────────────────────────────────────────────────────────────────────────────


def test_a_backtest_is_what_the_scan_would_have_said_each_day(asking: Asking, store: Store, tmp_path: Path) -> None:
    simulate(store, tmp_path)
    days = [*random.Random(4).sample(range(1, BACKTEST_DAYS - 1), 4), BACKTEST_DAYS - 1]
    found = {key: asking.backtest(read_defaults().rules[key].as_json()) for key in KEYS}
    assert all(one.days == [ago(back) for back in reversed(range(BACKTEST_DAYS))] for one in found.values())
    for number in days:
        before, then = scanned(store, found["ok_lens"].days[number - 1]), scanned(store, found["ok_lens"].days[number])
        for key, one in found.items():
            assert (one.inside[number - 1], one.inside[number]) == (len(before[key]), len(then[key])), (key, number)
            assert one.entering[number] == len(then[key] - before[key]), (key, number)
    assert all(max(one.inside) > 0 for one in found.values())
    assert sum(sum(one.entering) for one in found.values()) > 0


def simulate(store: Store, folder: Path) -> None:
    write_clinic(folder / "extract", customers=120, seed=3, today=TODAY, sites=1)
    install_defaults(store.jobs, clock=FakeClock())
    load_extract(store.jobs, folder / "extract", clock=FakeClock())


def scanned(store: Store, on: date) -> Segments:
    """Who is in which segment, had the day been the last one: facts and segments by the scan's own code."""
    with cut_back(store, on) as session:
        compute_facts(session, session, None, at=FakeClock().now())
        classify(session, read_rulebook(session, on=on), scope=Scope())
        found: Segments = {key: set() for key in KEYS}
        query = select(Membership.segment_key, Membership.customer_id).where(Membership.left_on.is_(None))
        for key, customer_id in session.execute(query):
            found.setdefault(key, set()).add(customer_id)
    return found


CUT_BACK = (
    "SET LOCAL session_replication_role = replica",
    "DELETE FROM customer_facts",
    "DELETE FROM membership",
    "DELETE FROM customer WHERE filed_on > :day",
    "DELETE FROM exam WHERE examined_on > :day",
    "DELETE FROM lens_order WHERE least(ordered_on, dispensed_on) > :day",
    "UPDATE lens_order SET ordered_on = NULL WHERE ordered_on > :day",
    "UPDATE lens_order SET dispensed_on = NULL WHERE dispensed_on > :day",
    "UPDATE lens_order SET ended_on = NULL WHERE ended_on > :day",
    "DELETE FROM medication WHERE started_on > :day",
    "UPDATE medication SET ended_on = NULL WHERE ended_on > :day",
    "DELETE FROM visit WHERE visit_on > :day",
    "DELETE FROM recheck_plan WHERE planned_on > :day",
    "DELETE FROM follow_up WHERE (contacted_at AT TIME ZONE 'Asia/Shanghai')::date > :day",
    "DELETE FROM lead WHERE started_on > :day",
    "UPDATE lead SET state = 'started', closed_on = NULL WHERE closed_on > :day",
)


@contextmanager
def cut_back(store: Store, day: date) -> Iterator[Session]:
    """The library without anything that happened after a day, until the block ends."""
    with Session(store.owner) as session:
        for statement in CUT_BACK:
            session.execute(text(statement), {"day": day} if ":day" in statement else {})
        yield session
        session.rollback()


def test_every_frame_of_facts_is_cut_by_its_days(store: Store) -> None:
    with snapshot(store.jobs) as session:
        tables = tables_of(session, [])
    assert set(CUTS) == set(tables)
    assert len(CUTS) == len(Feed)
    for name, cut in CUTS.items():
        assert set(cut.days) <= set(tables[name].columns)


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────

WORN = rule_of(condition("product", "eq", "ok_lens"))


def at(found: Backtest, days_ago: int) -> tuple[int, int, int]:
    """Entering, inside and came on a day."""
    number = found.days.index(ago(days_ago))
    return found.entering[number], found.inside[number], found.came[number]


def test_who_matched_before_the_first_day_does_not_begin_on_it(asking: Asking) -> None:
    library = Library(asking.store, asking.clock)
    library.lenses(library.customer(), ago(BACKTEST_DAYS))
    library.lenses(library.customer(), ago(BACKTEST_DAYS - 1))
    found = asking.backtest(WORN)
    assert at(found, BACKTEST_DAYS - 1) == (1, 2, 0)
    assert sum(found.entering) == 1
    assert found.inside == [2] * BACKTEST_DAYS


@pytest.mark.parametrize(("arrived", "came"), [(100, 0), (99, 1), (100 - WINDOW_DAYS, 1), (100 - WINDOW_DAYS - 1, 0)])
def test_who_comes_within_the_window_after_entering_came_anyway(asking: Asking, arrived: int, came: int) -> None:
    library = Library(asking.store, asking.clock)
    customer = library.customer()
    library.lenses(customer, ago(100))
    library.visit(customer, ago(arrived))
    library.visit(library.customer(), ago(95))
    assert at(asking.backtest(WORN), 100) == (1, 1, came)


@pytest.mark.parametrize(("contacted", "came"), [(101, 1), (100, 0), (95, 0), (90, 0), (89, 1)])
def test_who_was_contacted_before_coming_did_not_come_anyway(asking: Asking, contacted: int, came: int) -> None:
    library = Library(asking.store, asking.clock)
    customer = library.customer()
    library.lenses(customer, ago(100))
    library.contact(customer, ago(contacted), Outcome.BOOKED)
    library.exam(customer, ago(90))
    assert at(asking.backtest(WORN), 100) == (1, 1, came)


def test_a_booking_that_was_not_kept_is_no_arrival(asking: Asking) -> None:
    library = Library(asking.store, asking.clock)
    customer = library.customer()
    library.lenses(customer, ago(100))
    library.visit(customer, ago(95), VisitState.BOOKED)
    assert at(asking.backtest(WORN), 100) == (1, 1, 0)


def test_days_pass_without_anything_happening(asking: Asking) -> None:
    library = Library(asking.store, asking.clock)
    library.lenses(library.customer(), ago(600), ProductKind.OK_LENS)
    old = rule_of(condition("oldest_ok_lens_on", "days_ago_gt", 550))
    found = asking.backtest(old)
    assert (at(found, 50), at(found, 49)) == ((0, 0, 0), (1, 1, 0))


def test_another_day_and_other_values_are_tried(asking: Asking) -> None:
    library = Library(asking.store, asking.clock)
    install_defaults(asking.store.jobs, clock=asking.clock)
    library.lenses(library.customer(), ago(600))
    old = rule_of(condition("oldest_ok_lens_on", "days_ago_gt", parameter="replacement_days"))
    found = asking.backtest(old, parameters={"replacement_days": 540}, on=ago(10))
    assert found.days[-1] == ago(10)
    assert (at(found, 60), at(found, 59)) == ((0, 0, 0), (1, 1, 0))


def test_above_so_many_a_sample_is_taken_and_scaled_up(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(asking.store, asking.clock)
    for _ in range(6):
        library.lenses(library.customer(), ago(100))
    monkeypatch.setattr(backtests, "MOST_CUSTOMERS", 4)
    monkeypatch.setattr(backtests, "CHUNK", 3)
    found = asking.backtest(WORN)
    assert (found.sampled, found.customers, at(found, 100)) == (4, 6, (6, 6, 0))
    assert asking.backtest(WORN) == found


def test_an_empty_centre_has_an_empty_past(asking: Asking) -> None:
    found = asking.backtest(WORN)
    assert (found.sampled, found.customers, sum(found.inside)) == (0, 0, 0)
    assert len(found.days) == BACKTEST_DAYS
    assert found.days[-1] - found.days[0] == timedelta(days=BACKTEST_DAYS - 1)
