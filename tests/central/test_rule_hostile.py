"""Rules, values and requests that nobody sends by honest work: each is answered with a code, and nothing is lost."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text, update

from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.scan import scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account
from hcrm_core.terms import VisitState
from hcrm_core.wire import Json
from hcrm_store.base import new_id
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.questioning import condition
from tests.rule_desk import KEY, Desk, add_manager, rule
from tests.scanning import Library, ago

SOUND = condition("sex", "is_known")
QUESTIONS = ("counts", "histogram", "sweep", "diff", "overlap", "backtest", "explain")


@pytest.fixture
def desk(client_for: SignIn, store: Store, clock: FakeClock) -> Desk:
    install_defaults(store.jobs, clock=clock)
    return Desk(client_for("manager"))


def within(tree: Json, *, levels: int) -> Json:
    for _ in range(levels):
        tree = {"not": tree}
    return tree


def asked(
    desk: Desk, definition: Json, clinic: Clinic, *, names: Sequence[str] = QUESTIONS, of: UUID | None = None
) -> Iterator[httpx.Response]:
    """Every question about it."""
    more: dict[str, Json] = {
        "histogram": {"path": []},
        "sweep": {"parameter": "replacement_days", "values": ["400", "500"]},
        "explain": {"customer_id": str(of or clinic.mine.customer_id)},
    }
    for name in names:
        yield desk.client.post(
            f"/questions/{name}", {"ask": str(new_id()), "definition": definition} | more.get(name, {})
        )


def is_told(answer: httpx.Response, *, status: int, code: str, of: str = "") -> None:
    """A refusal says what it is, and what to do."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), (of, answer.url.path, answer.text[:400])
    assert body["remedy"]


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────

NO_TREES: dict[str, Any] = {
    "none": None,
    "a list": [],
    "a text": "sex",
    "empty": {},
    "all of a number": {"all": 5},
    "all of true": {"all": True},
    "all of a text": {"any": "abc"},
    "all of nothing": {"all": []},
    "not of a list": {"not": [SOUND]},
    "ten thousand nodes": {"all": [SOUND] * 10_000},
    "500 levels": within(SOUND, levels=500),
    "nine levels": within(SOUND, levels=8),
    "a float": condition("se_od", "lt", 1.5),
    "a fact that is a list": {"fact": ["sex"], "op": "is_known"},
    "a list in a list": condition("product", "in", [["ok_lens"]]),
    "an unknown word": SOUND | {"surprise": 1},
    "no text that a database stores": SOUND | {"citation": "\x00"},
}


def test_what_is_no_rule_is_refused_wherever_it_comes(desk: Desk, clinic: Clinic) -> None:
    for name, where in NO_TREES.items():
        definition = rule(where=where)
        for answer in (desk.try_save(definition), *asked(desk, definition, clinic)):
            is_told(answer, status=422, code="invalid_request", of=name)
    assert desk.versions() == []


# Of a rule that asks after days a life away, kept with a customer of whom it is known what it says.
CASES: dict[str, Json] = {
    "before anybody": {"on": "0001-01-01"},
    "the day before the first": {"on": "1949-12-31"},
    "the day after the last": {"on": "2150-01-02"},
    "at the end of the calendar": {"on": "9999-12-31"},
    "without a name": {"name": ""},
    "facts without end": {"facts": {f"fact{n}": 1 for n in range(101)}},
    "half a number": {"facts": {"se_od": 1.5}},
}


def test_a_case_that_cannot_be_read_is_refused_with_its_rule(desk: Desk, clinic: Clinic) -> None:
    case = {"name": "王同学", "on": "2026-11-22", "facts": {"filed_on": "2020-01-01"}, "expected": "false"}
    for name, change in CASES.items():
        definition = rule(where=condition("filed_on", "days_ago_gt", 36_500), cases=[case | change])
        for answer in (desk.try_save(definition), *asked(desk, definition, clinic, names=("counts", "explain"))):
            is_told(answer, status=422, code="invalid_request", of=name)
    assert desk.versions() == []


def test_a_case_on_the_first_and_on_the_last_day_is_read(desk: Desk) -> None:
    case = {"name": "王同学", "facts": {"filed_on": "2020-01-01"}, "expected": "false"}
    for day in ("1950-01-01", "2150-01-01"):
        definition = rule(where=condition("filed_on", "days_ago_gt", 36_500), cases=[case | {"on": day}])
        answer = desk.try_save(definition, ver=None if day < "2000" else 1)
        assert answer.status_code == 200, answer.text
    is_told(desk.try_publish(2), status=409, code="rule_unsound")  # in 2150 it is more than a life ago


UNREADABLE: dict[str, Json] = {
    "a number without end": condition("se_od", "lt", "1e999999"),
    "no number": condition("se_od", "lt", "sNaN"),
    "nothing": condition("se_od", "lt", ""),
    "29 February of another year": condition("filed_on", "eq", "2023-02-29"),
    "the first day": condition("filed_on", "lt", "0001-01-01"),
    "the last day": condition("filed_on", "gt", "9999-12-31"),
    "more days than a life": condition("filed_on", "days_ago_gt", 10**30),
    "a list without end": condition("product", "in", ["ok_lens"] * 70_000),
    "other letters": condition("product", "eq", "角塑\u202e\U0001f441"),
}


def test_a_value_that_cannot_be_read_is_kept_as_a_draft_and_never_comes_into_force(desk: Desk, clinic: Clinic) -> None:
    for name, where in UNREADABLE.items():
        definition = rule(where=where)
        saved = desk.save(definition)
        is_told(desk.try_publish(saved.ver), status=409, code="rule_unsound", of=name)
        for answer in asked(desk, definition, clinic):
            is_told(answer, status=422, code="invalid_request", of=name)
            assert answer.json()["codes"] == ["value_unsuitable"], name
        assert desk.versions()[0].definition["where"]["value"] == where["value"]
        desk.drop(saved.ver)


EDGES: dict[str, Json] = {
    "leap_day": {"where": condition("filed_on", "ge", "2024-02-29")},
    "first_day": {"where": condition("filed_on", "ge", "1900-01-01")},
    "last_day": {"where": condition("filed_on", "le", "2199-12-31")},
    "as_many_days_as_a_life": {"where": condition("filed_on", "days_ago_le", 36_500)},
    "eight_levels": {"where": within(SOUND, levels=7)},
    "valid_for_ever": {"where": SOUND, "valid_from": "0001-01-01", "valid_until": "9999-12-31"},
    "valid_from_the_last_day": {"where": SOUND, "valid_from": "9999-12-31"},
    "a_site_named_without_end": {"where": SOUND, "sites": ["north"] * 70_000},
    "a_priority_without_end": {"where": SOUND, "exclusive": "lens", "priority": 10**30},
}


def test_rules_at_the_edge_are_published_scanned_asked_and_explained(
    desk: Desk, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    edges = [rule(key, **changes) for key, changes in EDGES.items()]
    for definition in edges:
        desk.put(definition)
    report = scan(store.jobs, clock=clock)
    assert report.adds_up
    assert not EDGES.keys() & set(report.failed)
    for definition in edges:
        for answer in asked(desk, definition, clinic, names=("counts", "diff", "overlap", "explain")):
            assert answer.status_code == 200, (definition["key"], answer.text)


def test_a_rule_that_asks_itself_is_named_and_stays_a_draft(desk: Desk, clinic: Clinic) -> None:
    definition = rule(where={"any": [SOUND, {"rule": KEY}]})
    is_told(desk.try_publish(desk.save(definition).ver), status=409, code="rule_unsound")
    for answer in asked(desk, definition, clinic):
        is_told(answer, status=422, code="invalid_request")
        assert answer.json()["codes"] == ["rule_cycle"]


# ── bodies and numbers ───────────────────────────────────────────────────────────────────────────────────

BODIES = {
    "nothing": b"",
    "half": b'{"definition":',
    "another encoding": b"\xff\xfe",
    "a list": b"[]",
    "deeper than is read": b'{"definition":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "longer than is read": b'{"ver":' + b"1" * 5_000 + b"}",
    "no number": b'{"definition":{"priority":NaN},"ver":null,"based_on":null}',
    "half a character": json.dumps({"definition": rule(label="\ud800"), "ver": None, "based_on": None}).encode(),
}


def test_a_body_that_cannot_be_read_is_refused(desk: Desk) -> None:
    headers = desk.client.headers | {"Content-Type": "application/json"}
    for name, body in BODIES.items():
        for path in (f"/rules/{KEY}/draft", "/questions/overlap"):
            answer = desk.client.http.post(path, content=body, headers=headers)
            is_told(answer, status=422, code="invalid_request", of=name)
    assert desk.versions() == []


def test_a_version_that_never_was_is_none_that_anybody_saw(desk: Desk) -> None:
    desk.put(rule())
    for n in (10**30, -1, 2**63):
        for answer in (desk.retire(n), desk.restore(1, published=n), desk.try_publish(n), desk.drop(n)):
            is_told(answer, status=409, code="stale")
        is_told(desk.restore(n, published=1), status=422, code="invalid_request")


def test_a_parameter_outside_its_range_is_neither_tried_nor_set(desk: Desk, clinic: Clinic) -> None:
    key = "replacement_days"
    for value in ("NaN", "Infinity", "1e999999", "-1e-999999", "364", "731", "550.5", "", None):
        bodies: dict[str, Json] = {
            "questions/parameter": {"key": key, "value": value},
            "questions/sweep": {"definition": rule(), "parameter": key, "values": [value]},
            "questions/counts": {"definition": rule(), "parameters": {key: value}},
            f"parameters/{key}": {"value": value, "number": 1, "note": "试"},
        }
        for path, body in bodies.items():
            answer = desk.client.post(f"/{path}", {"ask": str(new_id()), **body})
            is_told(answer, status=422, code="invalid_request", of=str(value))
    line = next(one for one in desk.shelf().parameters if one.parameter["key"] == "replacement_days")
    assert (line.number, line.parameter["value"]) == (1, "550")


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_stopped_in_the_middle_loses_nothing_and_a_colleague_goes_on(
    desk: Desk, client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    add_manager(store, clinic)
    other = Desk(client_for("second"))
    saved = desk.save(rule())
    with transaction(store.jobs) as session:
        session.execute(update(Account).where(Account.username == "manager").values(active=False))
    for answer in (desk.try_publish(saved.ver), desk.try_save(rule(label="二"), ver=saved.ver)):
        is_told(answer, status=401, code="account_inactive")
    assert [one.number for one in other.versions()] == [saved.number]
    assert other.publish(saved.ver).number == saved.number


def test_questions_to_a_centre_without_customers_are_answered_with_nobody(
    desk: Desk, clinic: Clinic, store: Store
) -> None:
    with store.owner.begin() as connection:
        connection.execute(text("TRUNCATE customer CASCADE"))
    found = {
        answer.url.path.rpartition("/")[2]: answer.json()
        for answer in asked(desk, rule(), clinic, names=QUESTIONS[:-1])
    }
    assert (found["counts"]["customers"], found["counts"]["matching"]) == (0, 0)
    assert (found["diff"]["stay"], found["diff"]["enter"], found["diff"]["loads"]) == (0, 0, [])
    assert found["overlap"]["both"] == [[0]]
    assert (found["sweep"]["matching"], found["backtest"]["customers"]) == ([0, 0], 0)


# Some records write the last day of the calendar for never.
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_record_with_a_day_beyond_reach_stops_neither_the_scan_nor_an_answer(
    desk: Desk, clinic: Clinic, store: Store, clock: FakeClock, day: str
) -> None:
    library = Library(store, clock, code="east")
    child = library.overdue()
    library.lenses(child, ago(400))
    library.visit(child, ago(30), VisitState.BOOKED)
    scan(store.jobs, clock=clock)
    with transaction(store.jobs) as session:
        for statement in (
            "UPDATE visit SET visit_on = CAST(:day AS date) WHERE customer_id = :id",
            "UPDATE recheck_plan SET due_on = CAST(:day AS date) WHERE customer_id = :id",
        ):
            session.execute(text(statement), {"day": day, "id": child})
    report = scan(store.jobs, clock=clock)
    assert (report.adds_up, report.quarantined) == (True, ())
    definition = desk.versions("lost_contact")[0].definition
    for answer in asked(desk, definition, clinic, names=("counts", "diff", "backtest", "explain"), of=child):
        assert answer.status_code == 200, answer.text
