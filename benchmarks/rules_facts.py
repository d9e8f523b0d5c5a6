"""Facts of the whole library: from PostgreSQL to the table, and the computing alone beside a query written by hand."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import narwhals as nw
import polars as pl
from figures import Figure
from rules_measuring import DayOfLibrary, load, peak_gb, timed
from sqlalchemy import create_engine, text

from hcrm_central.jobs.facts import numbered, rebuild_facts, tables_of
from hcrm_central.store.engine import snapshot
from hcrm_central.store.opening import Store
from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_core.facts.compute import Frames, facts
from hcrm_core.facts.growth import Frame
from hcrm_store.references import axial_length_reference

REBUILD_SECONDS, REBUILD_GB, BESIDE_DUCKDB = 40.0, 4.0, 2.0
COMPARED = 100_000  # customers in memory beside DuckDB
ROUNDS = 3  # of both by turns; the best counts
_Computing = Callable[[], pl.DataFrame]
_BY_HAND = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


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
    """Every fact of customers in memory beside a query for most; where both tell a fact, they agree or this fails."""
    try:
        import duckdb  # type: ignore[import-not-found, unused-ignore] # where it is installed
    except ImportError:
        return [Figure("facts beside DuckDB", "skipped: duckdb is not installed", f"≤ {BESIDE_DUCKDB} ×", None)]
    tables, base, threads = _prepared(store), duckdb.connect(), pl.thread_pool_size()
    # The order of rows is nobody's wish; DuckDB 1.4.0 crashes now and then over 100,000 customers while it keeps it.
    base.execute(f"SET threads = {threads}; SET preserve_insertion_order = false")
    for table, frame in tables.items():
        base.register(f"{table}_read", frame)
        base.execute(f"CREATE TABLE {table} AS FROM {table}_read")
    mine, theirs = _best_of_both(lambda: _all_facts(tables), lambda: base.execute(_BY_HAND).pl())
    compared = [name for name in theirs.answer.columns if name != "customer_id"]
    _require_same(mine.answer, theirs.answer, names=compared)
    ratio, counted = mine.seconds / theirs.seconds, f"{tables['customers'].height:,}"
    return [
        Figure(
            f"{len(CATALOGUE)} facts of {counted} customers beside {len(compared)} by hand",
            f"{mine.seconds:.2f} s ({mine.cpu:.2f} s CPU), {ratio:.1f} ×",
            f"≤ {BESIDE_DUCKDB} ×",
            ratio <= BESIDE_DUCKDB,
            f"DuckDB {theirs.seconds:.2f} s ({theirs.cpu:.2f} s CPU), {threads} threads each",
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What was computed, and in what time of the clock and of the cores."""

    answer: pl.DataFrame
    seconds: float
    cpu: float


def _prepared(store: Store) -> dict[str, pl.DataFrame]:
    """The rows as both sides begin with them: ids are numbers."""
    with snapshot(store.jobs) as reader:
        ids = reader.scalars(text("SELECT id FROM customer ORDER BY id LIMIT :many"), {"many": COMPARED}).all()
        tables = tables_of(reader, ids)
    customers = tables["customers"]["customer_id"].sort()
    return {name: numbered(table, customers) for name, table in tables.items()}


def _all_facts(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    frames = Frames(**{name: nw.from_native(table.lazy()) for name, table in tables.items()})
    lazily = facts(frames, reference=axial_length_reference(), keep=_computed_once).select("customer_id", *CATALOGUE)
    computed: pl.DataFrame = lazily.collect("polars", engine="in-memory").to_native()
    return computed


def _computed_once(frame: Frame) -> Frame:
    return frame.collect("polars", engine="in-memory").lazy()


def _best_of_both(one: _Computing, other: _Computing) -> tuple[_Answer, _Answer]:
    rounds = [(_answer(one), _answer(other)) for _ in range(ROUNDS)]
    best, beside = (min(tries, key=lambda answer: answer.seconds) for tries in zip(*rounds, strict=True))
    return best, beside


def _answer(compute: _Computing) -> _Answer:
    began = time.process_time()
    with timed() as span:
        answer = compute()
    return _Answer(answer=answer, seconds=span.seconds, cpu=time.process_time() - began)


def _require_same(mine: pl.DataFrame, by_hand: pl.DataFrame, *, names: Sequence[str]) -> None:
    one, other = (frame.select("customer_id", *names).sort("customer_id") for frame in (mine, by_hand))
    same = {name: one[name].cast(pl.String).eq_missing(other[name].cast(pl.String)) for name in one.columns}
    differing = [f"{name} for {(~equal).sum()}" for name, equal in same.items() if not equal.all()]
    if differing:
        raise SystemExit(f"customers differ from the query by hand: {', '.join(differing)}")
