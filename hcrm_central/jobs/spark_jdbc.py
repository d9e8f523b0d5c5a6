"""Rows go from PostgreSQL to Spark's own machines, and not through this one.

One connection a table, all in the snapshot of whoever asks; ids become numbers in PostgreSQL.
"""

from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import URL, Engine, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.reading import queries

_OWN_IDS = {"eyes": "exam_id", "lens_orders": "order_id", "medications": "medication_id"}
# With a fetch size the driver reads in a transaction, which is what a snapshot can be set for. 10,000 is operational.
_OPTIONS = {"driver": "org.postgresql.Driver", "fetchsize": "10000"}
_JOIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'"


def export_by_jdbc(reader: Session, spark: Any, *, engine: Engine, folder: Path) -> tuple[pl.Series, pl.Series]:
    """Have Spark write all rows of a snapshot as Parquet. Returns the ids of customers and of examinations by their
    numbers.

    Args:
        reader: in the snapshot; it idles meanwhile, as long as it takes.
        spark: has the driver's jar. Why Any: PySpark ships no types that hold here.
        engine: its address and password are Spark's too.
        folder: empty; every machine of the cluster sees it.
    """
    reader.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    snapshot = reader.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    options = _OPTIONS | _address(engine.url) | {"sessionInitStatement": _JOIN.format(snapshot=snapshot)}
    for name, query in queries().items():
        own = _OWN_IDS.get(name)
        rows = spark.read.format("jdbc").options(**options, query=_numbered(query, own=own)).load()
        numbers = {"customer_number": "customer_id"} | ({"own_number": own} if own else {})
        rows.drop(*numbers.values()).withColumnsRenamed(numbers).write.parquet(str(folder / name))
    return _ids(reader, "customer"), _ids(reader, "exam")


def _address(url: URL) -> dict[str, str]:
    """The password goes as an option of its own: Spark hides it wherever it shows options."""
    more = "&".join(f"{name}={value}" for name, value in url.query.items())
    place = f"jdbc:postgresql://{url.host}:{url.port or 5432}/{url.database}?{more}"
    return {"url": place, "user": url.username or "", "password": url.password or ""}


def _numbered(query: str, *, own: str | None) -> str:
    """Ids in their own order, as the facts function wants them."""
    ranked = f', dense_rank() OVER (ORDER BY "{own}" COLLATE "C") - 1 AS own_number' if own else ""
    people = "SELECT id::text AS customer_id, row_number() OVER (ORDER BY id) - 1 AS customer_number FROM customer"
    return f"SELECT *{ranked} FROM ({query}) AS found JOIN ({people}) AS people USING (customer_id)"


def _ids(reader: Session, table: str) -> pl.Series:
    found = reader.scalars(text(f"SELECT id::text FROM {table} ORDER BY id")).all()
    return pl.Series(found, dtype=pl.String)
