"""Facts and rules on a Spark cluster say what they say on one machine: two workers, each a process with 1 GB."""

import importlib.util
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest
from sqlalchemy import select, text

from benchmarks.rules_library import fill
from hcrm_central.jobs.facts import rebuild_facts
from hcrm_central.jobs.reading import Chunk, queries, read
from hcrm_central.jobs.spark import SparkMissing, rebuild_on_spark, start
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.opening import Store
from hcrm_core.rules import lower_rule
from hcrm_core.rules.evaluation import reader
from hcrm_core.rules.expressions import expression
from hcrm_store.people import Customer
from tests.fakes import FakeClock
from tests.rule_trees import frame_of, oracle, random_rows, random_world

MISSING = importlib.util.find_spec("pyspark") is None or shutil.which("java") is None
DRIVER = Path("/usr/share/java/postgresql.jar")  # Debian's libpostgresql-jdbc-java
CLUSTER, WORKERS = "local-cluster[2,1,1024]", 2
CUSTOMERS, RULES = 100, 40
_DROPS = (
    "INSERT INTO medication (customer_id, id, site_id, source, medicine, percent, started_on)"
    " SELECT id, gen_random_uuid(), site_id, 'workstation', 'atropine', 0.05, filed_on FROM customer LIMIT 20"
)


@pytest.mark.skipif(not MISSING, reason="PySpark and Java are here")
def test_without_spark_the_remedy_is_told() -> None:
    with pytest.raises(SparkMissing) as told:
        start("local[2]")
    assert "extra spark" in told.value.remedy


def test_without_the_jdbc_driver_the_remedy_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="needs PySpark (extra spark)")
    with pytest.raises(SparkMissing) as told:
        start("local[2]", jdbc_jar=tmp_path / "postgresql.jar")
    assert "libpostgresql-jdbc-java" in told.value.remedy


def test_what_is_asked_by_jdbc_is_what_polars_is_given(store: Store) -> None:
    _fill(store)
    with snapshot(store.jobs) as session:
        frames = read(
            session, Chunk(session.scalars(select(Customer.id).order_by(Customer.id)).all(), whole_range=True)
        )
        for name, query in queries().items():
            asked = [sorted(dict(row).items()) for row in session.execute(text(query)).mappings()]
            given = [sorted(row.items()) for row in frames[name].to_dicts()]
            assert sorted(map(repr, asked)) == sorted(map(repr, given)), name


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    session = start(CLUSTER, jdbc_jar=DRIVER if DRIVER.exists() else None)
    yield session
    session.stop()


def _by_jdbc() -> Any:  # why Any: pytest names no type of this
    missing = pytest.mark.skipif(not DRIVER.exists(), reason="needs libpostgresql-jdbc-java")
    return pytest.param(True, marks=missing, id="jdbc")


@pytest.mark.long
@pytest.mark.skipif(MISSING, reason="needs PySpark (extra spark) and Java")
@pytest.mark.parametrize("jdbc", [pytest.param(False, id="parquet"), _by_jdbc()])
def test_spark_stores_the_facts_that_polars_stores(
    store: Store, clock: FakeClock, tmp_path: Path, spark: Any, *, jdbc: bool
) -> None:
    _fill(store)
    many, polars = rebuild_facts(store.jobs, None, clock=clock), _stored(store)
    with store.owner.begin() as connection:
        connection.execute(text("TRUNCATE customer_facts"))
    assert rebuild_on_spark(store.jobs, spark, folder=tmp_path, clock=clock, jdbc=jdbc) == many == CUSTOMERS
    assert _stored(store) == polars
    assert _workers(spark) == WORKERS
    assert str(store.jobs.url.password) not in _told_to_others(spark)


@pytest.mark.long
@pytest.mark.skipif(MISSING, reason="needs PySpark (extra spark) and Java")
def test_rules_on_spark_say_what_polars_and_the_slow_reading_say(tmp_path: Path, spark: Any) -> None:
    rows, worlds = (
        random_rows(CUSTOMERS, seed=4),
        [random_world(random.Random(seed), leaves=8) for seed in range(RULES)],
    )
    lowered = {f"rule_{number}": lower_rule(one.asked, within=one.within) for number, one in enumerate(worlds)}
    verdicts = {name: expression(one) for name, one in lowered.items()}
    frame_of(rows).with_row_index("number").write_parquet(tmp_path / "facts.parquet")

    frame = nw.from_native(spark.read.parquet(str(tmp_path / "facts.parquet")))
    found = frame.with_columns(**verdicts).select("number", *verdicts).to_native().orderBy("number").collect()
    polars = nw.from_native(frame_of(rows)).with_columns(**verdicts)
    for (name, rule), world in zip(lowered.items(), worlds, strict=True):
        expected = [oracle(world, row) for row in rows]
        assert [row[name] for row in found] == expected
        assert polars[name].to_list() == expected
        assert [reader(rule)(row) for row in rows] == expected
    assert {verdict for row in found for verdict in row[1:]} == {True, False, None}


def _fill(store: Store) -> None:
    fill(store, CUSTOMERS)
    with transaction(store.jobs) as session:
        session.execute(text(_DROPS))


def _stored(store: Store) -> list[object]:
    with store.jobs.connect() as connection:
        return list(connection.execute(text("SELECT * FROM customer_facts ORDER BY customer_id")))


def _workers(spark: Any) -> int:
    """How many processes compute, beside the one that asks."""
    return int(spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1


def _told_to_others(spark: Any) -> str:
    """What stands in the command lines of Java's processes and in the logs of the workers."""
    import pyspark

    logs = Path(pyspark.__file__).parent / "work" / spark.sparkContext.applicationId
    written = [path.read_text(errors="replace") for path in logs.rglob("std*")]
    assert len(written) == 2 * WORKERS
    commands = subprocess.run(["/bin/ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
    return "".join([*written, commands.stdout])
