"""What a ledger row put into the store, remembered under the row, so that a second import finds it again."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.connectors.ledger.book import Book, Values, jsonable
from hcrm_central.connectors.ledger.records import Item, Record
from hcrm_central.store.tables import SourceRecord
from hcrm_core.errors import Problem, Severity
from hcrm_core.terms import ExamStatus, Source
from hcrm_store.base import Base
from hcrm_store.clinical import Exam

_ENTRY = ("id", "digest", "payload", "batch_id")


class Standing(StrEnum):
    """What became of a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"  # says the same as an earlier row of the file


class Entry:
    """One ledger row against what the store remembers of it."""

    def __init__(self, *, key: str, digest: str, stored: Values | None, standing: Standing) -> None:
        self.key, self.digest, self.stored, self.standing = key, digest, stored, standing

    @property
    def former_person(self) -> Values:
        """The customer's columns as this row gave them before."""
        person: Values = self.stored["payload"]["person"] if self.stored else {}
        return person


class Entries:
    """Compares the rows of one sheet with what was imported before, and writes the difference."""

    def __init__(self, session: Session, *, book: Book, kind: str, amend_reason: str) -> None:
        self._session, self._book, self._kind, self._amend_reason = session, book, kind, amend_reason
        self._stored: dict[str, Values] = {}
        self._loaded: set[UUID] = set()
        self._rows_of: Counter[str] = Counter()
        self._digests: dict[str, set[str]] = {}

    def load(self, customers: Iterable[UUID]) -> None:
        """Read what is remembered of these customers' rows."""
        self._stored, self._loaded = {}, set(customers)
        self._read(self._loaded)

    def compare(self, record: Record, *, person: Values, customer_id: UUID, is_new: bool) -> Entry:
        """How a row stands. Rows of one person on one occasion are numbered in the order of the file."""
        if not is_new and customer_id not in self._loaded:
            self._loaded.add(customer_id)
            self._read({customer_id})
        occasion = f"{customer_id}:{record.occasion}"
        digest = _digest(person, record.items)
        if digest in self._digests.setdefault(occasion, set()):
            return Entry(key="", digest=digest, stored=None, standing=Standing.DUPLICATE)
        self._digests[occasion].add(digest)
        self._rows_of[occasion] += 1
        key = f"{occasion}#{self._rows_of[occasion]}"
        stored = self._stored.get(key)
        if stored is None:
            return Entry(key=key, digest=digest, stored=None, standing=Standing.NEW)
        standing = Standing.UNCHANGED if stored["digest"] == digest else Standing.CHANGED
        return Entry(key=key, digest=digest, stored=stored, standing=standing)

    def write(
        self, entry: Entry, record: Record, *, person: Values, texts: dict[str, str], customer_id: UUID, site_id: UUID
    ) -> list[Problem]:
        """Write a new or changed row's items, and remember them."""
        former: Values = entry.stored["payload"]["items"] if entry.stored else {}
        items, problems = dict(former), list[Problem]()
        for item in record.items:
            common = {"customer_id": customer_id, "site_id": site_id}
            if item.slot not in former:
                items[item.slot] = self._create(item, common)
            else:
                items[item.slot], remarks = self._bring_up(item, former[item.slot], common)
                problems += remarks
        payload = {"texts": texts, "person": jsonable(person), "items": items}
        self._remember(entry, payload=payload, customer_id=customer_id)
        return problems

    def _remember(self, entry: Entry, *, payload: Values, customer_id: UUID) -> None:
        present = {"digest": entry.digest, "payload": payload, "batch_id": self._book.batch_id}
        if entry.stored is not None:
            self._book.change("source_record", present, row=entry.stored, customer_id=customer_id)
            return
        names = {"source": Source.LEDGER, "kind": self._kind, "source_key": entry.key}
        self._book.create("source_record", {**names, **present, "customer_id": customer_id, "row_id": None})

    def _create(self, item: Item, common: Values, **more: object) -> Values:
        """Create an item's row (and an exam's measurements); returns what to remember of it."""
        row = self._book.create(item.table, {**item.values, **common, **more})
        for eye in item.eyes:
            self._book.create("eye_measurement", {**eye, **common, "exam_id": row["id"]})
        return {"id": str(row["id"]), "values": jsonable(item.values), "eyes": jsonable(item.eyes)}

    def _bring_up(self, item: Item, former: Values, common: Values) -> tuple[Values, list[Problem]]:
        """Bring a row up to what the ledger says now, as far as nobody else changed it."""
        said = {"values": jsonable(item.values), "eyes": jsonable(item.eyes)}
        if said == {"values": former["values"], "eyes": former["eyes"]}:
            return former, []
        row = self._present(item.table, UUID(former["id"]), customer_id=common["customer_id"])
        if row is None:  # deleted since: what the ledger says is new again
            return self._create(item, common), []
        if item.table == Exam.__tablename__:
            return self._amend(item, former, row=row, common=common)
        return {"id": former["id"], **said}, self._update(item, former, row=row, common=common)

    def _update(self, item: Item, former: Values, *, row: Values, common: Values) -> list[Problem]:
        changes, problems = {}, []
        for name, value in item.values.items():
            if jsonable(value) == former["values"].get(name):
                continue
            if jsonable(row[name]) == former["values"].get(name):
                changes[name] = value
            elif jsonable(row[name]) != jsonable(value):
                problems.append(_kept(name))
        if changes:
            self._book.change(item.table, changes, row=row, customer_id=common["customer_id"])
        return problems

    def _amend(self, item: Item, former: Values, *, row: Values, common: Values) -> tuple[Values, list[Problem]]:
        """A corrected exam is a new one that supersedes; one that somebody amended here stays as it is."""
        if row["status"] != ExamStatus.FINAL:
            return former, [_kept("examined_on")]
        self._book.change(item.table, {"status": ExamStatus.AMENDED}, row=row, customer_id=common["customer_id"])
        return self._create(item, common, supersedes_id=row["id"], amend_reason=self._amend_reason), []

    def _present(self, table: str, row_id: UUID, *, customer_id: UUID) -> Values | None:
        columns = Base.metadata.tables[table].c
        wanted = select(*columns).where(columns.customer_id == customer_id, columns.id == row_id)
        found = self._session.execute(wanted).mappings().first()
        return dict(found) if found else None

    def _read(self, customers: set[UUID]) -> None:
        record = SourceRecord
        wanted = record.source == Source.LEDGER, record.kind == self._kind, record.customer_id.in_(customers)
        columns = [getattr(record, name) for name in ("source_key", *_ENTRY)]
        for key, *rest in self._session.execute(select(*columns).where(*wanted)):
            self._stored[key] = dict(zip(_ENTRY, rest, strict=True))


def _digest(person: Values, items: Iterable[Item]) -> str:
    meaning: list[Any] = [person, *((item.slot, item.values, list(item.eyes)) for item in items)]
    text = json.dumps(jsonable(meaning), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(field: str) -> Problem:
    return Problem(code="present_value_kept", field=field, severity=Severity.HINT)
