"""A rule says the same however it is read: word by word, row by row, as SQL and over a frame. Random rules, random
facts, many unknowns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, insert, select

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.defaults import read_defaults
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_core.rules import Lowered, Surroundings, check, lower_rule
from hcrm_core.rules.evaluation import reader
from hcrm_core.rules.expressions import expression
from tests.fakes import FakeClock
from tests.rule_trees import PARAMETERS, SITES, TODAY, World, frame_of, oracle, random_rows, worlds
from tests.scanning import Library

CUSTOMERS = 60


@dataclass(frozen=True, slots=True)
class Filled:
    """The same random customers as rows, in the store and in a frame."""

    rows: Sequence[Mapping[str, Any]] = field(repr=False)
    engine: Engine
    frame: pl.DataFrame = field(repr=False)

    def by_row(self, lowered: Lowered) -> list[bool | None]:
        read = reader(lowered)
        return [read(row) for row in self.rows]

    def by_sql(self, lowered: Lowered) -> list[bool | None]:
        query = select(predicate(lowered)).select_from(CUSTOMER_FACTS).order_by(CUSTOMER_FACTS.c.customer_id)
        with snapshot(self.engine) as session:
            return list(session.scalars(query))

    def by_frame(self, lowered: Lowered) -> list[bool | None]:
        found = nw.from_native(self.frame.lazy()).with_columns(verdict=expression(lowered)).collect()
        return found["verdict"].to_list()


@pytest.fixture
def filled(store: Store, clock: FakeClock) -> Filled:
    library, rows = Library(store, clock), random_rows(CUSTOMERS, seed=20261122)
    ids = sorted(library.customer() for _ in rows)
    with transaction(store.jobs) as session:
        stored = [{"customer_id": key, "computed_at": clock.now()} | row for key, row in zip(ids, rows, strict=True)]
        session.execute(insert(CUSTOMER_FACTS), stored)
    return Filled(rows, store.jobs, frame_of(rows))


def _agree(filled: Filled, world: World) -> None:
    lowered = lower_rule(world.asked, within=world.within)
    expected = [oracle(world, row) for row in filled.rows]
    assert filled.by_row(lowered) == expected
    assert filled.by_sql(lowered) == expected
    assert filled.by_frame(lowered) == expected


_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@settings(_UNHURRIED, max_examples=300)
@given(world=worlds())
def test_four_readings_agree_on_random_rules(filled: Filled, world: World) -> None:
    assert check(world.asked.where, parameters=PARAMETERS) == []
    _agree(filled, world)


@pytest.mark.long
@settings(_UNHURRIED, max_examples=5_000)
@given(world=worlds(leaves=20))
def test_four_readings_agree_on_thousands_of_random_rules(filled: Filled, world: World) -> None:
    _agree(filled, world)


def test_three_readings_agree_on_the_default_rules(filled: Filled) -> None:
    defaults = read_defaults()
    within = Surroundings(parameters=defaults.parameters, on=TODAY, rules=defaults.rules, sites=SITES)
    for rule in defaults.rules.values():
        lowered = lower_rule(rule, within=within)
        assert filled.by_row(lowered) == filled.by_sql(lowered) == filled.by_frame(lowered)
