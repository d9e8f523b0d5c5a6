"""Parameters: a new value is a new row, within range and unit, by who looked at the one in force."""

import threading
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.jobs.defaults import install_defaults, read_parameters
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.rules.messages import ParameterLine
from hcrm_store.journeys import RuleParameter
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.rule_desk import Desk, add_manager, code_of, requests_of, rule


@pytest.fixture
def desk(client_for: SignIn, store: Store, clock: FakeClock) -> Desk:
    found = Desk(client_for("manager"))
    install_defaults(store.jobs, clock=clock)
    return found


def line(desk: Desk, key: str) -> ParameterLine:
    return next(one for one in desk.shelf().parameters if one.parameter["key"] == key)


def test_a_new_value_is_a_new_row_with_author_and_reason(desk: Desk, store: Store, clock: FakeClock) -> None:
    answer = desk.set("replacement_days", "600", number=1, note="按厂家说明")
    assert answer.status_code == 200, answer.text
    found = line(desk, "replacement_days")
    assert (found.parameter["value"], found.default, found.number) == ("600", Decimal(550), 2)
    assert (found.author, found.note, found.set_at) == ("员工manager", "按厂家说明", clock.now())
    assert requests_of(store) == [("parameter", "replacement_days")]
    with Session(store.jobs) as session:
        rows = session.scalars(
            select(RuleParameter).where(RuleParameter.key == "replacement_days").order_by(RuleParameter.number)
        ).all()
    assert [(one.number, one.definition["value"], one.author) for one in rows] == [
        (1, "550", "system"),
        (2, "600", "员工manager"),
    ]


def test_the_default_comes_back_by_the_same_way(desk: Desk) -> None:
    desk.set("replacement_days", "600", number=1)
    default = line(desk, "replacement_days").default
    assert desk.set("replacement_days", str(default), number=2).status_code == 200
    found = line(desk, "replacement_days")
    assert (found.parameter["value"], found.number) == ("550", 3)


def test_days_are_whole_and_within_their_range(desk: Desk) -> None:
    for value in ("364", "731", "550.5", "-550", "NaN", "Infinity", ""):
        assert code_of(desk.set("replacement_days", value, number=1)) == "invalid_request", value
    for number, value in enumerate(("365", "730", "550.0", "5e2"), 1):
        assert desk.set("replacement_days", value, number=number).status_code == 200, value


def test_units_that_count_take_whole_numbers_and_those_that_measure_any(desk: Desk) -> None:
    for key, value in (("upsell_wear_months", "6.5"), ("ok_age", "8.5")):
        assert code_of(desk.set(key, value, number=1)) == "invalid_request", key
    for key, value in (("growth_half_year", "62.5"), ("referral_cct", "480.5")):
        assert desk.set(key, value, number=1).status_code == 200, key


def test_an_unknown_parameter_and_an_empty_reason_are_refused(desk: Desk) -> None:
    assert code_of(desk.set("nonsense", "1", number=1)) == "invalid_request"
    assert code_of(desk.set("replacement_days", "600", number=1, note="")) == "invalid_request"


def test_who_did_not_see_the_last_value_is_told(desk: Desk) -> None:
    assert code_of(desk.set("replacement_days", "600", number=0)) == "stale"
    desk.set("replacement_days", "600", number=1)
    assert code_of(desk.set("replacement_days", "700", number=1)) == "stale"


def test_of_two_who_set_at_once_one_does(desk: Desk, client_for: SignIn, clinic: Clinic, store: Store) -> None:
    add_manager(store, clinic)
    desks, codes = [desk, Desk(client_for("second"))], list[int]()
    begin = threading.Barrier(2)

    def run(one: Desk) -> None:
        begin.wait(10)
        codes.append(one.set("replacement_days", "600", number=1).status_code)

    threads = [threading.Thread(target=run, args=(one,)) for one in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(codes) == [200, 409]
    assert line(desk, "replacement_days").number == 2


def test_a_parameter_names_the_rules_and_sops_that_use_it(desk: Desk) -> None:
    used = {"fact": "ok_lens_since", "op": "days_ago_gt", "parameter": "replacement_days", "unknown": "no"}
    assert "replacement_overdue" in line(desk, "replacement_days").used_by
    desk.save(rule(where=used))
    assert "sleepy" not in line(desk, "replacement_days").used_by  # a draft uses nothing
    assert {"recheck_due"} <= set(line(desk, "recheck_lead_days").used_by)


def test_a_parameter_that_no_release_came_with_has_no_default(desk: Desk, store: Store) -> None:
    own = read_parameters()["replacement_days"].model_copy(update={"key": "own_days"})
    with transaction(store.jobs) as session:
        session.add(RuleParameter(key="own_days", number=1, definition=own.model_dump(mode="json"), author="manager"))
    assert (line(desk, "own_days").default, line(desk, "own_days").used_by) == (None, [])


def test_the_shelf_tells_how_much_a_person_is_given_a_day(desk: Desk) -> None:
    assert desk.shelf().capacity == 40
    desk.set("daily_capacity", "25", number=1)
    assert desk.shelf().capacity == 25
