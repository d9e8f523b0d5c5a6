"""The rows that facts are computed from, out of PostgreSQL and into frames.

COPY hands over a message for each row, which costs Python more than the row costs PostgreSQL: each table comes as one
text instead. Examinations and measurements are joined here, and decimals become whole numbers here: both are several
times as quick as there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import polars as pl
import psycopg
from sqlalchemy.orm import Session

from hcrm_central.jobs.copying import cursor_of

Tables = dict[str, pl.DataFrame]  # rows by the name of their frame; ids are texts
_Schema = dict[str, type[pl.DataType]]

_ID, _DAY, _NUMBER, _FLAG, _WORD, _DECIMAL = pl.String, pl.Date, pl.Int64, pl.Boolean, pl.String, pl.Float64
_KEY: _Schema = {"customer_id": _ID}
_EXAMS, _MEASUREMENTS = "exams", "measurements"


@dataclass(frozen=True, slots=True)
class _Source:
    """Where rows come from.

    Attributes:
        columns: SQL expressions in the order of the schema: ids, words, days and numbers, which hold no comma.
        rows: FROM and WHERE, with room for a scope.
        schema: names and types; decimals become integers in 0.001.
    """

    columns: tuple[str, ...]
    rows: str
    schema: _Schema

    def query(self, condition: str) -> str:
        line = ", ',', ".join(self.columns)
        return f"SELECT string_agg(concat({line}), E'\\n') FROM {self.rows.format(scope=condition)}"

    def everybody(self) -> str:
        """All rows, each column with the name and type of the schema."""
        named = zip(self.columns, self.schema.items(), strict=True)
        columns = ", ".join(f'{_typed(column, kind)} AS "{name}"' for column, (name, kind) in named)
        return f"SELECT {columns} FROM {self.rows.format(scope='IS NOT NULL')}"

    def frame(self, csv: str | None) -> pl.DataFrame:
        if not csv:
            found = pl.DataFrame(schema=self.schema)
        else:
            found = pl.read_csv(csv.encode(), schema=self.schema, has_header=False)
        decimals = [name for name, kind in self.schema.items() if kind is _DECIMAL]
        return found.with_columns((pl.col(decimals) * 1000).round().cast(pl.Int64))


def _typed(column: str, kind: type[pl.DataType]) -> str:
    """A column as `_Source.frame` has it: an empty word is unknown, and decimals are in 0.001."""
    if kind is pl.String:
        return f"NULLIF(({column})::text, '')"
    if kind is _DECIMAL:
        return f"round(({column}) * 1000)::bigint"
    return f"({column})::{_SQL_TYPES[kind]}"


_SQL_TYPES = {_DAY: "date", _NUMBER: "bigint", _FLAG: "boolean"}


_SOURCES = {
    "customers": _Source(
        ("id", "site_id", "birth_date", "sex", "filed_on", "do_not_contact::text"),
        "customer WHERE id {scope}",
        _KEY | {"site_id": _ID, "birth_date": _DAY, "sex": _WORD, "filed_on": _DAY, "do_not_contact": _FLAG},
    ),
    _EXAMS: _Source(
        (
            *("customer_id", "id", "examined_on", "status", "method"),
            *("cycloplegic::text", "lens_state", "washout_days"),
        ),
        "exam WHERE customer_id {scope}",
        _KEY
        | {"exam_id": _ID, "examined_on": _DAY, "status": _WORD, "method": _WORD}
        | {"cycloplegic": _FLAG, "lens_state": _WORD, "washout_days": _NUMBER},
    ),
    _MEASUREMENTS: _Source(
        (
            *("exam_id", "eye", "cct_um", "sphere", "cylinder", "axial_length_mm", "k1", "k2"),
            *("iop_mmhg", "ucva", "bcva"),
        ),
        "eye_measurement WHERE customer_id {scope}",
        {"exam_id": _ID, "eye": _WORD, "cct_um": _NUMBER}
        | dict.fromkeys(("sphere_mdpt", "cylinder_mdpt", "axial_length_um", "k1_mdpt", "k2_mdpt"), _DECIMAL)
        | dict.fromkeys(("iop_milli", "ucva_milli", "bcva_milli"), _DECIMAL),
    ),
    "lens_orders": _Source(
        (
            *("o.customer_id", "o.id", "o.eye", "o.product", "o.ordered_on", "o.dispensed_on", "o.ended_on"),
            *("o.price", "d.kind"),
        ),
        "lens_order o LEFT JOIN department d ON d.id = o.department_id WHERE o.customer_id {scope}",
        _KEY
        | {"order_id": _ID, "eye": _WORD, "product": _WORD}
        | {"ordered_on": _DAY, "dispensed_on": _DAY, "ended_on": _DAY}
        | {"price_milli": _DECIMAL, "department": _WORD},
    ),
    "medications": _Source(
        ("customer_id", "id", "medicine", "percent", "started_on", "ended_on"),
        "medication WHERE customer_id {scope}",
        _KEY
        | {"medication_id": _ID, "medicine": _WORD, "percent_milli": _DECIMAL}
        | {"started_on": _DAY, "ended_on": _DAY},
    ),
    "visits": _Source(
        ("customer_id", "visit_on", "state"),
        "visit WHERE customer_id {scope}",
        _KEY | {"visit_on": _DAY, "state": _WORD},
    ),
    "recheck_plans": _Source(
        ("customer_id", "planned_on", "due_on"),
        "recheck_plan WHERE customer_id {scope}",
        _KEY | {"planned_on": _DAY, "due_on": _DAY},
    ),
    "follow_ups": _Source(
        ("customer_id", "(contacted_at AT TIME ZONE 'Asia/Shanghai')::date", "outcome"),
        "follow_up WHERE customer_id {scope}",
        _KEY | {"contacted_on": _DAY, "outcome": _WORD},
    ),
    "leads": _Source(
        ("customer_id", "state", "started_on", "closed_on"),
        "lead WHERE customer_id {scope}",
        _KEY | {"state": _WORD, "started_on": _DAY, "closed_on": _DAY},
    ),
}


class Unreadable(Exception):
    """Rows that cannot be computed; tells what failed where, and no value."""


@contextmanager
def blaming(place: str) -> Iterator[None]:
    """Whatever fails over values inside the block is told as `Unreadable`."""
    try:
        yield
    except (pl.exceptions.PolarsError, psycopg.DataError) as error:
        raise Unreadable(f"{type(error).__name__}: {place}") from None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some customers: as a range of sorted ids if there is nobody else in between, otherwise as a list."""

    ids: Sequence[UUID]
    whole_range: bool

    def condition(self) -> tuple[str, list[object]]:
        if self.whole_range:
            return "BETWEEN %s AND %s", [self.ids[0], self.ids[-1]]
        return "= ANY(%s)", [list(self.ids)]

    def halves(self) -> Iterator["Chunk"]:
        middle = len(self.ids) // 2
        yield Chunk(self.ids[:middle], self.whole_range)
        yield Chunk(self.ids[middle:], self.whole_range)


def read(reader: Session, chunk: Chunk) -> Tables:
    """The rows of a chunk's customers.

    Raises:
        Unreadable: a value that no frame takes.
    """
    found = {name: _rows(reader, chunk, name=name, source=source) for name, source in _SOURCES.items()}
    measurements = found.pop(_MEASUREMENTS)
    eyes = found.pop(_EXAMS).join(measurements, on="exam_id", how="left")
    return found | {"eyes": eyes}


def queries() -> dict[str, str]:
    """All rows of each frame, for a reader that is not this process."""
    found = {name: source.everybody() for name, source in _SOURCES.items()}
    measurements = found.pop(_MEASUREMENTS)
    eyes = f"SELECT * FROM ({found.pop(_EXAMS)}) AS e LEFT JOIN ({measurements}) AS m USING (exam_id)"
    return found | {"eyes": eyes}


def _rows(reader: Session, chunk: Chunk, *, name: str, source: _Source) -> pl.DataFrame:
    condition, values = chunk.condition()
    with blaming(name), reader.begin_nested():
        answer = cursor_of(reader).execute(source.query(condition), values).fetchone()
        assert answer is not None  # an aggregate always answers
        return source.frame(answer[0])
