"""The compiled rule says of everybody what the evaluator says of each: random trees, random facts, many unknowns."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import Engine, insert, select

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.defaults import read_defaults
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_core.facts.catalogue import CATALOGUE, FactType
from hcrm_core.rules import Node, Surroundings, Verdict, check, evaluate, lower
from hcrm_core.rules.checking import OPERATORS
from hcrm_core.rules.lowering import RELATIVE
from hcrm_core.rules.model import NO_OPERAND, Operator
from tests.fakes import FakeClock
from tests.scanning import TODAY, Library

CUSTOMERS = 60
NODE: TypeAdapter[Node] = TypeAdapter(Node)
FACTS = ["birth_date", "last_activity_on", "product", "product_od", "ever_bought", "se_od", "se_growth_frame_os"]
FACTS += ["cct_um_od", "se_growth_6m_refusal_od"]
EYE_FACTS = ["se", "cct_um", "product", "lens_dispensed_on"]
VERDICTS = {True: Verdict.MATCH, False: Verdict.NO_MATCH, None: Verdict.NEEDS_MEASUREMENT}

# Few values, so that equality and the edges of ranges are met often.
NUMBERS: dict[FactType, list[Any]] = {
    FactType.DECIMAL: [Decimal(n) / 4 for n in range(-4, 4)],
    FactType.INTEGER: [478, 479, 480, 481],
}
DAYS = [TODAY - timedelta(days=days) for days in (-1, 0, 1, 364, 365, 366, 2922, 2923)]


def _value(name: str, source: random.Random) -> Any:
    fact = CATALOGUE[name]
    if fact.kind is FactType.ID or source.random() < 0.4:
        return None
    if fact.kind is FactType.DATE:
        return source.choice(DAYS)
    if fact.kind is FactType.BOOLEAN:
        return source.random() < 0.5
    return source.choice([word.value for word in fact.words] if fact.words else NUMBERS[fact.kind])


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, Any]:
    eyes = draw(st.sampled_from([None, None, "either", "both"]))
    name = draw(st.sampled_from(FACTS if eyes is None else EYE_FACTS))
    fact = CATALOGUE[name if eyes is None else f"{name}_od"]
    op = draw(st.sampled_from(sorted(OPERATORS[fact.kind])))
    unknown = draw(st.sampled_from(["no", "yes", "needs_measurement"]))
    condition = {"fact": name, "op": op.value, "eyes": eyes, "unknown": unknown}
    if op in NO_OPERAND:
        return condition
    if op in RELATIVE:
        return condition | {"value": draw(st.sampled_from([0, 1, 8, 12, 365]) if "days" in op else st.integers(0, 12))}
    many = op in (Operator.BETWEEN, Operator.IN)
    values = draw(st.lists(_constants(name if eyes is None else fact.name), min_size=2, max_size=2))
    return condition | {"value": values if many else values[0]}


def _constants(name: str) -> st.SearchStrategy[Any]:
    fact = CATALOGUE[name]
    if fact.kind is FactType.BOOLEAN:
        return st.booleans()
    if fact.kind is FactType.DATE:
        return st.sampled_from(DAYS).map(date.isoformat)
    if fact.words:
        return st.sampled_from([word.value for word in fact.words])
    return st.sampled_from(NUMBERS[fact.kind]).map(str if fact.kind is FactType.DECIMAL else int)


TREES = st.recursive(
    _conditions(),
    lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=3).map(lambda nodes: {"all": nodes}),
        st.lists(below, min_size=1, max_size=3).map(lambda nodes: {"any": nodes}),
        below.map(lambda node: {"not": node}),
    ),
    max_leaves=8,
)


@pytest.fixture
def filled(store: Store, clock: FakeClock) -> Engine:
    """A store with random facts, four in ten unknown."""
    library, source = Library(store, clock), random.Random(20261122)
    with transaction(store.jobs) as session:
        rows = [
            {"customer_id": library.customer(), "computed_at": clock.now()}
            | {name: _value(name, source) for name in CATALOGUE}
            for _ in range(CUSTOMERS)
        ]
        session.execute(insert(CUSTOMER_FACTS), rows)
    return store.jobs


def _disagreements(engine: Engine, where: Node, parameters: Any) -> list[tuple[Any, ...]]:
    lowered = lower(where, within=Surroundings(parameters=parameters, on=TODAY))
    with snapshot(engine) as session:
        rows = session.execute(select(CUSTOMER_FACTS, predicate(lowered).label("compiled"))).mappings().all()
    assert len(rows) == CUSTOMERS
    found = [
        (VERDICTS[row["compiled"]], evaluate(lowered, {str(k): v for k, v in row.items()}), row["customer_id"])
        for row in rows
    ]
    return [one for one in found if one[0] is not one[1]]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_sql_and_python_agree_on_random_rules(filled: Engine, tree: dict[str, Any]) -> None:
    node = NODE.validate_python(tree)
    assert check(node, parameters={}) == []
    assert _disagreements(filled, node, {}) == []


def test_sql_and_python_agree_on_the_default_rules(filled: Engine) -> None:
    defaults = read_defaults()
    for rule in defaults.rules.values():
        assert _disagreements(filled, rule.where, defaults.parameters) == []
