"""The unchanged jobs on four databases, each with a part of the customers, do what they do on one.

Siblings stay together, because a family is called once: apart they are called twice, which is tested as well. Who is
dealt a customer and how full a day is are questions of a site: only shards of whole sites answer them as one store.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from benchmarks.rules_library import fill
from hcrm_central.jobs.scan import ScanReport, scan
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_store.base import Base
from tests.conftest import copied
from tests.fakes import FakeClock
from tests.scanning import TODAY, installed

CUSTOMERS, SHARDS = 400, 4
THEIRS = [name for name, table in Base.metadata.tables.items() if "customer_id" in table.columns]
BY_FAMILY, BY_SITE, BY_CUSTOMER = "coalesce(family_id, id)", "site_id", "id"

# Two assistants a site, so that most customers are dealt anew; half of the children are siblings of another one, and
# with some of these somebody spoke today.
_NUMBER = "right(id::text, 12)::int"
_FAMILY = f"md5(concat('family', {_NUMBER} % 20, '-', {_NUMBER} / 40))::uuid"
_PEOPLED = (
    "UPDATE staff SET active = substr(code, 2)::int < 40",
    f"INSERT INTO family (id, site_id) SELECT DISTINCT {_FAMILY}, site_id FROM customer",
    f"UPDATE customer SET family_id = {_FAMILY} WHERE {_NUMBER} / 40 % 2 = 0",
    "INSERT INTO follow_up (customer_id, id, site_id, source, channel, outcome, contacted_at)"
    " SELECT id, gen_random_uuid(), site_id, 'his', 'phone', 'considering', DATE '2026-11-22' + TIME '04:00'"
    f" FROM customer WHERE family_id IS NOT NULL AND {_NUMBER} % 3 = 0",
)
_FEW_A_DAY = (
    "INSERT INTO rule_parameter (id, key, number, definition, author)"
    """ SELECT gen_random_uuid(), key, number + 1, definition::jsonb || '{"value": "1", "minimum": "1"}', 'test'"""
    " FROM rule_parameter WHERE key = 'daily_capacity'"
)
_FACTS = "SELECT * FROM customer_facts"
_MEMBERSHIPS = "SELECT customer_id, segment_key, entered_on, left_on FROM membership"
_TASKS = "SELECT customer_id, sop_key, subject, anchor_on, due_on, state FROM task"
_OWNERS = "SELECT customer_id, sop_key, anchor_on, owner_id FROM task"

Rows = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Spread:
    """One library in a store of its own, and once more on shards."""

    whole: Store
    shards: Sequence[Store]

    def everywhere(self, *statements: str) -> None:
        for store in (self.whole, *self.shards):
            _run(store, *statements)

    def deal_out(self, key: str) -> None:
        """Leave on each shard the customers whose key hashes to it."""
        for number, shard in enumerate(self.shards):
            others = f"DELETE FROM customer WHERE mod(abs(hashtext(({key})::text)), {SHARDS}) <> {number}"
            _run(
                shard,
                others,
                *(f"DELETE FROM {one} WHERE customer_id NOT IN (SELECT id FROM customer)" for one in THEIRS),
            )

    def scan(self) -> ScanReport:
        """Returns what it did in the one store."""
        reports = [scan(store.jobs, clock=FakeClock(), on=TODAY) for store in (self.whole, *self.shards)]
        assert all(report.adds_up for report in reports)
        return reports[0]

    def one_store(self, query: str) -> Rows:
        return _rows(self.whole, query)

    def all_shards(self, query: str) -> Rows:
        return sorted((row for shard in self.shards for row in _rows(shard, query)), key=repr)


@pytest.fixture(scope="module")
def library(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    """Children and their records, with default rules; not scanned."""
    with copied(postgres_server, template_database) as store:
        fill(installed(store), CUSTOMERS)
        _run(store, *_PEOPLED)
        yield store


@pytest.fixture
def spread(library: Store, postgres_server: PrivatePostgres) -> Iterator[Spread]:
    with ExitStack() as stack:
        library.dispose()  # a database that is copied must be let alone
        name = str(library.owner.url.database)
        whole, *shards = [stack.enter_context(copied(postgres_server, name)) for _ in range(1 + SHARDS)]
        yield Spread(whole, shards)


def test_shards_that_keep_families_together_have_the_facts_segments_and_tasks_of_one_store(spread: Spread) -> None:
    spread.deal_out(BY_FAMILY)
    assert spread.scan().created > CUSTOMERS / 4
    for query in (_FACTS, _MEMBERSHIPS, _TASKS):
        assert spread.all_shards(query) == spread.one_store(query)


@pytest.mark.long
def test_shards_of_whole_sites_deal_and_put_off_as_one_store(spread: Spread) -> None:
    spread.everywhere(_FEW_A_DAY)
    spread.deal_out(BY_SITE)
    report = spread.scan()
    assert report.assigned > CUSTOMERS / 8
    assert report.spread > 0
    for query in (_FACTS, _MEMBERSHIPS, _TASKS, _OWNERS):
        assert spread.all_shards(query) == spread.one_store(query)


@pytest.mark.long
def test_siblings_on_two_shards_are_called_though_somebody_spoke_with_the_family(spread: Spread) -> None:
    spread.deal_out(BY_CUSTOMER)
    spread.scan()
    for query in (_FACTS, _MEMBERSHIPS):
        assert spread.all_shards(query) == spread.one_store(query)
    assert set(spread.all_shards(_TASKS)) > set(spread.one_store(_TASKS))


def _run(store: Store, *statements: str) -> None:
    with store.owner.begin() as connection:
        connection.execute(text(";".join(("SET LOCAL session_replication_role = replica", *statements))))


def _rows(store: Store, query: str) -> Rows:
    with store.jobs.connect() as connection:
        return sorted((tuple(row) for row in connection.execute(text(query))), key=repr)
