"""What lets the store be spread by customer: docs/scale.md argues from it."""

import pytest
from sqlalchemy.dialects import postgresql

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.defaults import read_defaults
from hcrm_core.rules import Surroundings, lower_rule
from hcrm_store.base import Base
from tests.rule_trees import TODAY

CLOCKS = ("now(", "current_date", "current_timestamp", "localtimestamp", "clock_timestamp")


def test_every_key_that_names_a_customer_leads_with_him() -> None:
    keys = {name: [column.name for column in table.primary_key] for name, table in Base.metadata.tables.items()}
    with_customer = {name: key for name, key in keys.items() if "customer_id" in key}
    assert {"exam", "eye_measurement", "membership", "task"} <= set(with_customer)
    assert [name for name, key in with_customer.items() if key[0] != "customer_id"] == []


@pytest.mark.parametrize("key", sorted(read_defaults().rules))
def test_statements_are_given_the_day_and_never_ask_the_database_for_it(key: str) -> None:
    defaults = read_defaults()
    within = Surroundings(parameters=defaults.parameters, on=TODAY, rules=defaults.rules, sites={})
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it so
    asked = str(predicate(lower_rule(defaults.rules[key], within=within)).compile(dialect=dialect))
    assert not [clock for clock in CLOCKS if clock in asked.lower()]
