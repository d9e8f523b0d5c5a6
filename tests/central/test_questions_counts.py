"""Counts, histograms and sweeps: whatever is asked, the answer is a slow recount of everybody."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text

from hcrm_central.api.questions.asking import Questions
from hcrm_central.store.engine import Principal, snapshot
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_core.rules import Rule, lower_rule
from hcrm_core.rules.lowering import lower_nodes
from hcrm_core.rules.messages import MOST_THRESHOLDS, Counts, Histogram, Sweep
from hcrm_core.rules.model import AllOf, Condition, Path, nodes
from hcrm_core.rules.thresholds import HistogramReader, is_draggable, threshold_of, with_threshold
from hcrm_core.terms import Role
from hcrm_core.wire import Json
from hcrm_store.base import new_id
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.questioning import CUSTOMERS, Asker, Crowd, condition, crowd, rule_of, some_rules
from tests.rule_trees import TODAY


@pytest.fixture
def everybody(store: Store, clinic: Clinic) -> Crowd:
    return crowd(store, clinic)


@pytest.fixture
def manager(client_for: SignIn, everybody: Crowd) -> Asker:
    return Asker(client_for("manager"))


# ── counts ───────────────────────────────────────────────────────────────────────────────────────────────


def test_counts_are_those_of_a_recount_line_by_line(manager: Asker, everybody: Crowd) -> None:
    within = everybody.within()
    for raw in some_rules(12, leaves=9):
        rule = Rule.model_validate(raw)
        found, lowered = manager.ask("counts", Counts, raw), lower_rule(rule, within=within)
        told = (found.customers, found.matching, found.open)
        assert told == (
            CUSTOMERS,
            len(everybody.where(lowered, verdict=True)),
            len(everybody.where(lowered, verdict=None)),
        )
        assert {one.path: (one.matching, one.open, one.left) for one in found.nodes} == recount(everybody, rule)


def recount(everybody: Crowd, rule: Rule) -> dict[Path, tuple[int, int, int]]:
    lines, tree = lower_nodes(rule, within=everybody.within()), dict(nodes(rule.where))
    met = {path: everybody.where(lowered, verdict=True) for path, lowered in lines.items()}
    found = {}
    for path, lowered in lines.items():
        left = met[path]
        if path and isinstance(tree[path[:-1]], AllOf):
            left = set.intersection(*(met[(*path[:-1], n)] for n in range(path[-1] + 1) if (*path[:-1], n) in met))
        found[path] = (len(met[path]), len(everybody.where(lowered, verdict=None)), len(left))
    return found


def test_lines_are_told_in_reading_order_and_muted_ones_are_not(manager: Asker) -> None:
    known, unknown = condition("product", "is_known"), condition("product", "is_unknown", muted=True)
    found = manager.ask("counts", Counts, rule_of({"all": [known, unknown, {"any": [known, known]}]}))
    assert [one.path for one in found.nodes] == [(), (0,), (2,), (2, 0), (2, 1)]


def test_the_rest_of_an_all_shrinks_line_by_line(manager: Asker) -> None:
    lines = [condition("product", "is_known"), condition("se_od", "is_known"), condition("product", "is_unknown")]
    found = manager.ask("counts", Counts, rule_of({"all": lines}))
    left = [one.left for one in found.nodes]
    assert left[1] > left[2] > left[3] == 0 == found.matching
    assert [one.matching for one in found.nodes][3] == CUSTOMERS - left[1]


def test_a_parameter_is_tried_and_the_day_is_another(manager: Asker, everybody: Crowd) -> None:
    raw = rule_of(condition("last_activity_on", "days_ago_ge", parameter="days"))
    for days, on in ((0, TODAY), (1, TODAY), (365, TODAY), (365, TODAY + timedelta(days=1))):
        last = [row["last_activity_on"] for row in everybody.rows.values() if row["last_activity_on"]]
        found = manager.ask("counts", Counts, raw, parameters={"days": days}, on=on.isoformat())
        assert found.matching == sum((on - day).days >= days for day in last)


@pytest.mark.parametrize(
    ("where", "more", "codes"),
    [
        (condition("nothing", "eq", 1), {}, ["fact_unknown"]),
        (condition("product", "eq"), {}, ["value_missing"]),
        ({"rule": "nobody"}, {}, ["rule_unknown"]),
        ({"all": [condition("product", "is_known", muted=True)]}, {}, ["rule_empty"]),
        (condition("last_activity_on", "days_ago_ge", parameter="gone"), {}, ["parameter_unknown"]),
        (condition("product", "is_known"), {"parameters": {"gone": 1}}, ["parameter_unknown"]),
        (condition("product", "is_known"), {"parameters": {"days": 10_000}}, ["value_unsuitable"]),
        (condition("product", "is_known"), {"on": "1949-12-31"}, ["day_unsuitable"]),
        ({"all": []}, {}, ["rule_unreadable"]),
        ({"any": [condition("product", "is_known")] * 201}, {}, ["rule_unreadable"]),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_is_wrong(
    manager: Asker, where: Json, more: dict[str, Any], codes: list[str]
) -> None:
    answer = manager.try_ask("counts", rule_of(where), **more)
    assert (answer.status_code, answer.json()["code"], answer.json()["codes"]) == (422, "invalid_request", codes)


def test_a_rule_at_a_site_that_is_not_there_is_refused(manager: Asker) -> None:
    answer = manager.try_ask("counts", rule_of(condition("product", "is_known"), sites=["nowhere"]))
    assert answer.json()["codes"] == ["site_unknown"]


# ── one threshold, one parameter ─────────────────────────────────────────────────────────────────────────


def test_a_histogram_answers_every_threshold(manager: Asker, everybody: Crowd) -> None:
    asked = 0
    for raw in some_rules(14):
        rule = Rule.model_validate(raw)
        for path, node in nodes(rule.where):
            if isinstance(node, Condition) and is_draggable(node) and not _is_muted(rule, path):
                asked += 1
                _agree(manager, everybody, raw, path)
    assert asked > 5


def _is_muted(rule: Rule, path: Path) -> bool:
    tree = dict(nodes(rule.where))
    return any(tree[path[:length]].muted for length in range(len(path) + 1))


def _agree(manager: Asker, everybody: Crowd, raw: Json, path: Path) -> None:
    rule, within = Rule.model_validate(raw), everybody.within()
    found = manager.ask("histogram", Histogram, raw, path=list(path))
    assert found.always + found.never + sum(many for _, many in found.values) == CUSTOMERS
    node = dict(nodes(rule.where))[path]
    assert isinstance(node, Condition)
    read, now = HistogramReader(found, rule=rule, on=TODAY), threshold_of(node, parameters=within.parameters)
    for value in (now - 1, now, now + 1):
        if value >= 0 or not node.op.value.count("_"):
            assert read.matching(value) == len(everybody.matching(with_threshold(rule, path, value=value)))


def test_buckets_are_texts_in_ascending_order(manager: Asker) -> None:
    days = manager.ask("histogram", Histogram, rule_of(condition("last_activity_on", "days_ago_ge", 1)), path=[]).values
    assert [day for day, _ in days] == sorted(day for day, _ in days)
    powers = [Decimal(se) for se, _ in _powers(manager)]
    assert powers == sorted(powers)
    assert {"-1", "-0.75", "0"} <= {se for se, _ in _powers(manager)}


def _powers(manager: Asker) -> list[tuple[str, int]]:
    return manager.ask("histogram", Histogram, rule_of(condition("se_od", "le", "-0.50")), path=[]).values


def test_a_line_without_a_threshold_has_no_histogram(manager: Asker) -> None:
    answer = manager.try_ask("histogram", rule_of(condition("product", "is_known")), path=[])
    assert answer.json()["codes"] == ["not_draggable"]
    answer = manager.try_ask("histogram", rule_of(condition("product", "is_known")), path=[3])
    assert answer.json()["codes"] == ["path_unknown"]


def test_a_sweep_counts_what_each_value_of_a_parameter_matches(manager: Asker) -> None:
    values = [0, 1, 2, 364, 365, 366]
    for raw in some_rules(8):
        found = manager.ask("sweep", Sweep, raw, parameter="days", values=values)
        assert found.matching == [
            manager.ask("counts", Counts, raw, parameters={"days": value}).matching for value in values
        ]


def test_a_sweep_moves_both_eyes_under_a_not(manager: Asker) -> None:
    leaf = condition("lens_dispensed_on", "days_ago_ge", parameter="days", eyes="either")
    raw = rule_of({"not": leaf})
    values = list(range(360, 370))
    found = manager.ask("sweep", Sweep, raw, parameter="days", values=values)
    told = [manager.ask("counts", Counts, raw, parameters={"days": value}).matching for value in values]
    assert found.matching == told
    assert len(set(told)) > 1


def test_a_sweep_tries_so_many_values_and_no_more(manager: Asker) -> None:
    raw = rule_of(condition("last_activity_on", "days_ago_ge", parameter="days"))
    values = list(range(MOST_THRESHOLDS))
    assert len(manager.ask("sweep", Sweep, raw, parameter="days", values=values).matching) == MOST_THRESHOLDS
    answer = manager.try_ask("sweep", raw, parameter="days", values=[*values, 500])
    assert answer.status_code == 422


def test_of_a_not_only_those_are_open_whose_fact_is_missing(manager: Asker, everybody: Crowd) -> None:
    raw = rule_of({"not": condition("ever_bought", "eq", value=True, unknown="needs_measurement")})
    missing = sum(row["ever_bought"] is None for row in everybody.rows.values())
    assert manager.ask("counts", Counts, raw).open == missing > 0


# ── whose facts are read ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("role", "seen"), [(role, CUSTOMERS if role is Role.MANAGER else 0) for role in Role])
def test_the_view_that_is_scanned_shows_everybody_to_managers_and_nobody_to_others(
    everybody: Crowd, store: Store, role: Role, seen: int
) -> None:
    whoever = Principal(account_id=new_id(), staff_id=None, role=role, site_ids=(everybody.clinic.north,))
    with Questions().asked(store.service, whoever, ask=new_id(), seconds=60) as question:
        assert question.session.scalar(select(func.count()).select_from(CUSTOMER_FACTS)) == seen


def test_after_a_question_a_connection_reads_by_row_again(everybody: Crowd, store: Store) -> None:
    manager = Principal(account_id=new_id(), staff_id=None, role=Role.MANAGER, site_ids=())
    with Questions().asked(store.service, manager, ask=new_id(), seconds=60) as question:
        path = text("SELECT current_setting('search_path')")
        assert question.session.scalar(path) == "hcrm_whole, public"
    with snapshot(store.service) as session:
        assert session.scalar(path) != "hcrm_whole, public"
