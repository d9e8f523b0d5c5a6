"""COPY through a session's own connection: the quick way in and out of PostgreSQL."""

from collections.abc import Sequence
from typing import Any, cast

import psycopg
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
