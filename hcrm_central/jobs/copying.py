"""COPY through a session's own connection: the quick way in and out of PostgreSQL."""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, cast

import psycopg
from sqlalchemy import Table
from sqlalchemy.orm import Session

Cursor = psycopg.Cursor[Any]  # why Any: the row type depends on the statement


def cursor_of(session: Session) -> Cursor:
    """A driver cursor in the session's transaction."""
    return cast("Cursor", session.connection().connection.cursor())


def copy_out(session: Session, query: str, values: Sequence[object]) -> bytes:
    """What a query gives, as CSV without a header; NULL is an empty field."""
    with cursor_of(session).copy(f"COPY ({query}) TO STDOUT (FORMAT csv)", values) as copy:
        return b"".join(bytes(block) for block in copy)


def copy_in(session: Session, table: str, csv: bytes) -> None:
    """Fill a temporary table from CSV without a header."""
    with cursor_of(session).copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy:
        copy.write(csv)


def insert_rows(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert many rows in one statement, passing over those whose key is there. Returns how many were inserted.

    One statement matters: the triggers that note changed rows for sync run once for it, and once for each row of
    an executemany.

    Args:
        session: a session in a write transaction.
        table: where to.
        rows: each with the same columns; columns left out get their defaults.
    """
    if not rows:
        return 0
    names = list(rows[0])
    columns = ", ".join(f'"{name}"' for name in names)
    cursor = cursor_of(session)
    cursor.execute("DROP TABLE IF EXISTS incoming_rows")
    cursor.execute(f"CREATE TEMP TABLE incoming_rows ON COMMIT DROP AS SELECT {columns} FROM {table.name} LIMIT 0")
    with cursor.copy(f"COPY incoming_rows ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_plain(row[name]) for name in names])
    cursor.execute(f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM incoming_rows ON CONFLICT DO NOTHING")
    return cursor.rowcount


def _plain(value: Any) -> Any:  # why Any: whatever a column takes
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return value.value if isinstance(value, Enum) else value
