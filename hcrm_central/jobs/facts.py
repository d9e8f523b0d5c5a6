"""From the tables to `customer_facts`, through the one facts function.

A chunk of customers is read by COPY in one snapshot, computed by Polars and upserted. A customer whose rows
cannot be computed is set aside and named; he stops nobody.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import narwhals as nw
import polars as pl
import psycopg
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hcrm_central.jobs.copying import copy_in, copy_out, cursor_of
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.membership import among
from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType, Feed
from hcrm_core.facts.compute import Frames, facts
from hcrm_store.clock import Clock
from hcrm_store.people import Customer
from hcrm_store.references import axial_length_reference

CHUNK = 20_000  # customers at a time: about 100 MB while computing

_ID, _DAY, _NUMBER, _FLAG = pl.String, pl.Date, pl.Int64, pl.Boolean
_Schema = dict[str, type[pl.DataType]]
Tables = dict[str, pl.DataFrame]  # rows by the name of their frame; ids are texts
_KEY: _Schema = {"customer_id": _ID}
_QUERIES: dict[str, tuple[str, _Schema]] = {
    "customers": (
        "SELECT id, site_id, birth_date, sex, filed_on, do_not_contact::text FROM customer WHERE id {scope}",
        _KEY | {"site_id": _ID, "birth_date": _DAY, "sex": pl.String, "filed_on": _DAY, "do_not_contact": _FLAG},
    ),
    "eyes": (
        "SELECT x.customer_id, x.id, m.eye, x.examined_on, x.status, x.method, x.cycloplegic::text, x.lens_state,"
        " x.washout_days, (m.sphere * 1000)::int, (m.cylinder * 1000)::int, (m.axial_length_mm * 1000)::int,"
        " (m.k1 * 1000)::int, (m.k2 * 1000)::int, m.cct_um, (m.iop_mmhg * 1000)::int, (m.ucva * 1000)::int,"
        " (m.bcva * 1000)::int"
        " FROM exam x LEFT JOIN eye_measurement m ON m.customer_id = x.customer_id AND m.exam_id = x.id"
        " WHERE x.customer_id {scope}",
        _KEY
        | {"exam_id": _ID, "eye": pl.String, "examined_on": _DAY, "status": pl.String, "method": pl.String}
        | {"cycloplegic": _FLAG, "lens_state": pl.String, "washout_days": _NUMBER}
        | dict.fromkeys(("sphere_mdpt", "cylinder_mdpt", "axial_length_um", "k1_mdpt", "k2_mdpt", "cct_um"), _NUMBER)
        | dict.fromkeys(("iop_milli", "ucva_milli", "bcva_milli"), _NUMBER),
    ),
    "lens_orders": (
        "SELECT o.customer_id, o.id, o.eye, o.product, o.ordered_on, o.dispensed_on, o.ended_on,"
        " (o.price * 1000)::bigint, d.kind FROM lens_order o LEFT JOIN department d ON d.id = o.department_id"
        " WHERE o.customer_id {scope}",
        _KEY
        | {"order_id": _ID, "eye": pl.String, "product": pl.String}
        | {"ordered_on": _DAY, "dispensed_on": _DAY, "ended_on": _DAY}
        | {"price_milli": _NUMBER, "department": pl.String},
    ),
    "visits": (
        "SELECT customer_id, visit_on, state FROM visit WHERE customer_id {scope}",
        _KEY | {"visit_on": _DAY, "state": pl.String},
    ),
    "recheck_plans": (
        "SELECT customer_id, planned_on, due_on FROM recheck_plan WHERE customer_id {scope}",
        _KEY | {"planned_on": _DAY, "due_on": _DAY},
    ),
    "follow_ups": (
        "SELECT customer_id, (contacted_at AT TIME ZONE 'Asia/Shanghai')::date, outcome FROM follow_up"
        " WHERE customer_id {scope}",
        _KEY | {"contacted_on": _DAY, "outcome": pl.String},
    ),
    "leads": (
        "SELECT customer_id, state, started_on, closed_on FROM lead WHERE customer_id {scope}",
        _KEY | {"state": pl.String, "started_on": _DAY, "closed_on": _DAY},
    ),
}


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


class _Unreadable(Exception):
    """Rows that cannot be computed; tells what failed where, and no value."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """Some customers: as a range of sorted ids if there is nobody else in between, otherwise as a list."""

    ids: Sequence[UUID]
    whole_range: bool

    def condition(self) -> tuple[str, list[object]]:
        if self.whole_range:
            return "BETWEEN %s AND %s", [self.ids[0], self.ids[-1]]
        return "= ANY(%s)", [list(self.ids)]

    def halves(self) -> Iterator["_Scope"]:
        middle = len(self.ids) // 2
        yield _Scope(self.ids[:middle], self.whole_range)
        yield _Scope(self.ids[middle:], self.whole_range)


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
    changed: list[UUID] = []
    failed: dict[UUID, str] = {}
    for start in range(0, len(ids), CHUNK):
        scope = _Scope(ids[start : start + CHUNK], whole_range=customer_ids is None)
        changed += _store(reader, writer, scope, at=at, failed=failed)
    return FactsReport(computed=len(ids) - len(failed), changed=tuple(changed), quarantined=failed)


def _store(reader: Session, writer: Session, scope: _Scope, *, at: datetime, failed: dict[UUID, str]) -> list[UUID]:
    """Compute and upsert; on failure halve until the customers at fault are alone, and name them. Returns whose facts
    changed."""
    try:
        return _upsert(writer, _computed(_read(reader, scope)), at=at)
    except _Unreadable as error:
        if len(scope.ids) > 1:
            return [one for half in scope.halves() for one in _store(reader, writer, half, at=at, failed=failed)]
        failed[scope.ids[0]] = str(error)
    return []


@contextmanager
def _blaming(place: str) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, psycopg.DataError) as error:
        raise _Unreadable(f"{type(error).__name__}: {place}") from None


def _read(reader: Session, scope: _Scope) -> Tables:
    condition, values = scope.condition()
    tables: Tables = {}
    for name, (query, schema) in _QUERIES.items():
        with _blaming(name), reader.begin_nested():
            rows = copy_out(reader, query.format(scope=condition), values)
            tables[name] = pl.read_csv(rows, schema=schema, has_header=False)
    return tables


def _computed(tables: Tables) -> pl.DataFrame:
    exams, computed = tables["eyes"]["exam_id"].unique().sort(), facts_from(tables, names=CATALOGUE)
    return computed.with_columns(exams.gather(computed[name]).alias(name) for name in _EXAM_IDS)


def tables_of(reader: Session, customer_ids: Sequence[UUID]) -> Tables:
    """The rows of some customers, as facts are computed from them."""
    return _read(reader, _Scope(customer_ids, whole_range=False))


def facts_from(tables: Tables, *, names: Collection[str]) -> pl.DataFrame:
    """Some facts of all customers of the tables; examinations as numbers, in the order of their ids."""
    customers = tables["customers"]["customer_id"].sort()
    frames = {name: nw.from_native(_numbered(table, customers).lazy()) for name, table in tables.items()}
    with _blaming("facts"):
        lazily = facts(Frames(**frames), reference=axial_length_reference(), keep=_computed_once)
        wanted = lazily.select("customer_id", *names)
        computed: pl.DataFrame = wanted.collect("polars", engine="in-memory").to_native()
    return computed.with_columns(customers.gather(computed["customer_id"]))


def _computed_once(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    return frame.collect("polars", engine="in-memory").lazy()


_EXAM_IDS = [name for name, fact in CATALOGUE.items() if fact.kind is FactType.ID and Feed.EXAMS in fact.feeds]


def _numbered(table: pl.DataFrame, customers: pl.Series) -> pl.DataFrame:
    """Ids as numbers in their own order, as the facts function wants them."""
    numbers = pl.DataFrame({"customer_id": customers}).with_row_index("number")
    ranks = [(pl.col(name).rank("dense") - 1).cast(pl.Int64) for name in ("exam_id", "order_id") if name in table]
    with_number = table.with_columns(*ranks).join(numbers, on="customer_id", how="inner")
    return (
        with_number.drop("customer_id")
        .rename({"number": "customer_id"})
        .with_columns(pl.col("customer_id").cast(pl.Int64))
    )


_INCOMING = {FactType.DECIMAL: "bigint", FactType.DATE: "date", FactType.BOOLEAN: "boolean", FactType.ID: "uuid"} | {
    FactType.WORD: "text",
    FactType.INTEGER: "integer",
}


def _upsert(writer: Session, computed: pl.DataFrame, *, at: datetime) -> list[UUID]:
    """Write the rows that are new or differ. Returns whose."""
    columns = ", ".join(f'"{name}" {_INCOMING[fact.kind]}' for name, fact in CATALOGUE.items())
    with _blaming(CUSTOMER_FACTS.name), writer.begin_nested():
        cursor = cursor_of(writer)
        cursor.execute("DROP TABLE IF EXISTS incoming_facts")
        cursor.execute(f"CREATE TEMP TABLE incoming_facts (customer_id uuid, {columns}) ON COMMIT DROP")
        copy_in(writer, "incoming_facts", computed.write_csv(include_header=False).encode())
        cursor.execute(_UPSERT, {"at": at, "reference": axial_length_reference().label})
        return [key for (key,) in cursor.fetchall()]


def _upsert_statement() -> str:
    """Only rows that differ are written: an unchanged customer costs no write and keeps his `computed_at`.

    A run that began earlier must not undo what a save computed since. Sorted, so that two never deadlock.
    """
    table, names = CUSTOMER_FACTS.name, [*CATALOGUE, "reference_version"]
    incoming = [*(_value(fact) for fact in CATALOGUE.values()), "%(reference)s"]
    updates = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in ("computed_at", *names))
    return (
        f"INSERT INTO {table} (customer_id, computed_at, {_quoted(names)})"
        f" SELECT i.customer_id, %(at)s, {', '.join(incoming)} FROM incoming_facts i"
        f" LEFT JOIN {table} f ON f.customer_id = i.customer_id"
        f" WHERE ({_quoted(names, of='f.')}) IS DISTINCT FROM ({', '.join(incoming)}) ORDER BY i.customer_id"
        f" ON CONFLICT (customer_id) DO UPDATE SET {updates} WHERE {table}.computed_at <= EXCLUDED.computed_at"
        f" RETURNING customer_id"
    )


def _value(fact: Fact) -> str:
    return f'i."{fact.name}" / 1000.0' if fact.kind is FactType.DECIMAL else f'i."{fact.name}"'


def _quoted(names: Sequence[str], *, of: str = "") -> str:
    return ", ".join(f'{of}"{name}"' for name in names)


_UPSERT = _upsert_statement()
