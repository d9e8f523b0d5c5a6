"""The one facts function on a Spark cluster, for a group that one machine does not serve.

Rows leave PostgreSQL as Parquet with numbers for ids, written by this process or, with a JDBC driver, by Spark; Spark
writes facts as Parquet; they come back as from Polars. Nothing here is imported unless it is asked for.
"""

from itertools import count
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hcrm_central.jobs.facts import EXAM_IDS, numbered, upsert
from hcrm_central.jobs.reading import Chunk, read
from hcrm_central.jobs.spark_jdbc import export_by_jdbc
from hcrm_central.store.engine import snapshot, transaction
from hcrm_core.errors import SurroundingsFailed
from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_core.facts.compute import Frames, facts
from hcrm_store.clock import Clock
from hcrm_store.people import Customer
from hcrm_store.references import axial_length_reference

CHUNK = 50_000  # customers a Parquet file; operational
# Facts are one plan of thousands of expressions: beyond what Spark compiles at once, or should write into its log.
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.memory": "4g",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.maxPlanStringLength": "1000",
}
_NUMBERED = ("customer_id", "exam_id", "order_id", "medication_id")
_NAMES = tuple(Frames.__annotations__)


class SparkMissing(SurroundingsFailed):
    """PySpark or Java is not there."""


def start(master: str, *, jdbc_jar: Path | None = None) -> Any:  # why Any: PySpark ships no types that hold here
    """A session of a cluster.

    Args:
        master: which one.
        jdbc_jar: PostgreSQL's driver for Java, which is given to every machine.

    Raises:
        SparkMissing: with what to install.
    """
    remedy = "install the extra spark and Java 17, or leave --engine at polars"
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise SparkMissing("PySpark is not installed", remedy=remedy) from None
    if jdbc_jar is not None and not jdbc_jar.is_file():
        raise SparkMissing("the JDBC driver is not there", remedy="install libpostgresql-jdbc-java and name its jar")
    builder = SparkSession.builder.master(master).appName("hcrm facts")
    for name, value in (_SETTINGS | ({"spark.jars": str(jdbc_jar)} if jdbc_jar else {})).items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, OSError):
        raise SparkMissing("Spark did not start", remedy=remedy) from None


def rebuild_on_spark(engine: Engine, spark: Any, *, folder: Path, clock: Clock, jdbc: bool = False) -> int:
    """Everybody's facts, computed by Spark.

    The snapshot is let go before Spark begins: the database ends transactions that idle as long.

    Args:
        engine: the jobs' engine.
        spark: as `start` gives it.
        folder: empty; every machine of the cluster sees it.
        clock: tells `computed_at`.
        jdbc: whether Spark reads the rows itself, in the same snapshot; its session has the driver then.

    Returns:
        How many customers have facts from this run.

    Raises:
        Unreadable: rows that cannot be computed; here they stop the run.
    """
    at = clock.now()
    with snapshot(engine) as reader:
        if jdbc:
            people, exams = export_by_jdbc(reader, spark, engine=engine, folder=folder)
        else:
            people, exams = _export(reader, folder=folder)
    _compute(spark, folder=folder)
    with transaction(engine) as writer:
        for part in sorted((folder / "facts").glob("*.parquet")):
            upsert(writer, _with_ids(pl.read_parquet(part), people=people, exams=exams), at=at)
    return len(people)


def _export(reader: Session, *, folder: Path) -> tuple[pl.Series, pl.Series]:
    """Write all rows. Returns the ids of customers and of examinations by their numbers."""
    ids = reader.scalars(select(Customer.id).order_by(Customer.id)).all()
    people, exams = [pl.Series(dtype=pl.String)], [pl.Series(dtype=pl.String)]
    first = dict.fromkeys(_NUMBERED, 0)
    for name in _NAMES:
        (folder / name).mkdir()
    for start in range(0, len(ids), CHUNK):
        tables = read(reader, Chunk(ids[start : start + CHUNK], whole_range=True))
        customers = tables["customers"]["customer_id"].sort()
        people, exams = [*people, customers], [*exams, tables["eyes"]["exam_id"].unique().sort()]
        for name in _NAMES:
            moved = [pl.col(one) + first[one] for one in _NUMBERED if one in tables[name].columns]
            frame = numbered(tables[name], customers).with_columns(moved)
            frame.write_parquet(folder / name / f"{start}.parquet")
        first["customer_id"] += len(customers)
        first["exam_id"] += len(exams[-1])
        first["order_id"] += tables["lens_orders"]["order_id"].n_unique()
        first["medication_id"] += tables["medications"]["medication_id"].n_unique()
    return pl.concat(people), pl.concat(exams)


def _compute(spark: Any, *, folder: Path) -> None:
    written = count()

    def kept(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Written and read again: a plan that only grows is too large for Spark's own memory."""
        place = str(folder / f"kept-{next(written)}")
        frame.to_native().write.parquet(place)
        read_again: nw.LazyFrame[Any] = nw.from_native(spark.read.parquet(place))
        return read_again

    frames = {name: nw.from_native(spark.read.parquet(str(folder / name))) for name in _NAMES}
    found = facts(Frames(**frames), reference=axial_length_reference(), keep=kept)
    found.select("customer_id", *CATALOGUE).to_native().write.parquet(str(folder / "facts"))


def _with_ids(computed: pl.DataFrame, *, people: pl.Series, exams: pl.Series) -> pl.DataFrame:
    named = [exams.gather(computed[name]).alias(name) for name in EXAM_IDS]
    return computed.with_columns(people.gather(computed["customer_id"]).alias("customer_id"), *named)
