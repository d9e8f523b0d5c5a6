"""Facts on Spark are those of Polars."""

import importlib.util
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from hcrm_central.jobs.facts import rebuild_facts
from hcrm_central.jobs.spark import SparkMissing, rebuild_on_spark, start
from hcrm_central.store.opening import Store
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.questioning import crowd

MISSING = importlib.util.find_spec("pyspark") is None or shutil.which("java") is None


@pytest.mark.skipif(not MISSING, reason="PySpark and Java are here")
def test_without_spark_the_remedy_is_told() -> None:
    with pytest.raises(SparkMissing) as told:
        start("local[2]")
    assert "extra spark" in told.value.remedy


@pytest.mark.long
@pytest.mark.skipif(MISSING, reason="needs PySpark (extra spark) and Java")
def test_spark_stores_the_facts_that_polars_stores(
    store: Store, clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    crowd(store, clinic)
    many, polars = rebuild_facts(store.jobs, None, clock=clock), _stored(store)
    with store.owner.begin() as connection:
        connection.execute(text("TRUNCATE customer_facts"))
    spark = start("local-cluster[2,1,1024]")
    try:
        assert rebuild_on_spark(store.jobs, spark, folder=tmp_path, clock=clock) == many
    finally:
        spark.stop()
    assert _stored(store) == polars


def _stored(store: Store) -> list[object]:
    with store.jobs.connect() as connection:
        return list(connection.execute(text("SELECT * FROM customer_facts ORDER BY customer_id")))
