"""Takes an import back: what it made goes, what it changed gets its former values, what people worked on stays.

A customer whom the import made, and with whom somebody has worked since, stays with everything the import gave him:
half a record would be worse than none. What the scan derived (tasks nobody began, memberships, facts) goes with its
customer. Everything that stays is listed.
"""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hcrm_central.connectors.ledger.book import TABLES, TABLES_OF_CUSTOMERS, Values
from hcrm_central.connectors.ledger.report import KeptRow, UndoReport
from hcrm_central.store.engine import transaction
from hcrm_central.store.tables import AuditEntry, ImportBatch, ImportEffect
from hcrm_core.errors import Rejected
from hcrm_core.terms import Source
from hcrm_store.base import Base
from hcrm_store.clock import Clock

LOCK = 7_411_880_211  # any number, the same in every process: imports and undos follow one another
_VERSIONED = tuple(name for name in TABLES if "ver" in Base.metadata.tables[name].columns)
# The scan deals customers to assistants: that is not work on a customer.
_LEFT_ALONE = (
    "site_id",
    "family_id",
    "name",
    "name_pinyin",
    "sex",
    "birth_date",
    "filed_on",
    "optometrist_id",
    "do_not_contact",
    "school",
    "note",
)
_BEGUN = "(t.attempts > 0 OR t.last_outcome IS NOT NULL OR t.state = 'snoozed')"


def undo_import(engine: Engine, batch_id: UUID, *, clock: Clock) -> UndoReport:
    """Take one import back.

    Raises:
        Rejected: ``"unknown_batch"`` or ``"already_undone"``.
    """
    with transaction(engine) as session:
        session.execute(text("SET LOCAL lock_timeout = '10min'"))
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        batch = session.get(ImportBatch, batch_id)
        if batch is None or batch.source != Source.LEDGER:
            raise Rejected("unknown_batch", "there is no such ledger import")
        if batch.undone_at is not None:
            raise Rejected("already_undone", "this import was taken back already")
        report = _Undo(session, batch_id).run()
        now = clock.now()
        batch.undone_at = now
        session.add(AuditEntry(action="import:undone", subject_kind="import_batch", subject_id=batch_id, at=now))
    return report


class _Undo:
    """One undo: first what must stay is found, then the rest goes, children first."""

    def __init__(self, session: Session, batch_id: UUID) -> None:
        self._session, self._batch_id = session, batch_id
        effects = session.scalars(select(ImportEffect).where(ImportEffect.batch_id == batch_id)).all()
        self._created: dict[str, dict[UUID, UUID | None]] = {table: {} for table in TABLES}
        for effect in effects:
            if effect.action == "created":
                self._created[effect.table_name][effect.row_id] = effect.customer_id
        self._changed = [effect for effect in effects if effect.action == "changed"]
        self._altered = {table: self._altered_rows(table) for table in _VERSIONED}
        self._kept: dict[tuple[str, UUID], str] = {}
        self._removed: Counter[str] = Counter()
        self._restored: Counter[str] = Counter()

    def run(self) -> UndoReport:
        self._keep_what_was_worked_on()
        for table in reversed(TABLES_OF_CUSTOMERS):
            self._remove(table)
        self._restore()
        self._remove_derived()
        self._remove("customer")
        self._keep_families()
        self._remove("guardian")
        self._remove("family")
        self._forget()
        kept = tuple(KeptRow(table=table, row_id=row, reason=why) for (table, row), why in sorted(self._kept.items()))
        return UndoReport(
            batch_id=self._batch_id, removed=dict(self._removed), restored=dict(self._restored), kept=kept
        )

    # ── what stays ───────────────────────────────────────────────────────────────────────────────────────

    def _altered_rows(self, table: str) -> set[UUID]:
        """Rows that have another version now than this import left them with."""
        altered = "t.ver <> e.ver"
        if table == "customer":
            same = " AND ".join(f"t.{name} IS NOT DISTINCT FROM r.{name}" for name in _LEFT_ALONE)
            altered += f" AND NOT ({same})"
        return self._ids(
            f"SELECT t.id FROM import_effect e JOIN {table} t ON t.id = e.row_id,"
            f" jsonb_populate_record(NULL::{table}, coalesce(e.before -> 'after', '{{}}')) r"
            f" WHERE e.batch_id = :batch AND e.table_name = '{table}' AND e.action = 'created' AND {altered}"
        )

    def _keep_what_was_worked_on(self) -> None:
        made: set[UUID | None] = set(self._created["customer"])
        worked = made & (self._with_other_work() | self._altered["customer"])
        for table in TABLES_OF_CUSTOMERS:
            worked |= {self._created[table].get(row) for row in self._altered.get(table, set())} & made
        for customer in self._created["customer"].keys() & worked:
            self._kept["customer", customer] = "worked_on"
        for table in TABLES_OF_CUSTOMERS:
            for row, customer_id in self._created[table].items():
                if customer_id in worked:
                    self._kept[table, row] = "worked_on"
                elif row in self._altered.get(table, set()):
                    self._kept[table, row] = "changed_since"
        self._keep_whole_exams()

    def _with_other_work(self) -> set[UUID]:
        """Customers of this import with rows that it did not write. A task counts once somebody began it."""
        begun = {"task": _BEGUN}
        found: set[UUID] = set()
        for table in (*TABLES_OF_CUSTOMERS, "medication", "lead", "task", "field_change"):
            found |= self._ids(
                f"SELECT t.customer_id FROM {table} t JOIN import_effect c ON c.row_id = t.customer_id"
                " AND c.batch_id = :batch AND c.table_name = 'customer' AND c.action = 'created'"
                f" WHERE {begun.get(table, 'true')} AND NOT EXISTS (SELECT 1 FROM import_effect e"
                f" WHERE e.batch_id = :batch AND e.table_name = '{table}' AND e.row_id = t.id)"
            )
        return found

    def _keep_whole_exams(self) -> None:
        """An exam and its measurements stay together."""
        query = text("SELECT x.exam_id, x.id FROM eye_measurement x WHERE x.id = ANY(:ids)")
        pairs = self._session.execute(query, {"ids": list(self._created["eye_measurement"])}).all()
        exams = {exam for exam, eye in pairs if ("eye_measurement", eye) in self._kept}
        exams |= {row for table, row in self._kept if table == "exam"}
        for exam, eye in pairs:
            if exam in exams:
                self._kept.setdefault(("exam", exam), "worked_on")
                self._kept.setdefault(("eye_measurement", eye), "worked_on")

    def _keep_families(self) -> None:
        """A family stays while anybody is left in it, and its guardians with it."""
        families = list(self._created["family"])
        inhabited = "SELECT c.family_id FROM customer c WHERE c.family_id = ANY(:ids)"
        foreign = (
            "SELECT g.family_id FROM guardian g WHERE g.family_id = ANY(:ids) AND (g.id = ANY(:altered)"
            " OR NOT EXISTS (SELECT 1 FROM import_effect e"
            " WHERE e.batch_id = :batch AND e.table_name = 'guardian' AND e.row_id = g.id))"
        )
        altered = self._altered["guardian"]
        staying = self._ids(f"{inhabited} UNION {foreign}", ids=families, altered=list(altered))
        staying |= self._altered["family"] & set(families)
        guardians = self._ids("SELECT g.id FROM guardian g WHERE g.family_id = ANY(:ids)", ids=list(staying))
        self._kept |= {("family", row): "worked_on" for row in staying}
        created = set(self._created["guardian"])
        self._kept |= {("guardian", row): "worked_on" for row in (guardians | altered) & created}

    # ── what goes ────────────────────────────────────────────────────────────────────────────────────────

    def _remove(self, table: str) -> None:
        gone = [row for row in self._created[table] if (table, row) not in self._kept]
        deleted = self._ids(f"DELETE FROM {table} WHERE id = ANY(:ids) RETURNING id", ids=gone)
        if deleted:
            self._removed[table] += len(deleted)

    def _remove_derived(self) -> None:
        """What the scan made of the customers that go."""
        gone = [row for row in self._created["customer"] if ("customer", row) not in self._kept]
        for table in ("task", "membership"):
            self._session.execute(text(f"DELETE FROM {table} WHERE customer_id = ANY(:ids)"), {"ids": gone})

    def _restore(self) -> None:
        for effect in self._changed:
            if effect.table_name == "source_record":
                self._restore_columns(effect, list(_before(effect)["former"]), condition="t.batch_id = :batch")
                continue
            columns = [] if self._is_superseded(effect) else self._as_left(effect)
            if columns and self._restore_columns(effect, columns, condition="true"):
                self._restored[effect.table_name] += 1
            if len(columns) < len(_before(effect)["former"]):
                self._kept[effect.table_name, effect.row_id] = "changed_since"

    def _as_left(self, effect: ImportEffect) -> list[str]:
        """The changed columns that still hold what this import wrote."""
        names = list(_before(effect)["former"])
        same = ", ".join(f"t.{name} IS NOT DISTINCT FROM r.{name}" for name in names)
        statement = text(
            f"SELECT {same} FROM import_effect e JOIN {effect.table_name} t ON t.id = e.row_id,"
            f" jsonb_populate_record(NULL::{effect.table_name}, e.before -> 'after') r"
            " WHERE e.batch_id = :batch AND e.n = :n"
        )
        found = self._session.execute(statement, {"batch": self._batch_id, "n": effect.n}).first()
        return [] if found is None else [name for name, is_same in zip(names, found, strict=True) if is_same]

    def _restore_columns(self, effect: ImportEffect, columns: list[str], *, condition: str) -> bool:
        """Give columns their former values; the version goes on, and earlier imports learn of it."""
        listed, former = ", ".join(columns), ", ".join(f"r.{name}" for name in columns)
        versioned = effect.table_name in _VERSIONED
        statement = text(
            f"UPDATE {effect.table_name} t SET ({listed}) = ROW({former})"
            " FROM (SELECT e.before FROM import_effect e WHERE e.batch_id = :batch AND e.n = :n) s,"
            f" jsonb_populate_record(NULL::{effect.table_name}, s.before -> 'former') r"
            f" WHERE t.id = :id AND {condition} RETURNING {'t.ver' if versioned else '0'}"
        )
        values = {"batch": self._batch_id, "n": effect.n, "id": effect.row_id}
        ver = self._session.execute(statement, values).scalar_one_or_none()
        if versioned and ver is not None:
            earlier = text(
                "UPDATE import_effect SET ver = :ver WHERE row_id = :id AND batch_id <> :batch AND ver = :former"
            )
            former_ver = _before(effect)["ver"]
            self._session.execute(earlier, values | {"ver": ver, "former": former_ver})
        return ver is not None

    def _is_superseded(self, effect: ImportEffect) -> bool:
        """Whether an exam's correction stays, so that the corrected exam stays corrected."""
        query = "SELECT t.id FROM exam t WHERE t.customer_id = :customer AND t.supersedes_id = :id"
        is_exam = effect.table_name == "exam"
        return is_exam and bool(self._ids(query, customer=effect.customer_id, id=effect.row_id))

    def _forget(self) -> None:
        """The rows' traces go, so that the same ledger can be imported again."""
        staying = [row for table, row in self._kept if table == "customer"]
        self._session.execute(
            text(
                "DELETE FROM source_record s WHERE s.batch_id = :batch"
                " AND NOT coalesce(s.customer_id = ANY(:ids), false) AND NOT EXISTS (SELECT 1 FROM import_effect e"
                " WHERE e.batch_id = :batch AND e.table_name = 'source_record' AND e.row_id = s.id)"
            ),
            {"batch": self._batch_id, "ids": staying},
        )
        self._session.execute(
            text("DELETE FROM match_review WHERE batch_id = :batch AND decided_at IS NULL"), {"batch": self._batch_id}
        )

    def _ids(self, query: str, **values: object) -> set[UUID]:
        found: Iterable[UUID] = self._session.scalars(text(query), {"batch": self._batch_id, **values})
        return set(found)


def _before(effect: ImportEffect) -> Values:
    assert effect.before is not None
    return effect.before
