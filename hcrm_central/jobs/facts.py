"""From the tables to `customer_facts`, through the one facts function.

A chunk of customers is read in one snapshot and computed by Polars, while the one after it is read and the one before
it upserted. A customer whose rows cannot be computed is set aside and named; he stops nobody.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, pairwise
from typing import Any, TypeVar
from uuid import UUID

import narwhals as nw
import polars as pl
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hcrm_central.jobs.copying import copy_in, cursor_of
from hcrm_central.jobs.reading import Chunk, Tables, Unreadable, blaming, read
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.membership import among
from hcrm_core.facts.catalogue import CATALOGUE, FactType, Feed
from hcrm_core.facts.compute import Frames, facts
from hcrm_store.clock import Clock
from hcrm_store.people import Customer
from hcrm_store.references import axial_length_reference

Begun = TypeVar("Begun")
CHUNK = 20_000  # customers at a time: about 100 MB while computing


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsReport:
    """What became of the customers of a run.

    Attributes:
        computed: how many have facts from this run.
        changed: whose facts are others than before.
        quarantined: whose rows could not be computed, with the error's type and the feed it came from, never a value.
    """

    computed: int
    changed: tuple[UUID, ...]
    quarantined: dict[UUID, str]


def rebuild_facts(engine: Engine, customer_ids: Collection[UUID] | None, *, clock: Clock) -> int:
    """Compute the facts of some customers, or of everybody, and store them. Safe beside a scan and itself.

    Args:
        engine: the jobs' engine.
        customer_ids: whose facts, or None for everybody. Unknown ids are passed over.
        clock: tells `computed_at`.

    Returns:
        How many customers now have facts from this run.
    """
    at = clock.now()
    with snapshot(engine) as reader, transaction(engine) as writer:
        return compute_facts(reader, writer, customer_ids, at=at).computed


def compute_facts(
    reader: Session, writer: Session, customer_ids: Collection[UUID] | None, *, at: datetime
) -> FactsReport:
    """As `rebuild_facts`, in the caller's snapshot and transaction; customers who fail are named."""
    query = select(Customer.id).order_by(Customer.id)
    if customer_ids is not None:
        query = query.where(Customer.id == among(customer_ids))
    ids = reader.scalars(query).all()
    chunks = [
        Chunk(ids[start : start + CHUNK], whole_range=customer_ids is None) for start in range(0, len(ids), CHUNK)
    ]
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as writing:
        run = _Run(reader=reader, writer=writer, reading=reading, writing=writing, at=at)
        changed = tuple(run.changed(chunks))
    return FactsReport(computed=len(ids) - len(run.failed), changed=changed, quarantined=run.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One computing under way: one chunk is read and one is written while the one between them is computed.

    Attributes:
        reader: for `reading` alone.
        writer: for `writing` alone.
        failed: who cannot be computed so far, and why.
    """

    reader: Session
    writer: Session
    reading: ThreadPoolExecutor
    writing: ThreadPoolExecutor
    at: datetime
    failed: dict[UUID, str] = field(default_factory=dict)

    def changed(self, chunks: Iterable[Chunk]) -> Iterator[UUID]:
        """Compute and upsert. Yields whose facts changed."""
        read = _one_ahead((chunk, self._read(chunk)) for chunk in chunks)
        written = _one_ahead((chunk, self._written(rows)) for chunk, rows in read)
        return (one for chunk, done in written for one in self._settled(chunk, done))

    def _settled(self, chunk: Chunk, done: Future[list[UUID]]) -> list[UUID]:
        """Whose facts changed; on failure halve until the customers at fault are alone, and name them."""
        try:
            return done.result()
        except Unreadable as error:
            if len(chunk.ids) == 1:
                self.failed[chunk.ids[0]] = str(error)
                return []
        return [one for half in chunk.halves() for one in self._settled(half, self._written(self._read(half)))]

    def _read(self, chunk: Chunk) -> Future[Tables]:
        return self.reading.submit(read, self.reader, chunk)

    def _written(self, rows: Future[Tables]) -> Future[list[UUID]]:
        try:
            computed = _computed(rows.result())
        except Unreadable as error:
            refused: Future[list[UUID]] = Future()
            refused.set_exception(error)
            return refused
        return self.writing.submit(upsert, self.writer, computed, at=self.at)


def _one_ahead(begun: Iterator[Begun]) -> Iterator[Begun]:
    """Each of them once the one after it has begun."""
    return (one for one, _ in pairwise(chain(begun, [None])) if one is not None)


def _computed(tables: Tables) -> pl.DataFrame:
    exams, computed = tables["eyes"]["exam_id"].unique().sort(), facts_from(tables, names=CATALOGUE)
    return computed.with_columns(exams.gather(computed[name]).alias(name) for name in EXAM_IDS)


def tables_of(reader: Session, customer_ids: Sequence[UUID]) -> Tables:
    """The rows of some customers, as facts are computed from them."""
    return read(reader, Chunk(customer_ids, whole_range=False))


def facts_from(tables: Tables, *, names: Collection[str]) -> pl.DataFrame:
    """Some facts of all customers of the tables; examinations as numbers, in the order of their ids."""
    customers = tables["customers"]["customer_id"].sort()
    frames = {name: nw.from_native(numbered(table, customers).lazy()) for name, table in tables.items()}
    with blaming("facts"):
        lazily = facts(Frames(**frames), reference=axial_length_reference(), keep=_computed_once)
        wanted = lazily.select("customer_id", *names)
        computed: pl.DataFrame = wanted.collect("polars", engine="in-memory").to_native()
    return computed.with_columns(customers.gather(computed["customer_id"]))


def _computed_once(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    return frame.collect("polars", engine="in-memory").lazy()


EXAM_IDS = [name for name, fact in CATALOGUE.items() if fact.kind is FactType.ID and Feed.EXAMS in fact.feeds]


def numbered(table: pl.DataFrame, customers: pl.Series) -> pl.DataFrame:
    """Ids as numbers in their own order, as the facts function wants them."""
    numbers = pl.DataFrame({"customer_id": customers}).with_row_index("number")
    own = ("exam_id", "order_id", "medication_id")
    ranks = [(pl.col(name).rank("dense") - 1).cast(pl.Int64) for name in own if name in table]
    with_number = table.with_columns(*ranks).join(numbers, on="customer_id", how="inner")
    return (
        with_number.drop("customer_id")
        .rename({"number": "customer_id"})
        .with_columns(pl.col("customer_id").cast(pl.Int64))
    )


_INCOMING = {FactType.DECIMAL: "numeric", FactType.DATE: "date", FactType.BOOLEAN: "boolean", FactType.ID: "uuid"} | {
    FactType.WORD: "text",
    FactType.INTEGER: "integer",
}


_DECIMALS = [name for name, fact in CATALOGUE.items() if fact.kind is FactType.DECIMAL]


def upsert(writer: Session, computed: pl.DataFrame, *, at: datetime) -> list[UUID]:
    """Write the rows that are new or differ. Returns whose."""
    columns = ", ".join(f'"{name}" {_INCOMING[fact.kind]}' for name, fact in CATALOGUE.items())
    with blaming(CUSTOMER_FACTS.name), writer.begin_nested():
        cursor = cursor_of(writer)
        cursor.execute("DROP TABLE IF EXISTS incoming_facts")
        cursor.execute(f"CREATE TEMP TABLE incoming_facts (customer_id uuid, {columns}) ON COMMIT DROP")
        in_units = computed.with_columns(pl.col(_DECIMALS) / 1000)
        copy_in(writer, "incoming_facts", in_units.write_csv(include_header=False, float_precision=3).encode())
        cursor.execute(_UPSERT, {"at": at, "reference": axial_length_reference().label})
        return [key for (key,) in cursor.fetchall()]


def _upsert_statement() -> str:
    """Only rows that differ are written: an unchanged customer costs no write and keeps his `computed_at`.

    A run that began earlier must not undo what a save computed since. Sorted, so that two never deadlock.
    """
    table, names = CUSTOMER_FACTS.name, [*CATALOGUE, "reference_version"]
    incoming = f"{_quoted([*CATALOGUE], of='i.')}, %(reference)s"
    updates = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in ("computed_at", *names))
    return (
        f"INSERT INTO {table} (customer_id, computed_at, {_quoted(names)})"
        f" SELECT i.customer_id, %(at)s, {incoming} FROM incoming_facts i"
        f" LEFT JOIN {table} f ON f.customer_id = i.customer_id"
        f" WHERE ({_quoted(names, of='f.')}) IS DISTINCT FROM ({incoming}) ORDER BY i.customer_id"
        f" ON CONFLICT (customer_id) DO UPDATE SET {updates} WHERE {table}.computed_at <= EXCLUDED.computed_at"
        f" RETURNING customer_id"
    )


def _quoted(names: Sequence[str], *, of: str = "") -> str:
    return ", ".join(f'{of}"{name}"' for name in names)


_UPSERT = _upsert_statement()
