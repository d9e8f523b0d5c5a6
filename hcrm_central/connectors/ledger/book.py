"""Everything one import writes, with what is needed to take it back. New rows go in by COPY, a chunk at a time."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Table, text, update
from sqlalchemy.orm import Session

import hcrm_store.kinds  # noqa: F401  (registers the tables that TABLES names)
from hcrm_central.connectors.ledger.problems import Remark
from hcrm_central.store.tables import AuditEntry, ImportBatch, Watermark
from hcrm_core.terms import Source
from hcrm_store.base import Base, new_id

Values = dict[str, Any]  # why Any: columns of every table

# Parents first.
TABLES = (
    "family",
    "guardian",
    "customer",
    "customer_identifier",
    "exam",
    "eye_measurement",
    "lens_order",
    "visit",
    "recheck_plan",
    "follow_up",
    "source_record",
    "match_review",
)
TABLES_OF_CUSTOMERS = TABLES[3:10]
_SERVER_FILLS = {"ver", "created_at", "updated_at", "since"}
_NOT_UNDONE_ROW_BY_ROW = {"source_record", "match_review"}  # these know their batch themselves
_MAY_CHANGE_AGAIN = {"family", "guardian", "customer"}  # within the same import


@dataclass(slots=True, kw_only=True)
class _Effect:
    """What was done to one row: its former columns if it was changed, and what they are now."""

    customer_id: UUID | None
    action: str
    ver: int
    former_ver: int = 0
    former: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)

    def as_row(self) -> Values:
        before = {"ver": self.former_ver, "former": self.former, "after": self.after}
        return {"customer_id": self.customer_id, "action": self.action, "before": before, "ver": self.ver}


@dataclass(slots=True, kw_only=True)
class _Change:
    customer_id: UUID | None
    former_ver: int
    former: Values = field(default_factory=dict)
    changes: Values = field(default_factory=dict)


def jsonable(value: object) -> Any:
    """A value as it stands in JSON columns: exact numbers, days and ids as text."""
    if isinstance(value, dict):
        return {key: jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    return value if value is None or isinstance(value, bool | int) else str(value)


class Book:
    """Collects what an import creates and changes, and writes it inside the caller's transaction."""

    def __init__(self, session: Session, *, batch: ImportBatch) -> None:
        self._session, self._batch = session, batch
        self._new: dict[str, list[Values]] = {table: [] for table in TABLES}
        self._changes: dict[tuple[str, UUID], _Change] = {}
        self._effects: dict[tuple[str, UUID], _Effect] = {}
        self._written_effects = 0
        self._begun = False
        self._staged: set[str] = set()
        self.created: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()

    @property
    def is_empty(self) -> bool:
        """Whether the import has done nothing at all."""
        return not self._begun

    @property
    def batch_id(self) -> UUID:
        return self._batch.id

    def create(self, table: str, values: Values) -> Values:
        """Create a row at the next flush. The returned row may be altered until then."""
        row = {"id": new_id(), **values}
        self._new[table].append(row)
        return row

    def change(self, table: str, changes: Values, *, row: Values, customer_id: UUID | None) -> None:
        """Change columns of a row that is in the store; `row` holds its present columns and is brought up to date."""
        begun = _Change(customer_id=customer_id, former_ver=row.get("ver", 0))
        change = self._changes.setdefault((table, row["id"]), begun)
        for name in changes:
            change.former.setdefault(name, jsonable(row[name]))
        change.changes |= changes
        row |= changes

    def flush(self) -> None:
        """Write what was collected: new rows by COPY, changes one by one."""
        if not self._changes and not any(self._new.values()):
            return
        self._begin()
        fleeting: list[Values] = []
        for table, rows in self._new.items():
            self._copy(Base.metadata.tables[table], rows)
            self.created[table] += len(rows)
            fleeting += self._note_created(table, rows)
            rows.clear()
        for (table, row_id), change in self._changes.items():
            self._write_change(table, row_id, change)
        self._changes.clear()
        self._copy_effects(fleeting)

    def finish(self, *, remarks: Iterable[Remark], counts: Values, now: datetime) -> None:
        """Write the effects that could still change, the remarks and the counts."""
        kept = [
            {"table_name": table, "row_id": row_id, **effect.as_row()}
            for (table, row_id), effect in self._effects.items()
        ]
        self._copy_effects(kept)
        problems = [{**one.as_json(), "batch_id": self.batch_id, "n": number} for number, one in enumerate(remarks, 1)]
        self._copy(Base.metadata.tables["import_problem"], problems)
        self._session.execute(
            update(ImportBatch).where(ImportBatch.id == self.batch_id).values(counts=counts, finished_at=now)
        )
        self._session.merge(Watermark(feed=Source.LEDGER, at=now))
        self._session.add(
            AuditEntry(action="import:committed", subject_kind="import_batch", subject_id=self.batch_id, at=now)
        )

    def _begin(self) -> None:
        if not self._begun:
            self._session.add(self._batch)
            self._session.flush()
            self._begun = True

    def _note_created(self, table: str, rows: list[Values]) -> list[Values]:
        """Remember what was created; returns the effects that are final at once."""
        if table in _NOT_UNDONE_ROW_BY_ROW:
            return []
        versioned = 1 if "ver" in Base.metadata.tables[table].columns else 0
        if table not in _MAY_CHANGE_AGAIN:
            common: Values = {"table_name": table, "action": "created", "before": None, "ver": versioned}
            return [{**common, "row_id": row["id"], "customer_id": row["customer_id"]} for row in rows]
        for row in rows:
            customer_id = row["id"] if table == "customer" else None
            effect = _Effect(customer_id=customer_id, action="created", ver=versioned, after=jsonable(row))
            self._effects[table, row["id"]] = effect
        return []

    def _write_change(self, table: str, row_id: UUID, change: _Change) -> None:
        ver = self._update(table, row_id, change)
        self.changed[table] += 1
        begun = _Effect(customer_id=change.customer_id, action="changed", ver=ver, former_ver=change.former_ver)
        effect = self._effects.setdefault((table, row_id), begun)
        effect.ver = ver
        effect.after |= jsonable(change.changes)
        if effect.action == "changed":
            effect.former = change.former | effect.former

    def _update(self, table: str, row_id: UUID, change: _Change) -> int:
        """Change a row; returns its version now, 0 if it has none."""
        target = Base.metadata.tables[table]
        statement = update(target).where(target.c.id == row_id).values(change.changes)
        if table in TABLES_OF_CUSTOMERS:
            statement = statement.where(target.c.customer_id == change.customer_id)
        if "ver" not in target.c:
            self._session.execute(statement)
            return 0
        ver: int = self._session.execute(statement.returning(target.c.ver)).scalar_one()
        return ver

    def _copy_effects(self, effects: list[Values]) -> None:
        start = self._written_effects + 1
        rows = [{**effect, "batch_id": self.batch_id, "n": start + offset} for offset, effect in enumerate(effects)]
        self._copy(Base.metadata.tables["import_effect"], rows)
        self._written_effects += len(rows)

    def _copy(self, table: Table, rows: list[Values]) -> None:
        """Insert many rows: COPY into a temporary table (row security forbids it elsewhere), then one INSERT."""
        if not rows:
            return
        filled = _SERVER_FILLS - ({"ver"} if table.name == "import_effect" else set())
        columns = [column for column in table.columns if column.name not in filled]
        names = ", ".join(f'"{column.name}"' for column in columns)
        defaults = {column.name: getattr(column.default, "arg", None) for column in columns}
        staged = f"staged_{table.name}"
        if table.name not in self._staged:
            self._session.execute(
                text(f"CREATE TEMP TABLE {staged} ON COMMIT DROP AS SELECT {names} FROM {table.name} WITH NO DATA")
            )
            self._staged.add(table.name)
        driver = self._session.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with driver.cursor() as cursor, cursor.copy(f"COPY {staged} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([_plain(row.get(name, defaults[name])) for name in defaults])
        self._session.execute(text(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {staged}"))
        self._session.execute(text(f"TRUNCATE {staged}"))


def _plain(value: object) -> object:
    """A value as COPY takes it."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value.value if isinstance(value, Enum) else value
