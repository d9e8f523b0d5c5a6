"""The shelf and the list of runs: what is in force, how many it concerns, and what waits."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from hcrm_central.jobs.defaults import install_defaults, read_defaults
from hcrm_central.jobs.scan import rescan, scan
from hcrm_central.jobs.worker import Worker
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Quarantine, ScanRequest, ScanRun
from hcrm_core.clinic_time import business_date
from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_core.rules.messages import RuleHead, RuleState
from hcrm_store.base import new_id
from hcrm_store.journeys import RuleVersion
from tests.central.conftest import SignIn
from tests.factories import SEGMENT_KEY, SOP_KEY, Clinic
from tests.fakes import FakeClock
from tests.rule_desk import KEY, Desk, code_of, requests_of, rule

UNMEASURED = {"fact": "cct_um_od", "op": "ge", "value": 480, "unknown": "needs_measurement"}


@pytest.fixture
def desk(client_for: SignIn) -> Desk:
    return Desk(client_for("manager"))


def head_of(desk: Desk, key: str = KEY) -> RuleHead:
    found = desk.head(key)
    assert found is not None
    return found


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_shelf_holds_all_rules_parameters_sops_and_sites(desk: Desk, store: Store, clock: FakeClock) -> None:
    install_defaults(store.jobs, clock=clock)
    shelf, defaults = desk.shelf(), read_defaults()
    assert {one.key for one in shelf.rules} == {*defaults.rules, "test"}
    assert {one.parameter["key"] for one in shelf.parameters} == set(defaults.parameters)
    assert {one.key for one in shelf.sops} == {*defaults.sops, SOP_KEY}
    assert [one.code for one in shelf.sites] == ["north", "south"]
    assert (shelf.as_of, shelf.customers, shelf.two_person) == (clock.now(), 3, False)
    assert [one.open for one in shelf.sops if one.key == SOP_KEY] == [3]
    assert all(one.default is not None for one in shelf.parameters)


def test_a_rule_that_cannot_be_read_is_listed_by_its_segment(desk: Desk) -> None:
    head = head_of(desk, "test")
    assert (head.label, head.segment_key, head.customers, head.published) == ("测试客群", SEGMENT_KEY, 3, 1)


def test_a_draft_of_a_new_rule_is_on_the_shelf(desk: Desk) -> None:
    desk.save(rule(exclusive="stage", priority=7))
    head = head_of(desk)
    assert (head.published, head.draft, head.draft_state, head.draft_author) == (
        None,
        1,
        RuleState.DRAFT,
        "员工manager",
    )
    assert (head.label, head.exclusive, head.priority, head.customers) == ("规则sleepy", "stage", 7, 0)


def test_a_rule_in_force_is_shown_as_it_is_in_force_with_its_draft_beside(desk: Desk) -> None:
    desk.put(rule(label="在用"))
    desk.save(rule(label="草稿"), based_on=1)
    head = head_of(desk)
    assert (head.label, head.published, head.draft) == ("在用", 1, 2)


def test_a_rule_that_ended_is_shown_as_it_was_last(desk: Desk) -> None:
    desk.put(rule(label="一"))
    desk.put(rule(label="二"), based_on=1)
    desk.save(rule(label="三"), based_on=2)
    desk.drop(1)
    desk.retire(2)
    assert (head_of(desk).label, head_of(desk).published, head_of(desk).draft) == ("二", None, None)


def test_counts_come_from_membership_and_from_the_last_run_that_told(
    desk: Desk, store: Store, clock: FakeClock, clinic: Clinic
) -> None:
    desk.put(rule("known", where={"fact": "birth_date", "op": "is_known"}))
    desk.put(rule("thin", where=UNMEASURED))
    scan(store.jobs, clock=clock)
    assert (head_of(desk, "known").customers, head_of(desk, "known").needs_measurement) == (3, 0)
    assert (head_of(desk, "thin").customers, head_of(desk, "thin").needs_measurement) == (0, 3)
    assert (head_of(desk, "known").before, head_of(desk, "thin").before) == (0, 0)
    clock.advance(timedelta(minutes=1))
    rescan(store.jobs, [clinic.mine.customer_id], clock=clock)  # tells of one customer alone
    told = {"segments": {"thin": {"needs_measurement": 0}}, "failed": []}
    at = clock.now()
    with transaction(store.jobs) as session:  # over nobody: somebody is away
        session.add(ScanRun(kind="absence", scanned_for=business_date(at), started_at=at, finished_at=at, counts=told))
    assert head_of(desk, "thin").needs_measurement == 3
    desk.put(rule("thin", where={"not": UNMEASURED}), based_on=1)
    clock.advance(timedelta(minutes=1))
    Worker(store.jobs, clock=clock, scan_at=clock.now().time()).finish()
    assert (head_of(desk, "known").customers, head_of(desk, "thin").needs_measurement) == (3, 3)
    clock.advance(timedelta(minutes=1))
    scan(store.jobs, clock=clock)
    assert head_of(desk, "known").before == 3


def test_a_rule_that_the_last_run_could_not_use_is_marked(desk: Desk, store: Store, clock: FakeClock) -> None:
    desk.put(rule())
    assert not head_of(desk, "test").failed
    scan(store.jobs, clock=clock)
    assert (head_of(desk, "test").failed, head_of(desk).failed) == (True, False)


def test_what_waits_to_be_worked_out_is_marked_with_all_that_hang_on_it(
    desk: Desk, store: Store, clock: FakeClock
) -> None:
    desk.put(rule("base"))
    desk.put(rule("asking", where={"rule": "base"}))
    desk.put(rule("apart"))
    with transaction(store.jobs) as session:
        for one in session.scalars(select(ScanRequest)):
            one.finished_at = clock.now()
    assert not any(one.reevaluating for one in desk.shelf().rules)
    answer = desk.put(rule("base", label="新"), based_on=1)
    assert {one.key for one in desk.shelf().rules if one.reevaluating} == {"base", "asking"}
    assert answer.request_id is not None
    Worker(store.jobs, clock=clock, scan_at=clock.now().time()).finish()
    assert not any(one.reevaluating for one in desk.shelf().rules)
    done = desk.requested(answer.request_id)
    assert (done.finished_at, done.failed) == (clock.now(), "")


# ── what is unknown ──────────────────────────────────────────────────────────────────────────────────────


def test_the_share_of_the_unknown_is_told_for_every_fact(
    desk: Desk, store: Store, clock: FakeClock, clinic: Clinic
) -> None:
    assert desk.shelf().unknown == {}
    scan(store.jobs, clock=clock)
    unknown = desk.shelf().unknown
    assert set(unknown) == set(CATALOGUE)
    assert (unknown["birth_date"], unknown["cct_um_od"]) == (0, 1)


def test_the_unknown_is_counted_once_a_scan(desk: Desk, store: Store, clock: FakeClock) -> None:
    scan(store.jobs, clock=clock)
    asked: list[str] = []

    def note(*values: object) -> None:
        asked.append(str(values[2]))

    event.listen(store.service, "before_cursor_execute", note)
    try:
        for _ in range(3):
            desk.shelf()
        assert sum("count(customer_facts" in one for one in asked) == 1
        clock.advance(timedelta(minutes=1))
        scan(store.jobs, clock=clock)
        desk.shelf()
        assert sum("count(customer_facts" in one for one in asked) == 2
    finally:
        event.remove(store.service, "before_cursor_execute", note)


def test_the_shelf_names_no_customer(desk: Desk, store: Store, clock: FakeClock, clinic: Clinic) -> None:
    install_defaults(store.jobs, clock=clock)
    scan(store.jobs, clock=clock)
    said = desk.client.get("/rules").text
    assert not [one for one in (clinic.mine.phone, "患者", clinic.mine.note) if one in said]


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_runs_are_told_newest_first_and_add_up(desk: Desk, store: Store, clock: FakeClock, clinic: Clinic) -> None:
    first = scan(store.jobs, clock=clock).run_id
    clock.advance(timedelta(minutes=1))
    second = rescan(store.jobs, [clinic.mine.customer_id], clock=clock).run_id
    told = desk.scans()
    assert [one.run_id for one in told.runs] == [second, first]
    assert [(one.kind, one.expected, one.seen, one.adds_up) for one in told.runs] == [
        ("customers", 1, 1, True),
        ("asked", 3, 3, True),
    ]


def test_runs_of_a_few_customers_do_not_hide_the_others(desk: Desk, store: Store, clock: FakeClock) -> None:
    scan(store.jobs, clock=clock)
    now = clock.now()
    with transaction(store.jobs) as session:
        for n in range(100):
            at = now + timedelta(seconds=n)
            session.add(
                ScanRun(kind="customers", scanned_for=business_date(at), started_at=at, finished_at=at, counts={})
            )
    runs = desk.scans().runs
    assert [one.kind for one in runs].count("customers") == 20
    assert runs[-1].kind == "asked"
    assert runs == sorted(runs, key=lambda one: one.started_at, reverse=True)


def test_a_missed_night_those_who_wait_and_those_set_aside_are_told(
    desk: Desk, store: Store, clock: FakeClock, clinic: Clinic
) -> None:
    told = desk.scans()
    assert told.missed == business_date(clock.now())  # 9 in the morning, and never scanned
    assert told.waiting == 3  # the clinic is new
    scan(store.jobs, clock=clock)
    with transaction(store.jobs) as session:
        session.add(Quarantine(customer_id=clinic.far.customer_id, reason="unreadable", since=clock.now()))
    told = desk.scans()
    assert (told.missed, told.waiting) == (None, 0)
    (aside,) = told.quarantine
    assert (aside.customer_id, aside.name, aside.reason) == (clinic.far.customer_id, "患者3号", "unreadable")


def test_a_scan_is_asked_for_once_and_answered(desk: Desk, store: Store, clock: FakeClock) -> None:
    first = desk.client.post("/scans", {}).json()["request_id"]
    assert desk.client.post("/scans", {}).json()["request_id"] == first
    assert requests_of(store) == [("asked", "")]
    Worker(store.jobs, clock=clock, scan_at=clock.now().time()).finish()
    assert desk.requested(first).finished_at == clock.now()
    assert desk.client.post("/scans", {}).json()["request_id"] != first


def test_a_request_that_nobody_made_is_unknown(desk: Desk) -> None:
    assert code_of(desk.client.get(f"/scans/requests/{new_id()}")) == "invalid_request"


def test_the_history_of_an_unused_key_is_empty(desk: Desk, store: Store) -> None:
    assert desk.versions("nobody") == []
    with Session(store.jobs) as session:
        assert session.scalars(select(RuleVersion.rule_key)).all() == ["test"]
