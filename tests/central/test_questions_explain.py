"""Why somebody is in a segment: every line with the records behind it, and all segments of a customer."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.facts import rebuild_facts
from hcrm_central.jobs.scan import scan
from hcrm_central.store.engine import snapshot
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_core.rules import Rule, explain_nodes, flips, lower_rule
from hcrm_core.rules.evaluation import reader
from hcrm_core.rules.messages import Explanation, Standing
from hcrm_core.terms import ProductKind
from hcrm_store.base import new_id
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.questioning import Asker, condition, crowd, rule_of, some_rules
from tests.rule_trees import TODAY
from tests.scanning import Library, ago

WORDS = {True: "true", False: "false", None: "unknown"}


@pytest.fixture
def manager(client_for: SignIn) -> Asker:
    return Asker(client_for("manager"))


@pytest.fixture
def library(store: Store, clinic: Clinic, clock: FakeClock) -> Library:
    found = Library(store, clock, code="west")
    install_defaults(store.jobs, clock=clock)
    return found


def test_an_explanation_is_that_of_the_core(manager: Asker, store: Store, clinic: Clinic) -> None:
    everybody = crowd(store, clinic)
    within = everybody.within()
    for raw, customer in zip(some_rules(15), sorted(everybody.rows), strict=False):
        rule = Rule.model_validate(raw)
        with snapshot(store.jobs) as session:
            facts = select(CUSTOMER_FACTS).where(CUSTOMER_FACTS.c.customer_id == customer)
            row = {str(name): value for name, value in session.execute(facts).mappings().one().items()}
        found = manager.ask("explain", Explanation, raw, customer_id=str(customer))
        assert found.verdict == WORDS[reader(lower_rule(rule, within=within))(row)]
        told = [(one.path, one.kind, one.verdict, one.decisive, one.label, one.evidence) for one in found.nodes]
        assert told == [
            (one.path, one.kind, one.verdict, one.decisive, one.label, [seen.as_json() for seen in one.evidence])
            for one in explain_nodes(rule, row, within=within)
        ]
        steps = flips(rule, row, within=within)
        assert [(one.path, one.fact, one.needed, one.on) for one in found.flips] == [
            (one.path, one.fact, one.needed, one.on) for one in steps
        ]
        assert found.member_since is None


def test_a_growth_names_both_examinations(manager: Asker, library: Library, store: Store, clock: FakeClock) -> None:
    customer = library.customer()
    exams = [library.exam(customer, ago(days), se) for days, se in ((400, "-1.00"), (182, "-1.50"), (0, "-2.50"))]
    rebuild_facts(store.jobs, [customer], clock=clock)
    for fact in ("se_growth_6m_od", "se_growth_rate_6m_os", "se_growth_6m_worse", "se_growth_6m_refusal_od"):
        raw = rule_of(condition(fact, "is_known"))
        (line,) = manager.ask("explain", Explanation, raw, customer_id=str(customer)).nodes
        assert [(one.kind, one.row_id) for one in line.sources] == [("exam", exam) for exam in sorted(exams[1:])]


def test_a_value_names_the_record_of_its_day(manager: Asker, library: Library, store: Store, clock: FakeClock) -> None:
    customer = library.customer()
    library.exam(customer, ago(200))
    exam = library.exam(customer, ago(30))
    library.lenses(customer, ago(90), ProductKind.SINGLE_VISION)
    library.drops(customer, ago(100), "0.01", ended_on=ago(50))
    library.drops(customer, ago(50))
    library.visit(customer, ago(60))
    library.plan(customer, ago(30), ago(-60))
    rebuild_facts(store.jobs, [customer], clock=clock)
    for fact, kind, days in [
        ("se_od", "exam", ago(30)),
        ("se_worse", "exam", ago(30)),
        ("last_exam_on", "exam", ago(30)),
        ("product_od", "lens_order", ago(90)),
        ("atropine_since_on", "medication", ago(100)),
        ("recheck_due_on", "recheck_plan", ago(-60)),
        ("birth_date", "customer", None),
    ]:
        raw = rule_of(condition(fact, "is_known"))
        (line,) = manager.ask("explain", Explanation, raw, customer_id=str(customer)).nodes
        assert {(one.kind, one.on) for one in line.sources} == {(kind, days)}, fact
        assert len(line.sources) == 1, fact
        assert exam in [one.row_id for one in line.sources] or kind != "exam"


def test_a_member_is_one_since_a_day_by_a_version(
    manager: Asker, library: Library, store: Store, clock: FakeClock
) -> None:
    customer = library.customer()
    scan(store.jobs, clock=clock)
    potential = {"key": "potential", "label": "潜在客户"}
    raw = rule_of(condition("ever_bought", "eq", value=False), segment=potential)
    found = manager.ask("explain", Explanation, raw, customer_id=str(customer))
    assert (found.verdict, found.member_since, found.version) == ("true", TODAY, 1)


def test_who_is_not_there_and_who_was_never_looked_at(manager: Asker, library: Library) -> None:
    raw = rule_of(condition("product", "eq", "ok_lens", unknown="needs_measurement"))
    assert manager.try_ask("explain", raw, customer_id=str(new_id())).status_code == 403
    found = manager.ask("explain", Explanation, raw, customer_id=str(library.customer()))
    assert (found.verdict, found.nodes[0].sources) == ("unknown", [])


# ── standing ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("username", ["assistant", "optometrist", "manager"])
def test_the_standing_is_told_to_whoever_sees_the_customer(
    client_for: SignIn, clinic: Clinic, store: Store, username: str
) -> None:
    answer = client_for(username).get(f"/customers/{clinic.mine.customer_id}/segments")
    lines = Standing.model_validate_json(answer.content).lines
    told = [(one.segment_key, one.label, one.rule_key, one.version) for one in lines]
    assert told == [("test_segment", "测试客群", "test", 1)]


@pytest.mark.parametrize(
    ("username", "whose"), [("assistant", "colleagues"), ("assistant", "far"), ("optometrist", "far")]
)
def test_a_customer_of_others_is_refused_like_one_who_is_not_there(
    client_for: SignIn, clinic: Clinic, username: str, whose: str
) -> None:
    client, child = client_for(username), getattr(clinic, whose)
    refused = client.get(f"/customers/{child.customer_id}/segments")
    nobody = client.get(f"/customers/{new_id()}/segments")
    assert (refused.status_code, refused.json()) == (nobody.status_code, nobody.json())
    assert refused.status_code == 403


def test_the_past_comes_after_the_present_the_latest_first(
    client_for: SignIn, library: Library, store: Store, clock: FakeClock
) -> None:
    customer = library.customer()
    scan(store.jobs, clock=clock)
    library.lenses(customer, TODAY)
    clock.advance(timedelta(days=1))
    rebuild_facts(store.jobs, None, clock=clock)
    scan(store.jobs, clock=clock)
    lines = Standing.model_validate_json(client_for("manager").get(f"/customers/{customer}/segments").content).lines
    own = {"ok_lens", "potential"}
    assert [(one.segment_key, one.left_on) for one in lines if one.segment_key in own] == [
        ("ok_lens", None),
        ("potential", TODAY + timedelta(days=1)),
    ]
    assert lines[-1].segment_key == "potential"
    assert all(one.evidence for one in lines)
