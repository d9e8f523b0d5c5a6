"""From checked rows to the store, by sets: stage with COPY, compare with what landed before, write the difference.

Every source row stands in `source_record` as it came, under the source's own key. Equal digest: nothing to do.
A changed row updates only the columns whose source value changed, so that what was worked on here stays. A changed
exam is a new exam that supersedes: clinical rows are never overwritten.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

from hcrm_central.connectors.extract.feeds import IDENTIFIERS, Column, Feed, Kind
from hcrm_central.connectors.extract.reading import ROW, Codes
from hcrm_central.connectors.extract.report import FeedCounts, RowProblem
from hcrm_central.connectors.extract.staging import (
    COMMON,
    EYE_FIELDS,
    EYES,
    derived,
    stage_columns,
    staged,
    staged_families,
)
from hcrm_core.errors import Severity

Cursor = psycopg.Cursor[tuple[Any, ...]]

# Staged rows that are new, or differ from what landed before, with what they hang on.
_READY = """
CREATE TEMP TABLE ready ON COMMIT DROP AS
SELECT s.*, jsonb_strip_nulls(s.__raw::jsonb) AS payload, r.row_id AS known_id,
       r.customer_id AS known_customer_id, r.payload AS former {found}
FROM staged s
LEFT JOIN source_record r ON r.source = %(source)s AND r.kind = %(kind)s AND r.source_key = s.key
{joins}
WHERE r.digest IS DISTINCT FROM s.digest
"""
_OF_CUSTOMER = """
LEFT JOIN source_record o ON o.source = %(source)s AND o.kind = 'customer' AND o.source_key = s.customer_key
LEFT JOIN customer owner ON owner.id = o.row_id
"""
_OF_FAMILY = """
LEFT JOIN source_record f ON f.source = %(source)s AND f.kind = 'family' AND f.source_key = s.family_key
"""
# A correction that meets what was made of the same exam here (a correction, a void): none counts until somebody picks.
_CONTEST = """
WITH RECURSIVE below AS (
    SELECT row_id AS correction, customer_id, known_id AS former, known_id AS id FROM ready
    WHERE known_customer_id = customer_id
    UNION
    SELECT b.correction, b.customer_id, b.former, x.id FROM below b
    JOIN exam x ON x.customer_id = b.customer_id AND x.supersedes_id = b.id AND x.id <> b.correction
), met AS (
    SELECT b.* FROM below b JOIN exam x ON x.customer_id = b.customer_id AND x.id = b.id
    WHERE x.status IN ('final', 'contested') OR x.status = 'void' AND x.id = b.former
)
UPDATE exam t SET status = 'contested' FROM met
WHERE t.customer_id = met.customer_id AND t.id IN (met.correction, met.id) AND t.status = 'final'
"""
_REMEMBER = """
INSERT INTO source_record (id, source, kind, source_key, batch_id, customer_id, row_id, digest, payload)
SELECT row_id, %(source)s, %(kind)s, key, %(batch)s, {customer}, {row}, digest, payload FROM ready
ON CONFLICT (source, kind, source_key) DO UPDATE
SET batch_id = excluded.batch_id, customer_id = excluded.customer_id, row_id = excluded.row_id,
    digest = excluded.digest, payload = excluded.payload
"""


def driver_cursor(session: Session) -> Cursor:
    """The driver's own cursor inside the session's transaction: COPY is not SQLAlchemy's."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor()


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What all feeds of one load share."""

    cursor: Cursor
    source: str
    batch_id: UUID
    codes: Codes

    def land(self, feed: Feed, frame: pl.DataFrame, *, file: str) -> tuple[FeedCounts, list[RowProblem]]:
        """Write the sound rows of one file.

        Args:
            feed: what they are.
            frame: the rows as text, with their numbers in `ROW`.
            file: its name, for remarks.
        """
        if feed.kind == "guardian":
            self._land_families(frame)
        self._stage(staged(frame, feed, codes=self.codes, source=self.source), columns=stage_columns(feed))
        self._make_ready(feed)
        problems = self._set_aside_orphans(feed, file=file) + self._kept_sites(feed, file=file)
        created, changed = self._count()
        self._write(feed)
        self._remember(feed.kind, customer=_customer_of(feed))
        lost = sum(one.severity is Severity.ERROR for one in problems)
        unchanged = frame.height - created - changed - lost
        return FeedCounts(created=created, changed=changed, unchanged=unchanged), problems

    # ── stage and compare ────────────────────────────────────────────────────────────────────────────────

    def _stage(self, frame: pl.DataFrame, *, columns: dict[str, str]) -> None:
        """COPY the frame into a temporary table of this transaction."""
        declared = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
        )
        table = sql.Identifier("staged")
        self.cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        self.cursor.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(table, declared))
        with self.cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(table)) as copy:
            copy.write(frame.select(*columns).write_csv(include_header=False))
        self.cursor.execute(sql.SQL("ANALYZE {} (key)").format(table))

    def _make_ready(self, feed: Feed) -> None:
        """Staged rows that are new or differ from what landed before, with what they hang on."""
        joins, found = sql.SQL(""), sql.SQL("")
        if feed.of_customer:
            found = sql.SQL(", owner.id AS customer_id, owner.site_id AS site_id")
            joins = sql.SQL(_OF_CUSTOMER)
        if feed.of_family:
            found = sql.SQL(", f.row_id AS family_id")
            joins = sql.SQL(_OF_FAMILY)
        self.cursor.execute(sql.SQL("DROP TABLE IF EXISTS ready"))
        self.cursor.execute(
            sql.SQL(_READY).format(found=found, joins=joins),
            {"source": self.source, "kind": feed.kind},
        )

    def _set_aside_orphans(self, feed: Feed, *, file: str) -> list[RowProblem]:
        """Rows that hang on somebody who has not landed are taken out, and told."""
        if feed.of_customer:
            name, where = "customer", "customer_id IS NULL"
        elif feed.of_family:
            name, where = "family", "family_id IS NULL AND family_key IS NOT NULL"
        else:
            return []
        query = sql.SQL("DELETE FROM ready WHERE {} RETURNING {}, {}").format(
            sql.SQL(where), sql.Identifier(ROW), sql.Identifier(f"{name}_key")
        )
        found = sorted(self.cursor.execute(query).fetchall())
        return [
            RowProblem(file=file, row=row, column=f"{name}_key", code=f"unknown_{name}", seen=key) for row, key in found
        ]

    def _kept_sites(self, feed: Feed, *, file: str) -> list[RowProblem]:
        """A customer or guardian does not change site by import: his other rows would stay behind."""
        if not feed.of_family:
            return []
        query = sql.SQL(
            "SELECT {}, payload ->> 'site_code' FROM ready WHERE former ->> 'site_code' <> payload ->> 'site_code'"
        ).format(sql.Identifier(ROW))
        return [
            RowProblem(file=file, row=row, column="site_code", code="site_kept", severity=Severity.WARNING, seen=code)
            for row, code in self.cursor.execute(query).fetchall()
        ]

    def _count(self) -> tuple[int, int]:
        query = "SELECT count(*) FILTER (WHERE known_id IS NULL), count(known_id) FROM ready"
        counts = self.cursor.execute(query).fetchone()
        assert counts is not None
        return counts[0], counts[1]

    # ── write ────────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, feed: Feed) -> None:
        if feed.kind == "exam":
            self._write_exams(feed)
            return
        targets = _targets(feed)
        keys = ["customer_id", "site_id"] if feed.of_customer else ["site_id"]
        keys += ["family_id"] if feed.of_family else []
        self._insert(
            feed.kind, values={"id": "row_id", **{key: key for key in keys}, **targets}, where="known_id IS NULL"
        )
        self._update(feed)
        if feed.kind == "customer":
            self._write_identifiers()

    def _insert(self, table: str, *, values: dict[str, str], where: str) -> None:
        """Insert from the ready rows: expression by column."""
        self.cursor.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM ready WHERE {}").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join(map(sql.SQL, values.values())),
                sql.SQL(where),
            )
        )

    def _update(self, feed: Feed) -> None:
        """Changed rows: columns whose source value is another one than last time."""
        own = [column for column in _own_columns(feed) if column.name != "site_code"]
        settings = [_if_changed(column.name, into=column.into, value=_expression(column, of="s.")) for column in own]
        settings += [_if_changed(base, into=name, value=f"s.{name}") for name, base in derived(feed).items()]
        settings += [_if_changed("family_key", into="family_id", value="s.family_id")] if feed.of_family else []
        settings += ["customer_id = s.customer_id", "site_id = s.site_id"] if feed.of_customer else []
        same_customer = "t.customer_id = s.known_customer_id AND" if feed.of_customer else ""
        self.cursor.execute(
            sql.SQL("UPDATE {} t SET {} FROM ready s WHERE {} t.id = s.known_id").format(
                sql.Identifier(feed.kind), sql.SQL(", ".join(settings)), sql.SQL(same_customer)
            )
        )

    def _write_exams(self, feed: Feed) -> None:
        """New exams; a changed one supersedes the former, or voids it where it was another customer's."""
        targets = {name: value for name, value in _targets(feed).items() if name[:3] not in ("od_", "os_")}
        same = "known_customer_id = customer_id"
        superseded = {
            "supersedes_id": f"CASE WHEN {same} THEN known_id END",
            "amend_reason": "CASE WHEN known_id IS NULL THEN '' ELSE 'corrected_at_source' END",
        }
        keys = {"id": "row_id", "customer_id": "customer_id", "site_id": "site_id"}
        self.cursor.execute(
            "UPDATE exam t SET status = CASE WHEN s.known_customer_id = s.customer_id THEN 'amended' ELSE 'void' END"
            " FROM ready s WHERE t.customer_id = s.known_customer_id AND t.id = s.known_id AND t.status <> 'void'"
        )
        self._insert("exam", values=keys | targets | superseded, where="true")
        self.cursor.execute(_CONTEST)
        for prefix, eye in EYES.items():
            values = {"id": f"{prefix}_id", "customer_id": "customer_id", "site_id": "site_id", "exam_id": "row_id"}
            values |= {"eye": f"'{eye}'"} | {field: f"{prefix}_{field}" for field in EYE_FIELDS}
            self._insert("eye_measurement", values=values, where=f"{prefix}_id IS NOT NULL")

    def _write_identifiers(self) -> None:
        for kind in IDENTIFIERS:
            self.cursor.execute(
                sql.SQL(
                    "INSERT INTO customer_identifier (customer_id, id, kind, value)"
                    " SELECT coalesce(known_id, row_id), gen_random_uuid(), {}, {} FROM ready WHERE {} IS NOT NULL"
                    " ON CONFLICT (customer_id, kind, value) DO NOTHING"
                ).format(sql.Literal(kind), sql.Identifier(kind), sql.Identifier(kind))
            )

    def _remember(self, kind: str, *, customer: str) -> None:
        """The source rows as they landed."""
        row = "row_id" if kind == "exam" else "coalesce(known_id, row_id)"
        self.cursor.execute(
            sql.SQL(_REMEMBER).format(customer=sql.SQL(customer), row=sql.SQL(row)),
            {"source": self.source, "kind": kind, "batch": self.batch_id},
        )

    def _land_families(self, guardians: pl.DataFrame) -> None:
        """A family is made when its first guardian lands, at the guardian's site."""
        self._stage(staged_families(guardians, codes=self.codes), columns=COMMON | {"site_id": "uuid"})
        self._make_ready(Feed(name="families", kind="family", columns=()))
        self._insert("family", values={"id": "row_id", "site_id": "site_id"}, where="known_id IS NULL")
        self._remember("family", customer="NULL")


def _if_changed(name: str, *, into: str, value: str) -> str:
    """A setting for UPDATE that takes the new value only if the source's cell differs from the last load's."""
    differs = f"s.former -> '{name}' IS DISTINCT FROM s.payload -> '{name}'"
    return f"{into} = CASE WHEN {differs} THEN {value} ELSE t.{into} END"


def _own_columns(feed: Feed) -> list[Column]:
    """Columns that go into the feed's own table as they are."""
    elsewhere = {"key", "customer_key", "family_key", *(IDENTIFIERS if feed.kind == "customer" else ())}
    return [column for column in feed.columns if column.name not in elsewhere]


def _targets(feed: Feed) -> dict[str, str]:
    """SQL expression by column of the table."""
    own = {column.into: _expression(column) for column in _own_columns(feed) if column.into != "site_id"}
    return own | {name: name for name in derived(feed)}


def _expression(column: Column, *, of: str = "") -> str:
    """The staged value, or what an empty cell means. Defaults are declared in feeds.py, never read from a file."""
    if column.default is None:
        return f"{of}{column.into}"
    default = str(column.default).lower() if column.kind is Kind.FLAG else f"'{column.default}'"
    return f"coalesce({of}{column.into}, {default})"


def _customer_of(feed: Feed) -> str:
    if feed.of_customer:
        return "customer_id"
    return "coalesce(known_id, row_id)" if feed.kind == "customer" else "NULL"
