"""Facts of the whole library: from PostgreSQL to the table, and the computing alone beside a query written by hand."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import polars as pl
from figures import Figure
from rules_measuring import DayOfLibrary, load, peak_gb, timed
from sqlalchemy import create_engine, text

from hcrm_central.jobs.facts import facts_from, rebuild_facts, tables_of
from hcrm_central.store.engine import snapshot
from hcrm_central.store.opening import Store

REBUILD_SECONDS, REBUILD_GB, BESIDE_DUCKDB = 40.0, 4.0, 2.0
COMPARED = 100_000  # customers in memory beside DuckDB
CORE = (
    "last_exam_on",
    "last_arrival_on",
    "next_appointment_on",
    "first_bought_on",
    "last_bought_on",
    "ever_bought",
    "open_order",
    "last_follow_up_on",
    "last_answered_on",
    "follow_ups_unanswered",
    "axial_length_od",
    "axial_length_os",
)

_BY_HAND = """
WITH final AS (SELECT * FROM eyes WHERE status = 'final'),
came AS (SELECT customer_id, max(examined_on) AS last_exam_on FROM final GROUP BY 1),
seen AS (
  SELECT customer_id, max(visit_on) FILTER (WHERE state = 'arrived') AS last_visit_on,
    max(visit_on) FILTER (WHERE state = 'booked') AS next_appointment_on
  FROM visits GROUP BY 1),
bought AS (
  SELECT customer_id, min(least(ordered_on, dispensed_on)) AS first_bought_on,
    max(greatest(ordered_on, dispensed_on)) AS last_bought_on, true AS ever_bought,
    bool_or(ordered_on IS NOT NULL AND dispensed_on IS NULL AND ended_on IS NULL) AS open_order
  FROM lens_orders GROUP BY 1),
answers AS (
  SELECT customer_id, contacted_on, max(contacted_on) FILTER (WHERE outcome NOT IN ('no_answer', 'wrong_number'))
    OVER (PARTITION BY customer_id) AS answered_on FROM follow_ups),
talked AS (
  SELECT customer_id, max(contacted_on) AS last_follow_up_on, max(answered_on) AS last_answered_on,
    count(*) FILTER (WHERE answered_on IS NULL OR contacted_on > answered_on) AS follow_ups_unanswered
  FROM answers GROUP BY 1),
lengths AS (SELECT * FROM final WHERE axial_length_um IS NOT NULL),
measured AS (
  SELECT customer_id, arg_max(axial_length_um, (examined_on, exam_id)) FILTER (WHERE eye = 'OD') AS axial_length_od,
    arg_max(axial_length_um, (examined_on, exam_id)) FILTER (WHERE eye = 'OS') AS axial_length_os
  FROM lengths GROUP BY 1)
SELECT customer_id, last_exam_on, greatest(last_exam_on, last_visit_on) AS last_arrival_on, next_appointment_on,
  first_bought_on, last_bought_on, coalesce(ever_bought, false) AS ever_bought,
  coalesce(open_order, false) AS open_order, last_follow_up_on, last_answered_on, follow_ups_unanswered,
  axial_length_od, axial_length_os
FROM customers LEFT JOIN came USING (customer_id) LEFT JOIN seen USING (customer_id)
LEFT JOIN bought USING (customer_id) LEFT JOIN talked USING (customer_id) LEFT JOIN measured USING (customer_id)
"""


def rebuild(store: Store, *, customers: int) -> list[Figure]:
    """Everybody's facts, as the product makes them, in a process of their own so that its memory is told."""
    with store.owner.begin() as connection:
        connection.execute(text("TRUNCATE customer_facts"))
    address = store.jobs.url.render_as_string(hide_password=False)
    told = load()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        (first, _), (again, peak) = apart.submit(_rebuild, address).result(), apart.submit(_rebuild, address).result()
    with store.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE, FREEZE) customer_facts"))
    seconds = REBUILD_SECONDS * customers / 1_000_000
    goal = f"< {seconds:.1f} s, < {REBUILD_GB:.0f} GB"
    return [
        Figure("facts into an empty table", f"{first:.1f} s, {peak:.2f} GB", goal, _met(first, seconds, peak), told),
        Figure("facts again, nothing changed", f"{again:.1f} s", goal, _met(again, seconds, peak)),
    ]


def _met(found: float, seconds: float, peak: float) -> bool:
    return found < seconds and peak < REBUILD_GB


def _rebuild(address: str) -> tuple[float, float]:
    engine = create_engine(address)
    with timed() as span:
        rebuild_facts(engine, None, clock=DayOfLibrary())
    engine.dispose()
    return span.seconds, peak_gb()


def beside_duckdb(store: Store) -> list[Figure]:
    """The core facts of a chunk in memory by both; the results are the same or the benchmark fails."""
    name = f"{len(CORE)} facts of {COMPARED:,} customers beside DuckDB"
    try:
        import duckdb  # type: ignore[import-not-found, unused-ignore] # where it is installed
    except ImportError:
        return [Figure(name, "skipped: duckdb is not installed", f"≤ {BESIDE_DUCKDB} ×", None)]
    with snapshot(store.jobs) as reader:
        ids = reader.scalars(text("SELECT id FROM customer ORDER BY id LIMIT :many"), {"many": COMPARED}).all()
        tables = tables_of(reader, ids)
    with timed() as ours:
        mine = facts_from(tables, names=CORE)
    base = duckdb.connect()
    for table, frame in tables.items():
        base.register(f"{table}_read", frame)
        base.execute(f"CREATE TABLE {table} AS FROM {table}_read")
    with timed() as theirs:
        by_hand = pl.DataFrame(base.execute(_BY_HAND).arrow())
    _require_same(mine, by_hand)
    ratio = ours.seconds / theirs.seconds
    measured = f"{ours.seconds:.2f} s, {ratio:.1f} ×"
    return [Figure(name, measured, f"≤ {BESIDE_DUCKDB} ×", ratio <= BESIDE_DUCKDB, f"{theirs.seconds:.2f} s")]


def _require_same(mine: pl.DataFrame, by_hand: pl.DataFrame) -> None:
    one, other = (frame.select("customer_id", *CORE).sort("customer_id") for frame in (mine, by_hand))
    for name in one.columns:
        same = one[name].cast(pl.String).eq_missing(other[name].cast(pl.String))
        if not same.all():
            raise SystemExit(f"{name} differs from the query by hand for {(~same).sum()} customers")
